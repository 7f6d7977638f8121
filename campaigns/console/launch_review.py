"""The launch review in words: what blocks, what deserves a look, what is in order, and the sum of who starts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from campaigns.console import (
    campaign_page,
    campaign_words,
    drafts,
    dry_run,
    message_preview,
    preview_people,
    samples,
    sms_cost,
    step_tree,
    text_parts,
)
from campaigns.console.templatetags.console import count
from campaigns.segments.errors import DefinitionError
from campaigns.segments.sessions import SegmentTooSlow
from campaigns.sequences import campaign_file, check, rehearse
from campaigns.sequences.cast import Cast, Person
from campaigns.sequences.check import BLOCKER, PASSED, WARNING, Finding
from campaigns.sequences.models import Campaign
from campaigns.sequences.rehearse import Rehearsal
from campaigns.sequences.step_file import LOCALES
from orchestrator.stats import power

_TEXT = re.compile(
    r"steps\[(?P<place>\d+)\]\.variants\.(?P<letter>[\w-]+)\.content(?:\.(?P<locale>\w+)(?:\.(?P<field>\w+))?)?"
)
_WORDING = re.compile(r"steps\[\d+\]\.variants\.[\w-]+\.content")
_STEP = re.compile(r"steps\[(?P<place>\d+)\]")
# Of all footers that marketing mail gets nobody needs to be told one by one.
_FOOTER = "content:NO_UNSUBSCRIBE_LINK"
# What nobody can change on these pages; the words say who can.
_SET_ELSEWHERE = ("consent_not_recorded", "basis_not_recorded")
# How many parts an SMS takes is said anew, for the people who would get it.
_PARTS = "content:SEVERAL_SEGMENTS"
# What upgrade campaigns usually see, and the difference worth waiting for.
_USUAL_RATE, _WORTH_SEEING = 0.05, 0.03


@dataclass(frozen=True, slots=True)
class Item:
    """`set_by`: settings, for whoever runs the installation."""

    title: str
    detail: str = ""
    url: str = ""
    action: str = ""
    set_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WayIn:
    """Who enters and when, where the launch itself brings nobody in."""

    title: str
    sentences: list[str]


@dataclass(frozen=True, slots=True)
class Review:
    blockers: list[Item]
    warnings: list[Item]
    passed: list[str]
    rehearsal: Rehearsal | None
    barred: list[tuple[str, int]]
    channels: list[str]
    days: list[dry_run.Day]
    first: str
    left_out: list[dry_run.Unsent]
    way_in: WayIn | None


def review(*, campaign: Campaign, now: datetime, zone: tzinfo = UTC) -> Review:
    """`zone` is the reader's."""
    document = drafts.document_of(campaign=campaign)
    findings = check.check_campaign(campaign=campaign, now=now, numbering=step_tree.number_steps)
    links = _Links(campaign, document)
    rehearsal = _rehearse(campaign, now)
    listed, people = campaign_page.find_audience(campaign=campaign, now=now)
    audience = listed if campaign.status == Campaign.Status.DRAFT else preview_people.NOBODY
    gaps = list(_find_gaps(document, people, links)) if people else []
    warnings = [links.item(one) for one in findings if one.level == WARNING and one.code not in (_FOOTER, _PARTS)]
    broken = {match.group() for one in findings if one.level == BLOCKER and (match := _WORDING.match(one.where))}
    warnings += [item for where, item in gaps if where not in broken]
    warnings += _reach(document, rehearsal)
    passed = [one.message for one in findings if one.level == PASSED]
    if any(one.code == _FOOTER for one in findings):
        passed.append(_("Every e-mail gets a footer with your address and a link to unsubscribe"))
    texts = _texts(document, people, audience, campaign, now)
    several = [(words, cost) for words, parts, cost in texts if parts > 1]
    warnings += [
        Item(words, " ".join(one for one in (cost, "" if place else text_parts.detail_words()) if one))
        for place, (words, cost) in enumerate(several)
    ]
    passed += [f"{words}. {cost}".rstrip(" .") for words, parts, cost in texts if parts == 1]
    if people and not gaps:
        passed.append(_("All words from data have a value for those tried"))
    today = now.astimezone(zone).date()
    channels, days = dry_run.days_of(document=document, rehearsal=rehearsal, today=today)
    left_out = dry_run.left_out_words(document=document, rehearsal=rehearsal)
    warnings += [
        Item(title, detail, f"{links.page}#limits", _("Go there")) for title, detail in dry_run.warnings_of(left_out)
    ]
    warnings += [Item(title, detail) for title, detail in dry_run.held_words(rehearsal)]
    return Review(
        blockers=[links.item(one) for one in findings if one.level == BLOCKER],
        warnings=warnings,
        passed=[words.rstrip(".") for words in passed],
        rehearsal=rehearsal,
        barred=[(campaign_words.reason_words(reason), n) for reason, n in rehearsal.not_enrolled.items()]
        if rehearsal
        else [],
        channels=[campaign_words.channel_name(channel) for channel in channels],
        days=days,
        first=dry_run.first_words(rehearsal, today=today),
        left_out=left_out,
        way_in=way_in(document),
    )


def way_in(document: Mapping[str, Any]) -> WayIn | None:
    """None where coming into the audience does."""
    entry = campaign_file.read_entry(document)
    judged = _("Who may be written to, and who is held out to compare with, is decided at that moment.")
    if entry.by == campaign_file.BY_EVENT and entry.event is not None:
        said = [_("From the launch on: whoever is in the audience when it happens, also who comes into it later.")]
        if set(entry.event) - {"event"}:
            said.append(_("Only where it happens as the campaign file says."))
        title = _("Starts for each account as soon as “%(event)s” happens") % {"event": entry.event["event"]}
        return WayIn(title, [*said, judged])
    if entry.by == campaign_file.BY_HAND:
        said = [_("In a file that somebody brings in, or by another system, from the launch on.")]
        return WayIn(_("Starts for each account as soon as it is named"), [*said, judged])
    return None


