"""Offers are edited here; quotes and refusals are facts and only looked at."""

from __future__ import annotations

from django.contrib import admin

from campaigns.offers.models import Offer, Quote, Refusal
from campaigns.operations.browsing import BrowseOnly


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
    list_display = ("uuid", "account", "offer", "old_mrr", "new_mrr", "currency", "state", "made_at", "valid_until")
    list_filter = ("state", "offer")
    search_fields = ("uuid", "account__external_id", "account__name")
    ordering = ("-pk",)
    list_select_related = ("account", "offer")


@admin.register(Refusal)
class RefusalAdmin(BrowseOnly, admin.ModelAdmin):
    list_display = ("account", "offer", "reason", "at", "until")
    list_filter = ("reason", "offer")
    search_fields = ("account__external_id", "account__name")
    ordering = ("-at",)
    list_select_related = ("account", "offer")
