"""What a campaign's page shows: the outline with what each part lacks, goal and audience in sentences, the steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.console import (
    campaign_words,
    drafts,
    exit_words,
    ledger_words,
    message_preview,
    preview_panel,
    preview_people,
    samples,
    step_cards,
    step_tree,
)
from campaigns.console.preview_people import Viewers
from campaigns.segments import preview as segment_preview
from campaigns.segments.errors import DefinitionError
from campaigns.segments.sessions import SegmentTooSlow
from campaigns.sequences import cast, check, places, selectors
from campaigns.sequences.cast import Cast, Person
from campaigns.sequences.check import BLOCKER, Finding
from campaigns.sequences.models import Campaign, Enrolment
from campaigns.sequences.step_file import LOCALES


@dataclass(frozen=True, slots=True)
class Part:
    """One of the outline. `key` is also the anchor on the page."""

    key: str
    name: str
    meta: str
    icon: str
    tone: str
    url: str


def gather(*, campaign: Campaign, asked: Mapping[str, str], sees_people: bool, now: datetime) -> dict[str, Any]:
    """`asked` is the query: step, variant, contact, q, screen, language of the preview. Whoever does not see people
    gets it with made-up values."""
    document = drafts.document_of(campaign=campaign)
    findings = check.find_blockers(campaign=campaign, now=now, numbering=step_tree.number_steps)
    panel = make_panel(campaign=campaign, asked=asked, sees_people=sees_people, now=now)
    cards = step_cards.Cards(
        slug=campaign.slug,
        steps=document["steps"],
        facts=panel.facts,
        shown=(panel.key, panel.letter),
        findings=findings,
        query=f"&contact={panel.person.contact.pk}" if panel.person else "",
        at=message_preview.snippets_as_of(campaign),
    )
    steps, can_rearrange = step_cards.draw_steps(steps=document["steps"], cards=cards)
    count = _count(campaign, now)
    return {
        **frame(campaign=campaign),
        "document": document,
        "parts": outline(campaign=campaign, document=document, findings=findings, count=count),
        "goal": {"days": (document.get("goal") or {}).get("window_days"), "offer": campaign_words.offer_name(document)},
        "audience": audience_words(campaign=campaign, document=document, count=count),
        "places": _places(campaign),
        "exits": exit_words.sentence(document),
        "steps": steps,
        "can_rearrange": can_rearrange,
        "panel": panel,
        "has_letters": panel.is_compared,
    }


def make_panel(
    *, campaign: Campaign, asked: Mapping[str, str], sees_people: bool, now: datetime
) -> preview_panel.Panel:
    """The preview beside the steps: `asked` is the query, as for `gather`."""
    document = drafts.document_of(campaign=campaign)
    messages = [step for step in document["steps"] if step["kind"] == "MESSAGE"]
    step = next((one for one in messages if one["key"] == asked.get("step")), messages[0])
    letters = list(step["variants"])
    viewers = preview_people.choose(campaign=campaign, asked=asked, now=now) if sees_people else Viewers()
    return preview_panel.make_panel(
        campaign=campaign,
        document=document,
        step=step,
        letter=asked["variant"] if asked.get("variant") in letters else letters[-1 if len(letters) == 2 else 0],
        viewers=viewers,
        made_up={} if viewers.person else samples.make_facts(campaign=campaign, has_offer="offer" in document, now=now),
        ask=preview_panel.Ask(
            page=reverse("admin:studio-campaign", args=[campaign.slug]),
            screen=asked.get("screen", ""),
            language=asked["language"] if asked.get("language") in LOCALES else "",
        ),
    )


def frame(*, campaign: Campaign) -> dict[str, Any]:
    """What every page of one campaign shows in its header."""
    version = campaign.draft_version or campaign.live_version
    is_idle = campaign.live_version is not None and not selectors.has_open_rows(campaign=campaign)
    is_closed = selectors.is_closed(campaign=campaign)
    return {
        "section": "campaigns",
        "campaign": campaign,
        "badge": campaign_words.badge(campaign),
        "version": version,
        "is_draft": campaign.draft_version is not None,
        "is_beside": campaign.is_edited_beside,
        "is_finished": is_idle and is_closed,
        "is_waiting": is_idle and not is_closed and campaign.status == Campaign.Status.LIVE,
        "lock": "" if campaign.is_edited_beside else campaign_words.lock_words(campaign.status),
        "undo": drafts.version_before(campaign=campaign),
        "redo": drafts.version_after(campaign=campaign),
        "inside": Enrolment.objects.filter(campaign=campaign, state=Enrolment.State.OPEN).count(),
    }


def find_audience(*, campaign: Campaign, now: datetime) -> tuple[Cast, list[Person]]:
    """Who is listed, and the first of them with their facts. Nobody where the audience can't be evaluated."""
    try:
        listed = cast.list_members(campaign=campaign, now=now)
        return listed, cast.gather_people(campaign=campaign, members=listed.members[: cast.FEW], now=now)
    except (DefinitionError, SegmentTooSlow):
        return preview_people.NOBODY, []


