from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import ModelForm, ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from campaigns.api import keys
from campaigns.api.models import ApiKey
from orchestrator import clock


class ApiKeyForm(ModelForm):
    class Meta:
        model = ApiKey
        fields = ["name", "role"]

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"]).strip()
        if ApiKey.objects.filter(name=name).exists():
            raise ValidationError(gettext("There is already a key with this name."))
        return name


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin):
    """A new key is shown once, on the page after it was made. A key is never changed: it is revoked."""

    form = ApiKeyForm
    list_display = ["name", "role", "created_at", "last_used_at", "revoked_at"]
    list_filter = ["role"]
    search_fields = ["name"]
    actions = ["revoke"]

    def has_change_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return obj is None and super().has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        return ["name", "role"] if obj is None else ["name", "role", "created_at", "last_used_at", "revoked_at"]

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        by = request.user.get_username()
        created = keys.create_key(name=obj.name, role=obj.role, by=by, now=clock.utcnow())
        obj.pk = created.api_key.pk
        words = gettext("The key is %(key)s: copy it now, it is not shown again.")
        messages.warning(request, words % {"key": created.secret})

    @admin.action(description=_("Revoke the chosen keys"), permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        by, now = request.user.get_username(), clock.utcnow()
        revoked = sum(keys.revoke_key(api_key=api_key, by=by, now=now) for api_key in queryset)
        words = ngettext("%(count)d key was revoked.", "%(count)d keys were revoked.", revoked)
        messages.success(request, words % {"count": revoked})
