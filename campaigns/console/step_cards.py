"""The step list as it is drawn: cards, lanes, wordings with their languages, each filled in for one person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from campaigns.console import campaign_words, mail_blocks, marking, step_tree
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
class StepCard:
    """`number` is empty inside a lane: there the lanes' names tell where one is."""

    key: str
    kind: str
    channel: str
    icon: str
    title: str
    number: str
    wordings: list[WordingCard] = field(default_factory=list)
    yes: list[StepCard] = field(default_factory=list)
    no: list[StepCard] = field(default_factory=list)
    edit_url: str = ""
    is_open: bool = False
    is_first: bool = False
    is_last: bool = False

    @property
    def is_compared(self) -> bool:
        return len(self.wordings) > 1

    @property
    def can_compare(self) -> bool:
        return len(self.wordings) < 4


class Cards:
    """Draws the steps of one document. `facts` are the shown person's, `shown` (step key, letter) of the preview."""

    def __init__(
        self,
        *,
        slug: str,
        steps: Sequence[Mapping[str, Any]],
        facts: Mapping[str, Any],
        shown: tuple[str, str],
        findings: Sequence[Finding],
        query: str = "",
    ) -> None:
        self.slug, self.facts, self.shown, self.query = slug, facts, shown, query
        messages = [step for step in steps if step["kind"] == "MESSAGE"]
        self.channels = {step["key"]: step["channel"] for step in messages}
        self.numbers = {step["key"]: place for place, step in enumerate(steps, start=1)}
        self.places = {step["key"]: place for place, step in enumerate(steps)}
        self.findings = findings

    def draw(self, tree: Sequence[Node], *, in_lane: bool = False) -> list[StepCard]:
        return [
            self._card(node, "" if in_lane else str(place), place == 1, place == len(tree))
            for place, node in enumerate(tree, start=1)
        ]

    def _card(self, node: Node, number: str, is_first: bool, is_last: bool) -> StepCard:
        step = node.step
        url = reverse("admin:studio-campaign-step", args=[self.slug, node.key])
        common: dict[str, Any] = {"number": number, "is_first": is_first, "is_last": is_last, "edit_url": url}
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
            return StepCard(node.key, node.kind, "", "clock", campaign_words.wait_words(step["for"]), **common)
        if node.kind == "BRANCH":
            title = campaign_words.question_words(step, self.channels, self.numbers)
            lanes: dict[str, Any] = {"yes": self.draw(node.yes, in_lane=True), "no": self.draw(node.no, in_lane=True)}
            return StepCard(node.key, node.kind, "", "branch", title, **lanes, **common)
        return StepCard(node.key, node.kind, "", "stop", campaign_words.exit_name(), **common)

    def _wordings(self, step: Mapping[str, Any]) -> Iterator[WordingCard]:
        page = reverse("admin:studio-campaign", args=[self.slug])
        for place, (letter, variant) in enumerate(step["variants"].items()):
            content = variant["content"]
            locale = _best(content)
            texts = content[locale]
            if step["channel"] == "email":
                subject, text = texts["subject"], mail_blocks.excerpt(texts["mjml"])
            else:
                subject, text = texts.get("title", ""), texts.get("body") or texts.get("text", "")
            yield WordingCard(
                letter=letter,
                is_control=place == 0 and len(step["variants"]) > 1,
                weight=variant.get("weight", 100),
                subject=marking.line_of(source=subject, facts=self.facts, locale=locale),
                text=marking.line_of(source=text, facts=self.facts, locale=locale),
                locale=locale,
                direction=direction(locale),
                locales=[
                    LocaleMark(one, campaign_words.own_name(one), self._state(step["key"], letter, one, content))
                    for one in LOCALES
                ],
                edit_url=reverse("admin:studio-campaign-wording", args=[self.slug, step["key"], letter]),
                show_url=f"{page}?step={step['key']}&variant={letter}{self.query}#preview",
                is_shown=self.shown == (step["key"], letter),
            )

    def _state(self, key: str, letter: str, locale: str, content: Mapping[str, Any]) -> str:
        if locale not in content:
            return "missing"
        start = f"steps[{self.places[key]}].variants.{letter}.content.{locale}."
        wrong = any(one.level == BLOCKER and one.where.startswith(start) for one in self.findings)
        return "wrong" if wrong else "complete"


def draw_steps(*, steps: Sequence[dict[str, Any]], cards: Cards) -> tuple[list[StepCard], bool]:
    """The cards and whether the steps can be rearranged; steps that jump about are drawn one below the other."""
    try:
        return cards.draw(step_tree.read_tree(steps)), True
    except step_tree.NotALaneError:
        return cards.draw([Node(step) for step in steps]), False


def _best(content: Mapping[str, Any]) -> str:
    """The reader's own language where the wording has it, else English, else whatever there is."""
    spoken = (get_language() or "en").split("-")[0]
    return next((one for one in (spoken, "en") if one in content), next(iter(content)))
