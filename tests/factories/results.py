"""A campaign that has run for weeks, with exactly the results a test asks for, in bulk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from campaigns.analytics import readout, snapshot
from campaigns.billing.models import MrrMovement, Plan, Subscription
from campaigns.consent.models import ContactPoint
from campaigns.conversions.models import AttributionCredit, Conversion, Goal
from campaigns.delivery.models import Message
from campaigns.experiments.models import Assignment, Experiment, Snapshot
from campaigns.operations import statistics
from campaigns.profiles.addresses import hash_address
from campaigns.profiles.models import Account, Contact, Membership
from campaigns.sequences.models import Campaign, Enrolment, Entry, StepRun, StepVariant
from tests.factories.bulk import copy_rows
from tests.factories.sequences import NOW, launched

HOLDOUT = "holdout"


@dataclass(frozen=True, slots=True)
class Arm:
    """Accounts drawn, of them sent, delivered, clicked, opted out, upgraded; each upgrade adds `mrr` dollars."""

    accounts: int
    upgraded: int = 0
    mrr: int = 50
    sent: int = 0
    delivered: int = 0
    clicked: int = 0
    opted_out: int = 0


def campaign_with_results(
    *, arms: Mapping[str, Arm], last_entry_day: int = 28, started: datetime = NOW, planned: int = 0, **changes: Any
) -> Campaign:
    """Entries are spread evenly over the first `last_entry_day` days; an upgrade comes three days after entering.

    `arms` by variant key, the held out under "holdout"; `planned` is N*, as many as there are unless given.
    """
    campaign = launched(now=started, **changes)
    give_results(campaign, arms=arms, last_entry_day=last_entry_day, started=started, planned=planned)
    return campaign


def give_results(
    campaign: Campaign, *, arms: Mapping[str, Arm], last_entry_day: int = 28, started: datetime = NOW, planned: int = 0
) -> None:
    """What `campaign_with_results` does with a campaign that was launched, at `started`, before there were accounts."""
    assert campaign.experiment is not None
    size = planned or sum(arm.accounts for arm in arms.values())
    Experiment.objects.filter(pk=campaign.experiment.pk).update(planned_accounts=size)
    variants = {one.key: one for one in campaign.experiment.variants.all()}
    wordings = {
        one.key: one.template_version for one in StepVariant.objects.filter(step__version=campaign.live_version)
    }
    goal, _ = Goal.objects.get_or_create(campaign=campaign)
    for key, arm in arms.items():
        entries = _entries(campaign, key, variants.get(key), arm, started, last_entry_day)
        clicked = _messages(campaign, key, arm, entries, wordings[key]) if key != HOLDOUT else {}
        _upgrades(goal, arm, entries, clicked)
    statistics.renew_statistics(Entry, Enrolment, StepRun, Message, Assignment, Conversion)
    campaign.experiment.refresh_from_db()


def keep_snapshots(campaign: Campaign, *, started: datetime = NOW, every: int = 1, days: int = 42) -> None:
    """What the snapshot job would have left, a day apart."""
    assert campaign.experiment is not None
    Snapshot.objects.filter(experiment=campaign.experiment).delete()
    for day in range(every, days + 1, every):
        at = started + timedelta(days=day)
        read = readout.read_experiment(experiment=campaign.experiment, now=at, matured_only=True)
        Snapshot.objects.create(experiment=campaign.experiment, at=at, results=snapshot.as_json(read))


class _Entered(NamedTuple):
    """An account that was drawn: the key of its entry, its own key and name, and when."""

    pk: int
    account: int
    name: str
    at: datetime


def _entries(
    campaign: Campaign, key: str, variant: Any, arm: Arm, started: datetime, last_entry_day: int
) -> list[_Entered]:
    times = [started + timedelta(days=last_entry_day * place / max(arm.accounts, 1)) for place in range(arm.accounts)]
    names = [f"{campaign.slug}-{key}-{place}" for place in range(arm.accounts)]
    accounts = copy_rows(
        Account,
        ["external_id", "name"],
        [(name, f"Company {key}{place}") for place, name in enumerate(names)],
        added_at=started,
    )
    draws = copy_rows(
        Assignment,
        ["account_id", "at"],
        zip(accounts, times, strict=True),
        experiment=campaign.experiment,
        variant=variant,
        x=0.5,
    )
    outcome = Entry.Outcome.ENROLLED if variant is not None else Entry.Outcome.HOLDOUT
    entries = copy_rows(
        Entry,
        ["account_id", "assignment_id", "at"],
        zip(accounts, draws, times, strict=True),
        campaign=campaign,
        outcome=outcome,
    )
    return [_Entered(*one) for one in zip(entries, accounts, names, times, strict=True)]


def _messages(campaign: Campaign, key: str, arm: Arm, entries: list[_Entered], wording: Any) -> dict[int, int]:
    """The keys of those that were clicked, by account."""
    contacts, points = _contacts(entries)
    messages = copy_rows(
        Message,
        [
            *("contact_id", "account_id", "point_id", "dedupe_key", "planned_at", "due_at", "state", "reason"),
            *("accepted_at", "delivered_at", "clicked_at", "unsubscribed_at"),
        ],
        [
            (
                *(contact, entry.account, point, f"{campaign.slug}-{key}-{place}", entry.at, entry.at),
                *_fate(arm, place, entry.at),
            )
            for place, (entry, contact, point) in enumerate(zip(entries, contacts, points, strict=True))
        ],
        gate=campaign.gate,
        template_version=wording,
        channel="email",
        locale="en",
        variant=key,
        origin_campaign=campaign.slug,
        origin_step="mail-1",
    )
    _enrol(campaign, key, entries, contacts, messages)
    return {entry.account: message for entry, message in zip(entries[: arm.clicked], messages, strict=False)}


def _fate(arm: Arm, place: int, at: datetime) -> tuple[str, str, datetime | None, datetime | None, Any, Any]:
    """State, reason, and when it was accepted, delivered, clicked and answered by an opt-out.

    The ends of the list opt out, its beginnings click: nobody is asked to do both.
    """
    sent = place < arm.sent
    return (
        Message.State.ACCEPTED.value if sent else Message.State.SKIPPED.value,
        "" if sent else Message.Reason.OPTED_OUT.value,
        at if sent else None,
        at if place < arm.delivered else None,
        at if place < arm.clicked else None,
        at if arm.delivered - arm.opted_out <= place < arm.delivered else None,
    )


def _contacts(entries: list[_Entered]) -> tuple[list[int], list[int]]:
    """The keys of an owner of each account, and of the owner's address."""
    addresses = [f"{entry.name}@customer.example" for entry in entries]
    contacts = copy_rows(
        Contact,
        ["external_id", "email", "added_at"],
        [(f"{entry.name}-c", address, entry.at) for entry, address in zip(entries, addresses, strict=True)],
        first_name="Noa",
        locale="en",
    )
    accounts = [entry.account for entry in entries]
    copy_rows(Membership, ["account_id", "contact_id"], zip(accounts, contacts, strict=True), role="OWNER")
    points = copy_rows(
        ContactPoint,
        ["contact_id", "address_hash"],
        zip(contacts, map(hash_address, addresses), strict=True),
        channel="email",
    )
    return contacts, points


