"""The part of the launch review about words from data that some of the readers lack: how many, and what they would
read instead."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.profiles.models import Contact
from campaigns.segments.models import Segment
from campaigns.sequences import check_audience, part_words, snippets, wording
from campaigns.sequences.campaign_file import CampaignSpec
from campaigns.sequences.check_audience import Found
from campaigns.sequences.compose import FALLBACK_LOCALE
from campaigns.sequences.models import Campaign
from campaigns.sequences.step_file import StepSpec, VariantSpec
from orchestrator.templating import lint, liquid, message
from orchestrator.templating.errors import TemplateError

# The facts of a contact that a source may leave empty.
_FIELDS = {"contact.first_name": "first_name", "contact.last_name": "last_name"}
_TAG = re.compile(r"<[^<>]*>")
LONGEST_QUOTE = 60


@dataclass(frozen=True, slots=True)
class Readers:
    """Of one language: how many there are, and how many of them lack each variable."""

    everybody: int
    lacking: Mapping[str, int]


def check_variables(*, campaign: Campaign, spec: CampaignSpec) -> Iterator[Found]:
    """(level, code, message, step, where), as check.Finding takes them."""
    segment = campaign.edited_segment
    if segment is None:
        return
    texts = [
        (step, variant, locale, used)
        for step in spec.message_steps()
        for variant in step.variants
        for locale in variant.content
        if (used := _used(step, variant, locale))
    ]
    if not texts:
        return
    readers = count_readers(segment=segment, roles=spec.recipients.roles)
    found = [one for text in texts for one in _lacking(spec, readers, *text)]
    yield from found
    if not found:
        yield "PASSED", "names", _("Everybody in the audience has the names that the texts use."), "", ""


def count_readers(*, segment: Segment, roles: tuple[str, ...]) -> dict[str, Readers]:
    """By language as contacts have it, empty where it is not known. One statement."""
    people = check_audience.memberships_meant(segment=segment, roles=roles).values("contact")
    missing = {f"no_{column}": Count("pk", filter=Q(**{column: ""})) for column in _FIELDS.values()}
    rows = Contact.objects.filter(pk__in=people).order_by().values("locale").annotate(everybody=Count("pk"), **missing)
    found: dict[str, Readers] = {}
    for row in rows:
        language = row["locale"].replace("_", "-").split("-")[0].lower()
        known = found.get(language, Readers(0, {}))
        counted: dict[str, Any] = dict(row)
        lacking = {name: known.lacking.get(name, 0) + counted[f"no_{column}"] for name, column in _FIELDS.items()}
        found[language] = Readers(known.everybody + row["everybody"], lacking)
    return found


def _used(step: StepSpec, variant: VariantSpec, locale: str) -> dict[str, str]:
    """{variable: the field that uses it first}."""
    if step.channel == "webhook":
        return {}
    texts = snippets.expand(content={locale: variant.content[locale]})[locale]
    used: dict[str, str] = {}
    for field in ("subject", "title", "body", "mjml", "text", "button"):
        try:
            names = liquid.used_variables(texts.get(field, "")) if texts.get(field) else set()
        except TemplateError:
            continue  # the review says so elsewhere
        used |= {name: field for name in names & set(_FIELDS) if name not in used}
    return used


def _lacking(
    spec: CampaignSpec,
    readers: Mapping[str, Readers],
    step: StepSpec,
    variant: VariantSpec,
    locale: str,
    used: Mapping[str, str],
) -> Iterator[Found]:
    mine = [one for language, one in readers.items() if _reads(language, variant) == locale]
    everybody = sum(one.everybody for one in mine)
    for name, field in used.items():
        missing = sum(one.lacking[name] for one in mine)
        if missing:
            text = snippets.expand(content={locale: variant.content[locale]})[locale][field]
            told = _told(name, missing, everybody, _instead(text, name, locale, has_offer=spec.offer is not None))
            words = _("%(variant)s, %(locale)s: %(told)s") % {
                "variant": variant.key.upper(),
                "locale": part_words.language_name(locale),
                "told": told,
            }
            where = f"{step.path}.variants.{variant.key}.content.{locale}.{field}"
            yield "WARNING", "missing_values", words, step.key, where


def _reads(language: str, variant: VariantSpec) -> str:
    """As `compose.pick_language` has it."""
    if language in variant.content:
        return language
    return FALLBACK_LOCALE if FALLBACK_LOCALE in variant.content else next(iter(variant.content))


def _told(name: str, missing: int, everybody: int, instead: str | None) -> str:
    if name == "contact.first_name":
        lack = ngettext("%(n)d of %(all)d has no first name", "%(n)d of %(all)d have no first name", missing)
    else:
        lack = ngettext("%(n)d of %(all)d has no last name", "%(n)d of %(all)d have no last name", missing)
    lack %= {"n": missing, "all": everybody}
    if instead is None:
        return _("%(lack)s; they would not get it. Give the word a fallback.") % {"lack": lack}
    return _("%(lack)s; they would read “%(words)s”.") % {"lack": lack, "words": instead}


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
