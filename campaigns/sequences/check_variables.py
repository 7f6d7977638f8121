"""The part of the launch review about words from data that some of the readers lack: how many, and what they would
read instead."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.consent.models import channel_names
from campaigns.sequences import compose, lacking, part_words, snippets, wording
from campaigns.sequences.campaign_file import CampaignSpec
from campaigns.sequences.check_audience import Found
from campaigns.sequences.lacking import FIELDS, Counted
from campaigns.sequences.models import Campaign
from campaigns.sequences.step_file import StepSpec, VariantSpec
from orchestrator.templating import lint, liquid, message, needs
from orchestrator.templating.errors import TemplateError

_TAG = re.compile(r"<[^<>]*>")
LONGEST_QUOTE = 60


@dataclass(frozen=True, slots=True)
class Text:
    """A wording in one language. `needs`: {variable: the field that needs it first}, those it prints with nothing in
    their place; `blanked`: the names of people that it leaves out where they are missing. `is_wrong`: it can be filled
    in for nobody, as the review says elsewhere."""

    step: StepSpec
    variant: VariantSpec
    locale: str
    fields: Mapping[str, str]
    needs: Mapping[str, str]
    blanked: Mapping[str, str]
    quotes: bool
    is_wrong: bool


def check_variables(*, campaign: Campaign, spec: CampaignSpec, now: datetime) -> Iterator[Found]:
    """(level, code, message, step, where), as check.Finding takes them. A word that the text says otherwise where it
    is missing (`default`), or only where it is there (`if`), is in order; a name left out without a word in its place
    is told."""
    # What there is not is told elsewhere.
    allowed = wording.variables(has_offer=spec.offer is not None)
    texts = [
        _read(step, variant, locale, allowed)
        for step in spec.message_steps()
        for variant in step.variants
        for locale in variant.content
    ]
    if campaign.edited_segment is None or not any(one.quotes for one in texts):
        return
    names = {name for one in texts for name in [*one.needs, *one.blanked]}
    roles = spec.recipients.roles
    counted: dict[str, Counted] = {}
    if names & set(FIELDS):
        counted |= dict.fromkeys(FIELDS, lacking.count_names(segment=campaign.edited_segment, roles=roles))
    told = names - set(FIELDS)
    if told:
        counted |= dict.fromkeys(told, lacking.count_told(campaign=campaign, roles=roles, names=told, now=now))
    found = [one for text in texts for one in _lacking(spec, text, counted)]
    yield from found
    if not found and not any(one.is_wrong for one in texts):
        yield "PASSED", "names", _("Nobody in the audience lacks a word that the texts need."), "", ""


def _read(step: StepSpec, variant: VariantSpec, locale: str, allowed: Mapping[str, Any]) -> Text:
    known = {name for name in allowed if lacking.can_lack(name=name)}
    fields = _fields(step, variant, locale)
    needed: dict[str, str] = {}
    blanked: dict[str, str] = {}
    quotes = is_wrong = False
    for field, text in fields.items():
        try:
            found, used = needs.find_needs(text), liquid.used_variables(text)
        except TemplateError:
            is_wrong = True
            continue
        is_wrong = is_wrong or any(lint.tell_unknown(name=name, allowed=allowed) for name in used)
        quotes = quotes or bool(known & used)
        for name in sorted(found.bare & known):
            needed.setdefault(name, field)
        for name in sorted(found.blanked & set(FIELDS)):
            blanked.setdefault(name, field)
    return Text(step, variant, locale, fields, needed, blanked, quotes, is_wrong)


def _fields(step: StepSpec, variant: VariantSpec, locale: str) -> dict[str, str]:
    content = variant.content[locale]
    if step.channel == "webhook":
        return {"url": content["url"], "body": "\n".join(_strings(json.loads(content["body"])))}
    texts = snippets.expand(content={locale: content})[locale]
    return {name: texts[name] for name in ("subject", "title", "body", "mjml", "text", "button") if texts.get(name)}


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _strings(one)


def _lacking(spec: CampaignSpec, text: Text, counted: Mapping[str, Counted]) -> Iterator[Found]:
    for name, field in {**text.needs, **text.blanked}.items():
        mine = [
            one
            for language, one in counted[name].by_language.items()
            if compose.language_read(language=language, channel=text.step.channel, available=text.variant.content)
            == text.locale
        ]
        missing = sum(one.lacking[name] for one in mine)
        if not missing:
            continue
        told = _lack_words(name, missing, sum(one.everybody for one in mine))
        read = None
        if name in text.blanked:
            read = _instead(text.fields[field], name, text.locale, has_offer=spec.offer is not None)
        if read is None:
            told = _("%(lack)s; they would not get it. Give the word a fallback.") % {"lack": told}
        else:
            told = _("%(lack)s; they would read “%(words)s”.") % {"lack": told, "words": read}
        if not counted[name].is_whole:
            told += " " + _("Looked at: the first %(n)d of the audience.") % {"n": lacking.LOOKED_AT}
        words = _("%(variant)s, %(locale)s: %(told)s") % {
            "variant": _called(text),
            "locale": part_words.language_name(text.locale),
            "told": told,
        }
        where = f"{text.step.path}.variants.{text.variant.key}.content.{text.locale}.{field}"
        yield "WARNING", "missing_values", words, text.step.key, where


def _called(text: Text) -> str:
    """By its letter where there are several, else by its channel."""
    if len(text.step.variants) > 1:
        return text.variant.key.upper()
    return str(dict(channel_names())[text.step.channel])


def _lack_words(name: str, missing: int, everybody: int) -> str:
    if name == "contact.first_name":
        words = ngettext(
            "%(n)d of %(all)d in the audience has no first name",
            "%(n)d of %(all)d in the audience have no first name",
            missing,
        )
    elif name == "contact.last_name":
        words = ngettext(
            "%(n)d of %(all)d in the audience has no last name",
            "%(n)d of %(all)d in the audience have no last name",
            missing,
        )
    else:
        words = ngettext(
            "%(n)d of %(all)d in the audience has no value for “%(word)s”",
            "%(n)d of %(all)d in the audience have no value for “%(word)s”",
            missing,
        )
    word = part_words.variable_names().get(name, name)
    return words % {"n": missing, "all": everybody, "word": word}


def _instead(text: str, name: str, locale: str, *, has_offer: bool) -> str | None:
    """The line that uses the variable, for somebody without it; None where it can't be made."""
    lines = (html.unescape(_TAG.sub(" ", line)) if "<mj" in text else line for line in text.split("\n"))
    line = next((one for one in lines if name in one), text)
    allowed = {key: value for key, value in wording.variables(has_offer=has_offer).items() if key != name}
    try:
        made = message.render_text(message.compile_text(text=line, locale=locale), lint.sample_context(allowed)).text
    except TemplateError:
        return None
    read = " ".join(made.split())
    return read if len(read) <= LONGEST_QUOTE else f"{read[: LONGEST_QUOTE - 1].rstrip()}…"
