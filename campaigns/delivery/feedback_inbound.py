"""What people write back to a text or a mail: STOP is in force, START gives back, HELP is told, all else is a reply.

A no in somebody's own words is a STOP; one that may be none is a reply whose report says so, for a person to read."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import translation
from django.utils.translation import gettext as _

from campaigns.consent import free_text, hold, keywords, opt_out, points
from campaigns.consent.free_text import Answer, Grade
from campaigns.consent.keywords import Meaning
from campaigns.delivery import feedback
from campaigns.delivery.models import Message
from campaigns.profiles import addresses
from campaigns.profiles.models import Contact
from orchestrator.channels.events import DeliveryEvent, EventType

# What a provider's own list of stopped numbers does to us is the same no, told by another way.
_FREE_TEXT = "free_text"
_STOP_CODES = ("stop", "21610", _FREE_TEXT)


@dataclass(frozen=True, slots=True)
class WrittenBack:
    """One text or mail from a person. `said` is what the provider, or the address it went to, has it mean.

    `message` is the one that it answers, where that is known; otherwise the newest that went to the sender is.
    """

    provider: str
    channel: str
    key: bytes
    provider_id: str
    sender: str = field(repr=False)
    text: str = field(repr=False)
    said: str = ""
    message: UUID | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of it. `meaning` is None for a reply, and for what was taken before; `locale` is the person's."""

    meaning: Meaning | None
    locale: str
    needs_person: bool = False


def take_text(*, written: WrittenBack, now: datetime, wall_now: datetime) -> Taken:
    """One transaction: stored once by its key, and a STOP in it is in force when this returns.

    Of a word for STOP the word is kept, of a no in other words the rule that found it, of a reply that there was one;
    the text itself only of what may be a no, for a person to read (`consent.hold`). It belongs to the newest message
    that went to the number.
    """
    meaning = _meaning(written)
    own_words = free_text.grade(text=written.text) if meaning is None else free_text.NOTHING
    if own_words.grade is Grade.OPT_OUT:
        meaning = Meaning.STOP
    digest = addresses.hash_address(written.sender)
    newest = _answered(written) or _newest_message(written.channel, digest)
    locale = _locale(written.channel, digest, newest)
    with transaction.atomic():
        if not feedback.mark_seen([(written.provider, written.key)]):
            return Taken(meaning=None, locale=locale)
        if meaning is Meaning.START and not _give_back(written, digest, newest, now):
            meaning = None
        feedback.store_new(event=_event(written, meaning, own_words, newest, now), now=now, wall_now=wall_now)
        is_held = own_words.grade is Grade.UNSURE and _hold(written, own_words, digest, newest, now)
    return Taken(meaning=meaning, locale=locale, needs_person=is_held)


def answer_words(*, taken: Taken) -> str:
    """What the person reads back, in their language; empty for a reply, which a person of ours answers."""
    with translation.override(taken.locale or settings.LANGUAGE_CODE):
        words = {
            Meaning.HELP: _(
                "Text messages about your plan and offers for it. Message and data rates may apply. "
                "Reply STOP to get no more."
            ),
            Meaning.STOP: _("You will get no more text messages from us. Reply START to get them again."),
            Meaning.START: _("You get our text messages again. Reply STOP to get no more."),
        }
        if taken.meaning is None:
            return ""
        return ": ".join(part for part in (settings.SENDER_NAME, words[taken.meaning]) if part)


def _meaning(written: WrittenBack) -> Meaning | None:
    """In a mail only a no counts. HELP is a word of text messages; a "yes" answers whatever was asked, and a sender is
    easily forged: who wants our mails again says so on their preference page."""
    meaning = Meaning(written.said) if written.said else keywords.meaning_of(text=written.text)
    return meaning if written.channel != "email" or meaning is Meaning.STOP else None


def _answered(written: WrittenBack) -> Message | None:
    return Message.objects.filter(uuid=written.message, channel=written.channel).first() if written.message else None


def _newest_message(channel: str, digest: bytes) -> Message | None:
    went = Message.objects.filter(
        channel=channel, point__channel=channel, point__address_hash=digest, accepted_at__isnull=False
    )
    return went.order_by("-accepted_at", "-pk").first()


def _locale(channel: str, digest: bytes, newest: Message | None) -> str:
    owner = _owners(channel, digest).order_by("pk").first()
    wanted = (owner.locale if owner else "") or (newest.locale if newest else "")
    language = wanted.replace("_", "-").partition("-")[0].lower()
    return language if language in dict(settings.LANGUAGES) else ""


def _give_back(written: WrittenBack, digest: bytes, newest: Message | None, now: datetime) -> bool:
    point = points.ensure_point_of_address(channel=written.channel, address_hash=digest)
    return opt_out.restore(
        point_id=point.pk,
        taken_by={f"{written.provider}:{code}" for code in _STOP_CODES},
        source=f"{written.provider}:start",
        evidence={"message": str(newest.uuid)} if newest else {},
        at=now,
        now=now,
    )


def _hold(written: WrittenBack, own_words: Answer, digest: bytes, newest: Message | None, now: datetime) -> bool:
    """The address that a no would reach. Strangers get nothing of ours that could wait for anybody."""
    if newest is not None and newest.uuid == written.message:
        point_id = newest.point_id
    elif newest is not None or _owners(written.channel, digest).exists():
        point_id = points.ensure_point_of_address(channel=written.channel, address_hash=digest).pk
    else:
        return False
    return hold.hold(
        point_id=point_id,
        message=newest.uuid if newest else None,
        text=written.text,
        rule=own_words.rule,
        source=written.provider,
        at=now,
    )


def _owners(channel: str, digest: bytes) -> QuerySet[Contact]:
    column = "email_hash" if channel == "email" else "phone_hash"
    return Contact.objects.filter(**{column: digest}, erased_at__isnull=True)


def _event(
    written: WrittenBack, meaning: Meaning | None, own_words: Answer, newest: Message | None, now: datetime
) -> DeliveryEvent:
    """HELP and START are nobody's answer to an offer: kept, and no fact of the message."""
    event = DeliveryEvent(
        provider=written.provider,
        key=written.key,
        type=EventType.UNKNOWN,
        at=now,
        message_id=newest.uuid if newest else None,
        attempt=None,
        # Whoever answers a message that is named speaks for the address it went to, from whatever mailbox.
        address="" if newest is not None and newest.uuid == written.message else written.sender,
        provider_id=written.provider_id,
        reason=f"in: {meaning.value}" if meaning else "in",
        channel=written.channel,
    )
    if own_words.grade is Grade.OPT_OUT:
        return replace(event, type=EventType.UNSUBSCRIBED, code=_FREE_TEXT, reason=f"in: {own_words.rule}")
    if meaning is Meaning.STOP:
        word = keywords.normalise(text=written.text) if not written.said else written.said
        return replace(event, type=EventType.UNSUBSCRIBED, code="stop", reason=f"in: {word}")
    if own_words.grade is Grade.UNSURE:
        return replace(event, type=EventType.REPLIED, reason=f"in: unsure {own_words.rule}")
    return replace(event, type=EventType.REPLIED) if meaning is None else event
