"""What a draft changes in the campaign that runs, in sentences for whoever approves it."""

from __future__ import annotations

from django.utils.translation import gettext as _

from campaigns.console import step_tree
from campaigns.sequences import campaign_file, changed, part_words
from campaigns.sequences.changed import Change
from campaigns.sequences.models import Campaign


def sentences(*, campaign: Campaign) -> list[str]:
    """Empty for a first launch, and where the draft says the same as what runs."""
    live, draft = campaign.live_version, campaign.draft_version
    if live is None or draft is None:
        return []
    old, new = campaign_file.parse(live.definition), campaign_file.parse(draft.definition)
    numbers = step_tree.number_steps(draft.definition["steps"])
    before = step_tree.number_steps(live.definition["steps"])
    return [_sentence(change, numbers, before) for change in changed.find_changes(old=old, new=new)]


def _sentence(change: Change, numbers: dict[str, int], before: dict[str, int]) -> str:
    if change.part != "steps":
        return _part(change.part)
    if change.kind == changed.REMOVED:
        return _("Step %(n)s of what runs (%(key)s) is gone") % {"n": before.get(change.step, "?"), "key": change.step}
    words = {
        changed.ADDED: _("Step %(n)s (%(key)s) is new"),
        changed.MOVED: _("Step %(n)s (%(key)s) stands elsewhere"),
        changed.CHANGED: _("Step %(n)s (%(key)s) is changed"),
    }
    said = words[change.kind] % {"n": numbers.get(change.step, "?"), "key": change.step}
    if not change.where:
        return said
    return _("%(change)s: wording %(wordings)s") % {"change": said, "wordings": ", ".join(map(_wording, change.where))}


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
    }
    return words[part]
