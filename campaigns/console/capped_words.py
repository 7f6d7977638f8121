"""Which limit kept a message back, and when it has room again."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.console.unsent import Unsent
from orchestrator.engine import capping


def limit(*, known: Unsent) -> str:
    """The first limit that had no room left, else the narrowest."""
    full = next((cap for cap in known.caps if _most_spent(known, cap) >= cap.messages), known.caps[0])
    number = {"n": full.messages}
    if full.per:
        words = _per_period(full)
    elif full.days == 1:
        words = ngettext("at most %(n)d message a day", "at most %(n)d messages a day", full.messages) % number
    elif full.days == 7:
        words = ngettext("at most %(n)d message a week", "at most %(n)d messages a week", full.messages) % number
    else:
        words = ngettext(
            "at most %(n)d message in %(days)d days", "at most %(n)d messages in %(days)d days", full.messages
        )
        words %= {**number, "days": full.days}
    return _("The limit was met: %(limit)s for a person and for an account.") % {"limit": words}


def _per_period(cap: capping.Cap) -> str:
    spans = {"day": _("calendar day"), "week": _("calendar week"), "month": _("calendar month")}
    words = ngettext("at most %(n)d message in a %(span)s", "at most %(n)d messages in a %(span)s", cap.messages)
    return words % {"n": cap.messages, "span": spans[cap.per]}


def _most_spent(known: Unsent, cap: capping.Cap) -> int:
    return max(sum(_counts(at, cap, known.at) for at in times) for times in _own_and_accounts(known))


def _counts(at: datetime, cap: capping.Cap, now: datetime) -> bool:
    """Whether a message still counts for the cap."""
    return capping.earliest_allowed(sent_at=[at], caps=[replace(cap, messages=1)], now=now) > now


def free_again(*, known: Unsent) -> datetime:
    return max(
        capping.earliest_allowed(sent_at=times, caps=known.caps, now=known.at) for times in _own_and_accounts(known)
    )


def _own_and_accounts(known: Unsent) -> list[list[datetime]]:
    own = [one.accepted_at for one in known.spenders if one.contact_id == known.message.contact_id]
    account = [one.accepted_at for one in known.spenders if one.account_id == known.message.account_id]
    return [[at for at in times if at is not None] for times in (own, account)]
