"""The first-run checklist: what is connected, what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from campaigns.billing.models import Plan, Subscription
from campaigns.crm.models import CrmConnection
from campaigns.intake.models import Source
from campaigns.segments.models import Segment
from campaigns.sequences.models import Campaign
from orchestrator.channels import registry
from orchestrator.templating import word_lists


@dataclass(frozen=True, slots=True)
class Item:
    """`short` names the thing in a list of what works; `set_by` are settings, for whoever runs the installation."""

    short: str
    title: str
    detail: str
    icon: str
    is_done: bool
    url: str = ""
    action: str = ""
    set_by: tuple[str, ...] = ()


def check_set_up() -> dict[str, Any]:
    items = [*_connections(), *_firsts()]
    done = [item.short for item in items if item.is_done]
    return {
        "done": len(done),
        "total": len(items),
        "works": capfirst(word_lists.join(done, language=get_language() or "en")),
        "open": [item for item in items if not item.is_done],
    }


def _connections() -> list[Item]:
    return [
        Item(
            _("usage"),
            _("Product usage arrives"),
            _("Create a source and give its write key to your product's engineers."),
            "source",
            Source.objects.filter(kind="product", last_seen_at__isnull=False).exists(),
            reverse("admin:intake_source_changelist"),
            _("Create a source"),
        ),
        Item(
            _("CRM"),
            _("The CRM is connected"),
            _("An administrator connects it once; then accounts and contacts are pulled from there."),
            "refresh",
            CrmConnection.objects.filter(last_synced_at__isnull=False).exists(),
            set_by=("HUBSPOT_ACCESS_TOKEN",),
        ),
        Item(
            _("billing"),
            _("Plans and subscriptions are known"),
            _("Apply a catalogue and point your billing's webhooks here."),
            "offer",
            Plan.objects.exists() and Subscription.objects.exists(),
            reverse("admin:billing_plan_changelist"),
            _("See plans"),
        ),
        Item(
            _("e-mail"),
            _("E-mail goes out"),
            _("An administrator sets the provider, your address and your postal address. Until then mail stays here."),
            "mail",
            registry.get("email").is_live and bool(settings.SENDGRID_FROM_EMAIL and settings.SENDER_POSTAL_ADDRESS),
            set_by=("SENDGRID_API_KEY", "SENDGRID_FROM_EMAIL", "SENDER_POSTAL_ADDRESS"),
        ),
    ]


def _firsts() -> list[Item]:
    return [
        Item(
            _("a first segment"),
            _("A first segment"),
            _("Say in plain rules which accounts are ready for more."),
            "segment",
            Segment.objects.exists(),
            reverse("admin:studio-segment-new"),
            _("Make a segment"),
        ),
        Item(
            _("a first campaign"),
            _("A first campaign"),
            _("Two wordings, a wait, a holdout to compare with."),
            "campaign",
            Campaign.objects.filter(launched_at__isnull=False).exists(),
            reverse("admin:studio-campaign-new"),
            _("Make a campaign"),
        ),
    ]
