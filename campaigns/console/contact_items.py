"""The lines of a contact's timeline: each thing that happened, told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from campaigns.consent.models import ConsentRecord
from campaigns.console import (
    campaign_words,
    contact_answers,
    contact_words,
    failed_words,
    moment_words,
    step_tree,
    verdict_words,
    waiting_words,
)
from campaigns.console.contact_item import Item, Link, Surroundings, sentence
from campaigns.console.unsent import Unsent
from campaigns.delivery import links
from campaigns.delivery.models import Message
from campaigns.delivery.timeline import Kind, Moment
from campaigns.sequences.models import Campaign, Enrolment, Entry, StepRun
from campaigns.sequences.moved import Moved, Way
from orchestrator.channels import memory
from orchestrator.engine import capping, planner
from orchestrator.templating import word_lists

_ICONS = {
    Kind.UNSENT: "off", Kind.WAITING: "clock", Kind.SCANNED: "shield", Kind.CLICKED: "click", Kind.REPLIED: "undo",
    Kind.BOUNCED: "block", Kind.COMPLAINED: "block", Kind.DISMISSED: "x", Kind.SEEN: "eye",
}  # fmt: skip
_TONES = {Kind.UNSENT: "is-off", Kind.WAITING: "is-off", Kind.SCANNED: "is-off", Kind.DELIVERED: "is-ok"}


def tell(what: str, source: Any, around: Surroundings) -> Item | None:
    """None where the row is gone by now."""
    return _TELLERS[what](source, around)


def longest_cap() -> int:
    return max((cap.memory.days for cap in capping.read_caps(settings.FREQUENCY_CAPS)), default=1)


def channel_of(run: StepRun) -> str:
    """Of a message step, by the campaign version that the enrolment follows."""
    for step in run.enrolment.version.definition.get("steps", []):
        if step.get("key") == run.step_key:
            return str(step.get("channel", ""))
    return ""


def _tell_moment(moment: Moment, around: Surroundings) -> Item | None:
    message = around.messages.get(moment.message_id)
    if message is None:
        return None
    kind = Kind(moment.kind)
    campaign = around.campaigns.get(message.origin_campaign)
    definition = campaign.live_version.definition if campaign and campaign.live_version else {}
    headline, reply = around.headlines.get(message.pk, ""), around.replies.get((message.pk, moment.at), "")
    told = _UNTOLD if kind not in _REASONS else _REASONS[kind](message, around)
    return Item(
        at=moment.at,
        icon=_ICONS.get(kind, campaign_words.CHANNEL_ICONS.get(message.channel, "mail")),
        tone=_TONES.get(kind, ""),
        head=contact_words.moment_title(
            kind, message.channel, was_kept=memory.was_kept(provider_id=message.provider_id)
        ),
        rest=_("not counted as a click") if kind == Kind.SCANNED else "",
        quote=moment_words.quote(kind=kind, headline=headline, reply=reply),
        variant=message.variant if kind in (Kind.DELIVERED, Kind.SENT) and _is_compared(message, definition) else "",
        campaign=_campaign_link(campaign),
        step=_step_number(definition, message.origin_step),
        meta=moment_words.meta(kind=kind, message=message, headline=headline, reply=reply, zone=around.zone),
        link=_view_link(kind, message) or _decide_link(message, campaign),
        reason=told[0],
        reason_icon=told[1],
    )


_STUCK = (planner.LOOP, planner.STEP_GONE)
_UNTOLD = ("", "info")


def _unsent(message: Message, around: Surroundings) -> tuple[str, str]:
    state = around.states.get(message.channel)
    topic = message.gate.topic
    known = Unsent(
        message=message,
        topic=around.topic_name(topic),
        zone=around.zone,
        attempt=around.attempts.get(message.pk),
        noes=[one for one in around.noes if one.channel == message.channel and one.topic in ("", topic)],
        spenders=around.spenders.get(message.pk, ()),
        block=state.point.reason if state else "",
        winner=_name_of(message.lost_to, around),
    )
    icon = "limits" if message.reason == Message.Reason.CAPPED else "info"
    return f"{sentence(contact_words.why_unsent(known))} {_what_follows(message, around)}".rstrip(), icon


def _name_of(message: Message | None, around: Surroundings) -> str:
    campaign = around.campaigns.get(message.origin_campaign) if message else None
    return campaign.name if campaign else ""


def _what_follows(message: Message, around: Surroundings) -> str:
    """Of one that did not go, while its contact is on the way."""
    if message.pk not in around.followed or message.reason == Message.Reason.FACTS_CHANGED:
        return ""
    return _("What follows it in the campaign still comes, and counts from here.")


def _waiting(message: Message, around: Surroundings) -> tuple[str, str]:
    barred = waiting_words.why_never(message, state=around.states.get(message.channel))
    told = waiting_words.why_not_yet(message, now=around.now, is_sending_on=around.is_sending_on)
    return (barred, "off") if barred else (told, "clock")


def _bounced(message: Message, around: Surroundings) -> tuple[str, str]:
    state = around.states.get(message.channel)
    said = failed_words.came_back(channel=message.channel, reason=around.reports.get(message.pk, ""))
    said = sentence(said)
    if state is None or not state.is_dead:
        return said, "info"
    return f"{said} " * bool(said) + _("Nothing more is sent to this address: %(why)s.") % {
        "why": contact_words.block_words(state.point.reason)
    }, "block"


_REASONS: Mapping[Kind, Callable[[Message, Surroundings], tuple[str, str]]] = {
    Kind.UNSENT: _unsent,
    Kind.WAITING: _waiting,
    Kind.BOUNCED: _bounced,
}


def _view_link(kind: Kind, message: Message) -> Link | None:
    if message.channel != "email" or kind not in (Kind.DELIVERED, Kind.SENT):
        return None
    return Link(links.view_url(message_uuid=message.uuid), _("See the mail"))


def _decide_link(message: Message, campaign: Campaign | None) -> Link | None:
    if campaign is None or message.state != Message.State.UNDETERMINED or message.is_decided:
        return None
    return Link(reverse("admin:studio-campaign-unclear", args=[campaign.slug]), _("Decide what becomes of it"))


def _campaign_link(campaign: Campaign | None) -> Link | None:
    if campaign is None:
        return None
    return Link(reverse("admin:studio-campaign", args=[campaign.slug]), campaign.name)


def _is_compared(message: Message, definition: Mapping[str, Any]) -> bool:
    """A letter says something where there are several wordings. Of a step that is not in the version that runs any
    more, only a letter beyond the first does."""
    for step in definition.get("steps", []):
        if step.get("key") == message.origin_step and "variants" in step:
            return len(message.variant) == 1 and (len(step["variants"]) > 1 or message.variant not in step["variants"])
    return len(message.variant) == 1 and message.variant != "a"


def _step_number(definition: Mapping[str, Any], key: str) -> str:
    """As the campaign's own page numbers it."""
    numbers = step_tree.number_steps(definition.get("steps", []))
    return _("step %(n)d") % {"n": numbers[key]} if key in numbers else ""


