"""The offer page in words and figures, from the stored quote: what the message said is what the page says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency
from django.utils import translation
from django.utils.translation import get_language, gettext, ngettext

from campaigns.billing import selectors as billing
from campaigns.offers import accept
from campaigns.offers import quote as quoting
from campaigns.offers import selectors as offers
from campaigns.offers.models import Quote, Refusal
from campaigns.profiles.models import Contact
from orchestrator.templating import numbers

_SEATS = "seats_used"
_ABBREVIATIONS = {"ai", "api", "crm", "csv", "ip", "pdf", "sms", "sla", "sso", "ui"}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the comparison; `is_feature` shows a check where the plan has it."""

    name: str
    now: str
    then: str
    is_feature: bool = False


@dataclass(frozen=True, slots=True)
class PricePage:
    title: str
    intro: list[str]
    plan_from: str
    plan_to: str
    price: str
    period: str
    for_whom: str
    valid_until: str
    sum: list[tuple[str, str, str]]
    total: tuple[str, str]
    button: str
    rows: list[Row] = field(default_factory=list)
    cheaper_note: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """What can be said of a quote today. `is_over`: its time has passed; `is_moved`: the account's plan or seats are
    not those any more that its price was made from; `plan`: what the account has now."""

    is_open: bool
    is_over: bool
    is_moved: bool
    has_plan: bool
    is_upgrading: bool
    plan: str


def describe(*, quote: Quote, contact: Contact, evidence: Mapping[str, Any], language: str) -> PricePage:
    """Everything the page says, in one of settings.LANGUAGES."""
    with translation.override(language):
        return _describe(quote, contact, evidence, language)


def reasons(*, language: str) -> list[tuple[str, str]]:
    """Why somebody may say no: stored value and words."""
    with translation.override(language):
        return [
            (Refusal.Reason.TOO_EXPENSIVE.value, gettext("It costs too much")),
            (Refusal.Reason.WRONG_TIME.value, gettext("The timing is wrong")),
            (Refusal.Reason.MISSING_FEATURE.value, gettext("A feature is missing")),
            (Refusal.Reason.NOT_NEEDED.value, gettext("We don’t need it")),
            (Refusal.Reason.OTHER.value, gettext("Another reason")),
        ]


def _describe(quote: Quote, contact: Contact, evidence: Mapping[str, Any], locale: str) -> PricePage:
    figures = quote.figures
    money = _Money(quote.currency, locale)
    plan_from, plan_to = str(figures.get("plan_from", "")), str(figures.get("plan_to", ""))
    is_yearly = quote.interval == "YEAR"
    charged = figures.get("charged_per_interval") or figures.get("new_monthly")
    price = money.short(charged)
    period = gettext("a year") if is_yearly else gettext("a month")
    return PricePage(
        title=_title(evidence, quote, plan_to),
        intro=_intro(quote, contact, evidence, money),
        plan_from=plan_from,
        plan_to=plan_to,
        price=price,
        period=period,
        for_whom=_for_whom(figures),
        valid_until=_day(quoting.last_day(quote=quote), locale),
        sum=_sum(quote, money),
        total=_total(quote, plan_to, money),
        button=gettext("Upgrade to %(plan)s for %(price)s %(period)s")
        % {"plan": plan_to, "price": price, "period": period},
        rows=_rows(quote, evidence, money),
        cheaper_note=_cheaper_note(figures, plan_from) if evidence.get("meter") == _SEATS else "",
    )


class _Money:
    """Hebrew pages write amounts as English ones do, symbol first, kept together inside the sentence."""

    def __init__(self, currency: str, locale: str) -> None:
        self._currency, self._is_rtl = currency, locale == "he"
        self._locale = "en" if self._is_rtl else locale

    def short(self, amount: Any) -> str:
        """Without decimals where there are none: €129."""
        value = _decimal(amount)
        if value == value.to_integral_value():
            pattern = Locale.parse(self._locale).currency_formats["standard"].pattern.replace(".00", "")
            return self._isolate(
                format_currency(value, self._currency, format=pattern, locale=self._locale, currency_digits=False)
            )
        return self.full(amount)

    def full(self, amount: Any) -> str:
        return self._isolate(format_currency(_decimal(amount), self._currency, locale=self._locale))

    def _isolate(self, text: str) -> str:
        return f"\u2066{text}\u2069" if self._is_rtl else text


