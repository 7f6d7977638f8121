"""The step list as it is drawn: cards, lanes, wordings with their languages, each filled in for one person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from campaigns.console import campaign_words, mail_blocks, marking, step_tree, step_words
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
class StepCard:
    """`number` as in sentences about the step. Inside a lane there is no room for a second wording."""

    key: str
    kind: str
    channel: str
    icon: str
    title: str
    number: int
    wordings: list[WordingCard] = field(default_factory=list)
    yes: list[StepCard] = field(default_factory=list)
    no: list[StepCard] = field(default_factory=list)
    edit_url: str = ""
    is_open: bool = False
    is_of_the_file: bool = False
    has_form: bool = False
    is_first: bool = False
    is_last: bool = False
    in_lane: bool = False
    moves: list[Move] = field(default_factory=list)

    @property
    def ends_here(self) -> bool:
        return self.kind == "EXIT"

    @property
    def yes_ends(self) -> bool:
        return bool(self.yes) and self.yes[-1].ends_here

    @property
    def no_ends(self) -> bool:
        return bool(self.no) and self.no[-1].ends_here

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
        self.numbers = step_tree.number_steps([dict(step) for step in steps])
        self.places = {step["key"]: place for place, step in enumerate(steps)}
        self.findings = findings

    def draw(self, tree: Sequence[Node], *, owner: Node | None = None, lane: str = "") -> list[StepCard]:
        """Of the whole, or of the lane (yes or no) of the question `owner`."""
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

    def _card(self, node: Node, **common: Any) -> StepCard:
        step = node.step
        common["edit_url"] = reverse("admin:studio-campaign-step", args=[self.slug, node.key])
        common["is_of_the_file"] = step_words.is_of_the_file(step)
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
            title = step_words.wait_words(step, self.channels, self.numbers)
            return StepCard(node.key, node.kind, "", "clock", title, **common)
        if node.kind == "SPLIT":
            return StepCard(node.key, node.kind, "", "group", step_words.split_words(step, self.numbers), **common)
        if node.kind == "UPDATE":
            return StepCard(node.key, node.kind, "", "draft", step_words.update_words(step), **common)
        if node.kind == "GOTO":
            return StepCard(node.key, node.kind, "", "redo", step_words.goto_words(step, self.numbers), **common)
        if node.kind == "BRANCH":
            title = campaign_words.question_words(step, self.channels, self.numbers)
            lanes: dict[str, Any] = {
                "yes": self.draw(node.yes, owner=node, lane="yes"),
                "no": self.draw(node.no, owner=node, lane="no"),
            }
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
            elif step["channel"] == "webhook":
                subject, text = step_words.webhook_texts(texts)
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
                edit_url=self._wording_url(step, letter, locale),
                show_url=f"{page}?step={step['key']}&variant={letter}{self.query}#preview",
                is_shown=self.shown == (step["key"], letter),
            )

    def _wording_url(self, step: Mapping[str, Any], letter: str, locale: str) -> str:
        """Empty for a webhook: its address and body are written in the file."""
        if step["channel"] == "webhook":
            return ""
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
    """Into the lanes of the question above or below; within a lane over to the other one, or out of both."""
    key = lane[place].key
    if owner is not None:
        other = "no" if name == "yes" else "yes"
        words = {"yes": _("Move to the lane Yes"), "no": _("Move to the lane No")}
        yield Move(f"into {key} {owner.key} {other}", words[other])
        yield Move(f"out {key}", _("Move behind the two lanes"))
    for step, words in (
        (-1, {"yes": _("Move into Yes above"), "no": _("Move into No above")}),
        (1, {"yes": _("Move into Yes below"), "no": _("Move into No below")}),
    ):
        if 0 <= place + step < len(lane) and lane[place + step].kind == "BRANCH":
            for into in ("yes", "no"):
                yield Move(f"into {key} {lane[place + step].key} {into}", words[into])


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
