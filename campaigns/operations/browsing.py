"""Admin pages that show and never change: state changes go through use cases."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString


class BrowseOnly:
    """Mixin for a ModelAdmin: whoever may view may look, nobody may add, change or delete."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def left_to_right(text: str) -> SafeString:
    """E-mail addresses, phone numbers and ids keep their direction on a right-to-left page."""
    return format_html('<bdi dir="ltr">{}</bdi>', text)
