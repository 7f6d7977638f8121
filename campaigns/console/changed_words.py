"""What a draft changes in the campaign that runs, in sentences for whoever approves it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from campaigns.console import step_words
from campaigns.console.templatetags.console import percent
from campaigns.sequences import changed, part_words
from campaigns.sequences.changed import Change
from campaigns.sequences.models import Campaign

# What of a step its own title says: there both titles tell more than the names of the fields.
_IN_TITLES = {"kind", "channel", "wait", "until", "condition", "ways", "traits", "at_most"}
_OF_WORDINGS = (changed.WORDINGS, changed.SHARES)


@dataclass(frozen=True, slots=True)
class _Side:
    """The steps of one version, by key: what they say, what they are called, with which number."""

    steps: Mapping[str, Mapping[str, Any]]
    titles: Mapping[str, str]
    numbers: Mapping[str, int]

    @classmethod
    def of(cls, steps: Sequence[Mapping[str, Any]]) -> _Side:
        return cls({step["key"]: step for step in steps}, *step_words.titles(steps=steps))

    def variants(self, key: str) -> Mapping[str, Mapping[str, Any]]:
        found: Mapping[str, Mapping[str, Any]] = self.steps[key].get("variants", {})
        return found


def sentences(*, campaign: Campaign) -> list[str]:
    """Empty for a first launch, and where the draft says the same as what runs."""
    live, draft = campaign.live_version, campaign.draft_version
    if live is None or draft is None:
        return []
    old, new = (_Side.of(version.definition["steps"]) for version in (live, draft))
    return [_sentence(change, old, new) for change in changed.of_draft(campaign=campaign)]


def _sentence(change: Change, old: _Side, new: _Side) -> str:
    if change.part != "steps":
        return _with_details(_part(change.part), [name_field(name) for name in change.fields])
    if change.kind == changed.CHANGED:
        return _changed(change, old, new)
    side = old if change.kind == changed.REMOVED else new
    number, title = side.numbers.get(change.step), side.titles[change.step]
    # The end of the last lane has no card, and so no number.
    words = {
        changed.ADDED: _("Step %(n)s (%(title)s) is new") if number else _("“%(title)s” is new"),
        changed.REMOVED: _("Step %(n)s of what runs (%(title)s) is gone") if number else _("“%(title)s” is gone"),
        changed.MOVED: _("Step %(n)s (%(title)s) stands elsewhere: it was step %(before)s")
        if number and change.step in old.numbers
        else _("“%(title)s” stands elsewhere"),
    }[change.kind]
    return words % {"n": number, "title": title, "before": old.numbers.get(change.step)}


def _changed(change: Change, old: _Side, new: _Side) -> str:
    key, fields = change.step, list(change.fields)
    # Without a number is only what became the end of the last lane.
    number = new.numbers.get(key) or old.numbers.get(key, 0)
    said = _("Step %(n)s (%(title)s) is changed") % {"n": number, "title": new.titles[key]}
    told = {name for name in fields if name in _IN_TITLES or (name == "then" and new.steps[key]["kind"] == "GOTO")}
    if told and old.titles[key] != new.titles[key]:
        said = _("Step %(n)s is changed from “%(before)s” to “%(after)s”") % {
            "n": number,
            "before": old.titles[key],
            "after": new.titles[key],
        }
        fields = [name for name in fields if name not in told or (name == "ways" and _lead_elsewhere(old, new, key))]
    wordings = list(_wordings(change, old.variants(key), new.variants(key)))
    return _with_details(said, [name_field(name) for name in fields if name not in _OF_WORDINGS] + wordings)


def _lead_elsewhere(old: _Side, new: _Side, key: str) -> bool:
    """Of a split's ways, which its title names with their shares, those that both versions have."""
    before, after = (side.steps[key].get("ways", {}) for side in (old, new))
    return any(before[way].get("then") != after[way].get("then") for way in before.keys() & after.keys())


def _wordings(
    change: Change, old: Mapping[str, Mapping[str, Any]], new: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    """Which are new or gone, which texts of the others, and how the accounts are shared out."""
    for letter in sorted(old.keys() ^ new.keys()) if changed.WORDINGS in change.fields else ():
        words = _("wording %(letter)s is new") if letter in new else _("wording %(letter)s is gone")
        yield words % {"letter": letter.upper()}
    for letter in sorted(old.keys() & new.keys()):
        here = [locale for one, _dot, locale in (where.partition(".") for where in change.where) if one == letter]
        yield from _texts(letter, here, old[letter]["content"], new[letter]["content"])
    if changed.SHARES in change.fields:
        yield _("the shares are %(after)s instead of %(before)s") % {"after": _shares(new), "before": _shares(old)}


def _texts(letter: str, locales: Sequence[str], old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    both = [locale for locale in locales if locale in old and locale in new]
    for words, found in (
        (_("wording %(letter)s says something else in %(languages)s"), both),
        (_("wording %(letter)s is now there in %(languages)s"), [one for one in locales if one not in old]),
        (_("wording %(letter)s is no longer there in %(languages)s"), [one for one in locales if one not in new]),
    ):
        if found:
            yield words % {"letter": letter.upper(), "languages": ", ".join(map(part_words.language_name, found))}


def _shares(variants: Mapping[str, Mapping[str, Any]]) -> str:
    return ", ".join(
        f"{letter.upper()} {percent(one.get('weight', 100) / 100, 0)}" for letter, one in sorted(variants.items())
    )


def _with_details(said: str, details: Sequence[str]) -> str:
    if not details:
        return said
    return _("%(change)s: %(details)s") % {"change": said, "details": "; ".join(details)}


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
        "wait": _("how long it waits"),
        "until": _("until when it waits"),
        "condition": _("what is asked"),
        "then": _("where it leads"),
        "otherwise": _("where it leads otherwise"),
        "ways": _("where the ways lead"),
        "traits": _("what is noted"),
        "at_most": _("how often it leads back"),
    }
    return words[name]
