"""That sending is off, in words: since when, by whom and why, and how much waits for it."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.console.templatetags.console import count, moment
from campaigns.console.verdict_words import isolate
from campaigns.delivery.switch import Standing


def why_off(standing: Standing, *, now: datetime) -> str:
    """In the time zone that is active; empty while sending is on."""
    if standing.is_on:
        return ""
    if standing.is_held or standing.at is None:
        return _("Sending is held since the database was restored or copied, until somebody releases it.")
    words = {"who": isolate(standing.by), "when": moment(standing.at, now), "why": standing.reason}
    if standing.reason:
        return _("Sending was switched off by %(who)s, %(when)s: “%(why)s”.") % words
    return _("Sending was switched off by %(who)s, %(when)s.") % words


def waiting(number: int) -> str:
    """What is due and does not go; empty where nothing is."""
    if not number:
        return ""
    words = ngettext("%(n)s message is due and waits.", "%(n)s messages are due and wait.", number)
    return words % {"n": count(number)}
