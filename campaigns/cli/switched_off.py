"""That nothing goes out, for whoever reads a terminal: why, what waits, and what to press."""

from __future__ import annotations

from datetime import datetime

from django.utils import translation

from campaigns.console import sending_words
from campaigns.delivery import selectors
from campaigns.delivery.switch import Standing

_PRESS = "Switch it on: the page Sending, “Switch sending on”, or `manage.py sending on --by NAME`."
_RELEASE = "Release it: the page Sending, “Switch sending on”, or `manage.py sending on --by NAME`."


def say(standing: Standing, *, now: datetime) -> str:
    """English; empty while sending is on."""
    if standing.is_on:
        return ""
    with translation.override("en"):
        why = sending_words.why_off(standing, now=now)
        waiting = sending_words.waiting(selectors.count_waiting(now=now))
    return " ".join(part for part in (why, waiting, _RELEASE if standing.is_held else _PRESS) if part)
