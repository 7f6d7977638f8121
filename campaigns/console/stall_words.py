"""What stands still, in words: how much, since when, why, and what helps."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.analytics import stalls
from campaigns.analytics.stalls import Cause, Stall
from campaigns.console.templatetags.console import count, moment
from campaigns.console.verdict_words import isolate
from campaigns.sequences import brake


def title(stall: Stall) -> str:
    n = stall.number
    words = {
        "email": ngettext("%(n)s e-mail stands still", "%(n)s e-mails stand still", n),
        "sms": ngettext("%(n)s SMS stands still", "%(n)s SMS stand still", n),
        "in_app": ngettext("%(n)s banner stands still", "%(n)s banners stand still", n),
        "csm_task": ngettext("%(n)s CSM task stands still", "%(n)s CSM tasks stand still", n),
        stalls.PEOPLE: ngettext("%(n)s person stands still", "%(n)s people stand still", n),
        stalls.NEWCOMERS: ngettext("%(n)s account is not taken in", "%(n)s accounts are not taken in", n),
    }
    said = words.get(stall.what) or ngettext("%(n)s message stands still", "%(n)s messages stand still", n)
    return said % {"n": count(n)}


def detail(stall: Stall, *, now: datetime, wall_now: datetime) -> str:
    """In the time zone that is active."""
    since = _("Due since %(when)s.") % {"when": moment(stall.since, now)}
    return f"{since} {why(stall, now=now, wall_now=wall_now)}"


def why(stall: Stall, *, now: datetime, wall_now: datetime) -> str:
    """One sentence or two."""
    if stall.cause in (Cause.PAUSED, Cause.SWITCH, Cause.RESTORED):
        return _wanted(stall, moment(stall.at, now))
    if stall.cause in (Cause.REDIS, Cause.WORKER, Cause.TIMETABLE):
        return _machine(stall, moment(stall.at, wall_now))
    if stall.what == stalls.NEWCOMERS and stall.cause == Cause.FAULT:
        said = _("Taking them in fails, by a fault of our own (%(code)s). It is tried again every hour.")
        return said % {"code": stall.code or "–"}
    if stall.what != stalls.PEOPLE and stall.cause == Cause.FAULT:
        return _("They cannot be made or sent, by a fault of our own that the log names. It is tried again and again.")
    words = {
        Cause.BREAKER: _("The provider fails at everything, last with “%(code)s”. The next try is at %(when)s."),
        Cause.ASKED_TO_WAIT: _("The provider asked to wait until %(when)s."),
        Cause.RETRIED: _("They were tried and put off by what was answered. The next try comes by itself."),
        Cause.IN_LINE: _("Many wait on this channel, and they go out one after the other. The last one just now."),
        Cause.IN_HAND: _("A worker died with them in hand, and nobody has released them yet."),
        Cause.CONDITION: _(
            "What the step “%(step)s” asks cannot be answered: %(code)s. They go on by themselves once it can."
        ),
        Cause.FAULT: _(
            "Planning what follows “%(step)s” fails, by a fault of our own (%(code)s). It is tried again and again."
        ),
    }
    said = words.get(stall.cause) or _("No reason is known: somebody is there to do it, and nothing is in the way.")
    return said % {"code": (stall.code or "–").rstrip("."), "when": moment(stall.at, wall_now), "step": stall.step}


def _wanted(stall: Stall, when: str) -> str:
    if stall.cause == Cause.RESTORED:
        return _("Sending is held since the database was restored or copied, until somebody releases it.")
    if stall.cause == Cause.SWITCH:
        return _("Sending was switched off by %(who)s, %(when)s.") % {"who": isolate(stall.by), "when": when}
    if stall.by == brake.OURSELVES:
        return _("The campaign paused itself, since it is unwelcome, %(when)s.") % {"when": when}
    if not stall.by:
        return _("The campaign is paused.")
    return _("The campaign was paused by %(who)s, %(when)s.") % {"who": isolate(stall.by), "when": when}


def _machine(stall: Stall, when: str) -> str:
    if stall.cause == Cause.REDIS:
        return _("Redis does not answer, so that nobody is called to work: “manage.py doctor” says more.")
    if stall.cause == Cause.TIMETABLE:
        if stall.at is None:
            return _("The timetable has never rung: “manage.py up” runs it.")
        return _("The timetable has not rung since %(when)s: “manage.py up” runs it.") % {"when": when}
    if stall.at is None:
        return _("No worker is there for the queue “now”: “manage.py up” runs them.")
    words = _("No worker has been seen on the queue “now” since %(when)s: “manage.py up” runs them.")
    return words % {"when": when}
