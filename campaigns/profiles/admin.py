from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from campaigns.operations.browsing import BrowseOnly, NamedValues, left_to_right
from campaigns.profiles.models import Account, AccountAlias, Contact, ContactAlias, Membership, SupportTicket


class Memberships(BrowseOnly, admin.TabularInline):
    """Each row names both sides."""

    model = Membership
    extra = 0

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        return super().get_queryset(request).select_related("account", "contact")


class AccountMembers(Memberships):
    fk_name = "account"
    fields = ["contact", "role"]


class ContactMemberships(Memberships):
    fk_name = "contact"
    fields = ["account", "role"]


class AccountAliases(BrowseOnly, admin.TabularInline):
    model = AccountAlias
    extra = 0


class ContactAliases(BrowseOnly, admin.TabularInline):
    model = ContactAlias
    extra = 0


class AccountTickets(BrowseOnly, admin.TabularInline):
    """What the account waits for an answer to, and what it has waited for."""

    model = SupportTicket
    fields = ["subject", "priority", "opened_at", "closed_at", "source"]
    extra = 0
    ordering = ["-opened_at"]


class OpenFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("open", _("Open")), ("closed", _("Closed"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[SupportTicket]) -> QuerySet[SupportTicket]:
        if self.value() == "open":
            return queryset.filter(closed_at__isnull=True)
        return queryset.filter(closed_at__isnull=False) if self.value() == "closed" else queryset


@admin.register(SupportTicket)
class SupportTicketAdmin(BrowseOnly, admin.ModelAdmin):
    list_display = ["shown_subject", "account", "priority", "opened_at", "closed_at", "source"]
    list_filter = [OpenFilter, "priority", "source"]
    list_select_related = ["account"]
    search_fields = ["=external_id", "=account__external_id", "subject"]
    search_help_text = _("Whole id of the ticket or the account, or part of the subject")
    ordering = ["-opened_at", "-id"]
    show_full_result_count = False

    @admin.display(description=_("subject"), ordering="subject")
    def shown_subject(self, ticket: SupportTicket) -> str:
        return ticket.subject or str(ticket)


@admin.register(Account)
class AccountAdmin(BrowseOnly, admin.ModelAdmin):
    list_display = ["name", "shown_id", "domain", "country", "created_at"]
    list_filter = [("country", NamedValues)]
    search_fields = ["external_id", "name", "domain"]
    search_help_text = _("Id, name or domain")
    ordering = ["name", "id"]
    inlines = [AccountMembers, AccountTickets, AccountAliases]
    show_full_result_count = False

    @admin.display(description=_("id"), ordering="external_id")
    def shown_id(self, account: Account) -> SafeString:
        return left_to_right(account.external_id)


@admin.register(Contact)
class ContactAdmin(BrowseOnly, admin.ModelAdmin):
    list_display = ["__str__", "shown_email", "shown_phone", "locale", "country", "last_active_at"]
    list_filter = [("locale", NamedValues), ("country", NamedValues)]
    search_fields = ["=external_id", "=email", "first_name", "last_name"]
    search_help_text = _("Whole id, whole e-mail address, or part of a name")
    ordering = ["id"]
    inlines = [ContactMemberships, ContactAliases]
    exclude = ["email", "phone"]
    readonly_fields = ["shown_email", "shown_phone"]
    show_full_result_count = False

    @admin.display(description=_("e-mail"), ordering="email")
    def shown_email(self, contact: Contact) -> SafeString:
        return left_to_right(contact.email)

    @admin.display(description=_("phone"))
    def shown_phone(self, contact: Contact) -> SafeString:
        return left_to_right(contact.phone)
