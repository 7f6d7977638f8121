from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from campaigns.delivery.models import (
    AttentionBudget,
    ChannelHealth,
    CsmTask,
    DailySpend,
    DeliveryAttempt,
    InAppMessage,
    Message,
    ProviderEvent,
    SendGate,
    SendRate,
    Template,
    TemplateVersion,
    TrackedLink,
)
from campaigns.operations.browsing import BrowseOnly, left_to_right


class MessageAttempts(BrowseOnly, admin.TabularInline):
    model = DeliveryAttempt
    fields = ["number", "outcome", "code", "detail", "started_at", "ended_at"]
    ordering = ["number"]
    extra = 0


class MessageLinks(BrowseOnly, admin.TabularInline):
    """Without the target: an offer's address acts for the person it was sent to."""

    model = TrackedLink
    fields = ["kind", "hits", "human_hits"]
    extra = 0


class TemplateVersions(BrowseOnly, admin.TabularInline):
    model = TemplateVersion
    fields = ["number", "content", "created_at"]
    ordering = ["-number"]
    extra = 0


@admin.register(Message)
class MessageAdmin(BrowseOnly, admin.ModelAdmin):
    list_display = ["shown_uuid", "contact", "channel", "origin_campaign", "origin_step", "state", "reason", "due_at"]
    list_filter = ["state", "reason", "channel", "purpose"]
    search_fields = ["uuid", "contact__external_id", "contact__email", "origin_campaign"]
    search_help_text = _("Message's uuid, contact's id or e-mail, campaign")
    list_select_related = ["contact"]
    ordering = ["-pk"]
    inlines = [MessageAttempts, MessageLinks]
    show_full_result_count = False
    exclude = ["context"]

    @admin.display(description=_("message"), ordering="uuid")
    def shown_uuid(self, message: Message) -> SafeString:
        return left_to_right(str(message.uuid))


@admin.register(SendGate)
class SendGateAdmin(BrowseOnly, admin.ModelAdmin):
    list_display = ["slug", "state", "purpose", "topic", "priority", "window_start", "window_end", "changed_at"]
    list_filter = ["state"]
    search_fields = ["slug"]
    ordering = ["slug"]


@admin.register(Template)
class TemplateAdmin(BrowseOnly, admin.ModelAdmin):
    list_display = ["name", "slug", "channel"]
    list_filter = ["channel"]
    search_fields = ["slug", "name"]
    ordering = ["slug"]
    inlines = [TemplateVersions]


@admin.register(ProviderEvent)
class ProviderEventAdmin(BrowseOnly, admin.ModelAdmin):
    list_display = ["received_at", "provider", "type", "grade", "at", "shown_message", "shown_reason", "applied_at"]
    list_filter = ["type", "grade", "provider"]
    search_fields = ["message"]
    search_help_text = _("Message's uuid")
    ordering = ["-id"]
    exclude = ["key", "address_hash", "url"]
    show_full_result_count = False

    @admin.display(description=_("message"))
    def shown_message(self, event: ProviderEvent) -> SafeString:
        return left_to_right(str(event.message or ""))

    @admin.display(description=_("reason"))
    def shown_reason(self, event: ProviderEvent) -> str:
        return event.reason[:80]


@admin.register(InAppMessage)
class InAppMessageAdmin(BrowseOnly, admin.ModelAdmin):
    list_display = ["contact", "kind", "shown_from", "expires_at", "first_shown_at", "clicked_at", "dismissed_at"]
    list_select_related = ["contact"]
    ordering = ["-pk"]
    show_full_result_count = False


@admin.register(AttentionBudget)
class AttentionBudgetAdmin(BrowseOnly, admin.ModelAdmin):
    list_display = ["owner", "messages", "spent"]
    list_select_related = ["account", "contact"]
    search_fields = ["account__external_id", "contact__external_id"]
    ordering = ["-pk"]
    show_full_result_count = False

    @admin.display(description=_("whose"))
    def owner(self, budget: AttentionBudget) -> Model | Any:
        return budget.account or budget.contact

    @admin.display(description=_("messages"))
    def messages(self, budget: AttentionBudget) -> int:
        return len(budget.spent)


@admin.register(ChannelHealth)
class ChannelHealthAdmin(BrowseOnly, admin.ModelAdmin):
    """What can be done about it is under Sending in the studio, as with the rates."""

    list_display = ["channel", "failures", "failed_at", "answered_at", "opened_at", "probe_at", "paused_until", "code"]
    ordering = ["channel"]


@admin.register(DailySpend)
class DailySpendAdmin(BrowseOnly, admin.ModelAdmin):
    list_display = ["day", "channel", "segments", "amount", "stopped_at"]
    ordering = ["-day", "channel"]


@admin.register(SendRate)
class SendRateAdmin(BrowseOnly, admin.ModelAdmin):
    list_display = ["sender", "per_s", "free_at"]
    ordering = ["sender"]


@admin.register(CsmTask)
class CsmTaskAdmin(BrowseOnly, admin.ModelAdmin):
    """Worked on in the studio; here to be looked up."""

    list_display = ["title", "account", "contact", "state", "outcome", "assigned_to", "due_at"]
    list_filter = ["state", "outcome", "assigned_to"]
    search_fields = ["title", "account__name", "account__external_id", "contact__external_id"]
    search_help_text = _("Task, account, contact’s id")
    list_select_related = ["account", "contact", "assigned_to"]
    ordering = ["-pk"]
