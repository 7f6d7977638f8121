"""Changes to the list of steps, and to single waits, questions and shares."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from campaigns.console import campaign_page, campaign_words, drafts, pages, skeleton, step_tree
from campaigns.console.forms.steps import QuestionForm, WaitForm, WeightsForm
from campaigns.console.step_tree import StepError
from campaigns.console.views import campaigns, parts
from campaigns.sequences import audience
from campaigns.sequences.campaign_file import CampaignFileError
from campaigns.sequences.models import Campaign
from campaigns.usage import selectors as usage
from orchestrator import clock

STEMS = {"email": "mail", "in_app": "banner", "wait": "wait", "question": "clicked"}


def change_steps(request: HttpRequest, slug: str) -> HttpResponse:
    """POST `do`: "up KEY", "down KEY", "duplicate KEY", "remove KEY", "wording KEY", "unword KEY LETTER",
    "add KIND KEY [yes|no]". One button of the step list each."""
    campaign = parts.draft_of(request, slug)
    if request.method != "POST":
        return redirect(campaigns.page_of(campaign, "steps"))
    words = request.POST.get("do", "").split()
    document = drafts.document_of(campaign=campaign)
    try:
        shown = _change(campaign, document, words)
        drafts.save(campaign=campaign, document=document, by=request.user.get_username(), now=clock.utcnow())
    except (StepError, CampaignFileError) as error:
        messages.error(request, getattr(error, "message", str(error)))
        return redirect(campaigns.page_of(campaign, "steps"))
    except step_tree.NotALaneError:
        messages.error(request, _("These steps jump about: rearrange them in the campaign file."))
        return redirect(campaigns.page_of(campaign, "steps"))
    messages.success(request, _("Saved"))
    return redirect(campaigns.page_of(campaign, "steps", **shown))


def edit_step(request: HttpRequest, slug: str, key: str) -> HttpResponse:
    """How long a wait is; what a question asks; how accounts are shared among wordings."""
    campaign = parts.draft_of(request, slug)
    document = drafts.document_of(campaign=campaign)
    step = drafts.step_of(document=document, key=key)
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
        "title": _title(document, step),
        "form": form,
        "step": step,
        "is_shares": isinstance(form, WeightsForm),
    }
    return pages.show(request, "console/campaigns/step.html", context, status=422 if form.errors else 200)


def _change(campaign: Campaign, document: dict[str, Any], words: list[str]) -> dict[str, str]:
    """Returns which message the page should show afterwards."""
    match words:
        case ["wording", key]:
            return {"step": key, "variant": drafts.add_wording(document=document, key=key)}
        case ["unword", key, letter]:
            drafts.remove_wording(document=document, letter=letter)
            return {"step": key}
    tree = step_tree.read_tree(document["steps"])
    shown: dict[str, str] = {}
    match words:
        case ["up", key]:
            step_tree.move(tree, key, -1)
        case ["down", key]:
            step_tree.move(tree, key, 1)
        case ["duplicate", key]:
            shown = {"step": step_tree.duplicate(tree, key)}
        case ["remove", key]:
            step_tree.remove(tree, key)
        case ["add", kind, key, *lane] if kind in STEMS:
            step = _new_step(campaign, tree, kind, key)
            step_tree.insert(tree, step, after=key, lane=lane[0] if lane else "")
            if kind == "question":
                banner = skeleton.new_banner(key=step_tree.new_key("banner", _keys(tree)))
                step_tree.insert(tree, banner, after=step["key"], lane="no")
            shown = {"step": step["key"]} if step["kind"] == "MESSAGE" else {}
        case _:
            raise StepError(_("This change is not known."))
    drafts.change_steps(document=document, tree=tree)
    return shown


def _new_step(campaign: Campaign, tree: list[step_tree.Node], kind: str, after: str) -> dict[str, Any]:
    key = step_tree.new_key(STEMS[kind], _keys(tree))
    if kind == "email":
        meter = audience.meter_of(segment=campaign.segment)
        return skeleton.new_mail(key=key, has_meter=meter is not None, unit=usage.unit_of(meter=meter), wordings=1)
    if kind == "in_app":
        return skeleton.new_banner(key=key)
    if kind == "wait":
        return {"key": key, "kind": "WAIT", "for": "3d"}
    asked = ""
    for node in step_tree.walk(tree):
        asked = node.key if node.kind == "MESSAGE" else asked
        if node.key == after and asked:
            return {"key": key, "kind": "BRANCH", "if": {"engagement": "clicked", "step": asked}}
    raise StepError(_("Ask after a message: there is none before this place."))


def _keys(tree: list[step_tree.Node]) -> set[str]:
    return {node.key for node in step_tree.walk(tree)}


def _form(document: dict[str, Any], step: dict[str, Any], data: Any) -> WaitForm | QuestionForm | WeightsForm | None:
    if step["kind"] == "WAIT":
        return WaitForm(data, initial=WaitForm.initial_of(step))
    if step["kind"] == "MESSAGE" and len(step["variants"]) > 1:
        weights = {letter: variant.get("weight") for letter, variant in step["variants"].items()}
        return WeightsForm(data, initial=weights, letters=list(step["variants"]))
    if step_tree.asked_step(step):
        before = document["steps"][: document["steps"].index(step)]
        choices = [
            (one["key"], f"{place}. {campaign_words.channel_name(one['channel'])}")
            for place, one in enumerate(before, start=1)
            if one["kind"] == "MESSAGE"
        ]
        return QuestionForm(data, initial=QuestionForm.initial_of(step), messages=choices)
    return None


def _title(document: dict[str, Any], step: dict[str, Any]) -> str:
    if step["kind"] == "WAIT":
        return _("How long to wait")
    return _("Question") if step["kind"] == "BRANCH" else _("Shares of the wordings")