def find_people(*, campaign: Campaign, now: datetime) -> list[Person]:
    """Empty where the audience can't be evaluated: the page says so elsewhere."""
    return find_audience(campaign=campaign, now=now)[1]


def outline(
    *, campaign: Campaign, document: Mapping[str, Any], findings: Sequence[Finding], count: int | None
) -> list[Part]:
    """`count` is of the audience; None where it can't be counted."""
    page = reverse("admin:studio-campaign", args=[campaign.slug])
    wrong = {key: [one for one in findings if one.level == BLOCKER and part_of(one) == key] for key in _PARTS}
    blockers = sum(one.level == BLOCKER for one in findings)
    days = (document.get("goal") or {}).get("window_days")
    said = {
        "goal": ngettext("Upgrade in %(n)d day", "Upgrade in %(n)d days", days) % {"n": days}
        if days
        else _("No goal yet"),
        "audience": _("Not counted") if count is None else campaign_words.accounts_words(count),
        "steps": _steps_meta(document),
        "limits": _limits_meta(document),
    }
    names = {"goal": _("Goal"), "audience": _("Audience"), "steps": _("Steps"), "limits": _("Limits")}
    parts = [
        Part(
            key,
            names[key],
            _lacking(wrong[key]) or said[key],
            "block" if wrong[key] else "ok",
            "is-bad" if wrong[key] else "is-ok",
            f"{page}#{key}",
        )
        for key in _PARTS
    ]
    return [*parts, _review(campaign, blockers)]


_PARTS = ("goal", "audience", "steps", "limits")


def part_of(finding: Finding) -> str:
    """Which part of the page a finding is about; empty for the set-up of the installation."""
    if finding.where.startswith("steps") or finding.step:
        return "steps"
    head = finding.where.split(".")[0].split("[")[0]
    places = {"goal": "goal", "offer": "goal", "holdout_percent": "audience", "recipients": "audience"}
    return places.get(head, head if head in _PARTS else "")


def audience_words(*, campaign: Campaign, document: Mapping[str, Any], count: int | None) -> dict[str, Any]:
    segment = campaign.edited_segment
    share, rest = campaign_words.holdout_words(document)
    return {
        "segment": segment,
        "url": reverse("admin:studio-segment", args=[segment.slug]) if segment else "",
        "count": count,
        "entry": campaign_words.entry_words(document),
        "share": share,
        "rest": rest,
        "people": campaign_words.people_words(document),
    }


def _places(campaign: Campaign) -> list[str]:
    """Where the accounts are that came up since the launch; the audience's own number is of those in it now."""
    if campaign.live_version is None:
        return []
    return list(ledger_words.place_lines(places.place_accounts(campaign=campaign)))


def _count(campaign: Campaign, now: datetime) -> int | None:
    segment = campaign.edited_segment
    if segment is None or segment.live_version is None:
        return None
    try:
        return segment_preview.count_members(document=segment.live_version.definition, now=now).count
    except (DefinitionError, SegmentTooSlow):
        return None


def _lacking(findings: Sequence[Finding]) -> str:
    if not findings:
        return ""
    if len(findings) == 1 and len(findings[0].message) < 40:
        return findings[0].message
    return ngettext("%(n)d thing to correct", "%(n)d things to correct", len(findings)) % {"n": len(findings)}


def _steps_meta(document: Mapping[str, Any]) -> str:
    messages = sum(step["kind"] == "MESSAGE" for step in document["steps"])
    return ngettext("%(n)d message", "%(n)d messages", messages) % {"n": messages}


def _limits_meta(document: Mapping[str, Any]) -> str:
    window = document.get("limits", {}).get("window")
    return _("%(start)s to %(end)s") % {"start": window["from"], "end": window["to"]} if window else _("At any hour")


def _review(campaign: Campaign, blockers: int) -> Part:
    url = reverse("admin:studio-campaign-launch", args=[campaign.slug])
    if campaign.draft_version is None:
        url = reverse("admin:studio-test", args=[campaign.experiment.slug]) if campaign.experiment else url
        return Part("review", _("Results"), _("What came of it"), "experiment", "is-quiet", url)
    meta = ngettext("%(n)d thing blocks it", "%(n)d things block it", blockers) % {"n": blockers}
    return Part("review", _("Review"), meta if blockers else _("Ready to launch"), "launch", "is-quiet", url)
