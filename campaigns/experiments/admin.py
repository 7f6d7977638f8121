"""Browse experiments. The arms, the salt and the draws are facts: nothing here edits them."""

from __future__ import annotations

from django.contrib import admin

from campaigns.experiments.models import Assignment, Experiment, Snapshot, Variant
from campaigns.operations.browsing import BrowseOnly


class VariantInline(BrowseOnly, admin.TabularInline):
    model = Variant
    fields = ("key", "name", "weight", "position")
    ordering = ("position",)


@admin.register(Experiment)
class ExperimentAdmin(BrowseOnly, admin.ModelAdmin):
    list_display = ("name", "slug", "status", "holdout_percent", "started_at", "winner")
    list_filter = ("status",)
    search_fields = ("name", "slug")
    ordering = ("-started_at", "slug")
    list_select_related = ("winner",)
    inlines = (VariantInline,)


@admin.register(Assignment)
class AssignmentAdmin(BrowseOnly, admin.ModelAdmin):
    list_display = ("account", "experiment", "variant", "x", "at")
    list_filter = ("experiment",)
    search_fields = ("account__external_id", "account__name")
    ordering = ("-pk",)
    list_select_related = ("account", "experiment", "variant")


@admin.register(Snapshot)
class SnapshotAdmin(BrowseOnly, admin.ModelAdmin):
    list_display = ("experiment", "at")
    list_filter = ("experiment",)
    ordering = ("-at",)
    list_select_related = ("experiment",)
