"""Claimed messages made ready for their channel. No lock is held here, and no provider is called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from campaigns.delivery import content, decided, evidence, links, mailboxes
from campaigns.delivery.claim import Held
from campaigns.delivery.models import Message
from campaigns.profiles import addresses
from orchestrator.channels.contract import OutboundMessage
from orchestrator.templating import message as templating
from orchestrator.templating import slots, webhook
from orchestrator.templating.errors import TemplateError
from orchestrator.templating.message import CompiledContent, Rendered

_SKIP = """
WITH failed AS (
    SELECT * FROM unnest(%(ids)s::bigint[], %(attempts)s::int[], %(reasons)s::text[], %(words)s::text[])
        AS failed(id, attempt, reason, words)
), skipped AS (
    UPDATE delivery_message AS message
    SET state = 'SKIPPED', reason = failed.reason, ended_at = %(now)s, lease_until = NULL, claimed_by = ''
    FROM failed
    WHERE message.id = failed.id AND message.attempt = failed.attempt AND message.state = 'CLAIMED'
    RETURNING message.id
)
INSERT INTO delivery_deliveryattempt (message_id, number, started_at, ended_at, outcome, code, detail)
SELECT failed.id, failed.attempt, %(wall_now)s, %(wall_now)s, 'REFUSED', lower(failed.reason), failed.words
FROM failed JOIN skipped ON skipped.id = failed.id
"""

# An earlier attempt did arrive: that this one cannot be made is nobody's loss.
_HAD = """
UPDATE delivery_message AS message
SET state = 'ACCEPTED', reason = '', accepted_at = %(now)s, ended_at = %(now)s, lease_until = NULL, claimed_by = ''
FROM unnest(%(ids)s::bigint[], %(attempts)s::int[]) AS had(id, attempt)
WHERE message.id = had.id AND message.attempt = had.attempt AND message.state = 'CLAIMED'
"""

# Where in a test's context the colleague's address stands, and what marks its text.
TEST_ADDRESS = "test_address"
TEST_MARK = "[TEST]"
# In the context of a mail whose opens may be looked for.
TRACKS_OPENS = "tracks_opens"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message as the channel gets it, beside the claim it belongs to."""

    held: Held
    message: OutboundMessage
    kind: str = "banner"
    place: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failed:
    """Why a message cannot be made, in words for the campaign's page."""

    held: Held
    reason: str
    words: str = field(repr=False)


def render_held(*, held: Sequence[Held], slot_bytes: int = 0) -> tuple[list[Outgoing], list[Failed]]:
    """Each message, or why not; one that cannot be rendered does not keep the others from going.

    With `slot_bytes` (what a batch may hold of each) mails that differ only in values are made of one text with
    slots; what does not fit, or has nobody to go with, is made whole.
    """
    urls = links.links_of(messages=[(one.id, one.uuid) for one in held])
    alike = Counter(batch_key(one) for one in held) if slot_bytes else Counter()
    outgoing: list[Outgoing] = []
    failed: list[Failed] = []
    for one in held:
        wrong = _wrong_address(one)
        if wrong:
            failed.append(Failed(one, Message.Reason.NO_ADDRESS, wrong))
            continue
        in_batch = alike[batch_key(one)] > 1 and one.channel == "email" and one.purpose != Message.Purpose.TEST
        try:
            own = links.own_urls(message_id=one.id, version_id=one.template_version_id)
            outgoing.append(_outgoing(one, urls[one.id] | own, slot_bytes if in_batch else 0))
        except (TemplateError, TypeError) as error:
            failed.append(Failed(one, Message.Reason.RENDER_ERROR, str(error)))
    return outgoing, failed


def batch_key(held: Held) -> Hashable:
    """Messages with the same may share a request: one wording, one language, one kind, one campaign; and whether
    opens are looked for, which is said once for a request."""
    return held.template_version_id, held.locale, held.purpose, held.campaign, tracks_opens(held)


def tracks_opens(held: Held) -> bool:
    """Never those of a test."""
    return held.context.get(TRACKS_OPENS) is True and held.purpose != Message.Purpose.TEST


