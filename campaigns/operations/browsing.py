"""Admin pages that show and never change: state changes go through use cases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _


class BrowseOnly:
    """Mixin for a ModelAdmin: whoever may view may look, nobody may add, change or delete."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class NamedValues(admin.AllValuesFieldListFilter):
    """Filter links for the values that there are; an empty one gets a name, so that its link can be read."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        for choice in super().choices(changelist):
            yield choice if choice["display"] else {**choice, "display": _("not known")}


def left_to_right(text: str) -> SafeString:
    """E-mail addresses, phone numbers and ids keep their direction on a right-to-left page."""
    return format_html('<bdi dir="ltr">{}</bdi>', text)
