"""The part of the launch review about the countries of those who would get the messages: how marketing must be marked
there (`orchestrator.engine.country_packs`), and whether quiet hours leave the campaign's window an hour."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext as _

from campaigns.consent.models import channel_names
from campaigns.delivery import windows
from campaigns.segments import figures
from campaigns.segments.models import Segment
from campaigns.sequences import part_words
from campaigns.sequences.campaign_file import CampaignSpec
from campaigns.sequences.check_audience import Found, memberships_meant
from campaigns.sequences.compose import FALLBACK_LOCALE
from campaigns.sequences.models import Campaign
from campaigns.sequences.step_file import StepSpec, VariantSpec
from orchestrator.engine.country_packs import content, quiet_hours
from orchestrator.engine.country_packs.pack import CHANNELS, CountryPack

# Where the first words of a message stand.
_BEGINS = {"email": "subject", "sms": "text"}
# Whose readers a country's mark is written for; another language's text gets a second look instead of a no.
_TONGUES = {"IL": "he"}


def check_country(*, campaign: Campaign, spec: CampaignSpec, now: datetime) -> Iterator[Found]:
    """(level, code, message, step, where), as check.Finding takes them."""
    steps = [step for step in spec.message_steps() if step.channel in CHANNELS]
    if spec.purpose != quiet_hours.MARKETING or not steps or campaign.edited_segment is None:
        return
    readers = countries_by_language(segment=campaign.edited_segment, roles=spec.recipients.roles)
    countries = sorted(set().union(*readers.values()))
    yield from _hours(spec, steps, countries, now)
    yield from _named_sender(countries)
    found = [finding for step in steps for finding in _marks(step, readers)]
    yield from found
    if not found and any(quiet_hours.pack_of(country).mark for country in countries):
        yield "PASSED", "marked", _("What a country wants marketing to be marked with is there."), "", ""


def countries_by_language(*, segment: Segment, roles: tuple[str, ...]) -> dict[str, set[str]]:
    """{language: countries of those who read it}, both of two letters, empty where nobody knows."""
    rows = (
        memberships_meant(segment=segment, roles=roles)
        .order_by()
        .values_list(
            "contact__locale", "contact__time_zone", "contact__country", "account__time_zone", "account__country"
        )
    )
    found: dict[str, set[str]] = defaultdict(set)
    for locale, zone, country, account_zone, account_country in rows.distinct():
        place = windows.place_of(
            contact_zone=zone, contact_country=country, account_zone=account_zone, account_country=account_country
        )
        found[locale.replace("_", "-").split("-")[0].lower()].add(place.country)
    return dict(found)


def _hours(spec: CampaignSpec, steps: list[StepSpec], countries: list[str], now: datetime) -> Iterator[Found]:
    limits = spec.limits
    for channel in dict.fromkeys(step.channel for step in steps):
        for country in countries:
            is_open = windows.can_open(
                start=limits.window_from, end=limits.window_to, country=country, channel=channel,
                purpose=spec.purpose, now=now,
            )  # fmt: skip
            if not is_open:
                words = _("Quiet hours leave nothing of the campaign’s hours: nobody would get a message.")
                yield "BLOCKER", "window_is_quiet", words, "", "limits.window"
                return


def _named_sender(countries: list[str]) -> Iterator[Found]:
    strict = [country for country in countries if quiet_hours.pack_of(country).names_sender]
    if strict and not settings.SENDER_NAME:
        words = _("Marketing to people in %(country)s must name who sends it: set SENDER_NAME.")
        yield "BLOCKER", "sender_name_missing", words % {"country": figures.country_name(strict[0])}, "", ""


def _marks(step: StepSpec, readers: Mapping[str, set[str]]) -> Iterator[Found]:
    for variant in step.variants:
        for locale, texts in variant.content.items():
            for country in sorted(_who_reads(locale, variant, readers)):
                yield from _marked(step, variant, locale, texts, quiet_hours.pack_of(country))


def _who_reads(locale: str, variant: VariantSpec, readers: Mapping[str, set[str]]) -> set[str]:
    """The countries of those who would get this language of the wording: compose.pick_language, for all at once."""
    written = variant.content
    fallback = FALLBACK_LOCALE if FALLBACK_LOCALE in written else next(iter(written))
    return {
        country
        for language, countries in readers.items()
        if locale == (language if language in written else fallback)
        for country in countries
    }


def _marked(
    step: StepSpec, variant: VariantSpec, locale: str, texts: Mapping[str, str], pack: CountryPack
) -> Iterator[Found]:
    field = _BEGINS[step.channel]
    text = texts.get(field, "")
    where = f"{step.path}.variants.{variant.key}.content.{locale}.{field}"
    named = {
        "variant": variant.key.upper() if len(step.variants) > 1 else dict(channel_names())[step.channel],
        "locale": part_words.language_name(locale),
        "field": part_words.field_name(field),
        "mark": pack.mark,
        "country": figures.country_name(pack.code),
    }
    if not content.begins_with_mark(pack=pack, text=text):
        level = "BLOCKER" if locale == _TONGUES.get(pack.code) else "WARNING"
        words = _("%(variant)s, %(locale)s, %(field)s: people in %(country)s get it, so it must begin with “%(mark)s”.")
        yield level, "mark_missing", words % named, step.key, where
    names = (settings.SENDER_NAME, settings.SENDGRID_FROM_NAME)
    if step.channel == "sms" and not content.names_sender(pack=pack, text=text, names=names):
        words = _("%(variant)s, %(locale)s, %(field)s: people in %(country)s get it, so it must say who sends it.")
        yield "WARNING", "sender_not_named", words % named, step.key, where