def _day(value: date, locale: str) -> str:
    """Day before month in every language: 6 December 2026."""
    return str(format_date(value, format="long", locale="en_GB" if locale == "en" else locale))


def _decimal(amount: Any) -> Decimal:
    try:
        return Decimal(str(amount))
    except InvalidOperation:
        return Decimal(0)


def _title(evidence: Mapping[str, Any], quote: Quote, plan_to: str) -> str:
    value, limit = evidence.get("value"), evidence.get("quota")
    if evidence.get("meter") == _SEATS and quote.figures.get("seats") is not None:
        # Of the day of the price, as all that the page says of seats.
        value, limit = quote.figures["seats"], quote.figures.get("seat_limit_from", limit)
    if value is None or limit is None:
        return gettext("%(plan)s for %(account)s") % {"plan": plan_to, "account": quote.account.name}
    if evidence.get("meter") == _SEATS:
        words = ngettext(
            "%(value)s of your %(limit)s seat is taken",
            "%(value)s of your %(limit)s seats are taken",
            int(_decimal(limit)),
        )
        return words % {"value": _count(value), "limit": _count(limit)}
    return gettext("%(meter)s: %(value)s of %(limit)s") % {
        "meter": evidence.get("meter_name") or evidence.get("meter"),
        "value": _count(value),
        "limit": _count(limit),
    }


def _intro(quote: Quote, contact: Contact, evidence: Mapping[str, Any], money: _Money) -> list[str]:
    figures = quote.figures
    words = []
    if contact.first_name:
        words.append(gettext("Hello %(name)s.") % {"name": contact.first_name})
    added = _decimal(evidence.get("added_28d") or 0)
    if evidence.get("meter") == _SEATS and added >= 1:
        count = int(added)
        words.append(
            ngettext(
                "%(account)s added %(count)s person in the last 28 days.",
                "%(account)s added %(count)s people in the last 28 days.",
                count,
            )
            % {"account": quote.account.name, "count": _count(count)}
        )
    names = {"from": figures.get("plan_from"), "to": figures.get("plan_to")}
    if figures.get("extra_seats_cost"):
        count = int(figures.get("extra_seats") or 0)
        words.append(
            ngettext(
                "%(count)s extra seat on %(from)s would cost %(cost)s a month.",
                "%(count)s extra seats on %(from)s would cost %(cost)s a month.",
                count,
            )
            % {**names, "count": _count(count), "cost": money.short(figures["extra_seats_cost"])}
        )
    words.append(
        gettext("%(to)s costs %(difference)s a month more than %(from)s.")
        % {**names, "difference": money.short(figures.get("difference", 0))}
    )
    return words


def _for_whom(figures: Mapping[str, Any]) -> str:
    limit = figures.get("seat_limit_to")
    if limit is None:
        return gettext("for any number of people")
    words = ngettext("for up to %(count)s person", "for up to %(count)s people", int(_decimal(limit)))
    return words % {"count": _count(limit)}


def _sum(quote: Quote, money: _Money) -> list[tuple[str, str, str]]:
    """Lines that add up to the total: today's price, what comes on top, taxes."""
    plan = {"plan": quote.figures.get("plan_from")}
    today, difference = gettext("%(plan)s, today, each month") % plan, gettext("Difference, each month")
    old, new = quote.old_mrr, quote.new_mrr
    if _is_by_year(quote):
        today, difference = gettext("%(plan)s, today, each year") % plan, gettext("Difference, each year")
        old, new = (_decimal(quote.figures[name]) for name in ("charged_now", "charged_per_interval"))
    return [
        (today, "", money.full(old)),
        (difference, _units(quote), money.full(new - old)),
        (gettext("Taxes"), gettext("by the rules that hold for your invoices today"), gettext("as before")),
    ]


def _total(quote: Quote, plan: str, money: _Money) -> tuple[str, str]:
    if _is_by_year(quote):
        words = gettext("%(plan)s, from today, each year")
        return words % {"plan": plan}, money.full(quote.figures["charged_per_interval"])
    return gettext("%(plan)s, from today, each month") % {"plan": plan}, money.full(quote.new_mrr)


