"""The template gallery: ready wordings for six situations in every language, read from templates/messages/gallery.

A situation is a folder: `situation.toml` says whom it is for and in which steps, one file per language has the texts
and why they are written so. `@name@` in a text stands for an entry of common.toml or, about what is counted, of
units.toml; it is filled in when the text is taken, so that a marketer edits plain words and Liquid.
"""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings

from campaigns.console import skeleton
from campaigns.console.mail_blocks import Blocks, build_mjml
from campaigns.sequences import wording
from campaigns.sequences.step_file import LOCALES
from orchestrator.templating import lint
from orchestrator.templating.errors import Problem

ROOT = Path(settings.ROOT) / "templates" / "messages" / "gallery"
CHANNELS = ("email", "sms", "in_app")
# Marketing mail gets a footer with the way out by itself.
_BY_ITSELF = "NO_UNSUBSCRIBE_LINK"
# How a text message begins that names the account, or in Hebrew what it is.
_ACCOUNT, _MARK = "{{ account.name }}: ", f"{skeleton.MARK}: "
_TOKEN = re.compile(r"@([a-z_]+)@")
_UNIT_NAME = re.compile(r"[\w][\w .-]{0,30}")
_LOCALE_KEYS = {"name", "when", "audience", "parts", "email", "sms", "in_app"}
_SITUATION_KEYS = {
    "order", "icon", "has_offer", "goal_days", "meters", "needs", "helps", "place", "audience", "steps",
}  # fmt: skip


class GalleryError(ValueError):
    """A file of the gallery is not as it must be; the message names the file and what to change."""


@dataclass(frozen=True, slots=True)
class Part:
    """What a part of the message does (`title`) and why so."""

    title: str
    why: str


@dataclass(frozen=True, slots=True)
class Texts:
    """One language. `audience` says in a sentence what the situation's definition says in the grammar."""

    name: str
    when: str
    audience: str
    parts: tuple[Part, ...]
    subject: str
    blocks: Blocks
    sms: str
    in_app: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Situation:
    """`needs` are variables without which a message is not sent, `helps` those whose sentence is left out when they
    are missing. `meters` are the meters it is about, the best first. `place`: where an in-app message shows."""

    key: str
    order: int
    icon: str
    has_offer: bool
    goal_days: int
    meters: tuple[str, ...]
    needs: tuple[str, ...]
    helps: tuple[str, ...]
    place: Mapping[str, str]
    audience: Mapping[str, Any]
    steps: Sequence[Mapping[str, Any]]
    texts: Mapping[str, Texts]

    @property
    def slug(self) -> str:
        return self.key.replace("_", "-")


@lru_cache(maxsize=1)
def all_situations() -> tuple[Situation, ...]:
    """In the order of the page. Raises GalleryError."""
    folders = sorted(path for path in ROOT.iterdir() if path.is_dir())
    return tuple(sorted((read_situation(folder) for folder in folders), key=lambda one: (one.order, one.key)))


def find(slug: str) -> Situation | None:
    return next((one for one in all_situations() if one.slug == slug), None)


def content(*, situation: Situation, channel: str, unit: str, sender: str = "") -> dict[str, dict[str, str]]:
    """The texts of a channel by locale, as the campaign file has them. `unit` is what the audience's meter counts in,
    as the catalogue names it; empty where nothing is counted. `sender` is who writes, which a text message says."""
    texts = {locale: _texts(situation, channel, locale, unit) for locale in LOCALES}
    if channel != "sms" or not sender:
        return texts
    return {locale: {"text": _named(one["text"], sender)} for locale, one in texts.items()}


def problems(*, situation: Situation, channel: str, locale: str, unit: str) -> list[Problem]:
    """What a launch would say about the text."""
    made = wording.delivery_content(
        channel=channel,
        content={locale: _texts(situation, channel, locale, unit)},
        has_offer=situation.has_offer,
    )[locale]
    texts = {name: text for name, text in made.items() if name in lint.FIELDS[channel]}
    allowed = wording.variables(has_offer=situation.has_offer)
    found = lint.check_content(kind=channel, content=texts, allowed=allowed, locale=locale)
    return [one for one in found if one.code != _BY_ITSELF]


def steps(*, situation: Situation, unit: str, channels: Sequence[str]) -> list[dict[str, Any]]:
    """The campaign file's steps with their texts. What would go by a channel that is not in `channels` goes in-app."""
    made = []
    for given in situation.steps:
        step = copy.deepcopy(dict(given))
        if step["kind"] == "MESSAGE":
            step["channel"] = step["channel"] if step["channel"] in channels else "in_app"
            texts = content(situation=situation, channel=step["channel"], unit=unit, sender=skeleton.sender_name())
            step["variants"] = {"a": {"weight": 100, "content": texts}}
        made.append(step)
    return made


