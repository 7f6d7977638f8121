"""A campaign that has run for weeks, with exactly the results a test asks for, in bulk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

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
        messages = _messages(campaign, key, arm, entries, wordings[key]) if key != HOLDOUT else []
        _upgrades(goal, arm, entries, messages)
    statistics.renew_statistics(Entry, Enrolment, StepRun, Message, Assignment, Conversion)
    campaign.experiment.refresh_from_db()
    return campaign


def keep_snapshots(campaign: Campaign, *, started: datetime = NOW, every: int = 1, days: int = 42) -> None:
    """What the snapshot job would have left, a day apart."""
    assert campaign.experiment is not None
    Snapshot.objects.filter(experiment=campaign.experiment).delete()
    for day in range(every, days + 1, every):
        at = started + timedelta(days=day)
        read = readout.read_experiment(experiment=campaign.experiment, now=at, matured_only=True)
        Snapshot.objects.create(experiment=campaign.experiment, at=at, results=snapshot.as_json(read))


def _entries(
    campaign: Campaign, key: str, variant: Any, arm: Arm, started: datetime, last_entry_day: int
) -> list[Entry]:
    times = [started + timedelta(days=last_entry_day * place / max(arm.accounts, 1)) for place in range(arm.accounts)]
    accounts = Account.objects.bulk_create(
        Account(external_id=f"{campaign.slug}-{key}-{place}", name=f"Company {key}{place}", added_at=started)
        for place in range(arm.accounts)
    )
    draws = Assignment.objects.bulk_create(
        Assignment(experiment=campaign.experiment, account=account, variant=variant, x=0.5, at=at)
        for account, at in zip(accounts, times, strict=True)
    )
    outcome = Entry.Outcome.ENROLLED if variant is not None else Entry.Outcome.HOLDOUT
    return Entry.objects.bulk_create(
        Entry(campaign=campaign, account=account, assignment=draw, outcome=outcome, at=at)
        for account, draw, at in zip(accounts, draws, times, strict=True)
    )


def _messages(campaign: Campaign, key: str, arm: Arm, entries: list[Entry], wording: Any) -> list[Message]:
    contacts = _contacts(entries)
    points = ContactPoint.objects.bulk_create(
        ContactPoint(channel="email", contact=contact, address_hash=hash_address(contact.email)) for contact in contacts
    )
    # The ends of the list opt out, its beginnings click: nobody is asked to do both.
    messages = Message.objects.bulk_create(
        Message(
            gate=campaign.gate,
            contact=contact,
            account=entry.account,
            point=point,
            template_version=wording,
            channel="email",
            locale="en",
            variant=key,
            origin_campaign=campaign.slug,
            origin_step="mail-1",
            dedupe_key=f"{campaign.slug}-{key}-{place}",
            planned_at=entry.at,
            due_at=entry.at,
            state=Message.State.ACCEPTED if place < arm.sent else Message.State.SKIPPED,
            reason="" if place < arm.sent else Message.Reason.OPTED_OUT,
            accepted_at=entry.at if place < arm.sent else None,
            delivered_at=entry.at if place < arm.delivered else None,
            clicked_at=entry.at if place < arm.clicked else None,
            unsubscribed_at=entry.at if arm.delivered - arm.opted_out <= place < arm.delivered else None,
        )
        for place, (entry, contact, point) in enumerate(zip(entries, contacts, points, strict=True))
    )
    _enrol(campaign, key, entries, contacts, messages)
    return messages


def _contacts(entries: list[Entry]) -> list[Contact]:
    contacts = Contact.objects.bulk_create(
        Contact(
            external_id=f"{entry.account.external_id}-c",
            email=f"{entry.account.external_id}@customer.example",
            first_name="Noa",
            locale="en",
            added_at=entry.at,
        )
        for entry in entries
    )
    Membership.objects.bulk_create(
        Membership(account=entry.account, contact=contact, role="OWNER")
        for entry, contact in zip(entries, contacts, strict=True)
    )
    return contacts


def _enrol(
    campaign: Campaign, key: str, entries: list[Entry], contacts: list[Contact], messages: list[Message]
) -> None:
    """Through with all of it, each with the run that planned its message."""
    enrolments = Enrolment.objects.bulk_create(
        Enrolment(
            campaign=campaign,
            version=campaign.live_version,
            entry=entry,
            account=entry.account,
            contact=contact,
            arm=key,
            state=Enrolment.State.ENDED,
            exit_reason=Enrolment.Exit.COMPLETED,
            step_entered_at=entry.at,
            enrolled_at=entry.at,
            ended_at=entry.at,
        )
        for entry, contact in zip(entries, contacts, strict=True)
    )
    StepRun.objects.bulk_create(
        StepRun(
            enrolment=enrolment,
            step_key="mail-1",
            outcome=StepRun.Outcome.MESSAGE_PLANNED,
            message=message,
            at=enrolment.enrolled_at,
        )
        for enrolment, message in zip(enrolments, messages, strict=True)
    )


def _upgrades(goal: Goal, arm: Arm, entries: list[Entry], messages: list[Message]) -> None:
    """Evenly over those who entered; credited where the account clicked."""
    if not arm.upgraded:
        return
    chosen = [entries[place * len(entries) // arm.upgraded] for place in range(arm.upgraded)]
    plan = Plan.objects.get(code="team")
    subscriptions = Subscription.objects.bulk_create(
        Subscription(
            external_id=f"sub-{entry.account.external_id}",
            account=entry.account,
            plan=plan,
            status=Subscription.Status.ACTIVE,
            currency="USD",
            interval="MONTH",
            quantity=1,
            mrr=Decimal(99),
            started_at=entry.at,
            as_of=entry.at,
        )
        for entry in chosen
    )
    movements = MrrMovement.objects.bulk_create(
        MrrMovement(
            account=entry.account,
            subscription=subscription,
            at=entry.at + timedelta(days=3),
            kind=MrrMovement.Kind.EXPANSION,
            delta=Decimal(arm.mrr),
            currency="USD",
            cause=f"evt-{entry.account.external_id}",
            to_plan=plan,
        )
        for entry, subscription in zip(chosen, subscriptions, strict=True)
    )
    conversions = Conversion.objects.bulk_create(
        Conversion(
            goal=goal,
            entry=entry,
            account=entry.account,
            movement=movement,
            mrr_delta=movement.delta,
            currency="USD",
            reporting_delta=movement.delta,
            converted_at=movement.at,
            via_link=place % 2 == 0,
        )
        for place, (entry, movement) in enumerate(zip(chosen, movements, strict=True))
    )
    clicked = {message.account_id: message for message in messages if message.clicked_at is not None}
    AttributionCredit.objects.bulk_create(
        AttributionCredit(conversion=one, message=clicked[one.account_id], weight=Decimal(1))
        for one in conversions
        if one.account_id in clicked
    )