class _Links:
    """Findings as items that lead to the field that is meant."""

    def __init__(self, campaign: Campaign, document: Mapping[str, Any]) -> None:
        self.slug, self.steps = campaign.slug, document["steps"]
        self.page = reverse("admin:studio-campaign", args=[campaign.slug])

    def item(self, finding: Finding) -> Item:
        url, action = self._target(finding)
        return Item(finding.message, url=url, action=action, set_by=finding.set_by)

    def wording(self, place: int, letter: str, locale: str, field: str = "") -> str:
        key = self.steps[place]["key"]
        anchor = f"id_{'body' if field in ('mjml', 'html') else field}" if field else None
        args = [self.slug, key, letter]
        return reverse("admin:studio-campaign-wording", args=args, query={"language": locale}, fragment=anchor)

    def _target(self, finding: Finding) -> tuple[str, str]:
        text = _TEXT.match(finding.where)
        if text is not None and self.steps[int(text["place"])]["channel"] in ("email", "sms", "in_app"):
            place, letter = int(text["place"]), text["letter"]
            if text["locale"]:
                return self.wording(place, letter, text["locale"], text["field"] or ""), _("Correct it")
            written = self.steps[place]["variants"][letter]["content"]
            missing = next((one for one in LOCALES if one not in written), LOCALES[0])
            return self.wording(place, letter, missing), _("Write it")
        step = _STEP.match(finding.where)
        shared = self.steps[int(step["place"])] if step is not None and finding.code == "weights" else None
        if shared is not None and shared["kind"] == "MESSAGE":
            key = shared["key"]
            return reverse("admin:studio-campaign-step", args=[self.slug, key]), _("Change the shares")
        if not finding.where or finding.code in _SET_ELSEWHERE:
            return "", ""
        part = campaign_page.part_of(finding)
        if part in ("goal", "audience"):
            return f"{self.page}?edit={part}#{part}", _("Change it")
        return (f"{self.page}#{part}", _("Go there")) if part else ("", "")


def _rehearse(campaign: Campaign, now: datetime) -> Rehearsal | None:
    try:
        return rehearse.rehearse(campaign=campaign, now=now)
    except (DefinitionError, SegmentTooSlow):
        return None


def _find_gaps(document: Mapping[str, Any], people: Sequence[Person], links: _Links) -> Iterator[tuple[str, Item]]:
    """Wordings that can't be filled in for some of the people tried, each with its place in the campaign file:
    those people would not get the message."""
    numbers = step_tree.number_steps(document["steps"])
    for place, step in enumerate(document["steps"]):
        for letter in step.get("variants", {}):
            texts = message_preview.contents_for(step=step, letter=letter, document=document, at=None)
            found = message_preview.find_gaps(channel=step["channel"], texts=texts, people=people)
            if not found:
                continue
            title = _("Wording %(letter)s of step %(step)s can’t be filled in for %(n)s of %(all)s people tried") % {
                "letter": letter.upper(),
                "step": numbers[step["key"]],
                "n": len(found),
                "all": len(people),
            }
            locale = next(iter(texts)) if "en" not in texts else "en"
            item = Item(title, found[0], links.wording(place, letter, locale), _("Correct it"))
            yield f"steps[{place}].variants.{letter}.content", item


def _texts(
    document: Mapping[str, Any], people: Sequence[Person], audience: Cast, campaign: Campaign, now: datetime
) -> list[tuple[str, int, str]]:
    """For each SMS wording and language: in how many parts it goes out, and what that costs."""
    if not any(step.get("channel") == "sms" for step in document["steps"]):
        return []
    made_up = {} if people else samples.make_facts(campaign=campaign, has_offer="offer" in document, now=now)
    lengths = list(text_parts.measure(document=document, people=people, made_up=made_up))
    is_only = len({(one.place, one.letter) for one in lengths}) == 1
    numbers = step_tree.number_steps(document["steps"])
    return [
        (
            text_parts.words_of(length=one, number=0 if is_only else numbers[document["steps"][one.place]["key"]]),
            one.size.segments,
            sms_cost.words(
                segments=one.size.segments,
                locale=one.locale,
                available=document["steps"][one.place]["variants"][one.letter]["content"],
                audience=audience,
            ),
        )
        for one in lengths
    ]


def _reach(document: Mapping[str, Any], rehearsal: Rehearsal | None) -> list[Item]:
    """Whether so many accounts can show a difference that is worth having."""
    compared = drafts.compared_steps(document=dict(document))
    if not compared or rehearsal is None or not rehearsal.start:
        return []
    arms = len(compared[0]["variants"])
    needed = power.sample_size_unpooled(
        baseline=_USUAL_RATE, target=_USUAL_RATE + _WORTH_SEEING, alpha=0.05 / (arms - 1), power=0.8
    )
    each = rehearsal.start // arms
    if each >= needed:
        return []
    title = _("The test is small: about %(n)s accounts for each wording") % {"n": count(each)}
    detail = _(
        "To see a difference of 3 points takes about %(needed)s for each. "
        "Accounts that enter later add to it; a smaller difference may never become clear."
    ) % {"needed": count(round(needed))}
    return [Item(title, detail)]
