"""The table of campaigns, those first that need a person. What takes long to compute is read from the newest snapshots
of their tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from campaigns.analytics import campaign_counts, campaign_needs, tiles
from campaigns.analytics.campaign_counts import Counts
from campaigns.analytics.home import CampaignRow, Need
from campaigns.console import attention, campaign_words, home_page, step_tree
from campaigns.console.home_page import Line
from campaigns.console.listing import Asked, Filter
from campaigns.segments.models import Segment
from campaigns.sequences import selectors as sequences
from campaigns.sequences.models import Campaign

SORTS = ("attention", "name", "-changed")
# Checking a draft counts its audience and tries every text: only those that were worked on last.
DRAFTS_CHECKED = 5
_BY_NEED = {"is-bad": 0, "is-warn": 1, "is-ok": 2, "is-quiet": 3}
_DRAFT_IN_NEED, _OVER = 4, 8
_BY_STATUS = {Campaign.Status.PAUSED: 5, Campaign.Status.LIVE: 6, Campaign.Status.DRAFT: 7}


@dataclass(frozen=True, slots=True)
class Row:
    """`line` is what home shows of it too; `need` what it asks of a person, None while it asks nothing."""

    campaign: Campaign
    line: Line
    counts: Counts
    need: Need | None


def filters() -> list[Filter]:
    states = [(one.value, campaign_words.state_name(one.value)) for one in Campaign.Status]
    used = Segment.objects.filter(campaigns__isnull=False).distinct().order_by("name", "pk")
    return [
        Filter("state", _("State"), _("Every state"), states),
        Filter("segment", _("Segment"), _("Every segment"), list(used.values_list("slug", "name"))),
    ]


def find_campaigns(*, asked: Asked) -> QuerySet[Campaign]:
    rows = Campaign.objects.select_related("segment", "offer", "experiment", "gate", "live_version", "draft_version")
    if asked.words:
        rows = rows.filter(Q(name__icontains=asked.words) | Q(slug__icontains=asked.words))
    if asked.of("state"):
        rows = rows.filter(status=asked.of("state"))
    if asked.of("segment"):
        rows = rows.filter(segment__slug=asked.of("segment"))
    return rows


def make_rows(*, asked: Asked, now: datetime, wall_now: datetime) -> list[Row]:
    """Everything that was found, in the order asked for; a list of campaigns is short enough to be ordered here."""
    found = list(find_campaigns(asked=asked).order_by("-changed_at", "-pk"))
    results = tiles.newest_results(experiment_ids={one.experiment_id for one in found if one.experiment_id})
    counts = campaign_counts.count_campaigns(campaigns=found, now=now)
    needs = attention.needs_by_campaign(campaigns=found, now=now, wall_now=wall_now)
    # What stands still comes before what a test asks, and that before what nobody knows the fate of.
    needs |= {one.pk: need for one, need in _needs(found, results, now) if not _is_bad(needs.get(one.pk))}
    rows = [_row(one, results.get(one.experiment_id or 0), counts[one.pk], needs.get(one.pk), now=now) for one in found]
    return _ordered(rows, asked.sort)


def _needs(
    found: Sequence[Campaign], results: Mapping[int, tiles.Results], now: datetime
) -> Iterator[tuple[Campaign, Need]]:
    checked = 0
    for campaign in found:
        need = campaign_needs.need_of_test(campaign=campaign, read=results.get(campaign.experiment_id or 0))
        if campaign.status == Campaign.Status.DRAFT and checked < DRAFTS_CHECKED:
            need = campaign_needs.need_of_draft(campaign=campaign, now=now, numbering=step_tree.number_steps)
            checked += 1
        if need is not None:
            yield campaign, need


def _row(campaign: Campaign, read: tiles.Results | None, counts: Counts, need: Need | None, *, now: datetime) -> Row:
    row = CampaignRow(
        campaign=campaign,
        audience=0,
        enrolled=counts.accounts,
        holdout=0,
        sent=counts.sent,
        waiting=counts.waiting,
        is_finished=is_over(campaign, counts),
    )
    return Row(campaign, home_page.make_line(row, read, now=now), counts, need)


def _is_bad(need: Need | None) -> bool:
    return need is not None and need.tone == "is-bad"


def is_over(campaign: Campaign, counts: Counts) -> bool:
    """As `sequences.selectors.is_finished` says of one campaign, from the counts of all."""
    if campaign.status == Campaign.Status.DRAFT or counts.on_the_way or counts.waiting:
        return False
    return sequences.is_closed(campaign=campaign)


def _ordered(rows: Iterable[Row], sort: str) -> list[Row]:
    found = list(rows)
    if sort.endswith("name"):
        found.sort(key=lambda row: row.campaign.name.casefold())
    elif sort.endswith("attention"):
        found.sort(key=_rank)
    elif sort == "changed":
        found.reverse()
    return found[::-1] if sort in ("-name", "-attention") else found


def _rank(row: Row) -> int:
    """Tests that ask for somebody, drafts that lack something, what is paused, what runs, what is over."""
    is_draft = row.campaign.status == Campaign.Status.DRAFT
    if row.need is not None:
        return _DRAFT_IN_NEED if is_draft else _BY_NEED.get(row.need.tone, 3)
    return _BY_STATUS.get(Campaign.Status(row.campaign.status), _OVER)


HEAD = (
    "campaign", "name", "state", "needs", "next", "on_their_way", "sent_7_days", "accounts", "upgraded_share",
    "held_out_share", "extra_mrr", "extra_mrr_low", "extra_mrr_high", "changed_at",
)  # fmt: skip


def cells(rows: Iterable[Row]) -> Iterator[list[object]]:
    for row in rows:
        earned = row.line.earned if row.line.earned.get("is_clear") else {}
        yield [
            row.campaign.slug,
            row.campaign.name,
            row.campaign.status,
            row.need.title if row.need else "",
            row.line.next,
            row.counts.on_the_way,
            row.counts.sent,
            row.line.accounts,
            row.line.upgraded,
            row.line.held_out,
            earned.get("estimate"),
            earned.get("anytime_low"),
            earned.get("anytime_high"),
            row.campaign.changed_at,
        ]
