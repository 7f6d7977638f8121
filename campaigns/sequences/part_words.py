"""The parts of a wording as a reader names them: its languages and fields."""

from __future__ import annotations

from django.utils.translation import gettext as _


def language_name(locale: str) -> str:
    return {"en": _("English"), "he": _("Hebrew"), "ro": _("Romanian")}.get(locale, locale)


def field_name(field: str) -> str:
    names = {
        "subject": _("subject"),
        "title": _("title"),
        "button": _("button"),
        "mjml": _("message"),
        "html": _("message"),
        "text": _("message"),
    }
    return names.get(field, field)
