"""The pages that `manage.py screenshots` takes pictures of: add a page here and it is in every language and width.

A page that needs a row shows the newest one; without any it is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.urls import NoReverseMatch, reverse

from campaigns.delivery import links
from campaigns.delivery.models import Message
from campaigns.experiments.models import Experiment
from campaigns.offers import links as offer_links
from campaigns.segments.models import Segment
from campaigns.sequences.models import Campaign, Enrolment


@dataclass(frozen=True, slots=True)
class Page:
    """`needs_login` False: a contact's page, opened without a session."""

    name: str
    path: str
    needs_login: bool = True


_SEGMENTS = Segment.objects.filter(archived_at__isnull=True, size__gt=0)
# name of the picture: (url name, the row it shows)
STUDIO: dict[str, tuple[str, QuerySet[Any] | None]] = {
    "home": ("studio-home", None),
    "segments": ("studio-segments", None),
    "segment-new": ("studio-segment-new", None),
    "segment": ("studio-segment", _SEGMENTS),
    "segment-members": ("studio-segment-members", _SEGMENTS),
    "segment-history": ("studio-segment-history", _SEGMENTS),
    "segment-json": ("studio-segment-json", _SEGMENTS),
    "campaigns": ("studio-campaigns", None),
    "campaign-new": ("studio-campaign-new", None),
    "campaign": ("studio-campaign", Campaign.objects.all()),
    "campaign-draft": ("studio-campaign", Campaign.objects.filter(status=Campaign.Status.DRAFT)),
    "launch": ("studio-campaign-launch", Campaign.objects.filter(status=Campaign.Status.DRAFT)),
    "templates": ("studio-templates", None),
    "tests": ("studio-tests", None),
    "test": ("studio-test", Experiment.objects.filter(campaign__isnull=False)),
    "contacts": ("studio-contacts", None),
    "data": ("data", None),
    "accounts": ("profiles_account_changelist", None),
}


def all_pages() -> list[Page]:
    return [Page("login", reverse("admin:login"), needs_login=False), *_studio(), *_people(), *_public()]


def _studio() -> Iterator[Page]:
    for name, (url_name, rows) in STUDIO.items():
        slugs = [] if rows is None else list(rows.order_by("-pk").values_list("slug", flat=True)[:1])
        if rows is not None and not slugs:
            continue
        try:
            yield Page(name, reverse(f"admin:{url_name}", args=slugs))
        except NoReverseMatch:
            continue


def _people() -> Iterator[Page]:
    """The contact with the newest message that was not sent, else with the newest: theirs is the page to look at."""
    rows = Message.objects.counted().order_by("-pk")
    message = rows.filter(state=Message.State.SKIPPED).first() or rows.first()
    if message is not None:
        yield Page("contact", reverse("admin:studio-contact", args=[message.contact_id]))
        yield Page("contact-opt-out", reverse("admin:studio-contact-opt-out", args=[message.contact_id]))


def _public() -> Iterator[Page]:
    message = Message.objects.counted().filter(channel="email").order_by("-pk").first()
    if message is not None:
        yield Page("unsubscribe", _path(links.unsubscribe_url(message_uuid=message.uuid)), needs_login=False)
        yield Page("preferences", _path(links.preferences_url(message_uuid=message.uuid)), needs_login=False)
    enrolment = Enrolment.objects.filter(quote__isnull=False).select_related("quote").order_by("-pk").first()
    if enrolment is not None and enrolment.quote is not None:
        url = offer_links.offer_url(quote_uuid=enrolment.quote.uuid, contact_id=enrolment.contact_id)
        yield Page("offer", _path(url), needs_login=False)


def _path(url: str) -> str:
    return "/" + url.split("/", 3)[3]
