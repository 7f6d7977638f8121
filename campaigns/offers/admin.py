"""Offers are edited here; quotes and refusals are facts and only looked at."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from campaigns.offers import accept
from campaigns.offers.models import Offer, Quote, Refusal
from campaigns.operations.browsing import BrowseOnly
from orchestrator import clock
from orchestrator.jobs import bells


@admin.register(Offer)
class OfferAdmin(admin.ModelAdmin):
    list_display = ("name", "slug", "kind", "target_plan", "valid_days", "is_active")
    list_filter = ("is_active",)
    search_fields = ("name", "slug")
    ordering = ("name",)
    list_select_related = ("target_plan",)
    prepopulated_fields = {"slug": ("name",)}


@admin.register(Quote)
class QuoteAdmin(BrowseOnly, admin.ModelAdmin):
    list_display = (
        "uuid",
        "account",
        "state",
        "failure",
        "offer",
        "old_mrr",
        "new_mrr",
        "currency",
        "made_at",
        "valid_until",
    )
    list_filter = ("state", "offer")
    search_fields = ("uuid", "account__external_id", "account__name")
    ordering = ("-pk",)
    list_select_related = ("account", "offer")
    actions = ("try_again", "end_waiting")

    @admin.action(description=_("Try now what waits for us"))
    def try_again(self, request: HttpRequest, queryset: QuerySet[Quote]) -> None:
        count = accept.try_again(quote_ids=list(queryset.values_list("pk", flat=True)))
        bells.ring("reconcile")
        words = ngettext("%d upgrade is tried again now.", "%d upgrades are tried again now.", count)
        self.message_user(request, words % count, messages.SUCCESS if count else messages.INFO)

    def has_end_permission(self, request: HttpRequest) -> bool:
        """To look at quotes is not to decide about what customers buy, although nobody edits one here."""
        return bool(request.user.has_perm("offers.change_quote"))

    @admin.action(description=_("End what waits for us, without the upgrade"), permissions=["end"])
    def end_waiting(self, request: HttpRequest, queryset: QuerySet[Quote]) -> TemplateResponse | None:
        """Asks first: it cannot be undone."""
        waiting = queryset.filter(Quote.held())
        if request.POST.get("confirmed") != "yes" and waiting.exists():
            title = _("End what waits for us, without the upgrade")
            context = {**self.admin_site.each_context(request), "opts": self.opts, "title": title, "quotes": waiting}
            return TemplateResponse(request, "admin/offers/end_waiting.html", context)
        ids = list(queryset.values_list("pk", flat=True))
        count = accept.end_waiting(quote_ids=ids, by=request.user.get_username(), now=clock.utcnow())
        words = ngettext(
            "%d upgrade will not be made. Tell the customer: their page says that nothing was changed.",
            "%d upgrades will not be made. Tell the customers: their pages say that nothing was changed.",
            count,
        )
        self.message_user(request, words % count, messages.SUCCESS if count else messages.INFO)
        return None


@admin.register(Refusal)
class RefusalAdmin(BrowseOnly, admin.ModelAdmin):
    list_display = ("account", "offer", "reason", "at", "until")
    list_filter = ("reason", "offer")
    search_fields = ("account__external_id", "account__name")
    ordering = ("-at",)
    list_select_related = ("account", "offer")
