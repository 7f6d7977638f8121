"""The queue of calls that colleagues make: what is due, what is at stake, whose it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from django.db.models import Q, QuerySet
from django.db.models.functions import TruncDay
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.console.listing import CHUNK, Asked
from campaigns.console.templatetags.console import moment
from campaigns.delivery.models import CsmTask

SORTS = ("due", "-stake")
HEAD = ("task", "account", "contact", "due_at", "at_stake", "assigned_to", "state", "outcome", "closed_at", "asked_for")
OPEN, MINE, LATER, DONE = "open", "mine", "later", "done"
VIEWS = (OPEN, MINE, LATER, DONE)


@dataclass(frozen=True, slots=True)
class Due:
    """`tone` and `icon` of a badge; both empty for a plain date."""

    words: str
    tone: str = ""
    icon: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    task: CsmTask
    due: Due
    stake: Decimal | None
    owner: str


@dataclass(frozen=True, slots=True)
class Tab:
    view: str
    name: str
    number: int
    is_current: bool


def view_of(query: Mapping[str, str]) -> str:
    view = query.get("show", OPEN)
    return view if view in VIEWS else OPEN


def find_tasks(*, view: str, asked: Asked, user_id: int | None, now: datetime) -> QuerySet[CsmTask]:
    """Open ones by the day they are due and by what is at stake, unless asked otherwise; closed ones newest first."""
    rows = of_view(view=view, user_id=user_id, now=now)
    rows = rows.select_related("account", "contact", "message", "assigned_to", "closed_by")
    if asked.words:
        person = Q(contact__first_name__icontains=asked.words) | Q(contact__last_name__icontains=asked.words)
        account = Q(account__name__icontains=asked.words) | Q(account__external_id=asked.words)
        rows = rows.filter(person | account | Q(title__icontains=asked.words))
    if asked.sort.endswith("stake"):
        return rows.order_by("message__expected_value" if asked.sort == "stake" else "-message__expected_value", "pk")
    if view == DONE:
        return rows.order_by("closed_at" if asked.sort == "-due" else "-closed_at", "-pk")
    if asked.sort == "-due":
        return rows.order_by("-due_at", "pk")
    return rows.order_by(TruncDay("due_at", tzinfo=UTC), "-message__expected_value", "due_at", "pk")


def make_tabs(*, view: str, user_id: int | None, now: datetime) -> list[Tab]:
    names = {OPEN: _("To do"), MINE: _("Mine"), LATER: _("Put off"), DONE: _("Closed")}
    return [Tab(one, names[one], of_view(view=one, user_id=user_id, now=now).count(), one == view) for one in VIEWS]


def make_rows(*, tasks: Sequence[CsmTask], now: datetime) -> list[Row]:
    return [Row(task, due_words(task=task, now=now), stake_of(task=task), name_of(task.assigned_to)) for task in tasks]


def cells(tasks: QuerySet[CsmTask]) -> Iterator[list[object]]:
    for task in tasks.iterator(chunk_size=CHUNK):
        about = [task.title, task.account.external_id, task.contact.external_id, task.due_at]
        yield [
            *about, stake_of(task=task), name_of(task.assigned_to), task.state, task.outcome, task.closed_at,
            task.asked_at if task.is_asked_for else None,
        ]  # fmt: skip


def count_due(*, now: datetime) -> int:
    """Calls that should be made by the end of today (UTC) and that nobody has put off."""
    end = now.astimezone(UTC).replace(hour=23, minute=59, second=59)
    return _waiting(now).filter(due_at__lte=end).count()


def count_late(*, now: datetime) -> int:
    """Of those, what should have been made before today (UTC)."""
    start = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return _waiting(now).filter(due_at__lt=start).count()


def count_asked(*, now: datetime) -> int:
    """Calls that customers asked for, whenever they are due."""
    return _waiting(now).filter(CsmTask.asked_for()).count()


def stake_of(*, task: CsmTask) -> Decimal | None:
    """The monthly gain if the answer is yes, in REPORTING_CURRENCY; None where no offer was made."""
    return task.message.expected_value or None


def name_of(user: object) -> str:
    if user is None:
        return ""
    return str(user.get_full_name() or user.get_username())  # type: ignore[attr-defined]


def due_words(*, task: CsmTask, now: datetime) -> Due:
    if task.state != CsmTask.State.OPEN:
        return Due(moment(task.closed_at, now))
    if task.snoozed_until is not None and task.snoozed_until > now:
        return Due(_("Back on %(day)s") % {"day": moment(task.snoozed_until, now)})
    late = (timezone.localtime(now).date() - timezone.localtime(task.due_at).date()).days
    if late > 0:
        return Due(ngettext("%(n)d day late", "%(n)d days late", late) % {"n": late}, "is-bad", "clock")
    if late == 0:
        return Due(_("Today"), "is-warn", "clock")
    return Due(moment(task.due_at, now))


def outcome_words(task: CsmTask) -> tuple[str, str, str]:
    """(words, tone, icon) of a badge."""
    if task.state == CsmTask.State.OPEN:
        return _("Open"), "is-info", "clock"
    if task.state == CsmTask.State.CANCELLED:
        return _("Called off"), "is-quiet", "off"
    tones = {
        CsmTask.Outcome.INTERESTED: ("is-ok", "check"),
        CsmTask.Outcome.NOT_NOW: ("is-quiet", "block"),
        CsmTask.Outcome.NO_ANSWER: ("is-quiet", "phone"),
        CsmTask.Outcome.WRONG_PERSON: ("is-quiet", "contact"),
    }
    outcome = CsmTask.Outcome(task.outcome)
    return str(outcome.label), *tones[outcome]


def of_view(*, view: str, user_id: int | None, now: datetime) -> QuerySet[CsmTask]:
    if view == DONE:
        return CsmTask.objects.exclude(state=CsmTask.State.OPEN)
    if view == LATER:
        return CsmTask.objects.filter(state=CsmTask.State.OPEN, snoozed_until__gt=now)
    return _waiting(now).filter(assigned_to=user_id) if view == MINE else _waiting(now)


def _waiting(now: datetime) -> QuerySet[CsmTask]:
    rows = CsmTask.objects.filter(state=CsmTask.State.OPEN)
    return rows.filter(Q(snoozed_until__isnull=True) | Q(snoozed_until__lte=now))
