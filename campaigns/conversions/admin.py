"""Browse goals, conversions and what they are credited to."""

from __future__ import annotations

from django.contrib import admin

from campaigns.conversions.models import AttributionCredit, Conversion, Goal
from campaigns.operations.browsing import BrowseOnly


@admin.register(Goal)
class GoalAdmin(BrowseOnly, admin.ModelAdmin):
    list_display = ("campaign", "kind", "window_days")
    ordering = ("-pk",)
    list_select_related = ("campaign",)


class CreditInline(BrowseOnly, admin.TabularInline):
    model = AttributionCredit
    fields = ("message", "weight", "model")
    ordering = ("pk",)


@admin.register(Conversion)
class ConversionAdmin(BrowseOnly, admin.ModelAdmin):
    list_display = ("account", "goal", "mrr_delta", "currency", "reporting_delta", "via_link", "converted_at")
    list_filter = ("goal", "via_link", "currency")
    search_fields = ("account__external_id", "account__name")
    ordering = ("-converted_at",)
    list_select_related = ("account", "goal__campaign")
    inlines = (CreditInline,)
