"""A contact's page beside its timeline: who it is, what may be written to them and how we know, their accounts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo

from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from campaigns.billing import selectors as billing
from campaigns.billing.models import Subscription
from campaigns.consent.models import ConsentRecord, ContactPoint
from campaigns.consent.selectors import GRANTED, NO_CONSENT, ChannelState, TopicState
from campaigns.console import campaign_words, contact_words
from campaigns.console.templatetags.console import moment
from campaigns.delivery import windows
from campaigns.delivery.models import CsmTask
from campaigns.offers import selectors as offers
from campaigns.offers.models import Quote
from campaigns.profiles import selectors as profiles
from campaigns.profiles.models import Account, Contact, Membership, Score

_BUYERS = frozenset({Membership.Role.OWNER, Membership.Role.ADMIN, Membership.Role.BILLING})
# Of these the source is worth telling; the others say it themselves.
_SAID_BY_THEM = frozenset({ContactPoint.Reason.UNSUBSCRIBED.value, ContactPoint.Reason.OBJECTED.value})


@dataclass(frozen=True, slots=True)
class Permission:
    """One line of the consent panel."""

    icon: str
    name: str
    words: str
    tone: str
    mark: str
    answer: str


@dataclass(frozen=True, slots=True)
class AccountCard:
    account: Account
    role: str
    subscription: Subscription | None
    renewal: str
    quote: Quote | None
    health: int | None
    is_healthy: bool


@dataclass(frozen=True, slots=True)
class Head:
    """`clock` is the time where the contact is; empty where nobody knows."""

    badge: tuple[str, str, str]
    language: str
    zone: str
    clock: str


def make_head(
    *, contact: Contact, states: Sequence[ChannelState], memberships: Sequence[Membership], now: datetime
) -> Head:
    account_zone = next((one.account.time_zone for one in memberships if one.account.time_zone), "")
    zone = ""
    if contact.time_zone or account_zone:
        zone = windows.zone_of(contact_zone=contact.time_zone, account_zone=account_zone)
    language = contact.locale.replace("_", "-").partition("-")[0].lower()
    return Head(
        badge=_badge(contact, states),
        language=campaign_words.language_name(language) if language else "",
        zone=zone,
        clock=f"{now.astimezone(ZoneInfo(zone)):%H:%M}" if zone else "",
    )


def make_panel(*, states: Sequence[ChannelState], zone: tzinfo) -> list[Permission]:
    """What may be sent on each channel: one line for a channel that is closed as a whole, else one per topic."""
    lines: list[Permission] = []
    for state in states:
        if state.point.is_blocked:
            lines.append(_blocked(state, zone))
            continue
        if state.point.is_held:
            lines.append(_held(state))
            continue
        lines += [_topic(state.channel, one, zone) for one in state.topics if one.topic.is_marketing]
    return lines


def memberships_of(*, contact: Contact) -> list[Membership]:
    rows = Membership.objects.filter(
        contact=contact, account__merged_into__isnull=True, account__erased_at__isnull=True
    )
    return list(rows.select_related("account").order_by("pk"))


def role_words(role: str) -> str:
    names = {
        Membership.Role.OWNER: pgettext("role", "owner"),
        Membership.Role.ADMIN: pgettext("role", "administrator"),
        Membership.Role.BILLING: pgettext("role", "billing"),
        Membership.Role.MEMBER: pgettext("role", "member"),
    }
    words = names.get(Membership.Role(role), role)
    return _("%(role)s, may buy") % {"role": words} if role in _BUYERS else words


def make_cards(*, memberships: Sequence[Membership], now: datetime) -> list[AccountCard]:
    """Plan, health and open offer of each account, by four queries for any number."""
    ids = [one.account_id for one in memberships]
    subscriptions = billing.current_subscriptions(account_ids=ids, now=now)
    quotes: dict[int, Quote] = {}
    for quote in offers.open_quotes(account_ids=ids, now=now):
        quotes.setdefault(quote.account_id, quote)
    scores = Score.objects.filter(account_id__in=ids, kind="health", at__lte=now)
    health = {one.account_id: one for one in scores.order_by("account_id", "-at", "-pk").distinct("account_id")}
    return [
        AccountCard(
            account=one.account,
            role=role_words(one.role),
            subscription=subscriptions.get(one.account_id),
            renewal=renewal_words(subscription=subscriptions.get(one.account_id), now=now),
            quote=quotes.get(one.account_id),
            health=int(health[one.account_id].value) if one.account_id in health else None,
            is_healthy=one.account_id in health and health[one.account_id].value >= profiles.HEALTHY_FROM,
        )
        for one in memberships
    ]


def renewal_words(*, subscription: Subscription | None, now: datetime) -> str:
    """When it renews, or why it does not; empty where billing names no day. A day that is past is no renewal to come:
    billing is late with its news, or is not connected."""
    if subscription is None or subscription.renews_at is None:
        return ""
    day = moment(subscription.renews_at, now)
    if subscription.renews_at <= now:
        return _("was due %(day)s; billing has not told the next day yet") % {"day": day}
    if subscription.cancel_scheduled:
        return _("none: it is cancelled and ends %(day)s") % {"day": day}
    return day


def open_tasks(*, contact: Contact, account_ids: Sequence[int]) -> list[CsmTask]:
    rows = CsmTask.objects.filter(state=CsmTask.State.OPEN)
    rows = rows.filter(contact=contact) | rows.filter(account_id__in=account_ids)
    return list(rows.select_related("assigned_to", "account", "message").order_by("due_at", "pk")[:10])


def _badge(contact: Contact, states: Sequence[ChannelState]) -> tuple[str, str, str]:
    """(tone, icon, words): whether anything of marketing reaches them at all."""
    if contact.erased_at:
        return "is-bad", "trash", _("Erased")
    if any(state.point.is_held for state in states):
        return "is-warn", "warn", _("A reply needs you")
    open_channels = [
        state.channel
        for state in states
        if not state.point.is_held and any(one.topic.is_marketing and one.permission == GRANTED for one in state.topics)
    ]
    if open_channels:
        return "is-ok", "check", _("May be written to")
    if any(state.point.is_blocked for state in states):
        return "is-bad", "off", _("Gets no marketing")
    return "is-quiet", "info", _("Not asked yet")


def _icon(channel: str) -> str:
    return campaign_words.CHANNEL_ICONS.get(channel, "mail")


def _blocked(state: ChannelState, zone: tzinfo) -> Permission:
    words = contact_words.block_words(state.point.reason)
    parts = [words[:1].upper() + words[1:]]
    if state.block is not None and state.point.reason in _SAID_BY_THEM:
        parts.append(contact_words.source_words(state.block))
    if state.point.blocked_at:
        parts.append(contact_words.day_and_year(state.point.blocked_at, zone))
    answer = _("Undeliverable") if state.is_dead else _("No")
    name = _("%(channel)s, everything") % {"channel": contact_words.channel(state.channel)}
    return Permission(
        _icon(state.channel), name, ", ".join(parts), "is-bad", "block" if state.is_dead else "off", answer
    )


def _held(state: ChannelState) -> Permission:
    name = _("%(channel)s, everything") % {"channel": contact_words.channel(state.channel)}
    words = _("They wrote what may be a no. It counts as one until somebody has read it.")
    return Permission(_icon(state.channel), name, words, "is-warn", "warn", _("Held"))


def _topic(channel: str, one: TopicState, zone: tzinfo) -> Permission:
    topic = one.topic.name_in((get_language() or "en")[:2])
    name = _("%(channel)s, “%(topic)s”") % {"channel": contact_words.channel(channel), "topic": topic}
    record = one.record
    if record is not None:
        parts = [contact_words.source_words(record), contact_words.day_and_year(record.at, zone)]
        basis = contact_words.basis_words(record) if record.state == ConsentRecord.State.GRANTED else ""
        words = ", ".join([parts[0], basis, parts[1]] if basis else parts)
    elif one.permission == GRANTED:
        words = _("Allowed without asking, for they use the product; they may switch it off")
    else:
        words = _("Nobody asked them")
    if one.permission == GRANTED:
        return Permission(_icon(channel), name, words, "is-ok", "check", _("Yes"))
    if one.permission == NO_CONSENT:
        is_waiting = one.record is not None and one.record.state == ConsentRecord.State.PENDING
        answer = _("Not confirmed yet") if is_waiting else _("Not asked")
        return Permission(_icon(channel), name, words, "is-quiet", "info", answer)
    return Permission(_icon(channel), name, words, "is-bad", "off", _("No"))
