from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Case, Count, Max, OuterRef, Q, QuerySet, Subquery, Value, When

from campaigns.delivery.models import DeliveryAttempt, Message
from campaigns.sequences import campaign_file, places
from campaigns.sequences.campaign_file import BY_SEGMENT
from campaigns.sequences.models import Campaign, Enrolment, Entry, StepRun


def ledger(*, campaign: Campaign, now: datetime) -> dict[str, Any]:
    """Where everybody and everything of a campaign is. The parts sum to the whole:

    audience = holdout + enrolled + Σ not_enrolled, of accounts and (without a holdout of their own) of contacts;
    Σ skips = messages.SKIPPED. Each stands in one place (`places`); test sends do not count.
    """
    messages = message_states(campaign=campaign)
    return {
        "slug": campaign.slug,
        "as_of": now.isoformat(),
        "accounts": places.place_accounts(campaign=campaign),
        "contacts": places.place_contacts(campaign=campaign),
        "messages": messages,
        "skips": skip_reasons(campaign=campaign),
        "open": sum(messages[state.value] for state in Message.OPEN),
    }


def entry_counts(*, campaign: Campaign) -> dict[str, Any]:
    """{"enrolled", "holdout", "not_enrolled": {reason: n}}, one place per account that entered (`places`)."""
    taken = Case(When(outcome=Entry.Outcome.NOT_ENROLLED, then=1), default=0)
    newest = Entry.objects.filter(campaign=campaign).order_by("account_id", taken, "-number").distinct("account_id")
    rows = Entry.objects.filter(pk__in=newest.values("pk")).values("outcome", "reason").annotate(accounts=Count("pk"))
    counts: dict[str, Any] = {"enrolled": 0, "holdout": 0, "not_enrolled": {}}
    for row in rows.order_by("outcome", "reason"):
        if row["outcome"] == Entry.Outcome.NOT_ENROLLED:
            counts["not_enrolled"][row["reason"]] = row["accounts"]
        else:
            counts[row["outcome"].lower()] += row["accounts"]
    return counts


def message_states(*, campaign: Campaign) -> dict[str, int]:
    """Every state with its number, also those nobody is in."""
    states = {state.value: 0 for state in Message.State}
    for row in campaign_messages(campaign=campaign).values("state").annotate(messages=Count("pk")):
        states[row["state"]] = row["messages"]
    for state, number in _past_counts(past_runs(campaign=campaign), "past__state").items():
        states[state] += number
    return states


def skip_reasons(*, campaign: Campaign) -> dict[str, int]:
    rows = campaign_messages(campaign=campaign).filter(state=Message.State.SKIPPED)
    counted = rows.values("reason").annotate(messages=Count("pk")).order_by("reason")
    kept = Counter({row["reason"]: row["messages"] for row in counted})
    gone = past_runs(campaign=campaign).filter(past__state=Message.State.SKIPPED)
    return dict(sorted((kept + _past_counts(gone, "past__reason")).items()))


def past_runs(*, campaign: Campaign) -> QuerySet[StepRun]:
    """Those whose message is no longer kept; `past` says what it came to."""
    return StepRun.objects.filter(enrolment__campaign=campaign, past__isnull=False)


def past_of(*, contact_id: int) -> tuple[int, datetime | None]:
    """How many of a contact's messages are no longer kept, and when the newest of them was planned."""
    rows = StepRun.objects.filter(enrolment__contact_id=contact_id, past__isnull=False)
    found = rows.aggregate(number=Count("pk"), newest=Max("at"))
    return found["number"], found["newest"]


def _past_counts(rows: QuerySet[StepRun], key: str) -> Counter[str]:
    return Counter({row[key]: row["messages"] for row in rows.values(key).annotate(messages=Count("pk")).order_by()})


def campaign_messages(*, campaign: Campaign) -> QuerySet[Message]:
    return Message.objects.counted().filter(origin_campaign=campaign.slug)


def ledger_messages(*, campaign: Campaign) -> Iterator[dict[str, Any]]:
    """One line per message that is still kept, oldest first; of one that failed, `reason` is the provider's code. Holds
    addresses: for the operator's own eyes."""
    last = DeliveryAttempt.objects.filter(message=OuterRef("pk")).order_by("-number")
    code = Case(When(state=Message.State.FAILED, then=Subquery(last.values("code")[:1])), default=Value(""))
    rows = campaign_messages(campaign=campaign).select_related("contact").order_by("pk").annotate(code=code)
    for message in rows.iterator(chunk_size=1000):
        yield {
            "id": str(message.uuid),
            "contact": message.contact.external_id,
            "address": _address(message),
            "step": message.origin_step,
            "variant": message.variant,
            "channel": message.channel,
            "state": message.state,
            "reason": message.reason or message.code or "",
            "attempts": message.attempt,
            "provider_id": message.provider_id,
            "accepted_at": message.accepted_at.isoformat() if message.accepted_at else None,
        }


