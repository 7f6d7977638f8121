"""Who decided what about a campaign and its test, in words: one sentence for each action that is written down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.console import verdict_words
from campaigns.console.templatetags.console import count, percent
from campaigns.experiments.models import Experiment
from campaigns.operations.models import AuditEntry

# A test message decides nothing.
DECIDES_NOTHING = frozenset({"campaign.test_send"})


@dataclass(frozen=True, slots=True)
class _Row:
    """What an entry says, ready for a sentence. `names` has who and the reason, as the end of a sentence."""

    names: dict[str, Any]
    before: dict[str, Any]
    after: dict[str, Any]
    experiment: Experiment


def tell(row: AuditEntry, *, experiment: Experiment) -> tuple[str, str]:
    """An icon, and what was decided."""
    reason = f": “{row.reason}”" if row.reason else "."
    known = _Row({"who": row.actor, "reason": reason}, row.before or {}, row.after or {}, experiment)
    if row.action not in WORDS:
        return "info", _("%(who)s changed something about the campaign%(reason)s") % known.names
    icon, words = WORDS[row.action]
    return icon, words(known)


def _launch(row: _Row) -> str:
    if "version" in row.before:
        words = _(
            "%(who)s launched version %(number)s in place of version %(old)s. The groups, and what was fixed before "
            "the start, stay."
        )
        return words % {**row.names, "number": row.after.get("version"), "old": row.before["version"]}
    experiment = row.experiment
    words = _(
        "%(who)s started the test. Fixed before the start: upgrades within %(days)s days, %(sure)s certainty, "
        "%(held)s held out, planned for %(n)s accounts."
    )
    return words % {
        "who": row.names["who"],
        "days": experiment.goal_window_days,
        "sure": percent(1 - float(experiment.alpha), 0),
        "held": percent(float(experiment.holdout_percent) / 100, 0),
        "n": count(experiment.planned_accounts),
    }


def _winner(row: _Row) -> str:
    winner = verdict_words.letter(row.after.get("winner", ""))
    return _("%(who)s chose %(winner)s%(reason)s") % {**row.names, "winner": winner}


def _move(row: _Row) -> str:
    number = int(row.after.get("moved", 0))
    words = ngettext(
        "%(who)s moved %(n)s person to version %(number)s.", "%(who)s moved %(n)s people to version %(number)s.", number
    )
    return words % {**row.names, "n": count(number), "number": row.after.get("version")}


def _enrol(row: _Row) -> str:
    came, held = int(row.after.get("enrolled", 0)), int(row.after.get("holdout", 0))
    words = _("%(who)s brought people in by name: %(n)s came in, %(held)s held out.")
    return words % {**row.names, "n": count(came), "held": count(held)}


def _sent_again(row: _Row) -> str:
    number = int(row.after.get("messages", 0))
    words = ngettext(
        "%(who)s had %(n)s message sent again that may or may not have arrived%(reason)s",
        "%(who)s had %(n)s messages sent again that may or may not have arrived%(reason)s",
        number,
    )
    return words % {**row.names, "n": count(number)}


def _left_unclear(row: _Row) -> str:
    number = int(row.after.get("messages", 0))
    words = ngettext(
        "%(who)s left %(n)s message as it is that may or may not have arrived%(reason)s",
        "%(who)s left %(n)s messages as they are that may or may not have arrived%(reason)s",
        number,
    )
    return words % {**row.names, "n": count(number)}


def _recomputed(row: _Row) -> str:
    old, days = row.before.get("window_days"), row.after.get("window_days")
    return _("The goal counts %(days)s days now, %(old)s before. Upgrades were counted anew.") % {
        "days": days,
        "old": old,
    }


def _dropped(row: _Row) -> str:
    return _("%(who)s dropped the draft of version %(number)s.") % {**row.names, "number": row.before.get("version")}


# By the action as it is written down.
WORDS: dict[str, tuple[str, Callable[[_Row], str]]] = {
    "campaign.launch": ("lock", _launch),
    "campaign.move": ("campaign", _move),
    "campaign.enrol": ("contact", _enrol),
    "campaign.draft_dropped": ("draft", _dropped),
    "campaign.discarded": ("draft", lambda row: _("%(who)s threw the draft away.") % row.names),
    "campaign.driven_again": ("refresh", lambda row: _("%(who)s had what stood still tried again.") % row.names),
    "campaign.paused": ("pause", lambda row: _("%(who)s paused the campaign%(reason)s") % row.names),
    "campaign.live": ("live", lambda row: _("%(who)s resumed the campaign%(reason)s") % row.names),
    "campaign.stopped": ("stop", lambda row: _("%(who)s stopped the campaign%(reason)s") % row.names),
    "experiment.choose_winner": ("ok", _winner),
    "experiment.keep_running": ("eye", lambda row: _("%(who)s looked and kept it running%(reason)s") % row.names),
    "goal.recomputed": ("goal", _recomputed),
    "messages.sent_again": ("refresh", _sent_again),
    "messages.left_unclear": ("off", _left_unclear),
}
