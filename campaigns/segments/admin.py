from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from campaigns.segments import parse, words
from campaigns.segments.errors import DefinitionError
from campaigns.segments.models import Segment, SegmentMembership, SegmentRefresh, SegmentVersion


class BrowseOnlyAdmin(admin.ModelAdmin):
    """Rows that only use cases write; definitions are changed on the segment's own page or by file."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Segment)
class SegmentAdmin(BrowseOnlyAdmin):
    list_display = ("name", "slug", "size", "refreshed_at", "last_error", "archived_at")
    search_fields = ("name", "slug")
    readonly_fields = ("in_words", "definition")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Segment]:
        return super().get_queryset(request).select_related("live_version")

    @admin.display(description=_("what is wrong"))
    def last_error(self, segment: Segment) -> str:
        last = SegmentRefresh.objects.filter(segment=segment).order_by("-started_at", "-pk").first()
        return last.error if last else ""

    @admin.display(description=_("in words"))
    def in_words(self, segment: Segment) -> str:
        if segment.live_version is None:
            return ""
        try:
            return words.sentence(parse.read_definition(segment.live_version.definition).root)
        except DefinitionError as error:
            return str(error)

    @admin.display(description=_("definition"))
    def definition(self, segment: Segment) -> str:
        document = segment.live_version.definition if segment.live_version else None
        return format_html("<pre>{}</pre>", json.dumps(document, ensure_ascii=False, indent=2))


@admin.register(SegmentVersion)
class SegmentVersionAdmin(BrowseOnlyAdmin):
    list_display = ("segment", "number", "created_at", "created_by")
    list_select_related = ("segment",)
    list_filter = ("segment",)
    ordering = ("-created_at",)


@admin.register(SegmentMembership)
class SegmentMembershipAdmin(BrowseOnlyAdmin):
    list_display = ("segment", "account", "contact", "entered_at", "left_at")
    list_select_related = ("segment", "account", "contact")
    list_filter = ("segment",)
    search_fields = ("account__external_id__exact", "contact__external_id__exact")
    search_help_text = _("An account's or a contact's id, exactly.")
    ordering = ("-entered_at",)


@admin.register(SegmentRefresh)
class SegmentRefreshAdmin(BrowseOnlyAdmin):
    list_display = ("segment", "started_at", "milliseconds", "size", "entered", "left", "error")
    list_select_related = ("segment",)
    list_filter = ("segment",)
    ordering = ("-started_at",)
