"""From the gallery into a campaign: a new draft with audience, offer, steps and texts, or the texts of one wording."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from campaigns.billing.models import Quota
from campaigns.console import drafts, gallery, skeleton
from campaigns.console.forms.campaigns import NEXT_PLAN, offer_value, slug_for
from campaigns.console.gallery import Situation
from campaigns.offers.quote import SEATS_METER
from campaigns.operations.models import AuditEntry
from campaigns.segments import store
from campaigns.segments.errors import DefinitionError
from campaigns.segments.models import Segment
from campaigns.sequences import placing
from campaigns.sequences.campaign_file import CampaignFileError
from campaigns.sequences.models import Campaign
from campaigns.sequences.step_file import LOCALES
from campaigns.usage.models import Meter
from orchestrator.channels import registry


class StartError(ValueError):
    """The campaign cannot be made here; the message says what is missing, for the person who asked for it."""


def words_of(situation: Situation) -> gallery.Texts:
    """In the reader's language, else in English."""
    spoken = (get_language() or "en").split("-")[0]
    return situation.texts[spoken if spoken in LOCALES else "en"]


def meter_for(situation: Situation) -> Meter | None:
    """The best meter for the situation that the catalogue has: first those it is about, then any with a quota."""
    if not situation.meters:
        return None
    meters = Meter.objects.in_bulk(field_name="code")
    limited = Quota.objects.filter(limit__isnull=False).order_by("pk").values_list("meter", flat=True)
    candidates = [*situation.meters, *limited]
    return next((meters[code] for code in candidates if code in meters), None)


def unit_of(meter: Meter | None) -> str:
    """What it counts in, for the texts; empty where nobody says."""
    if meter is None:
        return ""
    return meter.unit or ("seats" if meter.code == SEATS_METER else "")


@transaction.atomic
def start_campaign(*, situation: Situation, by: str, now: datetime) -> Campaign:
    """A draft, its audience a stored segment beside it. Raises StartError; then nothing was made."""
    words, meter = words_of(situation), meter_for(situation)
    slug = slug_for(situation.slug)
    definition = gallery.audience(
        situation=situation, meter=meter.code if meter else "", aggregation=meter.aggregation if meter else ""
    )
    if not definition["all"]:
        raise StartError(_("This needs a meter: apply a catalogue that has one, then start again."))
    try:
        segment = store.save_segment(
            slug=_segment_slug(slug),
            name=_("%(name)s: audience") % {"name": words.name},
            definition=definition,
            by=by,
            now=now,
        ).segment
        document = _document(situation, words, slug, segment.slug, unit_of(meter))
        return drafts.make(document=document, by=by, now=now).campaign
    except (DefinitionError, CampaignFileError) as error:
        raise StartError(error.message) from error


@transaction.atomic
def discard_draft(*, slug: str, by: str, now: datetime) -> bool:
    """Undo of `start_campaign`: the draft goes, and its audience unless something else uses it by now.

    False where there is no such draft any more: what was launched stays.
    """
    campaign = Campaign.objects.select_for_update(of=("self",)).filter(slug=slug).first()
    if campaign is None or campaign.status != Campaign.Status.DRAFT or campaign.launched_at is not None:
        return False
    segment = campaign.segment
    document = drafts.document_of(campaign=campaign)
    Campaign.objects.filter(pk=campaign.pk).update(draft_version=None)
    campaign.delete()
    AuditEntry.objects.create(
        at=now, actor=by, action="campaign.discarded", subject=f"campaign:{slug}", before=document
    )
    if segment is not None and segment.slug == _segment_slug(slug) and not segment.campaigns.exists():
        Segment.objects.filter(pk=segment.pk).update(archived_at=now)
    return True


def take_texts(*, document: dict[str, Any], key: str, letter: str, situation: Situation, meter: Meter | None) -> None:
    """All languages of one wording; where an in-app message shows stays as it is. Raises StartError for texts about an
    offer that the campaign does not make. `meter`: what its audience is about."""
    if situation.has_offer and "offer" not in document:
        raise StartError(_("These texts name an offer, and this campaign makes none. Choose an offer first."))
    step = drafts.step_of(document=document, key=key)
    if step is None or step.get("channel") not in gallery.CHANNELS or letter not in step["variants"]:
        raise StartError(_("This wording is not there any more."))
    place = drafts.place_of(step=step, letter=letter)
    texts = gallery.content(
        situation=situation, channel=step["channel"], unit=unit_of(meter), sender=skeleton.sender_name()
    )
    for locale in LOCALES:
        content = {name: text for name, text in texts[locale].items() if name not in placing.KEYS} | place
        drafts.set_content(document=document, key=key, letter=letter, locale=locale, content=content)


def _document(situation: Situation, words: gallery.Texts, slug: str, segment: str, unit: str) -> dict[str, Any]:
    document: dict[str, Any] = {
        "slug": slug,
        "name": words.name,
        "purpose": "MARKETING",
        "topic": "offers",
        "audience": {"segment": segment},
        "entry": {"reentry": "NEVER"},
        "recipients": {"roles": ["OWNER", "ADMIN", "BILLING"], "per_account": 1},
        "exit_on": ["CONVERTED", "OPTED_OUT", "LEFT_SEGMENT", "REFUSED", "GATE_CLOSED"],
        "goal": {"kind": "UPGRADE", "window_days": situation.goal_days},
        "holdout_percent": 10,
        "limits": {"window": {"from": "09:00", "to": "20:00"}, "send_by_hours": 48, "priority": 50},
        "steps": gallery.steps(situation=situation, unit=unit, channels=registry.channel_kinds()),
    }
    if situation.has_offer:
        document["offer"] = offer_value(NEXT_PLAN["slug"])
    return document


def _segment_slug(campaign: str) -> str:
    return f"{campaign}-audience"
