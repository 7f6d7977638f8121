"""Generated worlds and definitions, dense enough that conditions often hold for some and not for others.

Made by a seeded random generator: the seed is all that a failure needs to be repeated.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from tests.campaigns.segments.reference import World

NOW = datetime(2026, 11, 24, 10, 30, tzinfo=UTC)
METERS = ("seats_used", "api_calls")
PLANS = ("basic", "pro")
FACTS = (
    "sent", "delivered", "opened", "clicked", "replied", "dismissed", "unsubscribed", "complained", "converted",
)  # fmt: skip
SIZE = 4

_TEXTS = ("a", "A", "ab", "b%", "_", "é", "e\u0301", " a", "20", "2026-11-20", "שלום")
_DATES = (
    "2026-11-20", "2026-11-24", "2026-11-24T10:30", "2026-11-24T12:30+02:00", "2026-11-23T23:59:59.999Z", "2024-02-29",
)  # fmt: skip
_NO_DATES = ("2026-02-30", "2026-13-01", "2026-11-24 10:30", "20261124", "2026-11-24T10", "0000-01-01")
_NUMBERS = (0, 1, 2, 20, -3, 0.1, 20.0, 0.30000000000000004, 1e15)
_AMOUNTS = tuple(Decimal(text) for text in ("0", "1", "2", "8", "10", "-2", "0.333333"))
_RATIOS = (0.8, 1, 0.1, 2.666666, 0.5, 4, 8, -3, 3)
_WINDOWS = ("1h", "1d", "3d", "1w")
_KEYS = ("x", "x", "y", "x.deep", "x.0", "x.deep.er")
_GAPS = (timedelta(0), timedelta(microseconds=1), *(timedelta(hours=hours) for hours in (1, 24, 72, 168)))

Made = dict[str, Any]


def make_world(rng: Random) -> World:
    world = World(NOW)
    world.accounts = [{"external_id": f"A{n}", **_person(rng), **_account(rng)} for n in range(SIZE)]
    world.contacts = [{"external_id": f"C{n}", **_person(rng), **_contact(rng)} for n in range(SIZE)]
    pairs = [(a, c) for a in range(SIZE) for c in range(SIZE) if rng.random() < 0.4]
    world.members = [(a, c, rng.choice(("OWNER", "MEMBER"))) for a, c in pairs]
    world.subscriptions = [{"external_id": f"S{n}", **_subscription(rng)} for n in range(rng.randint(3, 7))]
    world.quotas = {
        (plan, meter): rng.choice((None, Decimal(0), Decimal(3), Decimal(10), Decimal(10)))
        for plan in PLANS
        for meter in METERS
        if rng.random() < 0.9
    }
    world.daily = {
        (account, meter, NOW.date() - timedelta(days=back)): rng.choice(_AMOUNTS)
        for account in range(SIZE)
        for meter in METERS
        for back in range(-1, 9)
        if rng.random() < 0.45
    }
    world.events = [_event_row(rng) for _ in range(rng.randint(4, 16))]
    levels = [(account, meter, level) for account in range(SIZE) for meter in METERS for level in (80, 95)]
    world.crossings = [_crossing_row(rng, *one) for one in rng.sample(levels, 8)]
    told = [(account, kind, at) for account in range(SIZE) for kind in ("health", "churn") for at in _moments()]
    world.scores = [
        {"account": a, "kind": kind, "at": at, "value": rng.choice(_AMOUNTS)} for a, kind, at in rng.sample(told, 10)
    ]
    world.consents = [_consent_row(rng) for _ in range(14)]
    world.messages = [_message_row(rng) for _ in range(12)]
    world.segments = {"base": make_definition(rng, segments=())}
    world.segments["upper"] = make_definition(rng, segments=("base",))
    return world


def _moments() -> list[datetime]:
    """Around every edge that a window can have."""
    around = [at for gap in _GAPS for at in (NOW - gap, NOW + gap, NOW - gap - timedelta(microseconds=1))]
    return list(dict.fromkeys(around))


def _moment(rng: Random) -> datetime:
    """Mostly in the past."""
    at = rng.choice(_moments())
    return NOW - (at - NOW) if at > NOW and rng.random() < 0.6 else at


def _maybe(rng: Random, value: Any, share: float = 0.5) -> Any:
    return value if rng.random() < share else None


def _value(rng: Random, depth: int = 0) -> Any:
    kind = rng.randrange(9)
    if kind == 7:
        return [_value(rng, 1) for _ in range(rng.randint(0, 3))] if depth == 0 else rng.choice(_NUMBERS)
    if kind == 8:
        return rng.choice(({}, {"deep": rng.choice(_TEXTS), "0": True}, {"deep": rng.choice(_NUMBERS)}))
    pools: list[tuple[Any, ...]] = [_TEXTS, _TEXTS, _DATES, _NO_DATES, _NUMBERS, (True, False), (None, "")]
    return rng.choice(pools[kind])


def _traits(rng: Random) -> Made:
    return {key: _value(rng) for key in ("x", "y") if rng.random() < 0.9}


def _person(rng: Random) -> Made:
    return {
        "gone": rng.random() < 0.15,
        "country": rng.choice(("IL", "RO", "")),
        "created_at": _maybe(rng, _moment(rng), 0.8),
        "traits": _traits(rng),
    }


def _account(rng: Random) -> Made:
    return {"name": rng.choice((*_TEXTS, "")), "domain": ""}


def _contact(rng: Random) -> Made:
    return {
        "email": rng.choice(("", "a@b.example", "é@b.example")),
        "locale": rng.choice(("en", "he", "")),
        "first_name": rng.choice(_TEXTS),
        "last_name": "",
        "timezone": rng.choice(("", "Asia/Jerusalem")),
        "phone": "",
    }


def _subscription(rng: Random) -> Made:
    return {
        "account": rng.randrange(SIZE),
        "plan": rng.choice(PLANS),
        "status": rng.choice(("TRIALING", "ACTIVE", "ACTIVE", "PAST_DUE", "CANCELED")),
        "interval": rng.choice(("MONTH", "YEAR")),
        "mrr": rng.choice((Decimal(0), Decimal(29), Decimal(99))),
        "quantity": rng.choice((1, 2)),
        "cancel_scheduled": rng.random() < 0.3,
        "started_at": _moment(rng),
        "ended_at": _maybe(rng, _moment(rng), 0.2),
        "renews_at": _maybe(rng, rng.choice(_moments()), 0.8),
        "trial_ends_at": _maybe(rng, rng.choice(_moments()), 0.8),
    }


def _event_row(rng: Random) -> Made:
    return {
        "account": _maybe(rng, rng.randrange(SIZE), 0.8),
        "contact": _maybe(rng, rng.randrange(SIZE), 0.8),
        "name": rng.choice(("tried", "tried", "tried", "Tried")),
        "at": _moment(rng),
        "properties": _traits(rng),
    }


def _crossing_row(rng: Random, account: int, meter: str, level: int) -> Made:
    contradicted = _maybe(rng, _moment(rng), 0.3)
    return {"account": account, "meter": meter, "level": level, "at": _moment(rng), "contradicted_at": contradicted}


def _consent_row(rng: Random) -> Made:
    return {
        "contact": rng.randrange(SIZE),
        "channel": rng.choice(("email", "sms")),
        "topic": rng.choice(("offers", "news", "")),
        "state": rng.choice(("GRANTED", "WITHDRAWN")),
        "at": _moment(rng),
    }


def _message_row(rng: Random) -> Made:
    return {
        "account": _maybe(rng, rng.randrange(SIZE), 0.8),
        "contact": rng.randrange(SIZE),
        "campaign": rng.choice(("seats", "other")),
        "step": rng.choice(("mail-1", "mail-2")),
        "channel": rng.choice(("email", "in_app")),
        "purpose": rng.choice(("MARKETING", "MARKETING", "TEST")),
        "facts": {fact: _moment(rng) for fact in FACTS if rng.random() < 0.5},
    }


def _text_test(rng: Random) -> Made:
    op = rng.choice(("=", "=", "!=", "contains", "starts_with", "ends_with", "in", "not_in", "is_set", "is_not_set"))
    if op in ("in", "not_in"):
        return {"op": op, "value": rng.sample(_TEXTS, 3)}
    return _test(op, rng.choice(_TEXTS))


def _number_test(rng: Random, numbers: tuple[Any, ...] = _NUMBERS) -> Made:
    op = rng.choice(("=", "!=", "<", "<=", ">", ">=", "between", "in", "not_in", "is_set", "is_not_set"))
    if op == "between":
        return {"op": op, "value": sorted(rng.sample(numbers, 2))}
    if op in ("in", "not_in"):
        return {"op": op, "value": rng.sample(numbers, 3)}
    return _test(op, rng.choice(numbers))


def _test(op: str, value: Any) -> Made:
    return {"op": op} if op in ("is_set", "is_not_set") else {"op": op, "value": value}


def _date_test(rng: Random) -> Made:
    op = rng.choice(("before", "after", "within", "within", "between", "is_set", "is_not_set"))
    if op == "between":
        return {"op": op, "value": ["2026-11-20", rng.choice(("2026-11-24T12:30+02:00", "2026-11-24"))]}
    return _test(op, rng.choice(_WINDOWS if op == "within" else _DATES))


def _duration_test(rng: Random) -> Made:
    op = rng.choice(("<", "<=", ">", ">=", "between", "is_set", "is_not_set"))
    if op == "between":
        return {"op": op, "value": rng.choice((["1h", "1h"], ["1h", "3d"], ["1d", "1w"]))}
    return _test(op, rng.choice(_WINDOWS))


def _truth_test(rng: Random) -> Made:
    return _test(rng.choice(("=", "!=", "is_set", "is_not_set")), rng.random() < 0.5)


def _open_test(rng: Random) -> Made:
    kind = rng.choice((_text_test, _text_test, _number_test, _date_test, _truth_test, None))
    return kind(rng) if kind else {"op": "contains", "value": rng.choice((*_NUMBERS, True, False))}


def _trait(rng: Random) -> Made:
    return {"field": f"{rng.choice(('account', 'contact'))}.traits.{rng.choice(_KEYS)}", **_open_test(rng)}


def _text_field(rng: Random) -> Made:
    names = ("account.name", "account.name", "account.country", "contact.first_name", "contact.timezone")
    return {"field": rng.choice(names), **_text_test(rng)}


def _code_field(rng: Random) -> Made:
    op = rng.choice(("=", "!="))
    return {"field": rng.choice(("account.country", "contact.locale")), "op": op, "value": rng.choice(("IL", "he"))}


def _plan(rng: Random) -> Made:
    return {"field": "account.plan", **_test(rng.choice(("=", "!=", "is_set", "is_not_set")), rng.choice(PLANS))}


def _email(rng: Random) -> Made:
    op = rng.choice(("=", "!=", "contains", "ends_with", "is_set", "is_not_set"))
    return {"field": "contact.email", **_test(op, rng.choice(("A@B.example", "É@B.EXAMPLE", "É")))}


def _created(rng: Random) -> Made:
    return {"field": rng.choice(("account.created_at", "contact.created_at")), **_date_test(rng)}


def _role(rng: Random) -> Made:
    return {"field": "membership.role", **_test(rng.choice(("=", "!=", "is_set", "is_not_set")), "OWNER")}


def _usage(rng: Random, per: str = "") -> Made:
    node: Made = {"usage": rng.choice(METERS), "agg": rng.choice(("sum", "avg", "min", "max", "last"))}
    if per:
        node["per"] = per
    if node["agg"] != "last" or per == "previous" or rng.random() < 0.5:
        node["window"] = rng.choice(("1d", "2d", "3d", "1w"))
    return {**node, **_number_test(rng, _RATIOS)}


def _counted(rng: Random, node: Made) -> Made:
    if rng.random() < 0.6:
        node["window"] = rng.choice(_WINDOWS)
    if rng.random() < 0.6:
        op = rng.choice(("=", "!=", "<", "<=", ">", ">=", "between"))
        node["count"] = {"op": op, "value": rng.choice(([0, 1], [1, 2])) if op == "between" else rng.randint(0, 3)}
    return node


def _event(rng: Random) -> Made:
    node: Made = {"event": rng.choice(("tried", "tried", "tried", "Tried", "never"))}
    if rng.random() < 0.5:
        node["where"] = [{"property": rng.choice(_KEYS), **_open_test(rng)} for _ in range(rng.choice((0, 1, 1, 2)))]
    return _counted(rng, node)


def _engagement(rng: Random) -> Made:
    node: Made = {"engagement": rng.choice(FACTS)}
    if rng.random() < 0.5:
        node["campaign"] = rng.choice(("seats", "other"))
        if rng.random() < 0.5:
            node["step"] = "mail-1"
    if rng.random() < 0.4:
        node["channel"] = "email"
    return _counted(rng, node)


def _money(rng: Random) -> Made:
    return {"subscription": rng.choice(("mrr", "quantity")), **_number_test(rng, (0, 1, 2, 29, 50, 99.0))}


def _duration(rng: Random) -> Made:
    return {"subscription": rng.choice(("age", "renewal_in", "trial_ends_in")), **_duration_test(rng)}


def _score(rng: Random) -> Made:
    return {"score": rng.choice(("health", "churn")), **_number_test(rng, _RATIOS)}


def _crossing(rng: Random) -> Made:
    return {"crossing": rng.choice(METERS), "level": rng.choice((80, 95)), "window": rng.choice(_WINDOWS)}


def _consent(rng: Random) -> Made:
    state = rng.choice(("granted", "withdrawn", "unknown"))
    return {"consent": rng.choice(("email", "sms")), "topic": rng.choice(("offers", "news")), "is": state}


def _bucket(rng: Random) -> Made:
    return {"bucket": rng.choice(("q4", "é", "x")), "percent": rng.choice(([0, 50], [33.3, 66.7], [50, 100]))}


FAMILIES: tuple[Callable[[Random], Made], ...] = (
    _text_field,
    _code_field,
    _plan,
    _email,
    _created,
    _trait,
    _trait,
    _role,
    _usage,
    lambda rng: _usage(rng, "quota"),
    lambda rng: _usage(rng, "previous"),
    _event,
    _event,
    _engagement,
    _money,
    _duration,
    lambda rng: {"subscription": "cancel_scheduled", **_truth_test(rng)},
    lambda rng: {"subscription": rng.choice(("status", "interval")), "op": "in", "value": ["ACTIVE", "YEAR"]},
    _score,
    _crossing,
    _consent,
    _bucket,
)


def one_of_each(rng: Random) -> list[Made]:
    """A definition that is a single condition, of every family."""
    return [{"subject": rng.choice(("account", "contact")), **family(rng)} for family in FAMILIES]


def make_definition(rng: Random, *, segments: tuple[str, ...] = ("base", "upper")) -> Made:
    return {"subject": rng.choice(("account", "contact")), **_node(rng, segments, depth=0)}


def _node(rng: Random, segments: tuple[str, ...], depth: int) -> Made:
    if depth == 4 or rng.random() < 0.25 * depth:
        if segments and rng.random() < 0.15:
            return {"segment": rng.choice(segments)}
        return rng.choice(FAMILIES)(rng)
    head = rng.choice(("all", "any", "not", "any_contact", "any_account"))
    if head in ("all", "any"):
        return {head: [_node(rng, segments, depth + 1) for _ in range(rng.choice((0, 1, 2, 2, 3)))]}
    return {head: _node(rng, segments, depth + 1)}
