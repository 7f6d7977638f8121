"""What a draft changes in the campaign that runs, in sentences for whoever approves it."""

from __future__ import annotations

from django.utils.translation import gettext as _

from campaigns.console import step_tree
from campaigns.sequences import changed, part_words
from campaigns.sequences.changed import Change
from campaigns.sequences.models import Campaign


def sentences(*, campaign: Campaign) -> list[str]:
    """Empty for a first launch, and where the draft says the same as what runs."""
    live, draft = campaign.live_version, campaign.draft_version
    if live is None or draft is None:
        return []
    numbers = step_tree.number_steps(draft.definition["steps"])
    before = step_tree.number_steps(live.definition["steps"])
    return [_sentence(change, numbers, before) for change in changed.of_draft(campaign=campaign)]


def _sentence(change: Change, numbers: dict[str, int], before: dict[str, int]) -> str:
    if change.part != "steps":
        return _with_details(_part(change.part), change)
    if change.kind == changed.REMOVED:
        return _("Step %(n)s of what runs (%(key)s) is gone") % {"n": before.get(change.step, "?"), "key": change.step}
    words = {
        changed.ADDED: _("Step %(n)s (%(key)s) is new"),
        changed.MOVED: _("Step %(n)s (%(key)s) stands elsewhere"),
        changed.CHANGED: _("Step %(n)s (%(key)s) is changed"),
    }
    said = words[change.kind] % {"n": numbers.get(change.step, "?"), "key": change.step}
    return _with_details(said, change)


def _with_details(said: str, change: Change) -> str:
    details = [name_field(name) for name in change.fields]
    if change.where:
        details.append(_("wording %(wordings)s") % {"wordings": ", ".join(map(_wording, change.where))})
    if not details:
        return said
    return _("%(change)s: %(details)s") % {"change": said, "details": "; ".join(details)}


def _wording(where: str) -> str:
    letter, _dot, locale = where.partition(".")
    return f"{letter.upper()} ({part_words.language_name(locale)})"


def _part(part: str) -> str:
    words = {
        "name": _("The name is changed"),
        "goal": _("The goal is changed: what came of the campaign so far is counted anew by it"),
        "offer": _("The offer is changed"),
        "audience": _("The audience is changed"),
        "entry": _("How people enter is changed"),
        "recipients": _("Who of an account is written to is changed"),
        "exit_on": _("What ends it early is changed"),
        "limits": _("The limits are changed, also for messages that wait now"),
        "tracking": _("What is known of links and opens is changed"),
    }
    return words[part]


def name_field(name: str) -> str:
    """What of a part or a step is another, by the spec's own names."""
    words = {
        "window_from": _("when the hours for sending begin"),
        "window_to": _("when the hours for sending end"),
        "send_by_hours": _("how long a message may wait"),
        "priority": _("which campaign goes first"),
        "opens": _("whose opens are counted"),
        "clicks": _("whether clicks are counted"),
        "utm": _("UTM parameters of the links"),
        "kind": _("the kind of step"),
        "channel": _("the channel"),
        changed.WORDINGS: _("which wordings there are"),
        changed.SHARES: _("the shares of the wordings"),
        "wait": _("how long it waits"),
        "until": _("until when it waits"),
        "condition": _("what is asked"),
        "then": _("where it leads"),
        "otherwise": _("where it leads otherwise"),
        "ways": _("the ways and their shares"),
        "traits": _("what is noted"),
        "at_most": _("how often it leads back"),
    }
    return words[name]
