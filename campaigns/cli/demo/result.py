"""What came of the demo, held against what the sandbox knows to be true."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db.models import Count

from campaigns.analytics import summary
from campaigns.analytics.summary import CampaignSummary, Check
from campaigns.cli.demo.outside import Outside
from campaigns.conversions import tell
from campaigns.conversions.models import Conversion
from campaigns.crm.models import WriteBack
from campaigns.delivery.models import CsmTask, Message
from campaigns.sequences import places
from campaigns.sequences.models import Campaign, Entry

SMS_VENDOR = "twilio"
OFFICIAL_CLIENTS = {
    "sendgrid": "sendgrid/",
    "hubspot": "hubspot-api-client",
    "stripe": "Stripe/",
    SMS_VENDOR: "twilio-python/",
}


def hear_witness(*, outside: Outside, file: Path) -> dict[str, Any]:
    """What the sandbox saw: the truth, each message it accepted, who talked to it. Its memory ends with its
    process, so the first complete account is kept and a later run of the same demo reads it again."""
    if file.exists():
        return dict(json.loads(file.read_text()))
    witness = {
        "truth": outside.truth(),
        "mails": [mail["message"] for mail in outside.accepted(vendor="sendgrid")],
        "texts": [text["message"] for text in outside.accepted(vendor=SMS_VENDOR)],
        "agents": outside.agents(),
        "state": outside.state(),
    }
    file.write_text(json.dumps(witness))
    return witness


def collect(*, campaigns: Sequence[Campaign], witness: dict[str, Any], now: datetime) -> dict[str, Any]:
    """JSON-able. `is_closed`: every sum closed and the providers' logs agree with the ledger."""
    reports = [_report(campaign=one, truth=witness["truth"], now=now) for one in campaigns]
    checks = [
        *_provider_checks("Mails", "email", campaigns, witness["mails"]),
        *_provider_checks("Text messages", "sms", campaigns, witness["texts"]),
        *_write_back_checks(),
        *_client_checks(witness["agents"], has_texts=bool(witness["texts"])),
    ]
    return {
        "as_of": now.isoformat(),
        "campaigns": reports,
        "truth": witness["truth"],
        "write_backs": summary.write_back_states(),
        "csm_tasks": _csm_tasks(campaigns),
        "provider": {
            "accepted": len(witness["mails"]) + len(witness["texts"]),
            "messages": len({*witness["mails"], *witness["texts"]}),
        },
        "checks": [_line(check) for check in checks],
        "is_closed": all(check.ok for check in checks) and all(report["is_closed"] for report in reports),
    }


def _report(*, campaign: Campaign, truth: dict[str, Any], now: datetime) -> dict[str, Any]:
    told = summary.campaign_summary(campaign=campaign, now=now)
    not_yet = told.ledger["accounts"]["not_enrolled"].get(places.NOT_YET, 0)
    checks = [*told.checks, Check("Nobody in the audience was passed over", 0, not_yet), *_deal_checks(campaign)]
    return {
        "campaign": campaign.name,
        "slug": campaign.slug,
        "ledger": told.ledger,
        "steps": told.steps,
        "exits": told.exits,
        "conversions": told.conversions,
        "arms": _arms(told),
        "money": _money(told, truth["by_campaign"][campaign.slug]),
        "checks": [_line(check) for check in checks],
        "is_closed": all(check.ok for check in checks),
    }


def _line(check: Check) -> dict[str, Any]:
    return {**asdict(check), "ok": check.ok}


def _csm_tasks(campaigns: Sequence[Campaign]) -> dict[str, int]:
    """{state: n}"""
    slugs = [one.slug for one in campaigns]
    rows = CsmTask.objects.filter(message__origin_campaign__in=slugs).values("state")
    return {row["state"]: row["n"] for row in rows.annotate(n=Count("pk")).order_by("state")}


def _arms(told: CampaignSummary) -> list[dict[str, Any]]:
    assert told.readout is not None
    return [
        {
            "arm": arm.key,
            "assigned": arm.assigned,
            "sent": arm.sent,
            "delivered": arm.delivered,
            "clicked": arm.clicked,
            "opted_out": arm.opted_out,
            "upgraded": arm.upgraded,
            "mrr": float(arm.mrr),
        }
        for arm in [*told.readout.arms, told.readout.holdout]
    ]


def _money(told: CampaignSummary, truth: dict[str, Any]) -> dict[str, Any]:
    assert told.readout is not None
    found = told.readout.incremental
    true = float(truth["incremental_mrr"])
    covers = found.low is not None and found.high is not None and found.low <= true <= found.high
    return {
        "currency": told.readout.currency,
        "expansion": float(told.readout.treated.mrr),
        "incremental": found.estimate,
        "low": found.low,
        "high": found.high,
        "anytime_low": found.anytime_low,
        "anytime_high": found.anytime_high,
        "is_clear": found.is_clear,
        "reason": found.reason,
        "true": true,
        "covers_truth": covers,
        "verdict": told.readout.verdict.kind,
        "leader": told.readout.verdict.leader,
    }


def _provider_checks(noun: str, channel: str, campaigns: Sequence[Campaign], accepted: list[str]) -> list[Check]:
    """Zero doubled: no message accepted twice. Zero lost: what the ledger calls sent, the provider has."""
    counts = Counter(accepted)
    ours = Message.objects.filter(origin_campaign__in=[one.slug for one in campaigns], channel=channel)
    sent = {str(uuid) for uuid in ours.filter(state=Message.State.ACCEPTED).values_list("uuid", flat=True)}
    undetermined = ours.filter(state=Message.State.UNDETERMINED).values_list("uuid", flat=True)
    known = sent | {str(uuid) for uuid in undetermined}
    return [
        Check(f"{noun} doubled at the provider", sum(count - 1 for count in counts.values()), 0),
        Check(f"{noun} sent by the ledger that the provider does not have", len(sent - set(counts)), 0),
        Check(f"{noun} at the provider that the ledger does not know", len(set(counts) - known), 0),
        Check(f"{noun} still open", ours.open().count(), 0),
    ]


def _deal_checks(campaign: Campaign) -> list[Check]:
    won = Conversion.objects.filter(entry__campaign=campaign, entry__outcome=Entry.Outcome.ENROLLED)
    # Other campaigns of the same checkout win upgrades too: this one's deals are those of its own movements.
    keys = [tell.deal_key(movement_id=movement_id) for movement_id in won.values_list("movement_id", flat=True)]
    deals = WriteBack.objects.filter(kind=WriteBack.Kind.DEAL, state=WriteBack.State.DONE, key__in=keys)
    return [Check("Upgrades of written-to accounts = deals told to the CRM", won.count(), deals.count())]


def _write_back_checks() -> list[Check]:
    failed = WriteBack.objects.filter(state=WriteBack.State.FAILED)
    return [Check("Write-backs given up", failed.count(), 0)]


def _client_checks(agents: dict[str, dict[str, int]], *, has_texts: bool) -> list[Check]:
    """A campaign with no text message gives the SMS vendor nothing to hear."""
    expected = {vendor: name for vendor, name in OFFICIAL_CLIENTS.items() if vendor != SMS_VENDOR or has_texts}
    official = sum(
        any(agent.lower().startswith(name.lower()) for agent in agents.get(vendor, {}))
        for vendor, name in expected.items()
    )
    return [Check("Vendors that the official clients talked to", official, len(expected))]
