"""Bringing people in by a file: first what would come of it, then, confirmed, the same for good."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from campaigns.console import campaign_page, campaign_words, pages
from campaigns.console.templatetags.console import count
from campaigns.console.views import campaigns
from campaigns.sequences import enrol_file, enrol_named
from campaigns.sequences.enrol_file import NamesFileError
from campaigns.sequences.enrol_named import Report
from campaigns.sequences.lifecycle import WrongStateError
from campaigns.sequences.models import Campaign, Entry
from orchestrator import clock
from orchestrator.jobs import bells

SHOWN = 50


def enrol_file_of(request: HttpRequest, slug: str) -> HttpResponse:
    """POST a file or its text: a dry run; with `do=enrol` and the text that was looked at, for good."""
    pages.require(request, campaigns.CHANGE)
    campaign = campaigns.campaign_of(slug)
    if campaign.status != Campaign.Status.LIVE:
        messages.error(request, _("Only a campaign that runs takes anybody in."))
        return redirect(campaigns.page_of(campaign))
    if request.method != "POST":
        return _show(request, campaign)
    given = request.FILES.get("file")
    name = enrol_file.kept_name(name=(given.name or "") if given else request.POST.get("name", ""))
    try:
        if given is not None and given.size is not None and given.size > enrol_file.MOST_BYTES:
            raise NamesFileError(_("The file is larger than 5 MB."))
        text = given.read().decode("utf-8-sig") if given else request.POST.get("text", "")
        named = enrol_file.read_names(content=text)
    except UnicodeDecodeError:
        return _show(request, campaign, problem=_("The file is no text in UTF-8."))
    except NamesFileError as error:
        return _show(request, campaign, text=request.POST.get("text", ""), problem=str(error))
    is_real = request.POST.get("do") == "enrol"
    try:
        report = enrol_named.enrol_accounts(
            campaign=campaign,
            named=named,
            source=Entry.Source.FILE,
            occasion=name or _("typed in the studio"),
            by=request.user.get_username(),
            now=clock.utcnow(),
            dry_run=not is_real,
        )
    except WrongStateError:
        messages.error(request, _("Nothing was changed: the campaign is in another state by now."))
        return redirect(campaigns.page_of(campaign))
    if not is_real:
        return _show(request, campaign, text=text, name=name, report=report)
    bells.ring("messages_due")
    messages.success(request, done_words(report))
    return redirect(campaigns.page_of(campaign))


def done_words(report: Report) -> str:
    words = _("Started for %(started)s. Held out: %(held)s. Not started: %(others)s.")
    others = sum(report.not_enrolled.values()) + report.already_in + report.not_again + len(report.unfit)
    started = campaign_words.accounts_words(report.enrolled + report.joined)
    return words % {"started": started, "held": count(report.holdout), "others": count(others)}


def _show(
    request: HttpRequest,
    campaign: Campaign,
    *,
    text: str = "",
    name: str = "",
    report: Report | None = None,
    problem: str = "",
) -> HttpResponse:
    context = {
        **campaign_page.frame(campaign=campaign),
        "title": _("Bring people in by a file"),
        "text": text,
        "name": name,
        "report": report,
        "starting": report.enrolled + report.joined if report else 0,
        "kept_out": [(campaign_words.reason_words(reason), n) for reason, n in report.not_enrolled.most_common()]
        if report
        else [],
        "unfit": report.unfit[:SHOWN] if report else [],
        "more": max(len(report.unfit) - SHOWN, 0) if report else 0,
        "problem": problem,
    }
    return pages.show(request, "console/campaigns/enrol.html", context, status=422 if problem else 200)
