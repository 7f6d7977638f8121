from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from campaigns.usage.models import Meter, ThresholdCrossing, UsageDaily, UsageEvent


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows that only use cases write."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Meter)
class MeterAdmin(admin.ModelAdmin):
    list_display = ("name", "code", "kind", "aggregation", "unit", "event_name")
    list_filter = ("kind",)
    search_fields = ("code", "name")


@admin.register(UsageEvent)
class UsageEventAdmin(ReadOnlyAdmin):
    list_display = ("at", "name", "account", "contact", "source")
    list_select_related = ("account", "contact")
    search_fields = ("account__external_id__exact",)
    search_help_text = _("An account's id, exactly.")
    ordering = ("-at",)


@admin.register(UsageDaily)
class UsageDailyAdmin(ReadOnlyAdmin):
    list_display = ("day", "account", "meter", "value", "last_at")
    list_filter = ("meter",)
    list_select_related = ("account", "meter")
    search_fields = ("account__external_id__exact",)
    search_help_text = _("An account's id, exactly.")
    ordering = ("-day", "account_id")


@admin.register(ThresholdCrossing)
class ThresholdCrossingAdmin(ReadOnlyAdmin):
    list_display = ("at", "account", "meter", "level", "figures", "percent", "hits_limit_on", "contradicted_at")
    list_filter = ("level", "meter")
    search_fields = ("account__external_id__exact",)
    search_help_text = _("An account's id, exactly.")
    ordering = ("-at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ThresholdCrossing]:
        return super().get_queryset(request).select_related("account", "meter")

    @admin.display(description=_("used"))
    def figures(self, crossing: ThresholdCrossing) -> str:
        told = crossing.evidence
        return _("%(value)s of %(limit)s") % {"value": told.get("value", "–"), "limit": told.get("quota", "–")}

    @admin.display(description=_("share of the quota"))
    def percent(self, crossing: ThresholdCrossing) -> str:
        return f"{crossing.evidence.get('percent', '–')} %"

    @admin.display(description=_("reaches the limit on"))
    def hits_limit_on(self, crossing: ThresholdCrossing) -> str:
        return crossing.evidence.get("projected_hit_date") or "–"