def _enrol(campaign: Campaign, key: str, entries: list[_Entered], contacts: list[int], messages: list[int]) -> None:
    """Through with all of it, each with the run that planned its message."""
    enrolments = copy_rows(
        Enrolment,
        ["entry_id", "account_id", "contact_id", "step_entered_at", "enrolled_at", "ended_at"],
        [
            (entry.pk, entry.account, contact, entry.at, entry.at, entry.at)
            for entry, contact in zip(entries, contacts, strict=True)
        ],
        campaign=campaign,
        version=campaign.live_version,
        arm=key,
        state=Enrolment.State.ENDED,
        exit_reason=Enrolment.Exit.COMPLETED,
    )
    copy_rows(
        StepRun,
        ["enrolment_id", "message_id", "at"],
        zip(enrolments, messages, [entry.at for entry in entries], strict=True),
        step_key="mail-1",
        outcome=StepRun.Outcome.MESSAGE_PLANNED,
    )


def _upgrades(goal: Goal, arm: Arm, entries: list[_Entered], clicked: dict[int, int]) -> None:
    """Evenly over those who entered; credited where the account clicked."""
    if not arm.upgraded:
        return
    chosen = [entries[place * len(entries) // arm.upgraded] for place in range(arm.upgraded)]
    plan = Plan.objects.get(code="team")
    subscriptions = copy_rows(
        Subscription,
        ["external_id", "account_id", "started_at", "as_of"],
        [(f"sub-{entry.name}", entry.account, entry.at, entry.at) for entry in chosen],
        plan=plan,
        status=Subscription.Status.ACTIVE,
        currency="USD",
        interval="MONTH",
        quantity=1,
        mrr=Decimal(99),
    )
    movements = copy_rows(
        MrrMovement,
        ["account_id", "subscription_id", "at", "cause"],
        [
            (entry.account, subscription, entry.at + timedelta(days=3), f"evt-{entry.name}")
            for entry, subscription in zip(chosen, subscriptions, strict=True)
        ],
        kind=MrrMovement.Kind.EXPANSION,
        delta=Decimal(arm.mrr),
        currency="USD",
        to_plan=plan,
    )
    conversions = copy_rows(
        Conversion,
        ["entry_id", "account_id", "movement_id", "converted_at", "via_link"],
        [
            (entry.pk, entry.account, movement, entry.at + timedelta(days=3), place % 2 == 0)
            for place, (entry, movement) in enumerate(zip(chosen, movements, strict=True))
        ],
        goal=goal,
        mrr_delta=Decimal(arm.mrr),
        currency="USD",
        reporting_delta=Decimal(arm.mrr),
    )
    copy_rows(
        AttributionCredit,
        ["conversion_id", "message_id"],
        [
            (conversion, clicked[entry.account])
            for conversion, entry in zip(conversions, chosen, strict=True)
            if entry.account in clicked
        ],
        weight=Decimal(1),
    )
