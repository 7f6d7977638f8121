"""A contact's timeline: everything that happened, newest first, one page of it told in words.

All that is known is gathered as light marks by a fixed number of queries; only the page's marks are told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from itertools import groupby
from operator import attrgetter
from typing import Any

from django.core.paginator import Page, Paginator
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.consent import selectors as consent
from campaigns.consent.models import ConsentRecord
from campaigns.console import campaign_words, contact_items
from campaigns.console.contact_item import Item, Surroundings
from campaigns.console.templatetags.console import count as count_text
from campaigns.delivery import switch
from campaigns.delivery import timeline as delivery
from campaigns.delivery.models import Message
from campaigns.delivery.timeline import Kind, Moment
from campaigns.offers import selectors as offers
from campaigns.offers.models import Quote
from campaigns.profiles.models import Contact
from campaigns.sequences import moved
from campaigns.sequences import selectors as sequences
from campaigns.sequences.models import Entry

PAGE_SIZE = 40
NOT_SENT = "not"
_CHANNELS = ("email", "sms", "in_app", "csm_task", "webhook")
# Of two things at the same instant the later one stands above.
_RANK = {
    Kind.WAITING: 3, Kind.UNSENT: 3, Kind.SENT: 3, Kind.DELIVERED: 4, Kind.SEEN: 5, Kind.SCANNED: 5, Kind.CLICKED: 6,
    Kind.REPLIED: 7, Kind.DISMISSED: 7, Kind.BOUNCED: 4, Kind.COMPLAINED: 7,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mark:
    """One line of the timeline before it is told. `what` says how to tell `source`."""

    at: datetime
    rank: int
    what: str
    source: Any = field(repr=False)
    channels: tuple[str, ...] = ()
    is_unsent: bool = False

    @property
    def order(self) -> tuple[datetime, int]:
        return self.at, self.rank


@dataclass(frozen=True, slots=True)
class Chip:
    key: str
    name: str
    icon: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Day:
    """`year` only where it is not this one."""

    first: datetime
    is_today: bool
    year: str
    items: list[Item]


@dataclass(frozen=True, slots=True)
class Timeline:
    page: Page[Mark]
    days: list[Day]
    chips: list[Chip]
    chosen: str
    gone: str


def read_timeline(
    *,
    contact: Contact,
    account_ids: Sequence[int],
    states: Sequence[consent.ChannelState],
    chosen: str,
    page: str | None,
    now: datetime,
    zone: tzinfo,
) -> Timeline:
    """`chosen` is a channel, NOT_SENT or empty; `zone` the reader's, for days."""
    records = list(consent.records_of(contact_id=contact.pk))
    marks = sorted(_gather(contact, account_ids, records), key=attrgetter("order"), reverse=True)
    kept = [mark for mark in marks if _is_kept(mark, chosen)]
    shown = Paginator(kept, PAGE_SIZE).get_page(page)
    marks_shown = list(shown.object_list)
    around = _surroundings(contact, marks_shown, records, states, now, zone)
    told = [item for mark in marks_shown if (item := contact_items.tell(mark.what, mark.source, around))]
    return Timeline(
        page=shown,
        days=_days(told, now, zone),
        chips=_chips(marks, chosen),
        chosen=chosen,
        gone=_gone(contact, shown, zone),
    )


def _gather(contact: Contact, account_ids: Sequence[int], records: Sequence[ConsentRecord]) -> Iterator[Mark]:
    for moment in delivery.moments_of(contact_id=contact.pk):
        yield Mark(moment.at, _RANK[Kind(moment.kind)], "moment", moment, (moment.channel,), moment.kind == Kind.UNSENT)
    for run in sequences.skipped_steps_of(contact_id=contact.pk):
        yield Mark(run.at, 3, "skipped_step", run, (contact_items.channel_of(run),), is_unsent=True)
    for way in moved.read_ways(enrolments=sequences.enrolments_of(contact_id=contact.pk)):
        enrolment = way.enrolment
        yield Mark(enrolment.enrolled_at, 0, "entered", way)
        for one in way.moves:
            yield Mark(one.at, 2, "moved", (way, one))
        if enrolment.ended_at:
            yield Mark(enrolment.ended_at, 9, "left", enrolment)
    for entry in sequences.entries_beside(account_ids=account_ids, contact_id=contact.pk):
        yield Mark(entry.at, 0, "beside", entry, is_unsent=entry.outcome != Entry.Outcome.ENROLLED)
    yield from _consents(records)
    for quote in offers.answered_quotes(account_ids=account_ids):
        if quote.answered_at and quote.state != Quote.State.EXPIRED:
            yield Mark(quote.answered_at, 8, "answer", quote)
    for task in delivery.tasks_of(contact_id=contact.pk):
        yield Mark(task.added_at, 3, "task", task, ("csm_task",))
        if task.closed_at:
            yield Mark(task.closed_at, 8, "task_closed", task, ("csm_task",))