def _is_by_year(quote: Quote) -> bool:
    """Paid by the year, and known what that was until now: the sum is in years as the button's price is."""
    known = {"charged_now", "charged_per_interval"} <= set(quote.figures)
    return quote.interval == "YEAR" and known


def _units(quote: Quote) -> str:
    if quote.figures.get("pricing_model") != "PER_SEAT":
        return ""
    words = ngettext("%(count)s seat", "%(count)s seats", quote.quantity)
    return words % {"count": _count(quote.quantity)}


def _rows(quote: Quote, evidence: Mapping[str, Any], money: _Money) -> list[Row]:
    figures = quote.figures
    rows = [
        Row(gettext("Price a month"), money.short(figures.get("old_monthly")), money.short(figures.get("new_monthly"))),
        *_meter_rows(quote, evidence),
    ]
    if figures.get("seat_limit_from") is not None or figures.get("seat_limit_to") is not None:
        used = figures.get("seats")
        rows.append(
            Row(gettext("Seats"), _use(figures.get("seat_limit_from"), used), _limit(figures.get("seat_limit_to")))
        )
    features = figures.get("new_features") or []
    return [*rows, *(Row(_feature_name(str(code)), "", "", is_feature=True) for code in features)]


def _meter_rows(quote: Quote, evidence: Mapping[str, Any]) -> list[Row]:
    """What the message was about, where both plans say how much of it they include. Seats have a row of their own."""
    meter = evidence.get("meter")
    if not meter or meter == _SEATS:
        return []
    old, new = quote.from_plan_id, quote.to_price.plan_id
    limits = billing.limits_of(meter=str(meter), plan_ids=[old, new])
    if new not in limits or (old not in limits and evidence.get("quota") is None):
        return []
    now = limits[old] if evidence.get("quota") is None else evidence["quota"]
    return [Row(str(evidence.get("meter_name") or meter), _use(now, evidence.get("value")), _limit(limits[new]))]


def _use(limit: Any, used: Any) -> str:
    if used is None:
        return _limit(limit)
    return gettext("%(limit)s, you use %(used)s") % {"limit": _limit(limit), "used": _count(used)}


def _feature_name(code: str) -> str:
    """`shared_templates` as a person reads it; short words such as sso or api are abbreviations."""
    first, *others = code.replace("_", " ").replace("-", " ").split() or [""]
    words = [first.capitalize(), *others]
    return " ".join(one.upper() if one.lower() in _ABBREVIATIONS or len(code) <= 3 else one for one in words)


def _cheaper_note(figures: Mapping[str, Any], plan_from: str) -> str:
    limit = figures.get("seat_limit_from")
    if limit is None:
        return ""
    words = ngettext(
        "If you stay at %(limit)s person, %(plan)s is the cheaper plan.",
        "If you stay at %(limit)s people or fewer, %(plan)s is the cheaper plan.",
        int(_decimal(limit)),
    )
    return words % {"limit": _count(limit), "plan": plan_from}


def _limit(limit: Any) -> str:
    return gettext("unlimited") if limit is None else _count(limit)


def _count(value: Any) -> str:
    """In the language that is active: a comma groups in English, and parts decimals in Romanian."""
    return numbers.write_number(_decimal(value), locale=get_language() or "en")


def judge(*, quote: Quote, now: datetime) -> Standing:
    """How the quote stands beside what the account has `now`."""
    may_hold = quote.state in (Quote.State.OPEN, Quote.State.CALL_ASKED)
    is_late = quote.valid_until <= now
    moved = accept.moved(quote=quote, quantity=quote.quantity, now=now)
    has_ended = quote.state == Quote.State.EXPIRED
    current = billing.current_subscriptions(account_ids=[quote.account_id], now=now).get(quote.account_id)
    return Standing(
        is_open=may_hold and not is_late and not moved,
        is_over=(may_hold or has_ended) and is_late,
        # What has ended before its time was found to have moved when somebody said yes to it.
        is_moved=not is_late and (has_ended or (may_hold and bool(moved))),
        has_plan=moved == accept.ALREADY_DONE,
        is_upgrading=bool(offers.accepting_account_ids(account_ids=[quote.account_id])),
        plan=(current or quote.subscription).plan.name,
    )
