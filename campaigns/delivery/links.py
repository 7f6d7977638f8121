"""The links of a message. A link names a row of ours by a signed token; nothing else can be put in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q

from campaigns.delivery import content, grading
from campaigns.delivery.models import LinkTarget, Message, PastMessage, ProviderEvent, TrackedLink
from campaigns.operations import arrays, bulk_rows
from orchestrator import signing
from orchestrator.channels.events import EventType
from orchestrator.signing import Purpose

OFFER = "offer"
_LINKS = "SELECT id, message_id, kind FROM delivery_trackedlink WHERE message_id = ANY(%(ids)s::bigint[])"
# No link has this number, and none that has one is longer.
_NOBODYS, _NO_LINK = UUID(int=0), 3_141_592_653
_FOR_EVER = frozenset({Purpose.UNSUBSCRIBE, Purpose.PREFERENCES})
# A marketer's own link is a target and a message in one number: so many bits are the message's.
_MESSAGE_BITS = 40
# What a browser and an index take; a longer address stays as it is written.
LONGEST_TARGET = 2000
# Provider name of what we saw ourselves at our own redirect.
OWN = "crescendo"


def unsubscribe_url(*, message_uuid: UUID) -> str:
    return _url("u", Purpose.UNSUBSCRIBE, str(message_uuid))


def preferences_url(*, message_uuid: UUID) -> str:
    return _url("p", Purpose.PREFERENCES, str(message_uuid))


def view_url(*, message_uuid: UUID) -> str:
    return _url("v", Purpose.IN_APP_VIEW, str(message_uuid))


def click_url(*, link_id: int) -> str:
    return f"{settings.PUBLIC_BASE_URL}/c/{signing.sign_number(Purpose.CLICK, link_id)}"


def message_of(*, purpose: Purpose, token: str) -> Message | None:
    """The message that an unsubscribe, preferences or view link stands for; None for every kind of wrong link.

    A link to say no leads there even when the message is no longer kept: then it has no number of its own.
    """
    try:
        uuid = UUID(signing.unsign(purpose, token))
    except ValueError:
        return None
    held = Message.objects.select_related("contact", "account", "point", "gate").filter(uuid=uuid).first()
    if held is not None or purpose not in _FOR_EVER:
        return held
    past = PastMessage.objects.select_related("contact", "point", "gate").filter(pk=uuid).first()
    return past.as_message() if past is not None else None


def link_of(*, token: str) -> TrackedLink | None:
    """The link behind a click address, if it leads to a page of ours; None otherwise."""
    try:
        link_id = signing.unsign_number(Purpose.CLICK, token)
    except ValueError:
        return None
    link = TrackedLink.objects.select_related("message").filter(pk=link_id).first()
    return link if link is not None and is_ours(target=link.target) else None


def message_behind(*, path: str, contact_id: int) -> Message | None:
    """The newest message to this contact that leads to a page of ours (by its path, whatever UTM parameters follow)."""
    target = f"{settings.PUBLIC_BASE_URL}{path}"
    leads_there = Q(target=target) | Q(target__startswith=f"{target}?")
    link = (
        TrackedLink.objects.filter(leads_there, message__contact=contact_id)
        .select_related("message")
        .order_by("-pk")
        .first()
    )
    return link.message if link else None


def is_ours(*, target: str) -> bool:
    """On our own public address, by plain prefix: nothing that a browser might read in another way passes."""
    return target.startswith(f"{settings.PUBLIC_BASE_URL}/") and "\\" not in target and target.isprintable()


def make_links(*, messages: Sequence[Message]) -> None:
    """Store the tracked links that planned messages carry (the offer, so far). Safe to repeat."""
    rows = [
        bulk_rows.new_row(TrackedLink, message=message, kind=OFFER, target=message.context["offer_url"])
        for message in messages
        if message.context.get("offer_url")
    ]
    bulk_rows.insert_rows(rows=rows, unless_known_by="message")


def links_of(*, messages: Sequence[tuple[int, UUID]]) -> dict[int, dict[str, str]]:
    """What templates call `links`, for messages given as (id, uuid). Without an offer there is no `links.offer`."""
    tracked: Mapping[int, dict[str, str]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(_LINKS, {"ids": arrays.numbers(message_id for message_id, _ in messages)})
        for link_id, message_id, kind in cursor.fetchall():
            tracked[message_id][kind] = click_url(link_id=link_id)
    return {message_id: {**_standing(uuid), **tracked[message_id]} for message_id, uuid in messages}


def links_of_nobody(*, has_offer: bool) -> dict[str, str]:
    """What templates call `links`, as long as a real message's, leading to no message: for trying a text out."""
    return {**_standing(_NOBODYS), **({OFFER: click_url(link_id=_NO_LINK)} if has_offer else {})}


def _standing(uuid: UUID) -> dict[str, str]:
    return {
        "unsubscribe": unsubscribe_url(message_uuid=uuid),
        "preferences": preferences_url(message_uuid=uuid),
        "view": view_url(message_uuid=uuid),
    }


def store_targets(*, urls: Iterable[str]) -> dict[str, int]:
    """The number of each address; the same again for one that is known."""
    wanted = sorted(set(urls))
    LinkTarget.objects.bulk_create([LinkTarget(url=url) for url in wanted], ignore_conflicts=True)
    return dict(LinkTarget.objects.filter(url__in=wanted).values_list("url", "pk"))


def own_urls(*, message_id: int, version_id: int) -> dict[str, str]:
    """What the wording calls the links that its marketer wrote, each by way of us. Most wordings have none."""
    return {
        f"{content.TARGET}{number}": own_url(target_id=number, message_id=message_id)
        for number in content.targets_of(version_id=version_id)
    }


def own_url(*, target_id: int, message_id: int) -> str:
    number = (target_id << _MESSAGE_BITS) | message_id
    return f"{settings.PUBLIC_BASE_URL}/c/{signing.sign_number(Purpose.OWN_CLICK, number)}"


def own_link_of(*, token: str) -> tuple[str, Message | None] | None:
    """Where a marketer's link leads, and the message it is in as long as that is kept; None for every wrong token."""
    try:
        number = signing.unsign_number(Purpose.OWN_CLICK, token)
    except ValueError:
        return None
    target = LinkTarget.objects.filter(pk=number >> _MESSAGE_BITS).first()
    if target is None:
        return None
    return target.url, Message.objects.filter(pk=number & ((1 << _MESSAGE_BITS) - 1)).first()


def record_hit(*, link: TrackedLink, method: str, user_agent: str, now: datetime, wall_now: datetime) -> None:
    """Keep that a link was fetched, with what its look says about who did it. Timing is judged later."""
    with transaction.atomic():
        TrackedLink.objects.filter(pk=link.pk).update(hits=F("hits") + 1)
        record_click(
            message=link.message, target=link.target, method=method, user_agent=user_agent, now=now, wall_now=wall_now
        )


def record_click(
    *, message: Message, target: str, method: str, user_agent: str, now: datetime, wall_now: datetime
) -> None:
    key = sha256(f"{message.pk}:{target}:{wall_now.isoformat()}:{user_agent}".encode()).digest()[:16]
    ProviderEvent.objects.create(
        received_at=wall_now,
        provider=OWN,
        key=key,
        type=EventType.CLICKED,
        grade=grading.grade_fetch(method=method, user_agent=user_agent),
        at=now,
        message=message.uuid,
        attempt=message.attempt,
        url=target,
    )


def _url(page: str, purpose: Purpose, value: str) -> str:
    return f"{settings.PUBLIC_BASE_URL}/{page}/{signing.sign(purpose, value)}"
