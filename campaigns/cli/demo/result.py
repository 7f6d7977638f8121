"""What came of the demo, held against what the sandbox knows to be true."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from campaigns.analytics import summary
from campaigns.analytics.summary import CampaignSummary, Check
from campaigns.cli.demo.outside import Outside
from campaigns.conversions import tell
from campaigns.conversions.models import Conversion
from campaigns.crm.models import WriteBack
from campaigns.delivery.models import Message
from campaigns.sequences.models import Campaign, Entry

OFFICIAL_CLIENTS = {"sendgrid": "sendgrid/", "hubspot": "hubspot-api-client", "stripe": "Stripe/"}


def hear_witness(*, outside: Outside, file: Path) -> dict[str, Any]:
    """What the sandbox saw: the truth, each mail it accepted, who talked to it. Its memory ends with its
    process, so the first complete account is kept and a later run of the same demo reads it again."""
    if file.exists():
        return dict(json.loads(file.read_text()))
    witness = {
        "truth": outside.truth(),
        "mails": [mail["message"] for mail in outside.accepted_mails()],
        "agents": outside.agents(),
        "state": outside.state(),
    }
    file.write_text(json.dumps(witness))
    return witness


def collect(*, campaign: Campaign, witness: dict[str, Any], now: datetime) -> dict[str, Any]:
    """JSON-able. `is_closed`: every sum closed and the provider's log agrees with the ledger."""
    told = summary.campaign_summary(campaign=campaign, now=now)
    truth, mails = witness["truth"], witness["mails"]
    checks = [
        *told.checks,
        *_provider_checks(campaign, mails),
        *_crm_checks(campaign),
        *_client_checks(witness["agents"]),
    ]
    return {
        "campaign": campaign.name,
        "slug": campaign.slug,
        "as_of": now.isoformat(),
        "ledger": told.ledger,
        "steps": told.steps,
        "exits": told.exits,
        "conversions": told.conversions,
        "write_backs": told.write_backs,
        "arms": _arms(told),
        "money": _money(told, truth),
        "truth": truth,
        "provider": {"accepted": len(mails), "messages": len(set(mails))},
        "checks": [{**asdict(check), "ok": check.ok} for check in checks],
        "is_closed": all(check.ok for check in checks),
    }


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
    true = float(truth["total"]["incremental_mrr"])
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


def _provider_checks(campaign: Campaign, mails: list[str]) -> list[Check]:
    """Zero doubled: no message accepted twice. Zero lost: what the ledger calls sent, the provider has."""
    accepted = Counter(mails)
    doubled = sum(count - 1 for count in accepted.values())
    ours = Message.objects.filter(origin_campaign=campaign.slug, channel="email")
    sent = {str(uuid) for uuid in ours.filter(state=Message.State.ACCEPTED).values_list("uuid", flat=True)}
    undetermined = ours.filter(state=Message.State.UNDETERMINED).values_list("uuid", flat=True)
    known = sent | {str(uuid) for uuid in undetermined}
    return [
        Check("Mails doubled at the provider", doubled, 0),
        Check("Mails sent by the ledger that the provider does not have", len(sent - set(accepted)), 0),
        Check("Mails at the provider that the ledger does not know", len(set(accepted) - known), 0),
        Check("Messages still open", ours.open().count(), 0),
    ]


def _crm_checks(campaign: Campaign) -> list[Check]:
    won = Conversion.objects.filter(entry__campaign=campaign, entry__outcome=Entry.Outcome.ENROLLED)
    # Later campaigns of the same checkout win upgrades too: this one's deals are those of its own movements.
    keys = [tell.deal_key(movement_id=movement_id) for movement_id in won.values_list("movement_id", flat=True)]
    deals = WriteBack.objects.filter(kind=WriteBack.Kind.DEAL, state=WriteBack.State.DONE, key__in=keys)
    return [
        Check("Upgrades of written-to accounts = deals told to the CRM", won.count(), deals.count()),
        Check("Write-backs given up", WriteBack.objects.filter(state=WriteBack.State.FAILED).count(), 0),
    ]


def _client_checks(agents: dict[str, dict[str, int]]) -> list[Check]:
    official = sum(
        any(agent.lower().startswith(name.lower()) for agent in agents[vendor])
        for vendor, name in OFFICIAL_CLIENTS.items()
    )
    return [Check("Vendors that the official clients talked to", official, len(OFFICIAL_CLIENTS))]
