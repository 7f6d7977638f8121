from __future__ import annotations

import json

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from campaigns.consent import push
from campaigns.consent.models import ConsentRecord, ConsentTopic, ContactPoint, DoubtfulReply, ListEntry
from campaigns.operations.browsing import BrowseOnly, left_to_right
from orchestrator.jobs import bells


class PointRecords(BrowseOnly, admin.TabularInline):
    model = ConsentRecord
    fields = ["at", "state", "topic", "basis", "source", "evidence"]
    ordering = ["-at", "-pk"]
    extra = 0


@admin.register(ConsentTopic)
class ConsentTopicAdmin(BrowseOnly, admin.ModelAdmin):
    list_display = ["name", "slug", "is_marketing", "permitted_without_record", "confirmed_in"]
    ordering = ["slug"]


@admin.register(ContactPoint)
class ContactPointAdmin(BrowseOnly, admin.ModelAdmin):
    """The address itself is on the contact; here stands what may be done with it, and why."""

    list_display = ["contact", "channel", "is_blocked", "is_held", "is_dead", "reason", "blocked_at", "topics"]
    list_filter = ["channel", "is_blocked", "is_held", "is_dead", "reason"]
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


@admin.register(DoubtfulReply)
class DoubtfulReplyAdmin(BrowseOnly, admin.ModelAdmin):
    """Read and decided in the studio, under “Replies that need you”."""

    list_display = ["at", "contact", "state", "rule", "source", "decided_at", "decided_by"]
    list_filter = ["state", "source"]
    search_fields = ["contact__external_id", "contact__email"]
    search_help_text = _("Contact's id or e-mail")
    list_select_related = ["contact"]
    ordering = ["-at", "-pk"]
    show_full_result_count = False


@admin.register(ListEntry)
class ListEntryAdmin(BrowseOnly, admin.ModelAdmin):
    """What the providers' own lists of opt-outs were told, and what they would not take."""

    list_display = ["point", "is_wanted", "state", "attempts", "changed_at", "done_at", "last_error"]
    list_filter = ["state", "is_wanted"]
    list_select_related = ["point"]
    ordering = ["-pk"]
    show_full_result_count = False
    actions = ["tell_again"]

    @admin.action(description=_("Tell the provider again"), permissions=["view"])
    def tell_again(self, request: HttpRequest, entries: QuerySet[ListEntry]) -> None:
        again = push.retry_failed(entry_ids=list(entries.values_list("pk", flat=True)))
        if again:
            bells.ring("opt_outs_due")
        told = ngettext("%(count)s entry is told again.", "%(count)s entries are told again.", again)
        self.message_user(request, told % {"count": again}, messages.SUCCESS if again else messages.WARNING)
