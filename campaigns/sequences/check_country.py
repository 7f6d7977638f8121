"""The part of the launch review about the countries of those who would get the messages: what marketing must show there
(`check_content`), why they may be written to, whether answers reach somebody, and whether quiet hours leave the
campaign's window an hour. What each country asks for stands in `orchestrator.engine.country_packs`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext as _

from campaigns.consent.models import channel_names
from campaigns.delivery import country_rules, windows
from campaigns.sequences import check_content, check_readers
from campaigns.sequences.campaign_file import CampaignSpec
from campaigns.sequences.check_audience import Found
from campaigns.sequences.check_readers import Readers
from campaigns.sequences.models import Campaign
from orchestrator.engine.country_packs import quiet_hours
from orchestrator.engine.country_packs.pack import BLOCKER, CHANNELS, WARNING, ContentRule, Demand

# code -> the settings, or in the catalogue the key, that mend it.
SETTINGS: Mapping[str, tuple[str, ...]] = {
    "sender_name_missing": ("SENDER_NAME",),
    "consent_not_recorded": ("permitted_without_record",),
    "reply_address": ("SENDGRID_FROM_EMAIL", "INBOUND_MAIL_DOMAIN"),
}
WINDOW_IS_QUIET = "window_is_quiet"

type ByChannel = Mapping[str, Sequence[Readers]]


def check_country(*, campaign: Campaign, spec: CampaignSpec, now: datetime) -> Iterator[Found]:
    """(level, code, message, step, where), as check.Finding takes them."""
    steps = [step for step in spec.message_steps() if step.channel in CHANNELS]
    segment = campaign.edited_segment
    if spec.purpose != quiet_hours.MARKETING or not steps or segment is None:
        return
    readers = {
        channel: check_readers.count_readers(
            segment=segment, roles=spec.recipients.roles, channel=channel, topic=spec.topic
        )
        for channel in dict.fromkeys(step.channel for step in steps)
    }
    yield from _hours(spec, readers, now)
    found = [
        *_named_sender(readers),
        *_answers(readers),
        *_bases(readers),
        *check_content.check_texts(spec=spec, steps=steps, readers=readers),
    ]
    yield from found
    countries = {one.country for rows in readers.values() for one in rows}
    if not found and countries:
        words = _("What marketing must show is there: %(countries)s.")
        yield "PASSED", "marked", words % {"countries": check_content.places_words(countries=countries)}, "", ""


def _hours(spec: CampaignSpec, readers: ByChannel, now: datetime) -> Iterator[Found]:
    limits = spec.limits
    for channel, rows in readers.items():
        for country in sorted({one.country for one in rows}):
            is_open = windows.can_open(
                start=limits.window_from, end=limits.window_to, country=country, channel=channel,
                purpose=spec.purpose, now=now,
            )  # fmt: skip
            if not is_open:
                words = _("Quiet hours leave nothing of the campaign’s hours: nobody would get a message.")
                yield "BLOCKER", WINDOW_IS_QUIET, words, "", "limits.window"
                return


def _named_sender(readers: ByChannel) -> Iterator[Found]:
    """Once for all texts: without a name none of them can be looked at for it."""
    if settings.SENDER_NAME:
        return
    found = _asking(readers, Demand.SENDER_NAME)
    asking = [one for _channel, rule, rows in found if "email" in rule.channels for one in rows]
    if asking:
        where = check_content.places_words(countries={one.country for one in asking})
        words = _(
            "Marketing to people in %(country)s must name who sends it, and no name is set. An administrator can set "
            "it."
        )
        yield BLOCKER, "sender_name_missing", words % {"country": where}, "", ""


def _answers(readers: ByChannel) -> Iterator[Found]:
    if country_rules.is_answered():
        return
    for _channel, rule, rows in _asking(readers, Demand.REPLY_ADDRESS):
        words = _(
            "Nobody reads what is answered to the sender’s address. An administrator can set one that is read. "
            "%(readers)s"
        )
        yield rule.level, "reply_address", words % {"readers": check_content.readers_words(readers=rows)}, "", ""


def _bases(readers: ByChannel) -> Iterator[Found]:
    """Who never said yes is written to by a fault of the set-up, which lets the topic go without: that blocks. A yes on
    no basis, or on another, deserves a look: they can be asked again."""
    for channel, rule, rows in _asking(readers, Demand.LEGAL_BASIS):
        told = {"channel": dict(channel_names())[channel]}
        without = [one for one in rows if one.without_record]
        if without:
            words = _(
                "%(channel)s: there is no record of why they may be written to. An administrator can have it asked "
                "for, in the topic that the catalogue of plans brings. %(readers)s"
            )
            number = sum(one.without_record for one in without)
            told["readers"] = check_content.readers_words(readers=without, number=number)
            yield rule.level, "consent_not_recorded", words % told, "", "recipients"
        wrong = [one for one in rows if one.wrong_basis]
        if wrong:
            words = _(
                "%(channel)s: the record of their yes names no legal basis that counts there. It is not set here but "
                "comes from the CRM (consent_basis): who keeps the CRM can record it there, or ask them. %(readers)s"
            )
            number = sum(one.wrong_basis for one in wrong)
            told["readers"] = check_content.readers_words(readers=wrong, number=number)
            yield WARNING, "basis_not_recorded", words % told, "", "recipients"


def _asking(readers: ByChannel, demand: Demand) -> Iterator[tuple[str, ContentRule, list[Readers]]]:
    """By channel and pack: the rule and those whom it protects."""
    for channel, rows in readers.items():
        found: dict[str, tuple[ContentRule, list[Readers]]] = {}
        for one in rows:
            pack = quiet_hours.pack_of(one.country)
            rule = next((rule for rule in pack.rules if rule.demand == demand and channel in rule.channels), None)
            if rule is not None and one.meant:
                found.setdefault(pack.code, (rule, []))[1].append(one)
        for _code, (rule, there) in sorted(found.items()):
            yield channel, rule, there
