"""The launch review, and the launch."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from campaigns.console import campaign_page, campaign_words, changed_words, launch_review, pages
from campaigns.console.templatetags.console import count
from campaigns.console.views import campaigns
from campaigns.sequences import approval, check
from campaigns.sequences import launch as launching
from campaigns.sequences.launch import LaunchRefused, LaunchReport
from campaigns.sequences.models import Campaign
from orchestrator import clock
from orchestrator.jobs import bells

LAUNCH = "sequences.change_campaign"


def review_launch(request: HttpRequest, slug: str) -> HttpResponse:
    campaign = campaigns.campaign_of(slug)
    if campaign.draft_version is None:
        messages.error(request, _("This campaign was launched already."))
        return redirect(campaigns.page_of(campaign))
    if request.method == "POST":
        pages.require(request, LAUNCH)
        return _launch(request, campaign)
    now = clock.utcnow()
    seen = approval.of_draft(campaign=campaign)
    reviewed = launch_review.review(campaign=campaign, now=now, zone=pages.time_zone_of(request))
    context = {
        **campaign_page.frame(campaign=campaign),
        "title": _("Review and launch"),
        "review": reviewed,
        "seen": seen,
        "changes": changed_words.sentences(campaign=campaign),
        "running": campaign.live_version,
        "not_started": sum(reviewed.rehearsal.not_enrolled.values()) if reviewed.rehearsal else 0,
        "now": now,
        "can_launch": request.user.has_perm(LAUNCH),
    }
    return pages.show(request, "console/campaigns/launch.html", context)


def _launch(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    seen = approval.read(version=request.POST.get("version", ""), digest=request.POST.get("digest", ""))
    try:
        if seen is None:
            raise LaunchRefused([check.not_reviewed()])
        report = launching.launch(campaign=campaign, by=request.user.get_username(), now=clock.utcnow(), seen=seen)
    except LaunchRefused as refused:
        for finding in refused.findings:
            messages.error(request, _("Not launched: %(why)s") % {"why": finding.message})
        return redirect("admin:studio-campaign-launch", slug=campaign.slug)
    bells.ring("messages_due")
    messages.success(request, launched_words(report))
    return redirect(campaigns.page_of(campaign))


def launched_words(report: LaunchReport) -> str:
    """What really happened, in the numbers that add up."""
    words = _("Started for %(started)s. Held out: %(held)s. Not started: %(others)s.")
    return words % {
        "started": campaign_words.accounts_words(report.enrolled),
        "held": count(report.holdout),
        "others": count(sum(report.not_enrolled.values())),
    }
