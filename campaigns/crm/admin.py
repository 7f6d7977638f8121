from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from campaigns.crm import forms, writeback
from campaigns.crm.models import CrmConnection, FieldMapping, SyncRun, WriteBack
from campaigns.operations.browsing import BrowseOnly
from orchestrator.jobs import bells


class FieldMappings(admin.TabularInline):
    model = FieldMapping
    form = forms.FieldMappingForm
    formset = forms.FieldMappingSet
    template = "admin/crm/mapping_rows.html"
    ordering = ["kind", "id"]
    extra = 1


@admin.register(CrmConnection)
class CrmConnectionAdmin(admin.ModelAdmin):
    """Connections appear when their key is set; a person may switch them off and change their mapping."""

    list_display = ["slug", "kind", "is_active", "last_synced_at"]
    fields = ["slug", "kind", "is_active", "last_synced_at"]
    readonly_fields = ["slug", "kind", "last_synced_at"]
    inlines = [FieldMappings]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: CrmConnection | None = None) -> bool:
        return False


@admin.register(SyncRun)
class SyncRunAdmin(BrowseOnly, admin.ModelAdmin):
    list_display = ["started_at", "connection", "state", "ended_at", "error"]
    list_filter = ["state", "connection"]
    list_select_related = ["connection"]
    ordering = ["-id"]


@admin.register(WriteBack)
class WriteBackAdmin(BrowseOnly, admin.ModelAdmin):
    list_display = ["key", "kind", "connection", "state", "attempts", "queued_at", "done_at", "last_error"]
    list_filter = ["state", "kind", "connection"]
    list_select_related = ["connection"]
    search_fields = ["=key"]
    ordering = ["-id"]
    actions = ["try_again"]

    @admin.action(description=_("Try again what was given up"))
    def try_again(self, request: HttpRequest, queryset: QuerySet[WriteBack]) -> None:
        count = writeback.retry_failed(write_back_ids=list(queryset.values_list("pk", flat=True)))
        bells.ring("writebacks_due")
        words = ngettext("%d write-back will be tried again.", "%d write-backs will be tried again.", count)
        self.message_user(request, words % count, messages.SUCCESS)
