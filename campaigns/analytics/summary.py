"""A campaign in one table that adds up: the end of the demo, and the numbers behind the campaign's page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q
from django.utils.translation import gettext as _

from campaigns.analytics import readout
from campaigns.analytics.readout import ExperimentReadout
from campaigns.conversions.models import Conversion
from campaigns.crm.models import WriteBack
from campaigns.delivery.models import Message
from campaigns.experiments import selectors as experiments
from campaigns.sequences import selectors as sequences
from campaigns.sequences.models import Campaign, Enrolment, Entry, StepRun

_PAST_FACTS = ("sent", "delivered", "clicked", "bounced", "opted_out")


@dataclass(frozen=True, slots=True)
class Check:
    """One sum that must close: what is on the left equals what is on the right."""

    sentence: str
    left: int | str
    right: int | str

    @property
    def ok(self) -> bool:
        return self.left == self.right


@dataclass(frozen=True, slots=True)
class CampaignSummary:
    """`ledger` as `manage.py ledger` prints it; `steps` rows of (step, channel, variant, figures)."""

    campaign: Campaign
    as_of: datetime
    ledger: dict[str, Any]
    steps: list[dict[str, Any]]
    steps_skipped: dict[str, int]
    positions: dict[str, int]
    exits: dict[str, int]
    readout: ExperimentReadout | None
    conversions: dict[str, int]
    write_backs: dict[str, dict[str, int]]
    checks: list[Check]

    @property
    def is_closed(self) -> bool:
        return all(check.ok for check in self.checks)


def campaign_summary(*, campaign: Campaign, now: datetime) -> CampaignSummary:
    ledger = sequences.ledger(campaign=campaign, now=now)
    read = readout.read_experiment(experiment=campaign.experiment, now=now) if campaign.experiment else None
    steps = step_rows(campaign=campaign)
    positions, exits = sequences.positions(campaign=campaign), sequences.exit_reasons(campaign=campaign)
    return CampaignSummary(
        campaign=campaign,
        as_of=now,
        ledger=ledger,
        steps=steps,
        steps_skipped=sequences.steps_skipped(campaign=campaign),
        positions=positions,
        exits=exits,
        readout=read,
        conversions=_conversions(campaign),
        write_backs=write_back_states(),
        checks=[
            *_ledger_checks(ledger, steps),
            *_enrolment_checks(campaign, ledger, positions, exits),
            *_experiment_checks(campaign, ledger, read),
        ],
    )


def step_rows(*, campaign: Campaign) -> list[dict[str, Any]]:
    """One row per step and variant: messages, sent, delivered, clicked (human), opted_out, skipped, open."""
    opened = [state.value for state in Message.OPEN]
    rows = (
        sequences.campaign_messages(campaign=campaign)
        .values("origin_step", "channel", "variant")
        .annotate(
            messages=Count("pk"),
            sent=Count("pk", filter=Q(accepted_at__isnull=False)),
            delivered=Count("pk", filter=Q(delivered_at__isnull=False)),
            clicked=Count("pk", filter=Q(clicked_at__isnull=False)),
            bounced=Count("pk", filter=Q(bounced_at__isnull=False)),
            opted_out=Count("pk", filter=Q(unsubscribed_at__isnull=False) | Q(complained_at__isnull=False)),
            skipped=Count("pk", filter=Q(state=Message.State.SKIPPED)),
            open=Count("pk", filter=Q(state__in=opened)),
        )
    )
    order = _step_order(campaign)
    return sorted(
        _with_past([_step_row(row) for row in rows], campaign),
        key=lambda row: (order.get(row["step"], len(order)), row["variant"]),
    )


def _with_past(rows: list[dict[str, Any]], campaign: Campaign) -> list[dict[str, Any]]:
    """The same with the messages that are no longer kept."""
    found = {(row["step"], row["channel"], row["variant"]): row for row in rows}
    facts = {name: Count("pk", filter=Q(past__facts__contains=[name])) for name in _PAST_FACTS}
    past = sequences.past_runs(campaign=campaign).values("step_key", "past__channel", "past__variant")
    skipped = Count("pk", filter=Q(past__state=Message.State.SKIPPED))
    counted: Iterable[Mapping[str, Any]] = past.annotate(messages=Count("pk"), skipped=skipped, **facts).order_by()
    for gone in counted:
        key = gone["step_key"], gone["past__channel"], gone["past__variant"]
        empty = {"step": key[0], "channel": key[1], "variant": key[2], "open": 0}
        row = found.setdefault(key, {**empty, **dict.fromkeys(("messages", "skipped", *_PAST_FACTS), 0)})
        for name in ("messages", "skipped", *_PAST_FACTS):
            row[name] += gone[name]
    return list(found.values())


def _step_row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"step": row["origin_step"], **{name: value for name, value in row.items() if name != "origin_step"}}


def write_back_states() -> dict[str, dict[str, int]]:
    """{kind: {state: n}} over all connections."""
    found: dict[str, dict[str, int]] = {}
    for row in WriteBack.objects.values("kind", "state").annotate(n=Count("pk")).order_by("kind", "state"):
        found.setdefault(row["kind"], {})[row["state"]] = row["n"]
    return found


def _step_order(campaign: Campaign) -> Mapping[str, int]:
    if campaign.live_version is None:
        return {}
    return {step["key"]: place for place, step in enumerate(campaign.live_version.definition["steps"])}


def _conversions(campaign: Campaign) -> dict[str, int]:
    rows = Conversion.objects.filter(entry__campaign=campaign)
    enrolled = Q(entry__outcome=Entry.Outcome.ENROLLED)
    return {
        "enrolled": rows.filter(enrolled).count(),
        "holdout": rows.exclude(enrolled).count(),
        "via_link": rows.filter(via_link=True).count(),
        "credited": rows.filter(credits__isnull=False).distinct().count(),
    }


def _ledger_checks(ledger: Mapping[str, Any], steps: list[dict[str, Any]]) -> list[Check]:
    accounts, messages = ledger["accounts"], ledger["messages"]
    parts = accounts["holdout"] + accounts["enrolled"] + sum(accounts["not_enrolled"].values())
    return [
        Check(_("Audience = held out + enrolled + not enrolled"), accounts["audience"], parts),
        Check(_("Skipped messages = sum of the reasons"), messages["SKIPPED"], sum(ledger["skips"].values())),
        Check(_("Messages by state = messages by step"), sum(messages.values()), sum(row["messages"] for row in steps)),
    ]


def _enrolment_checks(
    campaign: Campaign, ledger: Mapping[str, Any], positions: Mapping[str, int], exits: Mapping[str, int]
) -> list[Check]:
    enrolled = Enrolment.objects.filter(campaign=campaign).count()
    placed = sum(positions.values()) + sum(exits.values())
    planning = StepRun.objects.filter(Q(message__isnull=False) | Q(past__isnull=False), enrolment__campaign=campaign)
    with_message = planning.values("enrolment").distinct().count()
    planned = planning.count()
    return [
        Check(_("Enrolled contacts = on their way + ended"), enrolled, placed),
        Check(_("Everybody enrolled has a message"), enrolled, with_message),
        Check(_("Messages = steps that planned one"), sum(ledger["messages"].values()), planned),
    ]


def _experiment_checks(campaign: Campaign, ledger: Mapping[str, Any], read: ExperimentReadout | None) -> list[Check]:
    if read is None:
        return []
    counts = experiments.assigned_counts(experiment=read.experiment)
    held = counts.pop(experiments.HOLDOUT)
    upgraded = Conversion.objects.filter(entry__campaign=campaign).values("account").distinct().count()
    checks = [
        Check(_("Upgraded accounts = upgraded by arm + upgraded in the holdout"), upgraded, _upgraded(read)),
        Check(
            _("Expansion MRR of the conversions = by arm + of the holdout"),
            _money(sum(row for row in _deltas(campaign))),
            _money(read.treated.mrr + read.holdout.mrr),
        ),
    ]
    if read.experiment.decided_at is None:
        accounts = ledger["accounts"]
        checks.append(Check(_("Accounts drawn to the variants = enrolled"), sum(counts.values()), accounts["enrolled"]))
        checks.append(Check(_("Accounts drawn to the holdout = held out"), held, accounts["holdout"]))
    return checks


def _upgraded(read: ExperimentReadout) -> int:
    return read.treated.upgraded + read.holdout.upgraded


def _deltas(campaign: Campaign) -> list[Any]:
    return list(Conversion.objects.filter(entry__campaign=campaign).values_list("reporting_delta", flat=True))


def _money(amount: Any) -> str:
    return f"{amount:.2f}"
