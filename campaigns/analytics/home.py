"""The home page's figures: what runs, what waits for a person, how old the data is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import Count, Max, QuerySet
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.billing.models import Subscription
from campaigns.consent.models import DoubtfulReply
from campaigns.crm.models import CrmConnection, SyncRun, WriteBack
from campaigns.delivery import selectors as delivery
from campaigns.delivery import spend, switch, unclear
from campaigns.delivery.models import ChannelHealth, Message
from campaigns.intake.models import Parked, Quarantined
from campaigns.offers import accept
from campaigns.operations.models import LongTask
from campaigns.segments.models import Segment
from campaigns.sequences import brake
from campaigns.sequences import selectors as sequences
from campaigns.sequences.models import Campaign
from campaigns.usage.models import UsageDaily

# Parked events usually find their account within minutes; then they are somebody's mistake.
PARKED_FOR = timedelta(hours=1)
# The third try comes after a minute and a half: what still waits then is more than one bad answer.
WAITING_TRIES = 3
# Live segments are refreshed every few seconds; an hour means that a refresh keeps failing.
STALE_AFTER = timedelta(hours=1)
# Products report usage at least once a day.
USAGE_STALE_AFTER = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Need:
    """One thing for a person to look at. `tone` is the class of its icon; with `is_act` its `url` takes a POST from
    those who may switch sending on."""

    title: str
    detail: str
    icon: str = "warn"
    tone: str = "is-warn"
    url: str = ""
    action: str = ""
    is_act: bool = False


@dataclass(frozen=True, slots=True)
class Freshness:
    """When each kind of data was last brought in; None: never."""

    usage: datetime | None
    billing: datetime | None
    crm: datetime | None


@dataclass(frozen=True, slots=True)
class CampaignRow:
    campaign: Campaign
    audience: int
    enrolled: int
    holdout: int
    sent: int
    waiting: int
    is_finished: bool


def find_needs(*, now: datetime) -> list[Need]:
    """What needs attention, the worst first; empty when nothing does."""
    return [
        *_sending(now),
        *_brakes(),
        *_limits(now),
        *_upgrades(now),
        *_replies(),
        *_messages(),
        *_intake(now),
        *_crm(),
        *_usage(now),
        *_segments(now),
    ]


def list_campaigns(*, now: datetime, limit: int = 20) -> list[CampaignRow]:
    """Running ones first, then the most recently changed."""
    running = [Campaign.Status.LIVE, Campaign.Status.PAUSED]
    rows = Campaign.objects.select_related("segment", "offer", "experiment", "live_version", "gate")
    ordered = [*rows.filter(status__in=running).order_by("-launched_at")[:limit]]
    if len(ordered) < limit:
        ordered += rows.exclude(status__in=running).order_by("-changed_at")[: limit - len(ordered)]
    return [campaign_row(campaign=campaign) for campaign in ordered]


def campaign_row(*, campaign: Campaign) -> CampaignRow:
    outcomes = sequences.entry_counts(campaign=campaign)
    states = sequences.message_states(campaign=campaign)
    return CampaignRow(
        campaign=campaign,
        audience=outcomes["enrolled"] + outcomes["holdout"] + sum(outcomes["not_enrolled"].values()),
        enrolled=outcomes["enrolled"],
        holdout=outcomes["holdout"],
        sent=states[Message.State.ACCEPTED],
        waiting=sum(states[state.value] for state in Message.OPEN),
        is_finished=sequences.is_finished(campaign=campaign),
    )


def read_freshness(*, now: datetime) -> Freshness:
    return Freshness(
        usage=UsageDaily.objects.aggregate(newest=Max("last_at"))["newest"],
        billing=Subscription.objects.aggregate(newest=Max("as_of"))["newest"],
        crm=CrmConnection.objects.filter(is_active=True).aggregate(newest=Max("last_synced_at"))["newest"],
    )


def running_tasks() -> QuerySet[LongTask]:
    return LongTask.objects.filter(state=LongTask.State.RUNNING).order_by("-started_at")


def _sending(now: datetime) -> Iterator[Need]:
    standing = switch.read_standing()
    if standing.is_held:
        detail = _(
            "This database was restored from a backup, or copied. What went out after that is not known here: look at "
            "the running campaigns before messages go out again."
        )
        title = _("Nothing is sent until you release it")
        yield Need(title, detail, "warn", "is-bad", reverse("admin:studio-sending-release"), _("Release"), is_act=True)
        return
    if not standing.is_on:
        words = _("%(who)s switched it off: %(why)s") if standing.reason else _("%(who)s switched it off.")
        detail = words % {"who": standing.by, "why": standing.reason}
        if number := delivery.count_waiting(now=now):
            waits = ngettext("%(n)s message is due and waits.", "%(n)s messages are due and wait.", number)
            detail = f"{detail.rstrip('.')}. {waits % {'n': number_format(number, force_grouping=True)}}"
        url = reverse("admin:studio-sending", fragment="switch")
        yield Need(_("Sending is switched off"), detail, "warn", "is-bad", url, _("Look at it"))


def _brakes() -> Iterator[Need]:
    for campaign, why in brake.paused_by_itself():
        title = _("%(name)s was paused by itself: it is unwelcome") % {"name": campaign.name}
        url = reverse("admin:sequences_campaign_change", args=[campaign.pk])
        yield Need(title, why, "warn", "is-bad", url, _("Look at it"))


def _limits(now: datetime) -> Iterator[Need]:
    names = {"email": _("e-mail"), "sms": _("SMS"), "webhook": _("webhooks")}
    for health in ChannelHealth.objects.filter(opened_at__isnull=False).order_by("channel"):
        title = _("The provider for %(channel)s fails at everything") % {
            "channel": names.get(health.channel, health.channel)
        }
        detail = _(
            "Its last answer was “%(code)s”. One message at a time is tried, at most once a minute; the others wait "
            "and go by themselves once it works again."
        ) % {"code": health.code or "–"}
        yield Need(title, detail, "warn", "is-bad", reverse("admin:studio-sending"), _("Look at it"))
    for day in spend.stopped_today(now=now):
        segments = ngettext("%(n)d segment has gone", "%(n)d segments have gone", day.segments) % {"n": day.segments}
        detail = _("%(gone)s today. What is left waits for tomorrow.") % {"gone": segments}
        yield _counted(
            _("The day’s SMS budget is spent"),
            0,
            detail,
            "admin:delivery_message_changelist",
            {"reason__exact": "BUDGET_SPENT"},
        )


def _upgrades(now: datetime) -> Iterator[Need]:
    """Customers said yes, and what keeps their upgrade is ours to mend, or billing is down."""
    waiting = accept.waiting_for_us()
    if number := waiting.count():
        title = ngettext(
            "%(n)s customer said yes, and the upgrade waits for us",
            "%(n)s customers said yes, and their upgrades wait for us",
            number,
        )
        why = waiting.order_by("-wall_accepting_at").values_list("failure", flat=True).first()
        detail = _(
            "They were told that we are on it. It is tried again by itself, and each is charged once. What to mend: "
            "%(why)s"
        ) % {"why": why}
        told = _counted(title, number, detail, "admin:offers_quote_changelist", {"state__exact": "ACCEPTING"})
        yield replace(told, tone="is-bad")
    if number := accept.waiting_for_billing(now=now).count():
        title = ngettext("%(n)s upgrade waits for billing’s answer", "%(n)s upgrades wait for billing’s answer", number)
        detail = _("Billing is not available. It is asked again by itself, and each is charged once.")
        yield _counted(title, number, detail, "admin:offers_quote_changelist", {"state__exact": "ACCEPTING"})


def _replies() -> Iterator[Need]:
    number = DoubtfulReply.objects.filter(state=DoubtfulReply.State.OPEN).count()
    if number:
        title = ngettext("%(n)s reply may be a no", "%(n)s replies may be a no", number)
        detail = _("Until somebody has read it, nothing of marketing goes to who wrote it.")
        yield replace(_counted(title, number, detail, "admin:studio-replies"), icon="mail", action=_("Read and decide"))


def _messages() -> Iterator[Need]:
    by_gate = dict(unclear.find_all_unclear().order_by().values_list("gate__slug").annotate(n=Count("pk")))
    number = sum(by_gate.values())
    if number:
        title = ngettext(
            "%(n)s message may or may not have arrived", "%(n)s messages may or may not have arrived", number
        )
        detail = _("The provider gave no answer and no sign. They are not sent again by themselves.")
        told = _counted(title, number, detail, "admin:delivery_message_changelist", {"state__exact": "UNDETERMINED"})
        only = Campaign.objects.filter(slug__in=by_gate).first() if len(by_gate) == 1 else None
        url = reverse("admin:studio-campaign-unclear", args=[only.slug]) if only else told.url
        yield replace(told, url=url, action=_("Decide") if only else told.action)


def _intake(now: datetime) -> Iterator[Need]:
    number = Quarantined.objects.count()
    if number:
        title = ngettext("%(n)s event could not be read", "%(n)s events could not be read", number)
        yield _counted(title, number, _("Each says why. The others went on."), "admin:intake_quarantined_changelist")
    parked = Parked.objects.filter(at__lt=now - PARKED_FOR).count()
    if parked:
        title = ngettext("%(n)s event waits for its account", "%(n)s events wait for their account", parked)
        detail = _("They name accounts that nobody has introduced. They are taken in once the account is known.")
        yield _counted(title, parked, detail, "admin:intake_parked_changelist")


def _crm() -> Iterator[Need]:
    failed = WriteBack.objects.filter(state=WriteBack.State.FAILED).count()
    if failed:
        title = ngettext("%(n)s write-back to the CRM failed", "%(n)s write-backs to the CRM failed", failed)
        detail = _("The CRM refused them for good. Each says why.")
        yield _counted(title, failed, detail, "admin:crm_writeback_changelist", {"state__exact": "FAILED"})
    waiting = WriteBack.objects.filter(state=WriteBack.State.PENDING, attempts__gte=WAITING_TRIES).exclude(
        last_error=""
    )
    if number := waiting.count():
        title = ngettext("%(n)s write-back to the CRM waits", "%(n)s write-backs to the CRM wait", number)
        why = waiting.order_by("-pk").values_list("last_error", flat=True).first()
        detail = _("They are tried again by themselves. The CRM last said: %(why)s") % {"why": why}
        yield _counted(title, number, detail, "admin:crm_writeback_changelist", {"state__exact": "PENDING"})
    newest = SyncRun.objects.order_by("connection", "-started_at", "-pk").distinct("connection")
    for run in newest.select_related("connection"):
        if run.state == SyncRun.State.FAILED:
            title = _("The last sync of %(name)s failed") % {"name": run.connection.slug}
            yield Need(title, run.error, url=reverse("admin:crm_syncrun_changelist"), action=_("Look at it"))


def _usage(now: datetime) -> Iterator[Need]:
    """Campaigns that go by usage which stopped coming write to the wrong people, and nothing else would tell."""
    newest = UsageDaily.objects.aggregate(newest=Max("last_at"))["newest"]
    if newest is None or now - newest < USAGE_STALE_AFTER:
        return
    if Campaign.objects.filter(status=Campaign.Status.LIVE).exists():
        days = (now - newest).days
        title = ngettext("No usage has come in for %(n)d day", "No usage has come in for %(n)d days", days)
        detail = _("Running campaigns go by the last numbers there are. Look whether your product still reports.")
        url = reverse("admin:intake_source_changelist")
        yield Need(title % {"n": days}, detail, url=url, action=_("Look at the sources"))


def _segments(now: datetime) -> Iterator[Need]:
    live = Campaign.objects.filter(status=Campaign.Status.LIVE).values("segment")
    for segment in Segment.objects.filter(pk__in=live, refreshed_at__lt=now - STALE_AFTER):
        title = _("The segment %(name)s is no longer refreshed") % {"name": segment.name}
        newest = segment.refreshes.order_by("-pk").first()
        detail = newest.error if newest and newest.error else _("Its last count is more than an hour old.")
        yield Need(title, detail, url=reverse("admin:segments_segment_changelist"), action=_("Look at it"))


def _counted(title: str, number: int, detail: str, page: str, query: dict[str, str] | None = None) -> Need:
    url = reverse(page, query=query) if query else reverse(page)
    return Need(title % {"n": number}, detail, url=url, action=_("Look at them"))