def positions(*, campaign: Campaign) -> dict[str, int]:
    """{step key: open enrolments standing at it}; under "" those past the last step that await their messages."""
    rows = Enrolment.objects.filter(campaign=campaign, state=Enrolment.State.OPEN)
    counted = rows.values("step_key").annotate(enrolments=Count("pk")).order_by("step_key")
    return {row["step_key"]: row["enrolments"] for row in counted}


def exit_reasons(*, campaign: Campaign) -> dict[str, int]:
    rows = Enrolment.objects.filter(campaign=campaign, state=Enrolment.State.ENDED)
    counted = rows.values("exit_reason").annotate(enrolments=Count("pk")).order_by("exit_reason")
    return {row["exit_reason"]: row["enrolments"] for row in counted}


def steps_skipped(*, campaign: Campaign) -> dict[str, int]:
    """{reason: how often a step was passed by without making a message}."""
    rows = StepRun.objects.filter(enrolment__campaign=campaign, outcome=StepRun.Outcome.SKIPPED)
    counted = rows.values("reason").annotate(runs=Count("pk")).order_by("reason")
    return {row["reason"]: row["runs"] for row in counted}


def has_open_rows(*, campaign: Campaign) -> bool:
    """Whether anything of the campaign can still change by itself: an open enrolment, an open message."""
    if Enrolment.objects.filter(campaign=campaign, state=Enrolment.State.OPEN).exists():
        return True
    return campaign_messages(campaign=campaign).filter(state__in=[state.value for state in Message.OPEN]).exists()


def is_finished(*, campaign: Campaign) -> bool:
    """Derived from rows, never stored by hand: nothing is open and nobody new can come in.

    A live campaign over a segment, or that an event brings people into, stays live, for others may enter it; a list of
    contacts is closed once all who are on it were placed.
    """
    if campaign.status == Campaign.Status.DRAFT or has_open_rows(campaign=campaign):
        return False
    return is_closed(campaign=campaign)


def is_closed(*, campaign: Campaign) -> bool:
    """Whether nobody can come in any more."""
    if campaign.status == Campaign.Status.STOPPED:
        return True
    version = campaign.live_version
    if version is None or version.audience_read_at is None or not is_list(campaign=campaign):
        return False
    return campaign_file.read_entry(version.definition).by == BY_SEGMENT


def is_list(*, campaign: Campaign) -> bool:
    """Whether the audience of what runs is a list of contacts."""
    version = campaign.live_version
    return version is not None and "contacts" in version.definition.get("audience", {})


def by_slug(*, slug: str) -> Campaign | None:
    rows = Campaign.objects.select_related("segment", "offer", "gate", "experiment", "live_version", "draft_version")
    return rows.filter(slug=slug).first()


def _address(message: Message) -> str:
    if message.channel == "email":
        return message.contact.email
    return message.contact.phone if message.channel == "sms" else message.contact.external_id


def enrolments_of(*, contact_id: int) -> list[Enrolment]:
    """A contact's ways through campaigns, newest first, with what tells their story."""
    rows = Enrolment.objects.filter(contact_id=contact_id).select_related("campaign", "version", "account", "entry")
    return list(rows.order_by("-enrolled_at", "-pk"))


def entries_beside(*, account_ids: Sequence[int], contact_id: int) -> list[Entry]:
    """Where these accounts came into an audience without this contact on the way: held out, kept out, or somebody
    else there was chosen; not that a fault kept out a colleague. Newest first."""
    rows = Entry.objects.filter(account_id__in=account_ids).exclude(enrolments__contact_id=contact_id)
    rows = rows.exclude(Q(reason=Entry.Reason.FAULT, stay__contact__isnull=False) & ~Q(stay__contact=contact_id))
    return list(rows.select_related("campaign", "account").order_by("-at", "-pk"))


def skipped_steps_of(*, contact_id: int) -> list[StepRun]:
    """Steps that were passed by without making a message, newest first. `reason` says why."""
    rows = StepRun.objects.filter(enrolment__contact_id=contact_id, outcome=StepRun.Outcome.SKIPPED)
    rows = rows.select_related("enrolment__campaign", "enrolment__version", "enrolment__account")
    return list(rows.order_by("-at", "-pk"))


def campaigns_by_slug(*, slugs: Iterable[str]) -> dict[str, Campaign]:
    rows = Campaign.objects.filter(slug__in=set(slugs)).select_related("live_version")
    return {campaign.slug: campaign for campaign in rows}


def followed_messages(*, message_ids: Sequence[int]) -> set[int]:
    """Those of them whose contact stands at a later step of the campaign. Nothing is asked about none."""
    if not message_ids:
        return set()
    rows = StepRun.objects.filter(message__in=message_ids, enrolment__state=Enrolment.State.OPEN)
    return {pk for pk in rows.exclude(enrolment__step_key="").values_list("message_id", flat=True) if pk is not None}
