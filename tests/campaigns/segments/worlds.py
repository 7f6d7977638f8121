"""Generated worlds and definitions, small enough that conditions often hold and often do not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from campaigns.billing.models import Plan, Quota, Subscription
from campaigns.consent.models import ConsentRecord, ContactPoint
from campaigns.delivery.models import Message
from campaigns.profiles.models import Account, Contact, Membership, Score
from campaigns.usage.models import Meter, ThresholdCrossing, UsageDaily, UsageEvent
from tests.campaigns.segments.reference import World

NOW = datetime(2026, 11, 24, 10, 30, tzinfo=UTC)
METERS = ("seats_used", "api_calls")
PLANS = ("basic", "pro")
FACTS = ("sent", "delivered", "opened", "clicked", "dismissed", "unsubscribed", "complained")

_TEXTS = st.sampled_from(["a", "A", "ab", "b%", "_", "é", "e\u0301", " a", "20", "2026-11-20", "שלום"])
_DATES = st.sampled_from(
    ["2026-11-20", "2026-11-24", "2026-11-24T10:30", "2026-11-24T12:30+02:00", "2026-11-23T23:59:59.999Z", "2024-02-29"]
)
_NO_DATES = st.sampled_from(["2026-02-30", "2026-13-01", "2026-11-24 10:30", "20261124", "2026-11-24T10", "0000-01-01"])
_NUMBERS = st.sampled_from([0, 1, 2, 20, -3, 0.1, 20.0, 0.30000000000000004, 1e15])
_OBJECTS = st.just({}) | st.fixed_dictionaries({"deep": _TEXTS | _NUMBERS, "0": st.booleans()})
_VALUES = st.one_of(
    _TEXTS, _DATES, _NO_DATES, _NUMBERS, st.booleans(), st.none(), st.just(""), _OBJECTS,
    st.lists(_TEXTS | _NUMBERS | st.booleans(), max_size=3),
)  # fmt: skip
_TRAITS = st.dictionaries(st.sampled_from(["x", "y"]), _VALUES, max_size=2)
# Around every edge that a window can have.
_MOMENTS = st.sampled_from(
    [timedelta(0), timedelta(microseconds=1), *(timedelta(hours=hours) for hours in (1, 24, 72, 168))]
).flatmap(lambda gap: st.sampled_from([NOW - gap, NOW + gap, NOW - gap - timedelta(microseconds=1)]))
_PEOPLE = st.fixed_dictionaries(
    {
        "gone": st.sampled_from([False, False, False, True]),
        "country": st.sampled_from(["IL", "RO", ""]),
        "created_at": st.none() | _MOMENTS,
        "traits": _TRAITS,
    }
)
_ACCOUNTS = st.fixed_dictionaries({"name": _TEXTS | st.just(""), "domain": st.just("")})
_CONTACTS = st.fixed_dictionaries(
    {
        "email": st.sampled_from(["", "a@b.example", "é@b.example"]),
        "locale": st.sampled_from(["en", "he", ""]),
        "first_name": _TEXTS,
        "last_name": st.just(""),
        "timezone": st.sampled_from(["", "Asia/Jerusalem"]),
        "phone": st.just(""),
    }
)
_SIZE = 3
_OWNER = st.integers(0, _SIZE - 1)
_AMOUNTS = st.sampled_from([Decimal(n) for n in ("0", "1", "8", "10", "-2", "0.333333")])


@st.composite
def worlds(draw: st.DrawFn) -> World:
    world = World(NOW)
    world.accounts = [{"external_id": f"A{n}", **draw(_PEOPLE), **draw(_ACCOUNTS)} for n in range(_SIZE)]
    world.contacts = [{"external_id": f"C{n}", **draw(_PEOPLE), **draw(_CONTACTS)} for n in range(_SIZE)]
    pairs = draw(st.sets(st.tuples(_OWNER, _OWNER), max_size=6))
    world.members = [(a, c, draw(st.sampled_from(["OWNER", "MEMBER"]))) for a, c in sorted(pairs)]
    world.subscriptions = [
        {"external_id": f"S{i}", **one} for i, one in enumerate(draw(st.lists(_SUBSCRIPTIONS, min_size=2, max_size=6)))
    ]
    world.quotas = draw(
        st.dictionaries(
            st.tuples(st.sampled_from(PLANS), st.sampled_from(METERS)),
            st.none() | st.sampled_from([Decimal(0), Decimal(3), Decimal(10)]),
        )
    )
    days = st.sampled_from([NOW.date() - timedelta(days=n) for n in (-1, 0, 1, 2, 3, 5, 6)])
    world.daily = draw(
        st.dictionaries(st.tuples(_OWNER, st.sampled_from(METERS), days), _AMOUNTS, min_size=6, max_size=24)
    )
    world.events = draw(st.lists(_EVENTS, max_size=12))
    crossings = draw(st.lists(_CROSSINGS, max_size=4, unique_by=lambda c: (c["account"], c["meter"], c["level"])))
    world.crossings = crossings
    world.scores = draw(st.lists(_SCORES, max_size=4, unique_by=lambda s: (s["account"], s["kind"], s["at"])))
    world.consents = draw(st.lists(_CONSENTS, max_size=10))
    world.messages = draw(st.lists(_MESSAGES, max_size=10))
    world.segments = {"base": draw(definitions(segments=()))}
    world.segments["upper"] = draw(definitions(segments=("base",)))
    return world


_SUBSCRIPTIONS = st.fixed_dictionaries(
    {
        "account": _OWNER,
        "plan": st.sampled_from(PLANS),
        "status": st.sampled_from(["TRIALING", "ACTIVE", "PAST_DUE", "CANCELED"]),
        "interval": st.sampled_from(["MONTH", "YEAR"]),
        "mrr": st.sampled_from([Decimal(0), Decimal(29), Decimal(99)]),
        "quantity": st.sampled_from([1, 2]),
        "cancel_scheduled": st.booleans(),
        "started_at": _MOMENTS,
        "ended_at": st.none() | _MOMENTS,
        "renews_at": st.none() | _MOMENTS,
        "trial_ends_at": st.none() | _MOMENTS,
    }
)
_EVENTS = st.fixed_dictionaries(
    {
        "account": st.none() | _OWNER,
        "contact": st.none() | _OWNER,
        "name": st.sampled_from(["tried", "tried", "Tried"]),
        "at": _MOMENTS,
        "properties": _TRAITS,
    }
)
_CROSSINGS = st.fixed_dictionaries(
    {
        "account": _OWNER,
        "meter": st.sampled_from(METERS),
        "level": st.sampled_from([80, 95]),
        "at": _MOMENTS,
        "contradicted_at": st.none() | _MOMENTS,
    }
)
_SCORES = st.fixed_dictionaries(
    {"account": _OWNER, "kind": st.sampled_from(["health", "churn"]), "value": _AMOUNTS, "at": _MOMENTS}
)
_CONSENTS = st.fixed_dictionaries(
    {
        "contact": _OWNER,
        "channel": st.sampled_from(["email", "sms"]),
        "topic": st.sampled_from(["offers", "news", ""]),
        "state": st.sampled_from(["GRANTED", "WITHDRAWN"]),
        "at": _MOMENTS,
    }
)
_MESSAGES = st.fixed_dictionaries(
    {
        "account": st.none() | _OWNER,
        "contact": _OWNER,
        "campaign": st.sampled_from(["seats", "other"]),
        "step": st.sampled_from(["mail-1", "mail-2"]),
        "channel": st.sampled_from(["email", "in_app"]),
        "purpose": st.sampled_from(["MARKETING", "TEST"]),
        "facts": st.dictionaries(st.sampled_from(FACTS), _MOMENTS, max_size=3),
    }
)


def _test(op: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"op": st.just(op), "value": values})


def _ordered(values: st.SearchStrategy[Any], key: Any = None) -> st.SearchStrategy[list[Any]]:
    return st.tuples(values, values).map(lambda pair: sorted(pair, key=key))


_PRESENCE = st.sampled_from([{"op": "is_set"}, {"op": "is_not_set"}])
_TEXT_TESTS = st.one_of(
    _PRESENCE,
    *(_test(op, _TEXTS) for op in ("=", "!=", "contains", "starts_with", "ends_with")),
    *(_test(op, st.lists(_TEXTS, min_size=1, max_size=3)) for op in ("in", "not_in")),
)
_NUMBER_TESTS = st.one_of(
    _PRESENCE,
    *(_test(op, _NUMBERS) for op in ("=", "!=", "<", "<=", ">", ">=")),
    *(_test(op, st.lists(_NUMBERS, min_size=1, max_size=3)) for op in ("in", "not_in")),
    _test("between", _ordered(_NUMBERS)),
)
_WINDOWS = st.sampled_from(["1h", "1d", "3d", "1w"])
_DATE_TESTS = st.one_of(
    _PRESENCE,
    _test("before", _DATES),
    _test("after", _DATES),
    _test("within", _WINDOWS),
    _test("between", st.just(["2026-11-20", "2026-11-24T12:30+02:00"])),
)
_DURATION_TESTS = st.one_of(
    _PRESENCE,
    *(_test(op, _WINDOWS) for op in ("<", "<=", ">", ">=")),
    _test("between", st.sampled_from([["1h", "1h"], ["1h", "3d"], ["1d", "1w"]])),
)
_TRUTH_TESTS = st.one_of(_PRESENCE, _test("=", st.booleans()), _test("!=", st.booleans()))
_OPEN_TESTS = st.one_of(
    _TEXT_TESTS, _NUMBER_TESTS, _DATE_TESTS, _TRUTH_TESTS, _test("contains", _NUMBERS), _test("contains", st.booleans())
)
_COUNTS = st.one_of(
    *(_test(op, st.integers(0, 2)) for op in ("=", "!=", "<", "<=", ">", ">=")),
    _test("between", st.sampled_from([[0, 1], [1, 2]])),
)


def _merge(head: dict[str, Any]) -> Any:
    return lambda test: {**head, **test}


def _fields(names: tuple[str, ...], tests: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.sampled_from(names).flatmap(lambda name: tests.map(_merge({"field": name})))


_EMAIL_TESTS = st.one_of(_PRESENCE, _test("=", st.just("A@B.example")), _test("contains", st.just("É")))
_PLAN_TESTS = st.one_of(_PRESENCE, _test("!=", st.just("pro")), _test("in", st.just(["basic"])))
_ROLE_TESTS = st.one_of(_PRESENCE, _test("=", st.just("OWNER")), _test("!=", st.just("OWNER")))
_KEYS = ("x", "x", "y", "x.deep", "x.0", "x.deep.er")


@st.composite
def _usages(draw: st.DrawFn, per: str = "") -> dict[str, Any]:
    node: dict[str, Any] = {
        "usage": draw(st.sampled_from(METERS)),
        "agg": draw(st.sampled_from(["sum", "avg", "min", "max", "last"])),
    }
    if per:
        node["per"] = per
    if node["agg"] != "last" or per == "previous" or draw(st.booleans()):
        node["window"] = draw(st.sampled_from(["1d", "2d", "3d", "1w"]))
    ratios = st.sampled_from([0.8, 1, 0.1, 2.666666, 4, 8, -3])
    return {**node, **draw(_NUMBER_TESTS | _test(">=", ratios) | _test("<", ratios) | _test("=", ratios))}


@st.composite
def _events(draw: st.DrawFn) -> dict[str, Any]:
    node: dict[str, Any] = {"event": draw(st.sampled_from(["tried", "tried", "Tried", "never"]))}
    if draw(st.booleans()):
        tests = draw(st.lists(_OPEN_TESTS, max_size=2))
        node["where"] = [{"property": draw(st.sampled_from(_KEYS)), **test} for test in tests]
    return _counted(draw, node)


@st.composite
def _engagements(draw: st.DrawFn) -> dict[str, Any]:
    node: dict[str, Any] = {"engagement": draw(st.sampled_from([*FACTS, "replied", "converted"]))}
    if draw(st.booleans()):
        node["campaign"] = draw(st.sampled_from(["seats", "other"]))
        if draw(st.booleans()):
            node["step"] = "mail-1"
    if draw(st.booleans()):
        node["channel"] = "email"
    return _counted(draw, node)


def _counted(draw: st.DrawFn, node: dict[str, Any]) -> dict[str, Any]:
    if draw(st.booleans()):
        node["window"] = draw(_WINDOWS)
    if draw(st.booleans()):
        node["count"] = draw(_COUNTS)
    return node


def _subscription_tests(names: tuple[str, ...], tests: st.SearchStrategy[dict[str, Any]]) -> Any:
    return st.sampled_from(names).flatmap(lambda name: tests.map(_merge({"subscription": name})))


FAMILIES = {
    "text": _fields(("account.name", "account.country", "contact.first_name", "contact.timezone"), _TEXT_TESTS),
    "code": _fields(("account.country", "contact.locale"), _test("=", st.sampled_from(["IL", "he"]))),
    "plan": _fields(("account.plan",), _PLAN_TESTS),
    "email": _fields(("contact.email",), _EMAIL_TESTS),
    "created": _fields(("account.created_at", "contact.created_at"), _DATE_TESTS),
    "trait": _fields(tuple(f"{owner}.traits.{key}" for owner in ("account", "contact") for key in _KEYS), _OPEN_TESTS),
    "role": _fields(("membership.role",), _ROLE_TESTS),
    "usage": _usages(),
    "quota": _usages(per="quota"),
    "previous": _usages(per="previous"),
    "event": _events(),
    "engagement": _engagements(),
    "money": _subscription_tests(("mrr", "quantity"), _NUMBER_TESTS),
    "duration": _subscription_tests(("age", "renewal_in", "trial_ends_in"), _DURATION_TESTS),
    "cancelling": _subscription_tests(("cancel_scheduled",), _TRUTH_TESTS),
    "status": _subscription_tests(("status", "interval"), _test("in", st.just(["ACTIVE", "YEAR"]))),
    "score": st.sampled_from(["health", "churn"]).flatmap(lambda name: _NUMBER_TESTS.map(_merge({"score": name}))),
    "crossing": st.fixed_dictionaries(
        {"crossing": st.sampled_from(METERS), "level": st.sampled_from([80, 95]), "window": _WINDOWS}
    ),
    "consent": st.fixed_dictionaries(
        {
            "consent": st.sampled_from(["email", "sms"]),
            "topic": st.sampled_from(["offers", "news"]),
            "is": st.sampled_from(["granted", "withdrawn", "unknown"]),
        }
    ),
    "bucket": st.fixed_dictionaries(
        {"bucket": st.sampled_from(["q4", "é"]), "percent": st.sampled_from([[0, 50], [33.3, 66.7], [50, 100]])}
    ),
}
_SUBJECTS = st.sampled_from(["account", "contact"])


def one_of_each() -> st.SearchStrategy[list[dict[str, Any]]]:
    """A definition that is a single condition, of every family."""
    nodes = st.tuples(*(st.tuples(_SUBJECTS, family) for family in FAMILIES.values()))
    return nodes.map(lambda drawn: [{"subject": subject, **node} for subject, node in drawn])


def definitions(*, segments: tuple[str, ...] = ("base", "upper")) -> st.SearchStrategy[dict[str, Any]]:
    conditions = st.one_of(*FAMILIES.values())
    if segments:
        conditions |= st.sampled_from(segments).map(lambda slug: {"segment": slug})
    nodes = st.recursive(
        conditions,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3).map(lambda children: {"all": children}),
            st.lists(inner, max_size=3).map(lambda children: {"any": children}),
            inner.map(lambda child: {"not": child}),
            inner.map(lambda child: {"any_contact": child}),
            inner.map(lambda child: {"any_account": child}),
        ),
        max_leaves=5,
    )
    return st.tuples(nodes, _SUBJECTS).map(lambda pair: {"subject": pair[1], **pair[0]})


class Stored:
    """A world in the database, and the way from primary keys back to its indexes."""

    def __init__(self, world: World, template_version_id: int, gate_id: int) -> None:
        merged = {"added_at": NOW}
        self.accounts = Account.objects.bulk_create(
            Account(**_columns(row), **merged, erased_at=NOW if row["gone"] else None) for row in world.accounts
        )
        self.contacts = Contact.objects.bulk_create(
            Contact(**_columns(row), **merged, erased_at=NOW if row["gone"] else None) for row in world.contacts
        )
        accounts = [one.pk for one in self.accounts]
        contacts = [one.pk for one in self.contacts]
        plans = {plan.code: plan for plan in Plan.objects.all()}
        meters = {meter.code: meter for meter in Meter.objects.all()}
        Membership.objects.bulk_create(
            Membership(account_id=accounts[a], contact_id=contacts[c], role=role) for a, c, role in world.members
        )
        Quota.objects.bulk_create(
            Quota(plan=plans[plan], meter=meter, limit=limit) for (plan, meter), limit in world.quotas.items()
        )
        Subscription.objects.bulk_create(
            Subscription(
                **{key: value for key, value in row.items() if key not in ("account", "plan")},
                account_id=accounts[row["account"]],
                plan=plans[row["plan"]],
                currency="USD",
                as_of=NOW,
            )
            for row in world.subscriptions
        )
        UsageDaily.objects.bulk_create(
            UsageDaily(account_id=accounts[a], meter=meters[meter], day=day, value=value, last_at=NOW)
            for (a, meter, day), value in world.daily.items()
        )
        UsageEvent.objects.bulk_create(
            UsageEvent(
                at=row["at"],
                account_id=None if row["account"] is None else accounts[row["account"]],
                contact_id=None if row["contact"] is None else contacts[row["contact"]],
                name=row["name"],
                properties=row["properties"],
                source="test",
                message_id=str(index),
                received_at=NOW,
            )
            for index, row in enumerate(world.events)
        )
        ThresholdCrossing.objects.bulk_create(
            ThresholdCrossing(
                account_id=accounts[row["account"]],
                meter=meters[row["meter"]],
                level=row["level"],
                period_start=NOW.date(),
                at=row["at"],
                contradicted_at=row["contradicted_at"],
            )
            for row in world.crossings
        )
        Score.objects.bulk_create(
            Score(account_id=accounts[row["account"]], kind=row["kind"], value=row["value"], at=row["at"])
            for row in world.scores
        )
        self._store_contacts_side(world, template_version_id, gate_id, accounts, contacts)

    def _store_contacts_side(
        self, world: World, template_version_id: int, gate_id: int, accounts: list[int], contacts: list[int]
    ) -> None:
        points = ContactPoint.objects.bulk_create(
            ContactPoint(channel="email", address_hash=str(pk).encode(), contact_id=pk) for pk in contacts
        )
        ConsentRecord.objects.bulk_create(
            ConsentRecord(
                point=points[row["contact"]],
                contact_id=contacts[row["contact"]],
                channel=row["channel"],
                topic=row["topic"],
                state=row["state"],
                source="test",
                at=row["at"],
                recorded_at=NOW,
            )
            for row in world.consents
        )
        names = {"sent": "accepted_at"}
        Message.objects.bulk_create(
            Message(
                gate_id=gate_id,
                contact_id=contacts[row["contact"]],
                account_id=None if row["account"] is None else accounts[row["account"]],
                point=points[row["contact"]],
                template_version_id=template_version_id,
                channel=row["channel"],
                locale="en",
                purpose=row["purpose"],
                origin_campaign=row["campaign"],
                origin_step=row["step"],
                dedupe_key=f"m{index}",
                planned_at=NOW,
                due_at=NOW,
                **{names.get(fact, f"{fact}_at"): at for fact, at in row["facts"].items()},
            )
            for index, row in enumerate(world.messages)
        )


def _columns(row: dict[str, Any]) -> dict[str, Any]:
    columns = {key: value for key, value in row.items() if key != "gone"}
    if "timezone" in columns:
        columns["time_zone"] = columns.pop("timezone")
    return columns
