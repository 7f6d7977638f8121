from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from campaigns.intake import sources
from campaigns.intake.models import InboundEvent, Parked, Quarantined, Source
from campaigns.operations.browsing import BrowseOnly, NamedValues, left_to_right
from orchestrator import clock

_WAITING = {
    "account": _("for the account %s to be introduced by the CRM or a group call"),
    "contact": _("for the contact %s to be introduced by the CRM or an identify call"),
    "billing": _("for the billing customer %s to be linked with an account"),
    "plan": _("for the plan %s to be in the catalogue"),
    "price": _("for the billing price %s to be named by a plan of the catalogue"),
}


class SourceForm(ModelForm):
    class Meta:
        model = Source
        fields = ["name"]

    def clean_name(self) -> str:
        slug = slugify(self.cleaned_data["name"])
        if not slug:
            raise ValidationError(_("The name needs a letter or a digit of the Latin alphabet."))
        if self.instance.pk is None and Source.objects.filter(slug=slug).exists():
            raise ValidationError(_("There is already a source with this name."))
        return str(self.cleaned_data["name"])


@admin.register(Source)
class SourceAdmin(admin.ModelAdmin):
    """A new source's keys are shown once, on the page after it was made."""

    form = SourceForm
    list_display = ["name", "slug", "kind", "is_active", "last_seen_at", "duplicates"]
    list_filter = ["kind", "is_active"]
    readonly_fields = ["slug", "kind", "created_at", "last_seen_at", "duplicates"]

    def get_fields(self, request: HttpRequest, obj: Source | None = None) -> Any:
        return ["name"] if obj is None else ["name", "is_active", *self.readonly_fields]

    def has_delete_permission(self, request: HttpRequest, obj: Source | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Source, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        created = sources.create_source(name=obj.name, now=clock.utcnow())
        for field in Source._meta.concrete_fields:
            setattr(obj, field.attname, getattr(created.source, field.attname))
        obj._state.adding = False
        words = _("Keep these now, they are not shown again. Write key: {} Signing secret: {}")
        keys = (left_to_right(created.write_key), left_to_right(created.signing_secret))
        messages.warning(request, format_html(str(words), *keys))


@admin.register(InboundEvent)
class InboundEventAdmin(BrowseOnly, admin.ModelAdmin):
    list_display = ["received_at", "source", "kind", "shown_id", "at", "state"]
    list_filter = ["state", "source"]
    list_select_related = ["source"]
    search_fields = ["=message_id"]
    ordering = ["-id"]
    show_full_result_count = False

    @admin.display(description=_("message id"))
    def shown_id(self, event: InboundEvent) -> SafeString:
        return left_to_right(event.message_id)


@admin.register(Parked)
class ParkedAdmin(BrowseOnly, admin.ModelAdmin):
    list_display = ["received_at", "source", "kind", "reason"]
    list_filter = ["source", "kind"]
    list_select_related = ["source"]
    search_fields = ["waiting_for", "=message_id"]
    ordering = ["-id"]
    show_full_result_count = False

    @admin.display(description=_("waits"))
    def reason(self, parked: Parked) -> str:
        kind, _colon, name = parked.waiting_for.partition(":")
        return str(_WAITING[kind]) % name if kind in _WAITING else parked.waiting_for


@admin.register(Quarantined)
class QuarantinedAdmin(BrowseOnly, admin.ModelAdmin):
    list_display = ["received_at", "source", "kind", "error"]
    list_filter = ["source", ("kind", NamedValues)]
    list_select_related = ["source"]
    search_fields = ["error", "=message_id"]
    ordering = ["-id"]
    show_full_result_count = False