def audience(*, situation: Situation, meter: str, aggregation: str) -> dict[str, Any]:
    """The definition about this meter. Without a meter the conditions about usage are left out."""
    kept = [one for one in situation.audience["all"] if meter or "@meter@" not in one.values()]
    names = {"@meter@": meter, "@agg@": "sum" if aggregation == "SUM" else "avg"}
    return {
        "all": [
            {key: names.get(value, value) if isinstance(value, str) else value for key, value in one.items()}
            for one in kept
        ]
    }


def _texts(situation: Situation, channel: str, locale: str, unit: str) -> dict[str, str]:
    texts = situation.texts[locale]

    def fill(text: str) -> str:
        return _fill(text, locale, unit)

    if channel == "sms":
        return {"text": fill(texts.sms)}
    if channel == "in_app":
        return {**{name: fill(text) for name, text in texts.in_app.items()}, **situation.place}
    blocks = Blocks(
        greeting=fill(texts.blocks.greeting),
        body=fill(texts.blocks.body),
        button=fill(texts.blocks.button),
        after=fill(texts.blocks.after),
    )
    return {"subject": fill(texts.subject), "mjml": build_mjml(blocks=blocks, locale=locale)}


def _named(text: str, sender: str) -> str:
    """The country's word stays the first."""
    if text.startswith(_MARK):
        return f"{_MARK.removesuffix(': ')}, {sender}: {text.removeprefix(_MARK)}"
    return f"{sender} for {text}" if text.startswith(_ACCOUNT) else f"{sender}: {text}"


def _fill(text: str, locale: str, unit: str) -> str:
    common, units = _read(ROOT / "common.toml"), _read(ROOT / "units.toml")
    # A unit goes between Liquid's quotes: one that could end them is as good as none.
    unlisted = "other" if _UNIT_NAME.fullmatch(unit) else "blank"
    own = units.get(unit, units[unlisted])[locale]
    words = {"added": "", "room": "", "extra": "", **common["words"][locale], **own, "unit": unit}
    for _depth in range(3):
        text = _TOKEN.sub(lambda found: str(words.get(found[1], found[0])).strip("\n"), text)
    return text.strip()


@lru_cache(maxsize=64)
def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise GalleryError(f"{_short(path)} cannot be read: {error}.") from error


def read_situation(folder: Path) -> Situation:
    """One folder. Raises GalleryError."""
    path = folder / "situation.toml"
    given = _read(path)
    _refuse_unknown(given, _SITUATION_KEYS, path)
    try:
        return Situation(
            key=folder.name,
            order=int(given["order"]),
            icon=given["icon"],
            has_offer=bool(given["has_offer"]),
            goal_days=int(given["goal_days"]),
            meters=tuple(given["meters"]),
            needs=tuple(given["needs"]),
            helps=tuple(given["helps"]),
            place=dict(given.get("place", {"kind": "banner"})),
            audience=dict(given["audience"]),
            steps=tuple(given["steps"]),
            texts={locale: _read_texts(folder / f"{locale}.toml", locale) for locale in LOCALES},
        )
    except KeyError as error:
        raise GalleryError(f"{_short(path)} lacks {error}.") from error


def _read_texts(path: Path, locale: str) -> Texts:
    given, shared = _read(path), _read(ROOT / "common.toml")["parts"][locale]
    _refuse_unknown(given, _LOCALE_KEYS, path)
    try:
        parts = [shared[one["use"]] if "use" in one else (one["title"], one["why"]) for one in given["parts"]]
        mail = given["email"]
        return Texts(
            name=given["name"],
            when=given["when"],
            audience=given["audience"],
            parts=tuple(Part(title, why) for title, why in parts),
            subject=mail["subject"],
            blocks=Blocks(
                greeting=mail["greeting"],
                body=mail["body"],
                button=mail.get("button", ""),
                after=mail.get("after", ""),
            ),
            sms=given["sms"]["text"],
            in_app=dict(given["in_app"]),
        )
    except KeyError as error:
        raise GalleryError(f"{_short(path)} lacks {error}.") from error


def _refuse_unknown(given: Mapping[str, Any], known: set[str], path: Path) -> None:
    unknown = sorted(set(given) - known)
    if unknown:
        raise GalleryError(f"{_short(path)} has {unknown[0]!r}, which means nothing here.")


def _short(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"