def skip_failed(
    *, failed: Sequence[Failed], now: datetime, wall_now: datetime, is_rehearsal: bool = False
) -> Counter[str]:
    """Write why they are skipped; the words stand on the attempt. What arrived by an earlier attempt is ACCEPTED, as it
    would be if it could be made. Counts by state of those that were still in our hand."""
    proven = evidence.proven_ids(message_ids=[one.held.id for one in failed if one.held.attempt > 1])
    had = [one.held for one in failed if one.held.id in proven]
    failed = [one for one in failed if one.held.id not in proven]
    params: dict[str, Any] = {
        "ids": [one.held.id for one in failed],
        "attempts": [one.held.attempt for one in failed],
        "reasons": [one.reason for one in failed],
        "words": [one.words for one in failed],
        "now": now,
        "wall_now": wall_now,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_SKIP, params)
        done = Counter({str(Message.State.SKIPPED): cursor.rowcount})
        if had:
            ids, attempts = [one.id for one in had], [one.attempt for one in had]
            cursor.execute(_HAD, {"ids": ids, "attempts": attempts, "now": now})
            done[str(Message.State.ACCEPTED)] = cursor.rowcount
        if is_rehearsal:
            decided.take_back()
    return done


def render_for_view(*, message: Message) -> Rendered:
    """A sent message again, from the facts it was planned with, for a reader whose mail program shows it badly."""
    urls = links.links_of(messages=[(message.pk, message.uuid)])[message.pk]
    own = links.own_urls(message_id=message.pk, version_id=message.template_version_id)
    return _render_again(message, urls | own)


def try_rendering(*, message: Message) -> Rendered:
    """What a message that is not stored yet would say. Raises TemplateError."""
    view = links.view_url(message_uuid=message.uuid)
    return _render_again(message, {"view": view, "unsubscribe": view, "preferences": view})


def _render_again(message: Message, urls: Mapping[str, str]) -> Rendered:
    compiled = content.compiled_for(
        version_id=message.template_version_id, locale=message.locale, purpose=_tone(message.purpose)
    )
    person = message.contact
    contact = {"first_name": person.first_name, "last_name": person.last_name, "locale": person.locale}
    account = {"name": message.account.name} if message.account else {}
    facts = gather_facts(
        context=message.context, contact=contact, account=account, urls=_harmless(message.purpose, urls)
    )
    rendered = fill_in(channel=message.channel, compiled=compiled, facts=facts)
    return _completed(rendered, message.channel, message.purpose, compiled, facts)


def _tone(purpose: str) -> str:
    """A test looks as the marketing message it tries out, with its footer."""
    return Message.Purpose.MARKETING if purpose == Message.Purpose.TEST else purpose


def _harmless(purpose: str, urls: Mapping[str, str]) -> Mapping[str, str]:
    """A test's links lead to the message itself: it is filled in from a customer's facts, and is not theirs."""
    if purpose != Message.Purpose.TEST:
        return urls
    return dict.fromkeys([*urls, "offer"], urls["view"])


def _outgoing(one: Held, urls: Mapping[str, str], slot_bytes: int) -> Outgoing:
    message = _outbound(one, urls, slot_bytes)
    if one.channel != "in_app":
        return Outgoing(one, message)
    kind, place = content.placement_of(version_id=one.template_version_id, locale=one.locale)
    return Outgoing(one, message, kind, place)


def _outbound(one: Held, urls: Mapping[str, str], slot_bytes: int) -> OutboundMessage:
    compiled = content.compiled_for(version_id=one.template_version_id, locale=one.locale, purpose=_tone(one.purpose))
    facts = gather_facts(
        context=one.context, contact=one.contact, account=one.account, urls=_harmless(one.purpose, urls)
    )
    is_webhook = one.channel == "webhook"
    values: Mapping[str, str] = {}
    if slot_bytes:
        rendered, values = _slotted(one, compiled, facts, slot_bytes)
    elif one.channel == "email":
        whole = slots.render_whole(compiled, facts)
        rendered = _marked(one, _completed(whole, one.channel, one.purpose, compiled, facts))
    else:
        whole = fill_in(channel=one.channel, compiled=compiled, facts=facts)
        rendered = _marked(one, _completed(whole, one.channel, one.purpose, compiled, facts))
    return OutboundMessage(
        message_id=one.uuid,
        attempt=one.attempt,
        address=rendered.subject if is_webhook else _address(one),
        subject="" if is_webhook else rendered.subject,
        text=rendered.text,
        html=rendered.html,
        headers=_headers(one, urls),
        category=one.purpose.lower(),
        campaign=one.campaign,
        slots=values,
        reply_to=mailboxes.reply_mailbox(message_uuid=one.uuid) if one.channel == "email" else "",
        track_opens=tracks_opens(one),
    )


