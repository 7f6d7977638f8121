from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from campaigns.billing.models import MrrMovement, Plan, PlanFeature, PlanPrice, Quota, Subscription
from campaigns.operations.browsing import BrowseOnly, left_to_right


class PlanFeatures(BrowseOnly, admin.TabularInline):
    model = PlanFeature
    extra = 0


class PlanQuotas(BrowseOnly, admin.TabularInline):
    model = Quota
    extra = 0


class PlanPrices(BrowseOnly, admin.TabularInline):
    model = PlanPrice
    extra = 0


@admin.register(Plan)
class PlanAdmin(BrowseOnly, admin.ModelAdmin):
    """The catalogue comes from `manage.py catalog apply`."""

    list_display = ["name", "code", "rank", "is_on_sale"]
    ordering = ["rank"]
    inlines = [PlanQuotas, PlanPrices, PlanFeatures]


@admin.register(Subscription)
class SubscriptionAdmin(BrowseOnly, admin.ModelAdmin):
    list_display = ["shown_id", "account", "plan", "status", "mrr", "currency", "interval", "renews_at"]
    list_filter = ["status", "plan", "currency", "interval"]
    list_select_related = ["account", "plan"]
    search_fields = ["=external_id", "account__name", "=account__external_id"]
    search_help_text = _("Whole id, or part of the account's name")
    ordering = ["-id"]
    show_full_result_count = False

    @admin.display(description=_("id"), ordering="external_id")
    def shown_id(self, subscription: Subscription) -> SafeString:
        return left_to_right(subscription.external_id)


@admin.register(MrrMovement)
class MrrMovementAdmin(BrowseOnly, admin.ModelAdmin):
    list_display = ["at", "account", "kind", "delta", "currency", "from_plan", "to_plan"]
    list_filter = ["kind", "currency"]
    list_select_related = ["account", "from_plan", "to_plan"]
    search_fields = ["account__name", "=account__external_id", "=cause"]
    date_hierarchy = "at"
    ordering = ["-at", "-id"]
    show_full_result_count = False
