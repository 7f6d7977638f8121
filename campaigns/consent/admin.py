from __future__ import annotations

import json

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from campaigns.consent.models import ConsentRecord, ConsentTopic, ContactPoint
from campaigns.operations.browsing import BrowseOnly, left_to_right


class PointRecords(BrowseOnly, admin.TabularInline):
    model = ConsentRecord
    fields = ["at", "state", "topic", "basis", "source", "evidence"]
    ordering = ["-at", "-pk"]
    extra = 0


@admin.register(ConsentTopic)
class ConsentTopicAdmin(BrowseOnly, admin.ModelAdmin):
    list_display = ["name", "slug", "is_marketing", "permitted_without_record"]
    ordering = ["slug"]


@admin.register(ContactPoint)
class ContactPointAdmin(BrowseOnly, admin.ModelAdmin):
    """The address itself is on the contact; here stands what may be done with it, and why."""

    list_display = ["contact", "channel", "is_blocked", "reason", "blocked_at", "topics"]
    list_filter = ["channel", "is_blocked", "reason"]
    search_fields = ["contact__external_id", "contact__email"]
    search_help_text = _("Contact's id or e-mail")
    list_select_related = ["contact"]
    ordering = ["-pk"]
    inlines = [PointRecords]
    show_full_result_count = False


@admin.register(ConsentRecord)
class ConsentRecordAdmin(BrowseOnly, admin.ModelAdmin):
    list_display = ["at", "contact", "channel", "shown_topic", "state", "basis", "source", "shown_evidence"]
    list_filter = ["state", "channel", "source"]
    search_fields = ["contact__external_id", "contact__email"]
    search_help_text = _("Contact's id or e-mail")
    list_select_related = ["contact"]
    ordering = ["-at", "-pk"]
    show_full_result_count = False

    @admin.display(description=_("topic"), ordering="topic")
    def shown_topic(self, record: ConsentRecord) -> str:
        return record.topic or str(_("all marketing"))

    @admin.display(description=_("evidence"))
    def shown_evidence(self, record: ConsentRecord) -> SafeString:
        return left_to_right(json.dumps(record.evidence, ensure_ascii=False) if record.evidence else "")
