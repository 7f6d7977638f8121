"""The part of the launch review that counts: who is meant, whether that can be right, in which languages they read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.delivery import content
from campaigns.profiles.models import Account, Contact, Membership
from campaigns.segments import preview
from campaigns.segments.compile import compile_segment
from campaigns.segments.errors import DefinitionError
from campaigns.segments.models import Segment, SegmentMembership, SegmentVersion
from campaigns.sequences import part_words
from campaigns.sequences.campaign_file import BY_SEGMENT, CampaignSpec
from campaigns.sequences.compose import FALLBACK_LOCALE
from campaigns.sequences.models import Campaign
from campaigns.sequences.step_file import LOCALES

# A definition that fails is not refreshed any more; a working one is, every few seconds.
STALE_AFTER = timedelta(hours=24)

type Found = tuple[str, str, str, str, str]


def check_audience(
    *, campaign: Campaign, spec: CampaignSpec, numbers: Mapping[str, int], now: datetime
) -> Iterator[Found]:
    """(level, code, message, step, where), as check.Finding takes them. `numbers` of the steps, by key. Nobody is
    counted."""
    segment = campaign.edited_segment
    if segment is None or segment.live_version is None or segment.archived_at is not None:
        yield "BLOCKER", "no_audience", _("The campaign has no audience."), "", "audience"
        return
    try:
        compile_segment(segment.live_version.definition, now=now)
    except DefinitionError as error:
        yield "BLOCKER", "audience_failed", failed_words(str(error)), "", "audience"
    yield from _languages(segment, spec, numbers)


def weigh_audience(*, campaign: Campaign, spec: CampaignSpec, now: datetime) -> Iterator[Found]:
    """How many they are and how fresh that is, as `check_audience`: a pass over everybody that only warns. Raises
    DefinitionError, SegmentTooSlow."""
    segment = campaign.edited_segment
    if segment is None or segment.live_version is None or segment.archived_at is not None:
        return
    yield from _age(segment, now)
    yield _size(segment.live_version, spec, now)


def failed_words(reason: str) -> str:
    return _("The audience could not be computed: %(reason)s") % {"reason": reason}


def _size(version: SegmentVersion, spec: CampaignSpec, now: datetime) -> Found:
    """Where the launch itself brings nobody in, who is in the audience by then counts, not who is in it now."""
    count, base = preview.count_beside_all(document=version.definition, now=now)
    if spec.entry.by != BY_SEGMENT:
        words = ngettext(
            "%(count)s is in the audience now; who is in it by then can enter.",
            "%(count)s are in the audience now; who is in it by then can enter.",
            count,
        )
        return "PASSED", "audience", words % {"count": count}, "", ""
    if count == 0:
        return "WARNING", "empty_audience", _("Nobody is in the audience now."), "", "audience"
    if count * 2 > base:
        words = _("The audience is %(count)s of %(base)s, more than half of everybody.")
        return "WARNING", "large_audience", words % {"count": count, "base": base}, "", "audience"
    words = ngettext("%(count)s is in the audience.", "%(count)s are in the audience.", count)
    return "PASSED", "audience", words % {"count": count}, "", ""


def _age(segment: Segment, now: datetime) -> Iterator[Found]:
    if segment.refreshed_at is not None and segment.refreshed_at < now - STALE_AFTER:
        words = _("The audience was last counted on %(day)s. Look at its last refresh.")
        yield (
            "WARNING",
            "stale_audience",
            words % {"day": date_format(timezone.localtime(segment.refreshed_at))},
            "",
            "audience",
        )


def _languages(segment: Segment, spec: CampaignSpec, numbers: Mapping[str, int]) -> Iterator[Found]:
    """A language that somebody in the audience reads and a variant lacks. Without English either, nobody knows
    what such a reader would get: that blocks. A webhook is read by nobody."""
    spoken = spoken_locales(segment=segment, roles=spec.recipients.roles)
    complete = True
    for step in spec.message_steps():
        if step.channel == "webhook":
            continue
        of_step = {settings.LANGUAGE_CODE} if step.channel in content.READ_BY_COLLEAGUES else spoken
        for variant in step.variants:
            for locale in sorted(of_step - set(variant.content)):
                complete = False
                has_fallback = FALLBACK_LOCALE in variant.content
                words = _("Wording %(letter)s of step %(n)s has no text in %(language)s: these readers get English.")
                if not has_fallback:
                    words = _("Wording %(letter)s of step %(n)s has no text in %(language)s, nor in English.")
                if locale == FALLBACK_LOCALE:
                    words = _("Wording %(letter)s of step %(n)s has no text in %(language)s.")
                names = {"letter": variant.key.upper(), "n": numbers[step.key]}
                yield (
                    "WARNING" if has_fallback else "BLOCKER",
                    "missing_locale",
                    words % {**names, "language": part_words.language_name(locale)},
                    step.key,
                    f"{step.path}.variants.{variant.key}.content",
                )
    if complete:
        words = _("Every text is there in every language that the audience reads.")
        yield "PASSED", "languages", words, "", ""


def spoken_locales(*, segment: Segment, roles: tuple[str, ...]) -> set[str]:
    """The supported languages of those who may be written to: of the members, before a first refresh of everybody."""
    people = _people(segment, roles)
    found = set(people.exclude(locale="").values_list("locale", flat=True).distinct())
    short = {locale.replace("_", "-").split("-")[0].lower() for locale in found}
    return short & set(LOCALES)


def _people(segment: Segment, roles: tuple[str, ...]) -> QuerySet[Contact]:
    return Contact.objects.filter(pk__in=memberships_meant(segment=segment, roles=roles).values("contact"))


def memberships_meant(*, segment: Segment, roles: tuple[str, ...]) -> QuerySet[Membership]:
    """Of those who may be written to: the members, before a first refresh everybody."""
    stays = SegmentMembership.objects.filter(segment=segment, left_at__isnull=True)
    memberships = Membership.objects.filter(account__in=Account.objects.current())
    if roles:
        memberships = memberships.filter(role__in=roles)
    if stays.exists():
        memberships = memberships.filter(
            Q(account__in=stays.filter(account__isnull=False).values("account"))
            | Q(contact__in=stays.filter(contact__isnull=False).values("contact"))
        )
    return memberships