def _gone(contact: Contact, shown: Page[Mark], zone: tzinfo) -> str:
    """Below the oldest that is told: that there was more once. Empty where nothing was removed."""
    number, newest = sequences.past_of(contact_id=contact.pk)
    if shown.has_next() or not number or newest is None:
        return ""
    words = ngettext(
        "%(n)s older message, up to %(day)s, is no longer kept. What came of it still counts.",
        "%(n)s older messages, up to %(day)s, are no longer kept. What came of them still counts.",
        number,
    )
    return words % {"n": count_text(number), "day": date_format(newest.astimezone(zone))}


def _consents(records: Sequence[ConsentRecord]) -> Iterator[Mark]:
    """Records that were made by one act are told as one: a no to everything reaches every channel at once. That a
    colleague may call again, when such a no is undone, nobody was asked about: it is not told. Nor is what follows for
    webhooks, which no contact reads."""
    act = attrgetter("at", "state", "topic", "source")
    told = [record for record in records if record.channel != "webhook"]
    asked = [record for record in told if record.channel != "csm_task" or not record.topic]
    for (at, *_rest), group in groupby(sorted(asked, key=act), key=act):
        rows = sorted(group, key=lambda row: _CHANNELS.index(row.channel) if row.channel in _CHANNELS else 0)
        yield Mark(at, 1, "consent", rows, tuple(dict.fromkeys(row.channel for row in rows)))


def _is_kept(mark: Mark, chosen: str) -> bool:
    if chosen == NOT_SENT:
        return mark.is_unsent
    return not chosen or chosen in mark.channels


def _chips(marks: Iterable[Mark], chosen: str) -> list[Chip]:
    """Only channels on which something happened."""
    marks = list(marks)
    seen = {channel for mark in marks for channel in mark.channels}
    names = {
        "email": _("E-mail"),
        "sms": _("SMS"),
        "in_app": _("In-app"),
        "csm_task": _("CSM tasks"),
        "webhook": _("Webhook"),
    }
    chips = [Chip("", _("All"), "", is_current=not chosen)]
    for channel in _CHANNELS:
        if channel in seen or channel == chosen:
            icon = campaign_words.CHANNEL_ICONS[channel]
            chips.append(Chip(channel, names[channel], icon, is_current=channel == chosen))
    unsent = sum(mark.is_unsent for mark in marks)
    words = _("Not sent, %(n)s") % {"n": count_text(unsent)}
    return [*chips, Chip(NOT_SENT, words, "off", is_current=chosen == NOT_SENT)]


_DID_NOT_GO = (Message.State.SKIPPED, Message.State.EXPIRED, Message.State.FAILED)


def _surroundings(
    contact: Contact,
    marks: Sequence[Mark],
    records: Sequence[ConsentRecord],
    states: Sequence[consent.ChannelState],
    now: datetime,
    zone: tzinfo,
) -> Surroundings:
    """Everything that telling the page's marks needs, by a fixed number of queries."""
    moments = [mark.source for mark in marks if isinstance(mark.source, Moment)]
    messages = delivery.messages_by_id(message_ids=[moment.message_id for moment in moments])
    told = [*messages.values()]
    winners = [message.lost_to for message in told if message.lost_to is not None]
    capped = [message for message in told if message.reason == Message.Reason.CAPPED]
    return Surroundings(
        contact=contact,
        now=now,
        zone=zone,
        messages=messages,
        headlines=delivery.headlines(messages=told),
        attempts=delivery.last_attempts(message_ids=list(messages)),
        replies=delivery.replies_to(messages=[message for message in told if message.replied_at is not None]),
        reports=delivery.reports_of(messages=[message for message in told if message.bounced_at is not None]),
        spenders=delivery.spenders_of(messages=capped, days=contact_items.longest_cap()),
        campaigns=sequences.campaigns_by_slug(slugs=[one.origin_campaign for one in [*told, *winners]]),
        noes=[record for record in records if record.state == ConsentRecord.State.WITHDRAWN],
        states={state.channel: state for state in states},
        is_sending_on=switch.is_on(),
        followed=sequences.followed_messages(message_ids=[one.pk for one in told if one.state in _DID_NOT_GO]),
    )


def _days(items: Sequence[Item], now: datetime, zone: tzinfo) -> list[Day]:
    today = now.astimezone(zone).date()

    def day_of(item: Item) -> date:
        return item.at.astimezone(zone).date()

    days = []
    for day, group in groupby(items, key=day_of):
        rows = list(group)
        days.append(Day(rows[0].at, day == today, "" if day.year == today.year else str(day.year), rows))
    return days
