"""Changes to the list of steps, and to single waits, questions and shares."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from campaigns.console import campaign_page, drafts, pages, step_changes, step_tree
from campaigns.console.forms.steps import WaitForm, WeightsForm
from campaigns.console.step_tree import StepError
from campaigns.console.views import campaigns, parts, questions
from campaigns.sequences.campaign_file import CampaignFileError
from orchestrator import clock


def change_steps(request: HttpRequest, slug: str) -> HttpResponse:
    """POST `do`: "up KEY", "down KEY", "into KEY QUESTION yes|no", "out KEY", "duplicate KEY", "remove KEY",
    "wording KEY", "unword KEY LETTER", "add KIND KEY [yes|no]". One button of the step list each."""
    campaign = parts.draft_of(request, slug)
    if request.method != "POST":
        return redirect(campaigns.page_of(campaign, "steps"))
    words = request.POST.get("do", "").split()
    document = drafts.document_of(campaign=campaign)
    try:
        shown = step_changes.change(campaign=campaign, document=document, words=words)
        drafts.save(campaign=campaign, document=document, by=request.user.get_username(), now=clock.utcnow())
    except (StepError, CampaignFileError) as error:
        messages.error(request, getattr(error, "message", str(error)))
        return redirect(campaigns.page_of(campaign, "steps"))
    except step_tree.NotALaneError:
        messages.error(request, _("These steps jump about: rearrange them in the campaign file."))
        return redirect(campaigns.page_of(campaign, "steps"))
    messages.success(request, _("Saved"))
    place = shown.pop("place", "")
    return redirect(campaigns.page_of(campaign, f"step-{place}" if place else "steps", **shown))


def edit_step(request: HttpRequest, slug: str, key: str) -> HttpResponse:
    """How long a wait is; how accounts are shared among wordings. What a question asks has a page of its own."""
    campaign = parts.draft_of(request, slug)
    document = drafts.document_of(campaign=campaign)
    step = drafts.step_of(document=document, key=key)
    if step is not None and step["kind"] == "BRANCH" and step["if"] != step_tree.ALWAYS:
        return questions.edit_question(request, campaign, document, step)
    form = _form(document, step, request.POST if request.method == "POST" else None) if step else None
    if step is None or form is None:
        messages.error(request, _("There is nothing to set in this step."))
        return redirect(campaigns.page_of(campaign, "steps"))
    if request.method == "POST" and form.is_valid():
        if isinstance(form, WeightsForm):
            drafts.set_weights(document=document, weights=form.cleaned_data)
        else:
            form.write(step)
        try:
            drafts.save(campaign=campaign, document=document, by=request.user.get_username(), now=clock.utcnow())
        except CampaignFileError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("Saved"))
            return redirect(campaigns.page_of(campaign, "steps"))
    context = {
        **campaign_page.frame(campaign=campaign),
        "title": _title(step),
        "form": form,
        "step": step,
        "is_shares": isinstance(form, WeightsForm),
    }
    return pages.show(request, "console/campaigns/step.html", context, status=422 if form.errors else 200)


def _form(document: dict[str, Any], step: dict[str, Any], data: Any) -> WaitForm | WeightsForm | None:
    if step["kind"] == "WAIT" and "for" in step:
        return WaitForm(data, initial=WaitForm.initial_of(step))
    if step["kind"] == "MESSAGE" and len(step["variants"]) > 1:
        weights = {letter: variant.get("weight") for letter, variant in step["variants"].items()}
        return WeightsForm(data, initial=weights, letters=list(step["variants"]))
    return None


def _title(step: dict[str, Any]) -> str:
    return _("How long to wait") if step["kind"] == "WAIT" else _("Shares of the wordings")
