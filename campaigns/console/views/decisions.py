"""Decide a test: a page that says what follows and asks why, then the decision; too early, it says why not."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from campaigns.console import experiment_page, pages, stopped_words, verdict_words
from campaigns.console.views import experiments
from campaigns.experiments import decide as deciding
from campaigns.experiments.decide import AlreadyDecidedError
from campaigns.experiments.models import Experiment
from campaigns.operations.models import AuditEntry
from orchestrator import clock

LONGEST_REASON = 1000


def decide(request: HttpRequest, slug: str, choice: str) -> HttpResponse:
    """`choice`: a wording's key, or keep: looked, and it goes on."""
    pages.require(request, experiments.DECIDE)
    experiment, campaign = experiments.test_of(slug)
    is_keeping = choice == verdict_words.KEEP
    variant = experiment.variants.filter(key=choice).first()
    if variant is None and not is_keeping:
        raise Http404(choice)
    now = clock.utcnow()
    read, comparisons, _stages = experiment_page.read_test(experiment=experiment, now=now)
    stopped = stopped_words.sentence(campaign=campaign)
    refusal = verdict_words.why_not(read=read, comparisons=comparisons, choice=choice, is_stopped=bool(stopped))
    reason = request.POST.get("reason", "").strip()[:LONGEST_REASON]
    needs_reason = request.method == "POST" and not reason and not is_keeping
    if request.method == "POST" and not refusal and not needs_reason:
        by = request.user.get_username()
        if variant is None:
            _keep_running(experiment, by, reason)
            messages.success(request, _("It goes on. That you looked is kept."))
        else:
            try:
                deciding.choose_winner(experiment=experiment, variant=variant, by=by, reason=reason, now=now)
                words = _("%(letter)s for everybody who enters from now on.")
                messages.success(request, words % {"letter": verdict_words.letter(choice)})
            except AlreadyDecidedError:
                messages.error(request, _("This test is decided already."))
        return redirect("admin:studio-test", slug=slug)
    context = {
        "section": "tests",
        "title": _title(choice, read.control, is_keeping),
        "experiment": experiment,
        "campaign": campaign,
        "choice": choice,
        "letter": verdict_words.letter(choice),
        "is_keeping": is_keeping,
        "is_control": choice == read.control,
        "card": verdict_words.make_card(read=read, comparisons=comparisons, is_seeing=True, stopped=stopped),
        "refusal": refusal,
        "needs_reason": needs_reason,
        "waiting": read.waiting,
    }
    return pages.show(
        request, "console/tests/decide.html", context, status=409 if refusal else 422 if needs_reason else 200
    )


def _keep_running(experiment: Experiment, by: str, reason: str) -> None:
    AuditEntry.objects.create(
        at=clock.utcnow(),
        actor=by,
        action="experiment.keep_running",
        subject=f"experiment:{experiment.slug}",
        reason=reason,
    )


def _title(choice: str, control: str, is_keeping: bool) -> str:
    if is_keeping:
        return _("Keep it running")
    if choice == control:
        return _("End the test without a winner")
    return _("Choose %(letter)s") % {"letter": verdict_words.letter(choice)}
