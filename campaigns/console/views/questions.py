"""What a branch asks, or a wait waits for: rule rows as in a segment. Every button works without script."""

from __future__ import annotations

import itertools
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from campaigns.console import campaign_page, campaign_words, drafts, pages, segment_page, step_tree
from campaigns.console.forms import questions, rule_moves, steps, wait_kinds
from campaigns.console.forms.segments import Draft
from campaigns.console.forms.sentence import Option
from campaigns.console.forms.steps import AtMostForm
from campaigns.console.views import campaigns
from campaigns.sequences.campaign_file import CampaignFileError
from campaigns.sequences.models import Campaign
from orchestrator import clock

SAVE = "save"


def edit_question(
    request: HttpRequest, campaign: Campaign, document: dict[str, Any], step: dict[str, Any]
) -> HttpResponse:
    catalogue = questions.load_catalogue(messages=_messages_before(document, step["key"]))
    if request.method != "POST":
        draft = questions.from_step(condition=_condition(step), catalogue=catalogue)
        return _page(request, campaign, step, draft)
    action = request.POST.get("do", SAVE)
    draft, change = questions.from_post(data=request.POST, action=action, catalogue=catalogue)
    if action != SAVE:
        return _redraw(request, campaign, step, draft, change)
    at_most = _at_most(request, step)
    in_time = at_most is None or at_most.is_valid()
    if draft.can_save and in_time and _save(request, campaign, document, step, draft, at_most):
        return redirect(campaigns.page_of(campaign, f"step-{step['key']}"))
    return _page(request, campaign, step, draft, is_refused=True)


def _save(
    request: HttpRequest,
    campaign: Campaign,
    document: dict[str, Any],
    step: dict[str, Any],
    draft: Draft,
    at_most: AtMostForm | None,
) -> bool:
    if at_most is None:
        step["if"] = questions.condition_of(draft)
    else:
        lanes: dict[str, Any] = {name: step[name] for name in ("then", "else") if name in step}
        told = {"until": questions.condition_of(draft), "at_most": at_most.duration}
        steps.become_wait(step, {**told, **lanes})
    try:
        drafts.save(campaign=campaign, document=document, by=request.user.get_username(), now=clock.utcnow())
    except CampaignFileError as error:
        draft.problem = error.message
        return False
    messages.success(request, _("Saved"))
    return True


def _condition(step: dict[str, Any]) -> dict[str, Any]:
    """Nothing yet for a wait that waited for something else until now."""
    if step["kind"] == "BRANCH":
        return dict(step["if"])
    return dict(step["until"]) if step_tree.is_asking(step) else {"all": []}


def _at_most(request: HttpRequest, step: dict[str, Any]) -> AtMostForm | None:
    """None for a question."""
    if step["kind"] != "WAIT":
        return None
    data = request.POST if request.method == "POST" else None
    return AtMostForm(data, initial=AtMostForm.initial_of(step))


def _messages_before(document: dict[str, Any], key: str) -> list[Option]:
    """The messages somebody may have got before this question, by number and channel; those of this way only."""
    steps = document["steps"]
    numbers = step_tree.number_steps(steps)
    try:
        before = {node.key for node, _sure in step_tree.passed(step_tree.read_tree(steps), key)}
    except step_tree.NotALaneError:
        before = {step["key"] for step in itertools.takewhile(lambda step: step["key"] != key, steps)}
    channels = {step["key"]: step["channel"] for step in steps if step["kind"] == "MESSAGE" and step["key"] in before}
    return list(campaign_words.step_names(channels, numbers).items())


def _redraw(
    request: HttpRequest, campaign: Campaign, step: dict[str, Any], draft: Draft, change: rule_moves.Change
) -> HttpResponse:
    """After a button of the rules: with script only the rules."""
    if not request.htmx:  # type: ignore[attr-defined]
        return _page(request, campaign, step, draft, change=change)
    return pages.show(request, "console/segments/_rules.html", _context(request, draft, change))


def _page(
    request: HttpRequest,
    campaign: Campaign,
    step: dict[str, Any],
    draft: Draft,
    *,
    change: rule_moves.Change | None = None,
    is_refused: bool = False,
) -> HttpResponse:
    context = {
        **campaign_page.frame(campaign=campaign),
        **_context(request, draft, change or rule_moves.Change(), is_refused=is_refused),
        "title": _("Question") if step["kind"] == "BRANCH" else _("What to wait for"),
        "at_most": _at_most(request, step),
        "kinds": wait_kinds.choices() if step["kind"] == "WAIT" else [],
        "kind": wait_kinds.ASKS,
        "step": step,
        "is_refused": is_refused,
        "back": campaigns.page_of(campaign, f"step-{step['key']}"),
    }
    return pages.show(request, "console/campaigns/question.html", context, status=422 if is_refused else 200)


def _context(
    request: HttpRequest, draft: Draft, change: rule_moves.Change, *, is_refused: bool = False
) -> dict[str, Any]:
    """`post_url` is where the rules' buttons go; `is_refused`: also say what is only not filled in yet."""
    segment_page.dress(draft.tree)
    return {
        "draft": draft,
        "tree": draft.tree,
        "facts": draft.catalogue.groups(),
        "change": change,
        "removed": segment_page.tell_removed(change.removed, draft) if change.removed else "",
        "show_unfinished": is_refused,
        "post_url": request.get_full_path(),
        "is_branch": True,
    }
