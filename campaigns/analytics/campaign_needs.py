"""What campaigns and the CRM ask of a person: tests to decide, drafts that can't start, write-backs that wait."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from campaigns.analytics import guardrails
from campaigns.analytics.home import Need
from campaigns.analytics.tiles import Results
from campaigns.crm.models import WriteBack
from campaigns.experiments.models import Experiment
from campaigns.sequences import check
from campaigns.sequences.check import Numbering
from campaigns.sequences.models import Campaign

LATE_AFTER = timedelta(hours=24)
# A check counts the audience and tries every text: only the drafts somebody is at work on.
DRAFTS_CHECKED = 3


def find_campaign_needs(
    *,
    campaigns: Iterable[Campaign],
    results: Mapping[int, Results],
    now: datetime,
    numbering: Numbering | None = None,
) -> list[Need]:
    """`results` are the newest snapshots by experiment id, `numbering` as `check.check_campaign` takes it."""
    return [*_tests(campaigns, results), *_drafts(now, numbering), *_late_write_backs(now)]


def need_of_test(*, campaign: Campaign, read: Results | None) -> Need | None:
    """What the campaign's running test asks of a person; `read` is its newest snapshot."""
    experiment = campaign.experiment
    if experiment is None or read is None or experiment.status != Experiment.Status.RUNNING:
        return None
    return next(_verdict(campaign, experiment, read), None)


def need_of_draft(*, campaign: Campaign, now: datetime, numbering: Numbering | None = None) -> Need | None:
    """What keeps the draft from starting. It counts the audience and tries every text: not for many at once."""
    blockers = check.find_blockers(campaign=campaign, now=now, numbering=numbering)
    if not blockers:
        return None
    title = _("“%(name)s” can’t start yet.") % {"name": campaign.name}
    url = reverse("admin:studio-campaign", args=[campaign.slug])
    return Need(title, _first_of(blockers), "block", "is-bad", url, _("See what is missing"))


def _tests(campaigns: Iterable[Campaign], results: Mapping[int, Results]) -> Iterator[Need]:
    for campaign in campaigns:
        need = need_of_test(campaign=campaign, read=results.get(campaign.experiment_id or 0))
        if need is not None:
            yield need


def _verdict(campaign: Campaign, experiment: Experiment, read: Results) -> Iterator[Need]:
    judged = read["verdict"]
    arm = (judged["leader"] or judged["variant"] or "").upper()
    url = reverse("admin:studio-test", args=[experiment.slug])
    if judged["kind"] != "DATA_PROBLEM" and guardrails.has_harmful_opt_outs(experiment=experiment, read=read):
        title = _("A wording does harm: more people unsubscribe.")
        yield Need(title, campaign.name, "block", "is-bad", url, _("Review the test"))
    elif judged["kind"] == "AHEAD":
        title = _("A test is ready to decide: wording %(arm)s is ahead.") % {"arm": arm}
        yield Need(title, _shares(campaign, read), "ok", "is-ok", url, _("Review the test"))
    elif judged["kind"] == "HARM":
        title = _("A wording does harm: %(arm)s upgrades fewer accounts.") % {"arm": judged["variant"].upper()}
        yield Need(title, _shares(campaign, read), "block", "is-bad", url, _("Review the test"))
    elif judged["kind"] == "NO_DIFFERENCE":
        title = _("A test is over: no difference could be shown.")
        yield Need(title, _shares(campaign, read), "flat", "is-quiet", url, _("End the test"))
    elif judged["kind"] == "DATA_PROBLEM":
        title = _("A test’s split is not as planned: don’t read its result yet.")
        yield Need(title, campaign.name, "warn", "is-warn", url, _("See where accounts were lost"))


def _shares(campaign: Campaign, read: Results) -> str:
    """Seats at 80 %. 10.4 % upgraded with B, 6.5 % with A."""
    told = [
        {"share": _percent(arm["rate"]), "arm": arm["key"].upper()}
        for arm in reversed(read["arms"])
        if arm["rate"] is not None
    ]
    if not told:
        return campaign.name
    first, *others = told
    parts = [_("%(share)s upgraded with %(arm)s") % first, *(_("%(share)s with %(arm)s") % one for one in others)]
    return _("%(campaign)s: %(shares)s.") % {"campaign": campaign.name, "shares": ", ".join(parts)}


def _percent(share: float) -> str:
    space = "" if (get_language() or "").startswith("he") else "\u00a0"
    return f"{number_format(share * 100, 1)}{space}%"


def _drafts(now: datetime, numbering: Numbering | None) -> Iterator[Need]:
    drafts = Campaign.objects.filter(status=Campaign.Status.DRAFT).select_related(
        "segment", "offer", "draft_version", "live_version"
    )
    for campaign in drafts.order_by("-changed_at")[:DRAFTS_CHECKED]:
        need = need_of_draft(campaign=campaign, now=now, numbering=numbering)
        if need is not None:
            yield need


def _first_of(blockers: list[check.Finding]) -> str:
    rest = len(blockers) - 1
    if not rest:
        return blockers[0].message
    more = ngettext("And %(n)d more thing.", "And %(n)d more things.", rest) % {"n": rest}
    return f"{blockers[0].message} {more}"


def _late_write_backs(now: datetime) -> Iterator[Need]:
    late = WriteBack.objects.filter(state=WriteBack.State.PENDING, queued_at__lt=now - LATE_AFTER)
    number = late.count()
    if number:
        title = ngettext(
            "%(n)d CRM write-back has waited 24 hours.", "%(n)d CRM write-backs have waited 24 hours.", number
        )
        last = late.exclude(last_error="").values_list("last_error", flat=True).first()
        detail = _("The CRM answers: %(error)s Nothing is lost.") % {"error": last} if last else _("Nothing is lost.")
        url = reverse("admin:crm_writeback_changelist", query={"state__exact": "PENDING"})
        yield Need(title % {"n": number}, detail, "clock", "is-warn", url, _("Look at them"))
