"""Steps in words that have no form of their own here: waits until something, splits, updates."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.console import campaign_words
from campaigns.sequences import step_kinds

Step = Mapping[str, Any]


def has_form(step: Step) -> bool:
    """Whether a page of the studio can change it; the others are changed in the campaign file."""
    return step["kind"] == "BRANCH" or (step["kind"] == "WAIT" and "for" in step)


def is_of_the_file(step: Step) -> bool:
    """A kind of step that is read here and written in the campaign file only."""
    if step["kind"] == "WAIT":
        return "until" in step
    return step["kind"] in ("SPLIT", "UPDATE", "GOTO") or step.get("channel") == "webhook"


def wait_words(step: Step, channels: Mapping[str, str], numbers: Mapping[str, int]) -> str:
    """`channels` and `numbers` by key, as `campaign_words.question_words` takes them."""
    if "for" in step:
        return campaign_words.wait_words(step["for"])
    until = step["until"]
    if "time" in until:
        if "weekday" in until:
            words = _("Wait until %(weekday)s, %(time)s in the contact’s own time")
            return words % {"weekday": _weekday(until["weekday"]), "time": until["time"]}
        return _("Wait until %(time)s in the contact’s own time") % {"time": until["time"]}
    question = campaign_words.question_words({"if": until}, channels, numbers)
    words = _("Wait for a yes, at most %(longest)s: %(question)s")
    told = words % {"longest": campaign_words.duration_words(step["at_most"]), "question": question}
    for name, answer in (("then", _("Yes: step %(n)s.")), ("else", _("Too late: step %(n)s."))):
        if step.get(name) in numbers:
            told += " " + answer % {"n": numbers[step[name]]}
    return told


def split_words(step: Step, numbers: Mapping[str, int]) -> str:
    ways = [_way(name, way, numbers) for name, way in sorted(step["ways"].items())]
    return _("Split by chance: %(ways)s") % {"ways": ", ".join(ways)}


def update_words(step: Step) -> str:
    told = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in step["set"].items()]
    return _("Note: %(facts)s") % {"facts": ", ".join(told)}


def goto_words(step: Step, numbers: Mapping[str, int]) -> str:
    rounds = step.get("at_most", step_kinds.USUAL_ROUNDS)
    words = ngettext(
        "Go to step %(step)s, back at most %(n)d time", "Go to step %(step)s, back at most %(n)d times", rounds
    )
    return words % {"step": numbers.get(step["to"], step["to"]), "n": rounds}


def webhook_texts(texts: Mapping[str, Any]) -> tuple[str, str]:
    """The host of a webhook's address, for the rest often is a secret; its body."""
    host = str(texts["url"]).partition("://")[2].partition("/")[0].rpartition("@")[2]
    return host, json.dumps(texts["body"], ensure_ascii=False)


def _way(name: str, way: Mapping[str, Any], numbers: Mapping[str, int]) -> str:
    share = f"{name} {way['weight']} %" if "weight" in way else name
    target = way.get("then", "")
    if target not in numbers:
        return share
    return _("%(share)s to step %(n)s") % {"share": share, "n": numbers[target]}


def _weekday(code: str) -> str:
    names = {
        "MON": _("Monday"),
        "TUE": _("Tuesday"),
        "WED": _("Wednesday"),
        "THU": _("Thursday"),
        "FRI": _("Friday"),
        "SAT": _("Saturday"),
        "SUN": _("Sunday"),
    }
    return names[code]
