"""Steps in words that write to nobody (waits, splits, notes), and webhooks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.console import campaign_words, step_tree
from campaigns.console.templatetags.console import percent
from campaigns.sequences import step_kinds, wording

Step = Mapping[str, Any]


def has_form(step: Step) -> bool:
    """Whether a page of the studio can change it, beside its wordings."""
    return step["kind"] in ("BRANCH", "WAIT", "SPLIT", "UPDATE", "GOTO")


def titles(*, steps: Sequence[Mapping[str, Any]]) -> tuple[dict[str, str], dict[str, int]]:
    """{key: what stands on its card} and {key: its number}; an end that no card shows has no number."""
    written = [dict(step) for step in steps]
    numbers = step_tree.number_steps(written)
    channels = {step["key"]: step["channel"] for step in written if step["kind"] == "MESSAGE"}
    return {step["key"]: title_of(step, channels, numbers) for step in written}, numbers


def numbered_titles(*, steps: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """{key: “2. Wait 3 days”}, as on the campaign's page and in its order; what has no number comes last."""
    called, numbers = titles(steps=steps)
    order = sorted(called, key=lambda key: numbers.get(key, len(called)))
    return {key: f"{numbers[key]}. {called[key]}" if key in numbers else called[key] for key in order}


def title_of(step: Step, channels: Mapping[str, str], numbers: Mapping[str, int]) -> str:
    """What stands on its card, without what hangs on it."""
    if step["kind"] == "MESSAGE":
        return campaign_words.channel_name(step["channel"])
    if step["kind"] == "WAIT":
        return wait_words(step, channels, numbers, tells_ways=False)
    if step["kind"] == "BRANCH":
        return campaign_words.question_words(step, channels, numbers)
    if step["kind"] == "SPLIT":
        return split_words(step, {})
    if step["kind"] == "UPDATE":
        return update_words(step)
    return goto_words(step, numbers) if step["kind"] == "GOTO" else campaign_words.exit_name()


def lane_name(step: Step, lane: str, *, is_short: bool = False) -> str:
    """`is_short` without the share of a split's way."""
    if step["kind"] == "SPLIT":
        weight = step["ways"][lane].get("weight")
        name = _("Way %(letter)s") % {"letter": lane.upper()}
        return name if is_short or weight is None else f"{name} · {percent(weight / 100, 0)}"
    if lane == "yes":
        return _("Yes")
    return _("Too late") if step["kind"] == "WAIT" else _("No")


def wait_words(step: Step, channels: Mapping[str, str], numbers: Mapping[str, int], *, tells_ways: bool = True) -> str:
    """`channels` and `numbers` by key, as `campaign_words.question_words` takes them."""
    if "for" in step:
        return campaign_words.wait_words(step["for"])
    until = step["until"]
    if "time" in until:
        if "weekday" in until:
            words = _("Wait until %(weekday)s, %(time)s in the contact’s own time")
            return words % {"weekday": weekday_name(until["weekday"]), "time": until["time"]}
        return _("Wait until %(time)s in the contact’s own time") % {"time": until["time"]}
    question = campaign_words.question_words({"if": until}, channels, numbers)
    words = _("Wait for a yes, at most %(longest)s: %(question)s")
    told = words % {"longest": campaign_words.duration_words(step["at_most"]), "question": question}
    for name, answer in (("then", _("Yes: step %(n)s.")), ("else", _("Too late: step %(n)s."))):
        if tells_ways and step.get(name) in numbers:
            told += " " + answer % {"n": numbers[step[name]]}
    return told


def split_words(step: Step, numbers: Mapping[str, int]) -> str:
    ways = [_way(name, way, numbers) for name, way in sorted(step["ways"].items())]
    return _("Split by chance: %(ways)s") % {"ways": ", ".join(ways)}


def update_words(step: Step) -> str:
    """A sentence for each fact."""
    return " ".join(_noted(name, value) for name, value in step["set"].items())


def _noted(name: str, value: Any) -> str:
    """`account.traits.stage` and what becomes of it."""
    whose, _traits, key = name.partition(".traits.")
    if value is None:
        words = _("Forgets %(fact)s of the account.") if whose == "account" else _("Forgets %(fact)s of the contact.")
    elif whose == "account":
        words = _("Notes at the account: %(fact)s is %(value)s.")
    else:
        words = _("Notes at the contact: %(fact)s is %(value)s.")
    return words % {"fact": f"“{key}”", "value": value_words(value)}


def value_words(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(value_words(one) for one in value)
    return f"“{value}”" if isinstance(value, str) else json.dumps(value)


def leads_on(step: Step, numbers: Mapping[str, int]) -> bool:
    """Whether a GOTO leads to a later step; such a one is numbered as the file is written."""
    return numbers.get(step["to"], 0) > numbers.get(step["key"], 0)


def goto_words(step: Step, numbers: Mapping[str, int]) -> str:
    if leads_on(step, numbers):
        return _("Go to step %(step)s") % {"step": numbers[step["to"]]}
    rounds = step.get("at_most", step_kinds.USUAL_ROUNDS)
    words = ngettext(
        "Go to step %(step)s, back at most %(n)d time", "Go to step %(step)s, back at most %(n)d times", rounds
    )
    return words % {"step": numbers.get(step["to"], step["to"]), "n": rounds}


def webhook_texts(texts: Mapping[str, Any]) -> tuple[str, str]:
    """The host of a webhook's address, for the rest often is a secret; its body."""
    host = str(texts["url"]).partition("://")[2].partition("/")[0].rpartition("@")[2]
    if host == wording.NOWHERE:
        host = _("Nobody has said yet where it goes")
    return host, json.dumps(texts["body"], ensure_ascii=False)


def _way(name: str, way: Mapping[str, Any], numbers: Mapping[str, int]) -> str:
    share = f"{name.upper()} {percent(way['weight'] / 100, 0)}" if "weight" in way else name.upper()
    target = way.get("then", "")
    if target not in numbers:
        return share
    return _("%(share)s to step %(n)s") % {"share": share, "n": numbers[target]}


def weekday_name(code: str) -> str:
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
