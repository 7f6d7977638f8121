"""The dry run of a launch in words: how many messages go on which day, and which will not go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from campaigns.console import step_tree
from campaigns.console.templatetags.console import count
from campaigns.sequences import campaign_file, check_timing
from campaigns.sequences.foresee import Outcome
from campaigns.sequences.rehearse import LeftOut, Rehearsal, Sending

# Of a campaign that goes round and round the first.
MOST_DAYS = 40


@dataclass(frozen=True, slots=True)
class Day:
    """Messages by channel on one day; a number of None is a dash."""

    day: str
    numbers: list[int | None]
    note: str


@dataclass(frozen=True, slots=True)
class Unsent:
    """Messages of a step that will not go: how many, why, and what mends it. `short` names them where the reason is
    known."""

    why: Outcome
    is_first: bool
    title: str
    short: str
    reason: str
    advice: str

    @property
    def line(self) -> str:
        return f"{self.title}. {self.reason}"


def days_of(*, document: Mapping[str, Any], rehearsal: Rehearsal | None, today: date) -> tuple[list[str], list[Day]]:
    """The channels there are, and each day with a number for each of them. `today` as `first_words` has it."""
    if rehearsal is None or not rehearsal.start:
        return [], []
    channels = list(dict.fromkeys(one.channel for one in rehearsal.sendings))
    by_day: dict[date, list[Sending]] = {}
    for one in rehearsal.sendings:
        by_day.setdefault(one.day, []).append(one)
    window = document.get("limits", {}).get("window")
    return channels, [
        Day(
            _day(day, "D j F", today),
            list(_numbers(there, channels, rehearsal.most)),
            _note(there, window, is_now=day <= today),
        )
        for day, there in sorted(by_day.items())[:MOST_DAYS]
    ]


def _numbers(
    there: Sequence[Sending], channels: Sequence[str], most: Mapping[tuple[date, str], int]
) -> Iterator[int | None]:
    """`there` of one day. Who goes one way gets nothing of the other: of both together it is no more than `most`."""
    for channel in channels:
        mine = [one for one in there if one.channel == channel]
        later = sum(one.messages for one in mine if not one.is_first)
        first = sum(one.messages for one in mine if one.is_first)
        yield first + min(later, most.get((mine[0].day, channel), later)) if mine else None


def _note(there: Sequence[Sending], window: Mapping[str, str] | None, *, is_now: bool) -> str:
    said = []
    if any(one.is_first for one in there):
        if window:
            said.append(_("From %(time)s in each contact’s time zone") % {"time": window["from"]})
        else:
            said.append(_("At once") if is_now else _("As soon as they may be sent there"))
    later = [one for one in there if not one.is_first]
    if later and said:
        said.append(_("of later messages at most so many"))
    elif any(one.is_open for one in later):
        said.append(_("At most: what people do decides who gets them"))
    elif later:
        said.append(_("At most: if nobody has reacted by then"))
    if any(one.is_drawn for one in later):
        said.append(_("about, since a split shares them out"))
    return "; ".join(said)


def first_words(rehearsal: Rehearsal | None, *, today: date) -> str:
    """How many first messages go out on which day, as the dry run has them; empty when none does. `today` is the
    reader's day: where contacts live it may still be the one before."""
    firsts = [one for one in rehearsal.sendings if one.is_first] if rehearsal else []
    if not firsts:
        return ""
    by_day: dict[date, int] = {}
    for one in firsts:
        by_day[one.day] = by_day.get(one.day, 0) + one.messages
    (day, number), *later = sorted(by_day.items())
    words = {
        "email": ngettext("First message: %(n)s e-mail on %(day)s", "First message: %(n)s e-mails on %(day)s", number),
        "in_app": ngettext("First message: %(n)s banner on %(day)s", "First message: %(n)s banners on %(day)s", number),
        "sms": ngettext("First message: %(n)s SMS on %(day)s", "First message: %(n)s SMS on %(day)s", number),
    }
    said = words.get(firsts[0].channel, _("First message: %(n)s on %(day)s"))
    parts = [said % {"n": count(number), "day": _day(day, "l j F", today)}]
    for other, messages in later:
        # Within a week the name of the day says which one is meant.
        named = date_format(other, "l") if other - day < timedelta(days=7) else _day(other, "l j F", today)
        parts.append(_("%(n)s on %(day)s") % {"n": count(messages), "day": named})
    return ", ".join(parts)


def left_out_words(*, document: Mapping[str, Any], rehearsal: Rehearsal | None) -> list[Unsent]:
    if rehearsal is None or not rehearsal.left_out:
        return []
    numbers = step_tree.number_steps(document["steps"])
    hours = campaign_file.parse(document).limits.send_by_hours
    return [_unsent(one, numbers[one.step], check_timing.hours_words(hours=hours)) for one in rehearsal.left_out]


def warnings_of(unsent: Sequence[Unsent]) -> Iterator[tuple[str, str]]:
    """Title and detail, one for each reason: the first step it is true of, then which others."""
    for why in Outcome:
        mine = [one for one in unsent if one.why == why]
        if mine:
            said = [mine[0].reason]
            if mine[1:]:
                said.append(_("The same of %(steps)s.") % {"steps": ", ".join(one.short for one in mine[1:])})
            yield mine[0].title, " ".join([*said, mine[0].advice])


def held_words(rehearsal: Rehearsal | None) -> Iterator[tuple[str, str]]:
    """Title and detail, for each other campaign whose test this one touches."""
    for name, accounts in rehearsal.held_elsewhere.items() if rehearsal else ():
        title = ngettext(
            "%(n)s account that starts is held out of “%(campaign)s”",
            "%(n)s of the accounts that start are held out of “%(campaign)s”",
            accounts,
        )
        detail = _("Its test is running: what they get from here counts in its comparison.")
        yield title % {"n": count(accounts), "campaign": name}, detail


def _unsent(one: LeftOut, step: int, limit: str) -> Unsent:
    number = count(one.messages) if one.is_first else _("at most %(n)s") % {"n": count(one.messages)}
    told = {"n": number, "step": step, "day": _day(one.day, "l j F", one.day), "limit": limit}
    if one.why == Outcome.LATE:
        title = ngettext(
            "Step %(step)s: %(n)s message would come too late",
            "Step %(step)s: %(n)s messages would come too late",
            one.messages,
        )
        reason = _("They may not be sent before %(day)s, and must go out within %(limit)s.")
        advice = _("Give them longer, or launch at another time.")
        if not one.is_first:
            advice = _("Give them longer, or change the wait before them.")
    else:
        title = ngettext(
            "Step %(step)s: %(n)s message would be kept back by the limits",
            "Step %(step)s: %(n)s messages would be kept back by the limits",
            one.messages,
        )
        reason = _(
            "A person and an account get only so many messages in a while: after this campaign’s own others they could "
            "go on %(day)s at the earliest, and must go out within %(limit)s."
        )
        advice = _("Give them longer, or write to fewer people of an account.")
    short = _("step %(step)s (%(n)s)") % told
    return Unsent(one.why, one.is_first, title % told, short, reason % told, advice)


def _day(day: date, pattern: str, today: date) -> str:
    """The contact's own day; `pattern` is Django's. In Hebrew the month takes its preposition and the day its whole
    name."""
    told = str(date_format(day, "l, j בF" if get_language() == "he" else pattern))
    return told if day >= today else _("%(day)s (today where they live)") % {"day": told}
