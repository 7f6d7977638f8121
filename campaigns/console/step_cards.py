"""The step list as it is drawn: cards, lanes, wordings with their languages, each filled in for one person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from campaigns.console import campaign_words, jumps, mail_blocks, marking, step_tree, step_words
from campaigns.console.step_tree import Node
from campaigns.sequences.check import BLOCKER, Finding
from campaigns.sequences.step_file import LOCALES
from orchestrator.templating.mjml import direction


@dataclass(frozen=True, slots=True)
class LocaleMark:
    """`state` is complete, missing or wrong."""

    locale: str
    name: str
    state: str


@dataclass(frozen=True, slots=True)
class WordingCard:
    letter: str
    is_control: bool
    weight: int
    subject: SafeString
    text: SafeString
    locale: str
    direction: str
    locales: list[LocaleMark]
    edit_url: str
    show_url: str
    is_shown: bool


@dataclass(frozen=True, slots=True)
class Move:
    """A way into or out of a lane: the button's value and its words."""

    value: str
    words: str


@dataclass(frozen=True, slots=True)
class Lane:
    """`key` is what buttons call it, `name` what people do."""

    key: str
    name: str
    cards: list[StepCard]

    @property
    def ends(self) -> bool:
        return bool(self.cards) and self.cards[-1].ends_here


@dataclass(frozen=True, slots=True)
class StepCard:
    """`number` as in sentences about the step. Inside a lane there is no room for a second wording."""

    key: str
    kind: str
    channel: str
    icon: str
    title: str
    number: int
    wordings: list[WordingCard] = field(default_factory=list)
    lanes: list[Lane] = field(default_factory=list)
    ways: list[str] = field(default_factory=list)
    edit_url: str = ""
    is_open: bool = False
    has_form: bool = False
    problem: str = ""
    is_first: bool = False
    is_last: bool = False
    in_lane: bool = False
    moves: list[Move] = field(default_factory=list)

    @property
    def ends_here(self) -> bool:
        return self.kind == "EXIT"

    @property
    def holds_steps(self) -> bool:
        return any(lane.cards for lane in self.lanes)

    @property
    def is_compared(self) -> bool:
        return len(self.wordings) > 1

    @property
    def can_compare(self) -> bool:
        return len(self.wordings) < 4