def _slotted(
    one: Held, compiled: CompiledContent, facts: Mapping[str, Any], slot_bytes: int
) -> tuple[Rendered, Mapping[str, str]]:
    """Everybody's text and this person's values; the whole mail and no values where those do not fit, or where the
    mail lacked its way out."""
    whole, skeleton, values = slots.render_slotted(compiled, facts)
    completed = _completed(whole, one.channel, one.purpose, compiled, facts)
    if completed != whole:
        return completed, {}
    if skeleton is None or sum(len(tag) + len(value.encode()) for tag, value in values.items()) > slot_bytes:
        return whole, {}
    return Rendered(whole.subject, skeleton.html, skeleton.text), values


def _completed(
    rendered: Rendered, channel: str, purpose: str, compiled: CompiledContent, facts: Mapping[str, Any]
) -> Rendered:
    if _tone(purpose) != Message.Purpose.MARKETING:
        return rendered
    return content.complete_marketing(rendered=rendered, channel=channel, locale=compiled.locale, urls=facts["links"])


def _marked(one: Held, rendered: Rendered) -> Rendered:
    if one.purpose != Message.Purpose.TEST:
        return rendered
    if one.channel == "sms":
        return replace(rendered, text=f"{TEST_MARK} {rendered.text}")
    return replace(rendered, subject=f"{TEST_MARK} {rendered.subject}")


def _address(one: Held) -> str:
    """A test goes to the colleague it was planned for, never to the customer whose facts it shows."""
    if one.purpose == Message.Purpose.TEST:
        return str(one.context.get(TEST_ADDRESS, ""))
    return one.phone if one.channel == "sms" else one.email


def fill_in(*, channel: str, compiled: CompiledContent, facts: Mapping[str, Any]) -> Rendered:
    """A wording with one person's facts. Raises TemplateError."""
    if channel == "email":
        return templating.render_email(compiled, facts)
    if channel == "in_app":
        return templating.render_in_app(compiled, facts)
    if channel == "webhook":
        return webhook.render_webhook(compiled, facts)
    return templating.render_text(compiled, facts)


def gather_facts(
    *, context: Mapping[str, Any], contact: Mapping[str, str], account: Mapping[str, str], urls: Mapping[str, str]
) -> dict[str, Any]:
    """What was gathered when the message was planned stands; the person and the links are added now."""
    return {
        **context,
        "contact": dict(contact),
        "account": {**account, **(context.get("account") or {})},
        "links": {**(context.get("links") or {}), **urls},
    }


def _headers(one: Held, urls: Mapping[str, str]) -> dict[str, str]:
    """RFC 8058: the mail program's own unsubscribe button."""
    if one.channel != "email" or one.purpose != Message.Purpose.MARKETING:
        return {}
    box = mailboxes.unsubscribe_mailbox(message_uuid=one.uuid)
    by_mail = f", <mailto:{box}?subject=unsubscribe>" if box else ""
    return {
        "List-Unsubscribe": f"<{urls['unsubscribe']}>{by_mail}",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def _wrong_address(one: Held) -> str:
    """A consent belongs to an address: nothing goes to another one than the message was planned for."""
    if one.channel not in ("email", "sms"):
        return ""
    written = _address(one)
    address = addresses.normalise_email(written) if one.channel == "email" else written
    if not address:
        return "The contact has no address on this channel any more."
    if addresses.hash_address(address) != one.address_hash:
        return "The contact's address changed since the message was planned."
    return ""