def _tell_skipped_step(run: StepRun, around: Surroundings) -> Item:
    kind = channel_of(run)
    return Item(
        at=run.at,
        icon="off",
        tone="is-off",
        head=_("Went no further") if run.reason in _STUCK else contact_words.unsent_title(kind),
        campaign=_campaign_link(run.enrolment.campaign),
        step=_step_number(run.enrolment.version.definition, run.step_key),
        reason=contact_words.reason_sentence(run.reason, kind),
    )


def _tell_entered(way: Way, around: Surroundings) -> Item:
    enrolment = way.enrolment
    return Item(
        at=enrolment.enrolled_at,
        icon="campaign",
        head=_("%(account)s entered") % {"account": enrolment.account},
        campaign=_campaign_link(enrolment.campaign),
        step=_("version %(number)s") % {"number": way.version},
        reason=contact_words.evidence_words(enrolment.entry.evidence),
        reason_icon="check",
    )


def _tell_moved(source: tuple[Way, Moved], around: Surroundings) -> Item:
    way, move = source
    return Item(
        at=move.at,
        icon="campaign",
        head=_("Moved to version %(number)s by %(who)s")
        % {"number": move.version, "who": verdict_words.isolate(move.by)},
        campaign=_campaign_link(way.enrolment.campaign),
    )


def _tell_left(enrolment: Enrolment, around: Surroundings) -> Item:
    return Item(
        at=enrolment.ended_at or enrolment.enrolled_at,
        icon="check",
        head=_("Left"),
        campaign=_campaign_link(enrolment.campaign),
        meta=contact_words.exit_words(
            enrolment,
            noes=around.noes,
            has_dead_address=any(state.is_dead for state in around.states.values()),
        ),
    )


def _tell_beside(entry: Entry, around: Surroundings) -> Item:
    heads = {
        Entry.Outcome.HOLDOUT: _("%(account)s is held out"),
        Entry.Outcome.NOT_ENROLLED: _("%(account)s did not start"),
        Entry.Outcome.ENROLLED: _("%(account)s entered"),
    }
    return Item(
        at=entry.at,
        icon="audience",
        tone="is-off",
        head=heads[Entry.Outcome(entry.outcome)] % {"account": entry.account},
        campaign=_campaign_link(entry.campaign),
        reason=contact_words.entry_words(entry),
    )


def _tell_consent(rows: Sequence[ConsentRecord], around: Surroundings) -> Item:
    first = rows[0]
    is_yes = first.state == ConsentRecord.State.GRANTED
    by = list(dict.fromkeys(contact_words.by_channel(row.channel) for row in rows if row.channel != "csm_task"))
    words = {
        "topic": around.topic_name(first.topic),
        "channels": word_lists.join(by or [contact_words.by_channel("csm_task")], language=get_language() or "en"),
    }
    if first.topic:
        rest = _("to “%(topic)s” by %(channels)s") % words
    else:
        rest = _("to all offers and news by %(channels)s") % words
    said, icon = (_("Said yes"), "check") if is_yes else (_("Said no"), "off")
    if first.state == ConsentRecord.State.PENDING:
        said, icon = _("Is asked to confirm"), "clock"
    note = str(first.evidence.get("note", ""))
    basis = contact_words.basis_words(first) if is_yes else ""
    source = contact_words.source_words(first)
    return Item(
        at=first.at,
        icon=icon,
        tone="is-ok" if is_yes else "",
        head=said,
        rest=rest,
        meta=sentence(f"{source}, {basis}" if basis else source),
        reason=note,
    )


_TELLERS: Mapping[str, Callable[[Any, Surroundings], Item | None]] = {
    "moment": _tell_moment,
    "skipped_step": _tell_skipped_step,
    "entered": _tell_entered,
    "left": _tell_left,
    "moved": _tell_moved,
    "beside": _tell_beside,
    "consent": _tell_consent,
    "answer": contact_answers.tell_answer,
    "task": contact_answers.tell_task,
    "task_closed": contact_answers.tell_task_closed,
}
