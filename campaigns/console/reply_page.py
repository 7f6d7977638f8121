"""Replies that may be a no: what somebody wrote, for a colleague to say what it means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _

from campaigns.consent.models import DoubtfulReply
from campaigns.console import campaign_words, contact_words
from campaigns.delivery import timeline
from campaigns.profiles.models import Account, Membership
from campaigns.sequences import selectors as sequences
from campaigns.sequences.models import Campaign

OPEN, DECIDED = "open", "decided"
VIEWS = (OPEN, DECIDED)
State = DoubtfulReply.State


@dataclass(frozen=True, slots=True)
class Row:
    """`badge` is (tone, icon, words) of what was decided; None while it waits. `accounts`: the one that the answered
    message was about, else all that the writer belongs to. `answered`: how that message begins; empty where it is not
    known any more."""

    reply: DoubtfulReply
    icon: str
    channel: str
    badge: tuple[str, str, str] | None
    accounts: list[Account]
    answered: str
    campaign: Campaign | None


@dataclass(frozen=True, slots=True)
class Tab:
    view: str
    name: str
    number: int
    is_current: bool


def view_of(query: Mapping[str, str]) -> str:
    view = query.get("show", OPEN)
    return view if view in VIEWS else OPEN


def find_replies(*, view: str) -> QuerySet[DoubtfulReply]:
    """Who waits longest first; of the decided ones the newest."""
    rows = DoubtfulReply.objects.select_related("point", "contact")
    if view == OPEN:
        return rows.filter(state=State.OPEN).order_by("at", "pk")
    return rows.exclude(state=State.OPEN).order_by("-decided_at", "-pk")


def make_tabs(*, view: str) -> list[Tab]:
    names = {OPEN: _("To decide"), DECIDED: _("Decided")}
    numbers = DoubtfulReply.objects.aggregate(
        open=Count("pk", filter=Q(state=State.OPEN)), decided=Count("pk", filter=~Q(state=State.OPEN))
    )
    return [Tab(one, names[one], numbers[one], one == view) for one in VIEWS]


def make_rows(*, replies: Sequence[DoubtfulReply]) -> list[Row]:
    messages = timeline.messages_by_uuid(uuids=[one.message for one in replies if one.message is not None])
    headlines = timeline.headlines(messages=list(messages.values()))
    campaigns = sequences.campaigns_by_slug(slugs=[one.origin_campaign for one in messages.values()])
    members: dict[int, list[Account]] = {}
    writers = [one.contact_id for one in replies if one.contact_id is not None]
    for member in Membership.objects.filter(contact_id__in=writers).select_related("account").order_by("account_id"):
        members.setdefault(member.contact_id, []).append(member.account)
    return [
        Row(
            reply=one,
            icon=campaign_words.CHANNEL_ICONS.get(one.point.channel, "mail"),
            channel=contact_words.channel(one.point.channel),
            badge=_badge(one),
            accounts=[answered.account]
            if answered is not None and answered.account is not None
            else members.get(one.contact_id or 0, []),
            answered=headlines.get(answered.pk, "") if answered is not None else "",
            campaign=campaigns.get(answered.origin_campaign) if answered is not None else None,
        )
        for one in replies
        for answered in [messages.get(one.message) if one.message is not None else None]
    ]


def _badge(reply: DoubtfulReply) -> tuple[str, str, str] | None:
    marks = {
        State.OUT: ("is-bad", "off"),
        State.STAYS: ("is-ok", "check"),
        State.SETTLED: ("is-quiet", "contact"),
    }
    state = State(reply.state)
    return (*marks[state], str(state.label)) if state in marks else None
