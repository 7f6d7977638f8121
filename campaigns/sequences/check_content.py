"""The part of the launch review about what marketing must show in the countries of its readers: every rule of their
packs (`orchestrator.engine.country_packs`) on every wording as it would reach them, with the footer or the way out that
is added."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.consent.models import channel_names
from campaigns.delivery import content as delivery
from campaigns.delivery import country_rules, links
from campaigns.delivery import shown as showing
from campaigns.segments import figures
from campaigns.sequences import compose, part_words, wording
from campaigns.sequences.campaign_file import CampaignSpec
from campaigns.sequences.check_audience import Found
from campaigns.sequences.check_readers import Readers
from campaigns.sequences.step_file import StepSpec, VariantSpec
from orchestrator.engine.country_packs import content, quiet_hours
from orchestrator.engine.country_packs.content import Breach, Sender, Shown
from orchestrator.engine.country_packs.pack import CountryPack, Demand
from orchestrator.templating.errors import TemplateError
from orchestrator.templating.message import CompiledContent

CODES: Mapping[Demand, str] = {
    Demand.MARK: "mark_missing",
    Demand.SENDER_NAME: "sender_not_named",
    Demand.POSTAL_ADDRESS: "address_not_shown",
    Demand.WAY_OUT: "way_out_not_shown",
    Demand.WAY_OUT_TONGUE: "way_out_language",
    Demand.HONEST_SUBJECT: "subject_pretends",
}
_NAMED = 3


@dataclass(frozen=True, slots=True)
class _Text:
    """One wording in one language, and its step's place in the campaign file."""

    step: StepSpec
    variant: VariantSpec
    locale: str


def check_texts(
    *, spec: CampaignSpec, steps: Sequence[StepSpec], readers: Mapping[str, Sequence[Readers]]
) -> Iterator[Found]:
    """(level, code, message, step, where), as check.Finding takes them. `readers` by channel."""
    urls = links.links_of_nobody(has_offer=spec.offer is not None)
    sender = country_rules.sender_of(urls=urls)
    for step in steps:
        for variant in step.variants:
            for locale in variant.content:
                mine = [one for one in readers[step.channel] if _reads(one, step, variant) == locale and one.meant]
                yield from _judge(_Text(step, variant, locale), spec, sender, urls, mine)


def _reads(readers: Readers, step: StepSpec, variant: VariantSpec) -> str:
    return compose.language_read(language=readers.language, channel=step.channel, available=variant.content)


def show(*, spec: CampaignSpec, step: StepSpec, variant: VariantSpec, locale: str) -> list[Shown]:
    """As a reader sees it of whom everything is known, and one of whom nothing more than the text needs. Empty for a
    text that can't be made: the review says so elsewhere."""
    return _shown(_Text(step, variant, locale), spec, links.links_of_nobody(has_offer=spec.offer is not None))


def _judge(
    text: _Text, spec: CampaignSpec, sender: Sender, urls: Mapping[str, str], readers: Sequence[Readers]
) -> Iterator[Found]:
    by_pack: dict[str, list[Readers]] = defaultdict(list)
    for one in readers:
        by_pack[quiet_hours.pack_of(one.country).code].append(one)
    seen = _shown(text, spec, urls) if by_pack else []
    for _code, there in sorted(by_pack.items()):
        pack = quiet_hours.pack_of(there[0].country)
        broken: dict[Demand, Breach] = {}
        for shown in seen:
            for breach in content.find_breaches(pack=pack, shown=shown, sender=sender):
                broken.setdefault(breach.rule.demand, breach)
        for breach in broken.values():
            yield _told(text, pack, breach, there)


def _told(text: _Text, pack: CountryPack, breach: Breach, there: Sequence[Readers]) -> Found:
    step, variant = text.step, text.variant
    words = _("%(variant)s, %(locale)s, %(field)s: %(wrong)s %(readers)s") % {
        "variant": variant.key.upper() if len(step.variants) > 1 else dict(channel_names())[step.channel],
        "locale": part_words.language_name(text.locale),
        "field": part_words.field_name(breach.field),
        "wrong": _wrong(breach.rule.demand, step.channel, pack, text.locale),
        "readers": readers_words(readers=there),
    }
    where = f"{step.path}.variants.{variant.key}.content.{text.locale}.{_written(breach.field, text)}"
    return breach.level, CODES[breach.rule.demand], words, step.key, where


def _written(field: str, text: _Text) -> str:
    """A mail's plain part that is made of its HTML has no field of its own to correct."""
    return field if text.variant.content[text.locale].get(field) else "mjml"


def _wrong(demand: Demand, channel: str, pack: CountryPack, locale: str) -> str:
    if demand == Demand.WAY_OUT and channel == "sms":
        return _(
            "it does not tell everybody how to get no more. Take its own way out from between conditions, or take it "
            "out: then one is added."
        )
    words = {
        Demand.MARK: _("it must begin with “%(mark)s”. Put the word first."),
        Demand.SENDER_NAME: _("it does not say who sends it. Name %(sender)s in it."),
        Demand.POSTAL_ADDRESS: _(
            "your postal address cannot be seen in it. Show it, or take it out of the text: then a footer names it."
        ),
        Demand.WAY_OUT: _(
            "not everybody sees in it how to unsubscribe. Show the link outside of conditions, or take it out: then a "
            "footer has it."
        ),
        Demand.WAY_OUT_TONGUE: _("its way out is in another language. Write “%(word)s” for it."),
        Demand.HONEST_SUBJECT: _("it looks like an answer or a mail passed on. Begin with other words."),
    }[demand]
    return words % {
        "mark": pack.mark,
        "sender": settings.SENDER_NAME or settings.SENDGRID_FROM_NAME,
        "word": content.WORDS_OUT.get(locale, content.WORDS_OUT["en"])[0],
    }


def readers_words(*, readers: Sequence[Readers], number: int | None = None) -> str:
    """How many of the audience could get it (or `number` of them), and where they are; not all of them start."""
    reached = sum(one.reached for one in readers) if number is None else number
    where = places_words(countries={one.country for one in readers if one.reached or not reached})
    if not reached:
        return _("Nobody can get it yet, somebody may later: %(country)s.") % {"country": where}
    words = ngettext(
        "%(n)s person in the audience could get it: %(country)s.",
        "%(n)s people in the audience could get it: %(country)s.",
        reached,
    )
    return words % {"n": figures.number(reached), "country": where}


def places_words(*, countries: set[str]) -> str:
    """By name, the first few of many."""
    names = [figures.country_name(one) if one else _("country unknown") for one in sorted(countries)]
    if len(names) <= _NAMED:
        return ", ".join(names)
    return _("%(countries)s and %(n)s more") % {
        "countries": ", ".join(names[: _NAMED - 1]),
        "n": len(names) - _NAMED + 1,
    }


def _shown(text: _Text, spec: CampaignSpec, urls: Mapping[str, str]) -> list[Shown]:
    channel, has_offer = text.step.channel, spec.offer is not None
    made = wording.delivery_content(
        channel=channel,
        content={text.locale: text.variant.content[text.locale]},
        has_offer=has_offer,
        utm=spec.tracking.utm,
    )
    try:
        compiled = CompiledContent(**delivery.compile_content(channel=channel, content=made)[text.locale])
    except (TemplateError, TypeError):
        return []
    finished = delivery.finish_marketing(compiled=compiled, channel=channel)
    tried = showing.try_both(channel=channel, compiled=finished, urls=urls, has_offer=has_offer)
    return [showing.as_seen(channel=channel, language=text.locale, rendered=one) for one in tried]
