"""Changes to the list of steps, and to single waits, questions, shares and notes."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from campaigns.console import campaign_page, drafts, pages, step_changes, step_tree, step_words, ways
from campaigns.console.forms import traits, wait_kinds
from campaigns.console.forms.jumps import JumpForm
from campaigns.console.forms.steps import LocalTimeForm, WaitForm, WeightsForm
from campaigns.console.forms.traits import TraitRows
from campaigns.console.step_tree import StepError
from campaigns.console.views import campaigns, parts, questions
from campaigns.sequences.campaign_file import CampaignFileError
from campaigns.sequences.models import Campaign
from orchestrator import clock

StepForm = WaitForm | LocalTimeForm | WeightsForm | TraitRows | JumpForm


def change_steps(request: HttpRequest, slug: str) -> HttpResponse:
    """POST `do`: "up KEY", "down KEY", "into KEY FORK LANE", "out KEY", "duplicate KEY", "remove KEY",
    "wording KEY", "unword KEY LETTER", "way KEY", "unway KEY WAY", "add KIND KEY [LANE]".
    One button of the step list each."""
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


@parts.leads_back
def edit_step(request: HttpRequest, slug: str, key: str) -> HttpResponse:
    """How long or until when a wait is; how accounts are shared among wordings or ways; what is noted; where a way back
    leads. What a question asks, or a wait waits for, has a page of its own."""
    campaign = parts.draft_of(request, slug)
    document = drafts.document_of(campaign=campaign)
    step = drafts.step_of(document=document, key=key)
    if step is None or step.get("if") == step_tree.ALWAYS:
        return _nothing_to_set(request, campaign)
    kind = wait_kinds.kind_of(step, request.GET.get("until", "")) if step["kind"] == "WAIT" else ""
    if step["kind"] == "BRANCH" or kind == wait_kinds.ASKS:
        return questions.edit_question(request, campaign, document, step)
    form = _form(document, step, kind, request.POST if request.method == "POST" else None)
    if form is None:
        return _nothing_to_set(request, campaign)
    problem = ""
    if request.method == "POST" and form.is_valid():
        problem = _save(request, campaign, document, step, form)
        if not problem:
            return redirect(campaigns.page_of(campaign, f"step-{key}"))
    is_rows = isinstance(form, TraitRows)
    leads_on = step["kind"] == "GOTO" and step_words.leads_on(step, step_tree.number_steps(document["steps"]))
    context = {
        **campaign_page.frame(campaign=campaign),
        "title": _title(step, kind, leads_on=leads_on),
        "form": None if is_rows else form,
        "rows": form if is_rows else None,
        "problems": [problem] if problem else _problems(form),
        "step": step,
        "is_shares": isinstance(form, WeightsForm) and step["kind"] == "MESSAGE",
        "lead": _lead(step, leads_on=leads_on),
        "kinds": wait_kinds.choices() if kind else [],
        "kind": kind,
    }
    is_wrong = bool(problem) or (form.is_bound and not form.is_valid())
    return pages.show(request, "console/campaigns/step.html", context, status=422 if is_wrong else 200)


def _problems(form: StepForm) -> list[str]:
    """What is wrong with the whole of it."""
    found = form.non_form_errors() if isinstance(form, TraitRows) else form.non_field_errors()
    return [str(one) for one in found]


def _save(request: HttpRequest, campaign: Campaign, document: dict[str, Any], step: dict[str, Any], form: Any) -> str:
    """Empty, or why not."""
    try:
        if step["kind"] == "WAIT":
            _check_lanes(document, step)
        if not isinstance(form, WeightsForm):
            form.write(step)
        elif step["kind"] == "SPLIT":
            ways.set_shares(step, form.cleaned_data)
        else:
            drafts.set_weights(document=document, weights=form.cleaned_data)
        drafts.save(campaign=campaign, document=document, by=request.user.get_username(), now=clock.utcnow())
    except (StepError, CampaignFileError) as error:
        return str(getattr(error, "message", error))
    messages.success(request, _("Saved"))
    return ""


def _check_lanes(document: dict[str, Any], step: dict[str, Any]) -> None:
    """A wait that has no lanes any more must not lose what stands in them. Raises StepError."""
    if "then" in step or "else" in step:
        raise StepError(_("Two lanes hang on this wait: move their steps out first."))


def _nothing_to_set(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    messages.error(request, _("There is nothing to set in this step."))
    return redirect(campaigns.page_of(campaign, "steps"))


def _form(document: dict[str, Any], step: dict[str, Any], kind: str, data: Any) -> StepForm | None:
    if kind == wait_kinds.LENGTH:
        return WaitForm(data, initial=WaitForm.initial_of(step))
    if kind == wait_kinds.LOCAL:
        return LocalTimeForm(data, initial=LocalTimeForm.initial_of(step))
    if step["kind"] == "UPDATE":
        return traits.rows_of(step=step, data=data)
    if step["kind"] == "GOTO":
        return JumpForm(data, initial=JumpForm.initial_of(step), document=document, step=step)
    shared = step.get("ways") or step.get("variants", {})
    if len(shared) < 2:
        return None
    weights = {letter: one.get("weight") for letter, one in sorted(shared.items())}
    return WeightsForm(data, initial=weights, letters=list(weights))


def _title(step: dict[str, Any], kind: str, *, leads_on: bool) -> str:
    titles = {
        "UPDATE": _("What to note"),
        "GOTO": _("Where to go on") if leads_on else _("Where to go back to"),
        "SPLIT": _("Shares of the ways"),
        "MESSAGE": _("Shares of the wordings"),
        "WAIT": _("How long to wait") if kind == wait_kinds.LENGTH else _("Until when to wait"),
    }
    return titles[step["kind"]]


def _lead(step: dict[str, Any], *, leads_on: bool) -> str:
    if step["kind"] == "SPLIT":
        return _("Each account goes the way that was drawn for it first, and all its people with it.")
    if step["kind"] == "GOTO" and leads_on:
        return _("Who comes here goes on with that step; those between are passed by.")
    if step["kind"] == "GOTO":
        return _("Who comes here goes through the steps from there on again, and gets their messages again.")
    if step["kind"] == "UPDATE":
        return _("Facts that segments and questions can ask for afterwards. The CRM’s own facts stay as they are.")
    return ""
