"""Browse campaigns and where everybody stands. What they do is changed in the studio and by `campaign`."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from campaigns.operations.browsing import BrowseOnly, NamedValues
from campaigns.segments import words
from campaigns.segments.nodes import Duration
from campaigns.sequences.models import (
    Campaign,
    CampaignVersion,
    Enrolment,
    Entry,
    Snippet,
    SnippetVersion,
    Step,
    StepRun,
)


class VersionInline(BrowseOnly, admin.TabularInline):
    model = CampaignVersion
    fk_name = "campaign"
    fields = ("number", "created_at", "created_by", "went_live_at", "approved_by")
    ordering = ("-number",)


@admin.register(Campaign)
class CampaignAdmin(BrowseOnly, admin.ModelAdmin):
    list_display = ("name", "slug", "status", "segment", "offer", "launched_at", "launched_by")
    list_filter = ("status",)
    search_fields = ("name", "slug")
    ordering = ("-changed_at",)
    list_select_related = ("segment", "offer")
    inlines = (VersionInline,)


class StepInline(BrowseOnly, admin.TabularInline):
    model = Step
    fields = ("position", "key", "kind", "channel", "shown_wait", "then", "otherwise")
    readonly_fields = ("shown_wait",)
    ordering = ("position",)

    @admin.display(description=_("wait"))
    def shown_wait(self, step: Step) -> str:
        if step.wait is None:
            return ""
        hours = int(step.wait.total_seconds() // 3600)
        return words.show_duration(Duration(f"{hours // 24}d" if hours % 24 == 0 else f"{hours}h", hours))


@admin.register(CampaignVersion)
class CampaignVersionAdmin(BrowseOnly, admin.ModelAdmin):
    list_display = ("campaign", "number", "created_at", "created_by", "went_live_at", "approved_by")
    list_filter = ("campaign",)
    ordering = ("-pk",)
    list_select_related = ("campaign",)
    inlines = (StepInline,)


@admin.register(Entry)
class EntryAdmin(BrowseOnly, admin.ModelAdmin):
    list_display = ("account", "campaign", "number", "outcome", "reason", "at")
    list_filter = ("campaign", "outcome", "reason")
    search_fields = ("account__external_id", "account__name")
    ordering = ("-pk",)
    list_select_related = ("account", "campaign")


class StepRunInline(BrowseOnly, admin.TabularInline):
    model = StepRun
    fields = ("step_key", "visit", "outcome", "reason", "message", "at")
    ordering = ("pk",)


@admin.register(Enrolment)
class EnrolmentAdmin(BrowseOnly, admin.ModelAdmin):
    list_display = ("contact", "account", "campaign", "arm", "state", "step_key", "due_at", "exit_reason")
    list_filter = ("campaign", "state", "exit_reason", ("arm", NamedValues))
    search_fields = ("contact__external_id", "account__external_id", "account__name")
    ordering = ("-pk",)
    list_select_related = ("contact", "account", "campaign")
    inlines = (StepRunInline,)


class SnippetVersionInline(BrowseOnly, admin.TabularInline):
    model = SnippetVersion
    fields = ("number", "content", "created_at", "created_by")
    ordering = ("-number",)


@admin.register(Snippet)
class SnippetAdmin(BrowseOnly, admin.ModelAdmin):
    list_display = ("name", "slug", "created_at")
    search_fields = ("name", "slug")
    ordering = ("name", "pk")
    inlines = (SnippetVersionInline,)