class Cards:
    """Draws the steps of one document. `facts` are the shown person's, `shown` (step key, letter) of the preview;
    snippets as they were `at`."""

    def __init__(
        self,
        *,
        slug: str,
        steps: Sequence[Mapping[str, Any]],
        facts: Mapping[str, Any],
        shown: tuple[str, str],
        findings: Sequence[Finding],
        query: str = "",
        at: datetime | None = None,
    ) -> None:
        self.slug, self.facts, self.shown, self.query, self.at = slug, facts, shown, query, at
        messages = [step for step in steps if step["kind"] == "MESSAGE"]
        self.channels = {step["key"]: step["channel"] for step in messages}
        self.numbers = step_tree.number_steps([dict(step) for step in steps])
        self.places = {step["key"]: place for place, step in enumerate(steps)}
        self.findings = findings

    def draw(self, tree: Sequence[Node], *, owner: Node | None = None, lane: str = "") -> list[StepCard]:
        """Of the whole, or of the lane of that name of the step `owner`."""
        return [
            self._card(
                node,
                number=self.numbers.get(node.key, 0),
                in_lane=owner is not None,
                is_first=place == 0,
                is_last=place + 1 == len(tree),
                moves=list(_moves(tree, place, owner, lane)),
            )
            for place, node in enumerate(tree)
        ]

    def draw_flat(self, steps: Sequence[dict[str, Any]]) -> list[StepCard]:
        """One below the other, each saying where it leads to."""
        drawn = self.draw([Node(step) for step in steps])
        return [replace(card, title=self._title(card, step), lanes=[]) for card, step in zip(drawn, steps, strict=True)]

    def _title(self, card: StepCard, step: Mapping[str, Any]) -> str:
        """With the steps that it leads to."""
        if card.kind == "WAIT":
            return step_words.wait_words(step, self.channels, self.numbers)
        return step_words.split_words(step, self.numbers) if card.kind == "SPLIT" else card.title

    def _card(self, node: Node, **common: Any) -> StepCard:
        step = node.step
        common["edit_url"] = reverse("admin:studio-campaign-step", args=[self.slug, node.key])
        common["lanes"] = [
            Lane(name, step_words.lane_name(step, name), self.draw(inner, owner=node, lane=name))
            for name, inner in node.lanes.items()
        ]
        common["has_form"] = step_words.has_form(step)
        if node.kind == "MESSAGE":
            channel = step["channel"]
            return StepCard(
                node.key,
                node.kind,
                channel,
                campaign_words.CHANNEL_ICONS.get(channel, "mail"),
                campaign_words.channel_name(channel),
                wordings=list(self._wordings(step)),
                is_open=self.shown[0] == node.key,
                **common,
            )
        if node.kind == "WAIT":
            title = step_words.wait_words(step, self.channels, self.numbers, tells_ways=False)
            return StepCard(node.key, node.kind, "", "clock", title, **common)
        if node.kind == "SPLIT":
            title = step_words.split_words(step, {})
            return StepCard(node.key, node.kind, "", "group", title, ways=sorted(step["ways"]), **common)
        if node.kind == "UPDATE":
            return StepCard(node.key, node.kind, "", "draft", step_words.update_words(step), **common)
        if node.kind == "GOTO":
            common["problem"] = jumps.guard_words() if self._goes_round(node.key) else ""
            return StepCard(node.key, node.kind, "", "undo", step_words.goto_words(step, self.numbers), **common)
        if node.kind == "BRANCH":
            title = campaign_words.question_words(step, self.channels, self.numbers)
            return StepCard(node.key, node.kind, "", "branch", title, **common)
        return StepCard(node.key, node.kind, "", "stop", campaign_words.exit_name(), **common)

    def _goes_round(self, key: str) -> bool:
        where = f"steps[{self.places[key]}]"
        return any(one.code == "circle" and one.where == where for one in self.findings)

    def _wordings(self, step: Mapping[str, Any]) -> Iterator[WordingCard]:
        page = reverse("admin:studio-campaign", args=[self.slug])
        for place, (letter, variant) in enumerate(step["variants"].items()):
            content = variant["content"]
            locale = _best(content)
            texts = content[locale]
            if step["channel"] == "email":
                subject, text = texts["subject"], mail_blocks.excerpt(texts["mjml"])
            elif step["channel"] == "webhook":
                subject, text = step_words.webhook_texts(texts)
            else:
                subject, text = texts.get("title", ""), texts.get("body") or texts.get("text", "")
            yield WordingCard(
                letter=letter,
                is_control=place == 0 and len(step["variants"]) > 1,
                weight=variant.get("weight", 100),
                subject=marking.line_of(source=subject, facts=self.facts, locale=locale, at=self.at),
                text=marking.line_of(source=text, facts=self.facts, locale=locale, at=self.at),
                locale=locale,
                direction=direction(locale),
                locales=[
                    LocaleMark(one, campaign_words.own_name(one), self._state(step["key"], letter, one, content))
                    for one in LOCALES
                ],
                edit_url=self._wording_url(step, letter, locale),
                show_url=f"{page}?step={step['key']}&variant={letter}{self.query}#preview",
                is_shown=self.shown == (step["key"], letter),
            )

    def _wording_url(self, step: Mapping[str, Any], letter: str, locale: str) -> str:
        return reverse(
            "admin:studio-campaign-wording",
            args=[self.slug, step["key"], letter],
            query={} if locale == "en" else {"language": locale},
        )

    def _state(self, key: str, letter: str, locale: str, content: Mapping[str, Any]) -> str:
        if locale not in content:
            return "missing"
        start = f"steps[{self.places[key]}].variants.{letter}.content.{locale}."
        wrong = any(one.level == BLOCKER and one.where.startswith(start) for one in self.findings)
        return "wrong" if wrong else "complete"


def _moves(lane: Sequence[Node], place: int, owner: Node | None, name: str) -> Iterator[Move]:
    """Into the lanes of the step above or below; within a lane over to another one, or out of all of them."""
    key = lane[place].key
    if owner is not None:
        for other in owner.lanes:
            if other != name:
                words = _("Move to the lane %(lane)s") % {
                    "lane": step_words.lane_name(owner.step, other, is_short=True)
                }
                yield Move(f"into {key} {owner.key} {other}", words)
        yield Move(f"out {key}", _("Move behind the lanes"))
    for step, words in ((-1, _("Move into %(lane)s above")), (1, _("Move into %(lane)s below"))):
        beside = lane[place + step] if 0 <= place + step < len(lane) else None
        for into in beside.lanes if beside is not None else ():
            assert beside is not None
            told = {"lane": step_words.lane_name(beside.step, into, is_short=True)}
            yield Move(f"into {key} {beside.key} {into}", words % told)


def draw_steps(*, steps: Sequence[dict[str, Any]], cards: Cards) -> tuple[list[StepCard], bool]:
    """The cards and whether the steps can be rearranged; steps that jump about are drawn one below the other."""
    try:
        return cards.draw(step_tree.read_tree(steps)), True
    except step_tree.NotALaneError:
        return cards.draw_flat(steps), False


def _best(content: Mapping[str, Any]) -> str:
    """The reader's own language where the wording has it, else English, else whatever there is."""
    spoken = (get_language() or "en").split("-")[0]
    return next((one for one in (spoken, "en") if one in content), next(iter(content)))
