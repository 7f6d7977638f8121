"""The list of contacts: found by name, address, id or account; kept by what may be written to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from campaigns.consent import points
from campaigns.consent import selectors as consent
from campaigns.consent.models import ConsentTopic
from campaigns.console import campaign_words
from campaigns.console.listing import CHUNK, Asked, Filter
from campaigns.delivery import selectors as delivery
from campaigns.profiles.models import Contact, Membership

SORTS = ("name",)
HEAD = ("external_id", "first_name", "last_name", "email", "phone", "locale", "accounts", "reachable_by")


@dataclass(frozen=True, slots=True)
class Mark:
    """One channel of a line: what may be sent there, as icon, tone and words."""

    icon: str
    tone: str
    words: str


@dataclass(frozen=True, slots=True)
class Row:
    """`marks` are those of e-mail, SMS and in-app; None without an address."""

    contact: Contact
    accounts: list[str]
    language: str
    marks: list[Mark | None]
    reachable_by: list[str]
    last: datetime | None


def filters() -> list[Filter]:
    return [
        Filter("reach", _("Reachable"), _("Every channel"), reach_choices()),
        Filter("said", _("Consent"), _("Every answer"), said_choices()),
        Filter("locale", _("Language"), _("Every language"), settings.LANGUAGES),
    ]


def find_contacts(*, asked: Asked, topic: ConsentTopic) -> QuerySet[Contact]:
    """Contacts that were neither merged nor erased. Reachability is about the topic."""
    rows, reach, locale = Contact.objects.current(), asked.of("reach"), asked.of("locale")
    if asked.words:
        rows = rows.filter(named(asked.words))
    if locale:
        rows = rows.filter(Q(locale__iexact=locale) | Q(locale__istartswith=f"{locale}-"))
    if reach == "nowhere":
        for channel in points.CHANNELS:
            rows = rows.exclude(consent.reaches(channel=channel, topic=topic))
    elif reach:
        rows = rows.filter(consent.reaches(channel=reach, topic=topic))
    if asked.of("said"):
        rows = rows.filter(consent.has_said(what=asked.of("said"), topic=topic))
    if asked.sort == "-name":
        return rows.order_by("-last_name", "-first_name", "-pk")
    return rows.order_by("last_name", "first_name", "pk")


def make_rows(*, contacts: Sequence[Contact], topic: ConsentTopic) -> list[Row]:
    """The lines of one page, by three queries for any number."""
    ids = [contact.pk for contact in contacts]
    found = consent.points_of(contacts=contacts)
    last = delivery.last_messages(contact_ids=ids)
    accounts: dict[int, list[str]] = {pk: [] for pk in ids}
    memberships = Membership.objects.filter(contact_id__in=ids).select_related("account").order_by("pk")
    for one in memberships:
        accounts[one.contact_id].append(str(one.account))
    rows = []
    for contact in contacts:
        states = consent.states_from(contact=contact, found=found[contact.pk], topics=[topic])
        marks = {state.channel: _mark(state) for state in states}
        rows.append(
            Row(
                contact=contact,
                accounts=accounts[contact.pk],
                language=_language(contact),
                marks=[marks.get(channel) for channel in points.CHANNELS],
                reachable_by=[state.channel for state in states if state.topics[0].is_on and not state.point.is_held],
                last=last.get(contact.pk),
            )
        )
    return rows


def cells(*, rows: QuerySet[Contact], topic: ConsentTopic) -> Iterator[list[object]]:
    """Whoever was found, read in portions: who is reachable is looked up for many at once."""
    for portion in batched(rows.iterator(chunk_size=CHUNK), CHUNK):
        for row in make_rows(contacts=portion, topic=topic):
            one = row.contact
            known = [one.external_id, one.first_name, one.last_name, one.email, one.phone, one.locale]
            yield [*known, "; ".join(row.accounts), " ".join(row.reachable_by)]


def reach_choices() -> list[tuple[str, str]]:
    return [
        ("email", _("Reachable by e-mail")),
        ("sms", _("Reachable by SMS")),
        ("in_app", _("Reachable in the product")),
        ("nowhere", _("Reachable nowhere")),
    ]


def said_choices() -> list[tuple[str, str]]:
    return [
        ("no", _("Said no")),
        ("bounced", _("Mail or SMS comes back")),
        ("never", _("Never asked")),
    ]


def named(search: str) -> Q:
    """Each word must be found somewhere, so that first and last name may be typed together."""
    wanted = Q()
    for word in search.split()[:6]:
        in_account = Membership.objects.filter(contact=OuterRef("pk")).filter(
            Q(account__name__icontains=word) | Q(account__external_id=word) | Q(account__domain__iexact=word)
        )
        wanted &= (
            Q(first_name__icontains=word)
            | Q(last_name__icontains=word)
            | Q(email__icontains=word)
            | Q(external_id__iexact=word)
            | Q(phone=word)
            | Q(Exists(in_account))
        )
    return wanted


def _language(contact: Contact) -> str:
    language = contact.locale.replace("_", "-").partition("-")[0].lower()
    return campaign_words.language_name(language) if language else "–"


def _mark(state: consent.ChannelState) -> Mark:
    one = state.topics[0]
    if state.is_dead:
        return Mark("block", "is-bad", _("Comes back"))
    if state.point.is_held:
        return Mark("warn", "is-warn", _("Held"))
    if one.permission == consent.GRANTED:
        return Mark("check", "is-ok", _("Yes"))
    if one.permission == consent.NO_CONSENT:
        return Mark("info", "is-quiet", _("Not asked"))
    return Mark("off", "is-bad", _("No"))
