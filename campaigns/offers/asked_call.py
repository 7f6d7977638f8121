"""“Call me” on the page of an offer: a task for a colleague, in the transaction that notes the wish.

A yes or a no on the page closes its reason: then the task is called off. What else happens to the offer (its price runs
out, billing refuses) does not: they asked, and somebody calls.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from babel.dates import format_date
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext, ngettext

from campaigns.billing import selectors as billing
from campaigns.billing.models import Interval, PlanPrice
from campaigns.delivery import asked_task, content, csm_task, timeline, windows
from campaigns.delivery.forget import OpenCall
from campaigns.delivery.models import CsmTask, Message
from campaigns.offers import links
from campaigns.offers import quote as quoting
from campaigns.offers.models import Quote
from campaigns.profiles.models import Contact
from orchestrator import signing
from orchestrator.templating import numbers

log = logging.getLogger(__name__)


def lock_asker(*, contact_id: int) -> Contact | None:
    """None for one who was erased. Before the quote: an erasure locks the contact before all that is theirs."""
    return Contact.objects.select_for_update(no_key=True).filter(pk=contact_id, erased_at__isnull=True).first()


def make_task(*, quote_uuid: UUID, asker: Contact, now: datetime) -> CsmTask | None:
    """In the transaction of the wish. None where no message about the account is left to hang it on."""
    rows = Quote.objects.select_related("account", "from_plan", "to_price__plan")
    quote = rows.get(uuid=quote_uuid)
    message = _message_of(quote, asker)
    place = windows.place_for(contact=asker, account=quote.account)
    zone = place.zones[0]
    with translation.override(content.language_of(locale=settings.LANGUAGE_CODE)):
        wish = asked_task.Wish(
            contact_id=asker.pk,
            account_id=quote.account_id,
            title=gettext("%(account)s asked to be called about %(plan)s") % _names(quote),
            line=f"{_asked(quote, asker, now.astimezone(ZoneInfo(zone)).date())}\n{_price(quote)}",
            seen=_seen(message, zone) if message is not None and _was_told(message, asker) else "",
            due_at=csm_task.due_after(at=now, zone=zone, days=asked_task.BUSINESS_DAYS),
        )
    task = asked_task.make_task(wish=wish, message=message, now=now)
    if task is None:
        log.error("Quote %s: a call was asked for, and there is no message to hang its task on.", quote.uuid)
    return task


def ask_again(*, calls: Sequence[OpenCall]) -> None:
    """In the transaction that erases somebody: what others in their accounts asked for stays asked for, since then.

    They are not locked: an import that has locked them may wait for who is erased."""
    for call in calls:
        rows = Quote.objects.filter(account_id=call.account_id, state=Quote.State.CALL_ASKED)
        rows = rows.filter(answered_at__gte=call.since, answered_by__erased_at__isnull=True)
        for quote in rows.select_related("answered_by").order_by("answered_at", "pk"):
            if quote.answered_by is not None and quote.answered_at is not None:
                make_task(quote_uuid=quote.uuid, asker=quote.answered_by, now=quote.answered_at)


def call_off_answered(*, now: datetime) -> int:
    """Open tasks of accounts that answered by themselves since: of every plan they asked about, the newest word of
    each who asked is a no, or somebody there said yes, or they have it. Returns how many. Safe to repeat."""
    tasks = list(asked_task.open_ones())
    if not tasks:
        return 0
    ids = sorted({task.account_id for task in tasks})
    said = _newest_words(ids)
    current = billing.current_subscriptions(account_ids=ids, now=now)
    over = []
    for task in tasks:
        has = current[task.account_id].plan_id if task.account_id in current else None
        words = [one for one in said[task.account_id] if one[2] >= task.asked_at]
        has_now = {has, *(plan_id for plan_id, state, _at in words if state == Quote.State.ACCEPTED)}
        if words and all(state == Quote.State.DECLINED or plan_id in has_now for plan_id, state, _at in words):
            over.append(task)
    return asked_task.call_off(tasks=over, now=now)


def _newest_words(account_ids: Sequence[int]) -> Mapping[int, list[tuple[int, str, datetime]]]:
    """{account id: (plan, state, when) of the last answer of each person about each plan}."""
    rows = Quote.objects.filter(account_id__any=account_ids, answered_at__isnull=False).order_by("answered_at", "pk")
    # Nobody calls the erased.
    rows = rows.exclude(state=Quote.State.CALL_ASKED, answered_by__erased_at__isnull=False)
    newest: dict[tuple[int, int, int | None], tuple[int, str, datetime]] = {}
    columns = ("account_id", "to_price__plan_id", "answered_by_id", "state", "answered_at")
    for account_id, plan_id, by_id, state, at in rows.values_list(*columns):
        if at is not None:
            newest[account_id, plan_id, by_id] = (plan_id, state, at)
    found = defaultdict(list)
    for (account_id, _plan, _by), word in newest.items():
        found[account_id].append(word)
    return found


def _message_of(quote: Quote, asker: Contact) -> Message | None:
    """The newest that carried the quote, else the newest about the account."""
    messages = list(
        asked_task.messages_to_hang_on(contact_id=asker.pk, account_id=quote.account_id)
        .select_related("template_version", "contact", "account")
        .prefetch_related("links")
    )
    carried = (one for one in messages if any(_leads_to(quote, link.target) for link in one.links.all()))
    return next(carried, messages[0] if messages else None)


def _leads_to(quote: Quote, target: str) -> bool:
    prefix, page, token = target.partition("/o/")
    if not page or prefix != settings.PUBLIC_BASE_URL:
        return False
    try:
        return links.read_offer_token(token.partition("?")[0])[0] == quote.uuid
    except signing.BadTokenError:
        return False


def _names(quote: Quote) -> dict[str, str]:
    return {"account": quote.account.name or quote.account.external_id, "plan": quote.to_price.plan.name}


def _asked(quote: Quote, asker: Contact, day: date) -> str:
    """Without their name: the task is about somebody, who may be forgotten. Who asked is read from the quote."""
    open_task = CsmTask.objects.filter(account_id=quote.account_id, state=CsmTask.State.OPEN)
    task = open_task.select_related("message").first()
    words = {"day": _day(day), "plan": quote.to_price.plan.name}
    if task is not None and task.is_asked_for and task.contact_id != asker.pk:
        return gettext("Asked on %(day)s to be called about %(plan)s, by somebody else there.") % words
    return gettext("Asked on %(day)s to be called about %(plan)s.") % words


def _price(quote: Quote) -> str:
    sentences = [
        gettext("%(plan)s costs %(new)s a month, %(difference)s more than %(old)s for %(from)s.")
        % {
            "plan": quote.to_price.plan.name,
            "from": quote.from_plan.name,
            "new": _money(quote.new_mrr, quote.currency),
            "old": _money(quote.old_mrr, quote.currency),
            "difference": _money(quote.new_mrr - quote.old_mrr, quote.currency),
        }
    ]
    if quote.to_price.model == PlanPrice.Model.PER_SEAT:
        words = ngettext("That is for %(count)s seat.", "That is for %(count)s seats.", quote.quantity)
        sentences.append(words % {"count": numbers.write_number(quote.quantity, locale=_language())})
    if quote.interval == Interval.YEAR and quote.figures.get("charged_per_interval"):
        year = _money(Decimal(str(quote.figures["charged_per_interval"])), quote.currency)
        sentences.append(gettext("It is paid by the year: %(amount)s.") % {"amount": year})
    until = gettext("The price holds until %(day)s.") % {"day": _day(quoting.last_day(quote=quote))}
    return " ".join([*sentences, until])


def _was_told(message: Message, asker: Contact) -> bool:
    return message.contact_id == asker.pk and message.state in asked_task.MAY_HAVE_COME


def _seen(message: Message, zone: str) -> str:
    headline = timeline.headlines(messages=[message])[message.pk]
    words = {
        "channel": message.get_channel_display(),
        "day": _day((message.accepted_at or message.due_at).astimezone(ZoneInfo(zone)).date()),
        "headline": headline,
    }
    if not headline:
        return gettext("What they were told last: %(channel)s, %(day)s.") % words
    return gettext("What they were told last: “%(headline)s” (%(channel)s, %(day)s).") % words


def _money(amount: Decimal, currency: str) -> str:
    """As on the page of the offer: in Hebrew as in English, symbol first, kept together inside the sentence."""
    is_rtl = translation.get_language_bidi()
    written = numbers.write_money(amount, currency=currency, locale="en" if is_rtl else _language())
    return f"\u2066{written}\u2069" if is_rtl else written


def _day(value: date) -> str:
    """Day before month in every language, as on the page of the offer."""
    language = _language()
    return str(format_date(value, format="long", locale="en_GB" if language == "en" else language))


def _language() -> str:
    return translation.get_language() or "en"
