"""How long text messages become once filled in: each part is paid for, and Hebrew has room for 70 characters in one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.console import campaign_words
from campaigns.console.templatetags.console import count
from campaigns.delivery import content as contents
from campaigns.delivery import links
from campaigns.sequences import compose, wording
from campaigns.sequences.cast import Person
from orchestrator.templating import message, sms
from orchestrator.templating.errors import TemplateError
from orchestrator.templating.message import CompiledContent
from orchestrator.templating.sms import SmsSize


@dataclass(frozen=True, slots=True)
class Length:
    """Of one wording in one language, for the person for whom it becomes longest."""

    place: int
    letter: str
    locale: str
    size: SmsSize


def measure(*, document: Mapping[str, Any], people: Sequence[Person], made_up: Mapping[str, Any]) -> Iterator[Length]:
    """Every wording of every SMS step that can be filled in; `made_up` are the facts where there are no people."""
    marketing = document.get("purpose", "MARKETING") == "MARKETING"
    for place, step in enumerate(document["steps"]):
        for letter in step.get("variants", {}) if step.get("channel") == "sms" else ():
            written = step["variants"][letter]["content"]
            texts = wording.delivery_content(channel="sms", content=written, has_offer="offer" in document)
            for locale in texts:
                sizes = list(_sizes(texts, locale, people, made_up, marketing))
                if sizes:
                    longest = max(sizes, key=lambda size: (size.segments, size.units))
                    yield Length(place, letter, locale, longest)


def words_of(*, length: Length, number: int) -> str:
    """`number` of the step; 0 where there is no other SMS wording that could be meant."""
    said = ngettext(
        "The SMS goes out in %(n)s part in %(language)s (%(characters)s characters)",
        "The SMS goes out in %(n)s parts in %(language)s (%(characters)s characters)",
        length.size.segments,
    ) % {
        "n": count(length.size.segments),
        "language": campaign_words.language_name(length.locale),
        "characters": count(length.size.units),
    }
    if not number:
        return said
    return _("Step %(step)s, wording %(letter)s: %(said)s") % {
        "step": number,
        "letter": length.letter.upper(),
        "said": said,
    }


@dataclass(frozen=True, slots=True)
class Counter:
    """What stands under a text message in the preview, in words."""

    parts: str
    left: str
    letters: str


def counter(*, text: str) -> Counter:
    size = sms.count_segments(text)
    parts = ngettext("%(n)s part", "%(n)s parts", size.segments) % {"n": count(size.segments)}
    units = ngettext("%(n)s character", "%(n)s characters", size.units) % {"n": count(size.units)}
    left = ngettext("%(n)s more fits into this part", "%(n)s more fit into this part", size.left)
    if size.segments > 1:
        left = ngettext("%(n)s more fits into the last part", "%(n)s more fit into the last part", size.left)
    letters = _("Plain Latin letters (GSM-7): 160 in one part, 153 in each of several.")
    if size.encoding == "UCS-2":
        letters = _("Hebrew, diacritics or emoji (UCS-2): 70 in one part, 67 in each of several.")
    return Counter(f"{parts} · {units}", left % {"n": count(size.left)}, letters)


def detail_words() -> str:
    return _(
        "Each part is paid for. One part holds 160 plain Latin characters; Hebrew, Romanian diacritics and emoji "
        "leave room for 70. Links count too."
    )


def with_real_links(*, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts with links as long as a real message's: a preview's own are shorter, and lead nowhere."""
    own = links.links_of_nobody(has_offer=True)
    return {**facts, "links": {name: own.get(name, address) for name, address in facts.get("links", {}).items()}}


def _sizes(
    texts: Mapping[str, Mapping[str, str]],
    locale: str,
    people: Sequence[Person],
    made_up: Mapping[str, Any],
    marketing: bool,
) -> Iterator[SmsSize]:
    """For those who would get this language; where nobody tried does, for all of them."""
    readers = [
        one for one in people if compose.pick_language(contact=one.contact, channel="sms", available=texts) == locale
    ]
    try:
        compiled = CompiledContent(**contents.compile_content(channel="sms", content={locale: texts[locale]})[locale])
    except TemplateError:
        return
    if marketing:
        compiled = contents.finish_marketing(compiled=compiled, channel="sms")
    for facts in [person.facts for person in readers or people] or [made_up]:
        try:
            text = message.render_text(compiled, with_real_links(facts=facts)).text
        except TemplateError:
            continue
        yield sms.count_segments(text)
