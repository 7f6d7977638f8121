from __future__ import annotations

import copy
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.segments import nodes, parse
from campaigns.segments.errors import DefinitionError

PRINTED_IN_THE_INTERFACE = [
    {"all": []},
    {"any": [{"field": "account.plan", "op": "in", "value": ["basic", "pro"]}]},
    {"not": {"field": "account.traits.address.city", "op": "is_set"}},
    {"any_contact": {"field": "contact.locale", "op": "=", "value": "he"}},
    {"any_account": {"field": "account.country", "op": "=", "value": "IL"}},
    {"usage": "api_calls", "agg": "sum", "window": "30d", "op": ">=", "value": 1000},
    {"usage": "seats_used", "agg": "last", "per": "quota", "op": ">=", "value": 0.8},
    {"usage": "active_users", "agg": "avg", "window": "28d", "per": "previous", "op": ">=", "value": 1.3},
    {
        "event": "premium_feature_attempted",
        "window": "14d",
        "where": [{"property": "feature", "op": "=", "value": "sso"}],
        "count": {"op": ">=", "value": 3},
    },
    {"crossing": "seats_used", "level": 80, "window": "7d"},
    {"subscription": "renewal_in", "op": "<=", "value": "45d"},
    {"score": "propensity", "op": ">=", "value": 0.4},
    {
        "engagement": "clicked",
        "campaign": "seats-80",
        "step": "mail-1",
        "channel": "email",
        "window": "30d",
        "count": {"op": ">=", "value": 1},
    },
    {"consent": "email", "topic": "offers", "is": "granted"},
    {"segment": "healthy-accounts"},
    {"bucket": "2026-q4", "percent": [0, 50]},
]


@pytest.mark.parametrize("document", PRINTED_IN_THE_INTERFACE, ids=lambda document: next(iter(document)))
def test_every_printed_example_is_read(document: dict[str, Any]) -> None:
    definition = parse.read_definition(json.dumps(document))
    assert definition.subject == "account"


@pytest.mark.parametrize("document", PRINTED_IN_THE_INTERFACE, ids=lambda document: next(iter(document)))
def test_text_and_parsed_documents_mean_the_same(document: dict[str, Any]) -> None:
    assert parse.read_definition(document) == parse.read_definition(json.dumps(document))


@pytest.mark.parametrize("document", PRINTED_IN_THE_INTERFACE, ids=lambda document: next(iter(document)))
def test_an_unknown_key_is_an_error_at_its_own_path(document: dict[str, Any]) -> None:
    with pytest.raises(DefinitionError) as caught:
        parse.read_definition({"all": [{"all": []}, {**document, "colour": 1}]})
    assert caught.value.path == "all[1].colour"


CONDITION = {"field": "account.name", "op": "=", "value": "x"}


def _field(op: str, value: Any, field: str = "account.traits.x") -> dict[str, Any]:
    return {"field": field, "op": op, "value": value}


WRONG = [
    ("a list", [], ""),
    ("a number", 3, ""),
    ("no head", {}, ""),
    ("no head but a subject", {"subject": "account"}, "subject"),
    ("two heads", {"all": [], "any": []}, ""),
    ("two heads below", {"all": [{"field": "account.name", "segment": "x"}]}, "all[0]"),
    ("an unknown head", {"every": []}, ""),
    ("a wrong subject", {"subject": "person", "all": []}, "subject"),
    ("a subject below the root", {"all": [{"subject": "contact", **CONDITION}]}, "all[0].subject"),
    ("children that are no list", {"all": {}}, "all"),
    ("not of a list", {"not": []}, "not"),
    ("a child that is no object", {"any": ["x"]}, "any[0]"),
    ("an unknown field", _field("=", "x", "account.colour"), "field"),
    ("a field without owner", _field("=", "x", "name"), "field"),
    ("an empty trait", _field("=", "x", "account.traits."), "field"),
    ("an empty key in a trait", _field("=", "x", "account.traits.a..b"), "field"),
    ("a trait of memberships", _field("=", "x", "membership.traits.a"), "field"),
    ("no operator", {"field": "account.name", "value": "x"}, "op"),
    ("no value", {"field": "account.name", "op": "="}, "value"),
    ("an operator of another type", _field("<", 3, "account.name"), "op"),
    ("an operator that is no text", _field(3, 3), "op"),  # type: ignore[arg-type]
    ("text against a number field", {"score": "health", "op": "=", "value": "1"}, "value"),
    ("a number against a text field", _field("=", 3, "account.name"), "value"),
    ("a boolean as number", {"score": "health", "op": "=", "value": True}, "value"),
    ("a value of null", _field("=", None), "value"),
    ("an empty text", _field("=", ""), "value"),
    ("an empty list", _field("in", []), "value"),
    ("a list against =", _field("=", ["x"]), "value"),
    ("an object", _field("=", {"a": 1}), "value"),
    ("in with one text", _field("in", "x"), "value"),
    ("in of two types", _field("in", ["x", 1]), "value[1]"),
    ("in of booleans", _field("in", [True]), "value[0]"),
    ("a value where none belongs", _field("is_set", 1), "value"),
    ("between with one end", _field("between", [1]), "value"),
    ("between with high first", _field("between", [2, 1]), "value"),
    ("between of two types", _field("between", ["2026-01-01", 1]), "value[1]"),
    ("between of texts that are no dates", _field("between", ["a", "b"]), "value[0]"),
    ("dates with the later first", _field("between", ["2026-03-01T10:00", "2026-03-01T10:00+02:00"]), "value"),
    ("durations with the longer first", {"subscription": "age", "op": "between", "value": ["2w", "13d"]}, "value"),
    ("a date that is none", _field("before", "2026-02-30"), "value"),
    ("a date in other words", _field("before", "1 March 2026"), "value"),
    ("a date with a space", _field("before", "2026-03-01 10:00"), "value"),
    ("a date as number", _field("after", 20260301), "value"),
    ("a duration without unit", _field("within", "30"), "value"),
    ("a duration of none", _field("within", "0d"), "value"),
    ("a duration of months", _field("within", "3m"), "value"),
    ("half a duration", _field("within", "1.5d"), "value"),
    ("a number beyond 1e15", _field(">", 1e16), "value"),
    ("a number that is none", _field(">", float("nan")), "value"),
    ("text over a thousand characters", _field("=", "x" * 1001), "value"),
    ("a list over a thousand", _field("in", ["x"] * 1001), "value"),
    ("a NUL", _field("=", "a\x00b"), "value"),
    ("half a surrogate pair", _field("=", "\ud800"), "value"),
    ("usage without aggregate", {"usage": "m", "window": "3d", "op": "=", "value": 1}, "agg"),
    ("usage with a wrong aggregate", {"usage": "m", "agg": "median", "op": "=", "value": 1}, "agg"),
    ("a sum without window", {"usage": "m", "agg": "sum", "op": "=", "value": 1}, "window"),
    ("usage by the hour", {"usage": "m", "agg": "sum", "window": "3h", "op": "=", "value": 1}, "window"),
    ("usage per what", {"usage": "m", "agg": "last", "per": "seat", "op": "=", "value": 1}, "per"),
    ("the last per previous", {"usage": "m", "agg": "last", "per": "previous", "op": "=", "value": 1}, "window"),
    ("a window beyond what is kept", {"usage": "m", "agg": "sum", "window": "9999d", "op": "=", "value": 1}, "window"),
    ("an event's window beyond what is kept", {"event": "e", "window": "9999d"}, "window"),
    ("an event without name", {"event": ""}, "event"),
    ("where as an object", {"event": "e", "where": {}}, "where"),
    ("where without property", {"event": "e", "where": [{"op": "=", "value": 1}]}, "where[0].property"),
    ("where with more", {"event": "e", "where": [{"property": "p", "op": "is_set", "x": 1}]}, "where[0].x"),
    ("a count of another kind", {"event": "e", "count": 3}, "count"),
    ("a count with in", {"event": "e", "count": {"op": "in", "value": [1]}}, "count.op"),
    ("half a count", {"event": "e", "count": {"op": "=", "value": 1.5}}, "count.value"),
    ("a count with more", {"event": "e", "count": {"op": "=", "value": 1, "x": 1}}, "count.x"),
    ("a crossing without window", {"crossing": "m", "level": 80}, "window"),
    ("a crossing of no level", {"crossing": "m", "level": 81, "window": "7d"}, "level"),
    ("a subscription's colour", {"subscription": "colour", "op": "is_set"}, "subscription"),
    ("an equal duration", {"subscription": "age", "op": "=", "value": "3d"}, "op"),
    ("a score of luck", {"score": "luck", "op": "is_set"}, "score"),
    ("engagement of another kind", {"engagement": "seen"}, "engagement"),
    ("a step without campaign", {"engagement": "clicked", "step": "mail-1"}, "step"),
    ("consent by post", {"consent": "post", "topic": "offers", "is": "granted"}, "consent"),
    ("consent without topic", {"consent": "email", "is": "granted"}, "topic"),
    ("consent in another state", {"consent": "email", "topic": "offers", "is": "yes"}, "is"),
    ("a bucket upside down", {"bucket": "b", "percent": [50, 0]}, "percent"),
    ("a bucket of nothing", {"bucket": "b", "percent": [50, 50]}, "percent"),
    ("a bucket beyond", {"bucket": "b", "percent": [0, 101]}, "percent"),
    ("a bucket in words", {"bucket": "b", "percent": ["0", 1]}, "percent[0]"),
]


@pytest.mark.parametrize(("document", "path"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_what_is_wrong_is_told_with_its_path(document: Any, path: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        parse.read_definition(document)
    assert caught.value.path == path


def test_the_message_about_a_long_window_names_the_limit() -> None:
    with pytest.raises(DefinitionError, match="761d"):
        parse.read_definition({"event": "e", "window": "762d"})


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('{"all": [], "all": []}', "all"),
        ('{"all": [{"field": "account.name", "op": "=", "op": "=", "value": "x"}]}', "all[0].op"),
        ('{"event": "e", "count": {"op": "=", "value": 1, "value": 1}}', "count.value"),
        ('{"event": "e", "where": [{"property": "a", "property": "b", "op": "is_set"}]}', "where[0].property"),
    ],
)
def test_a_repeated_key_is_an_error(text: str, path: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        parse.read_definition(text)
    assert caught.value.path == path


@pytest.mark.parametrize(
    "text", ["", "{", "{'all': []}", '{"all": []} x', '{"score": "health", "op": "=", "value": NaN}']
)
def test_text_that_is_no_json_is_an_error_at_the_root(text: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        parse.read_definition(text)
    assert caught.value.path == ""


def test_bytes_that_are_no_utf_8_are_an_error() -> None:
    with pytest.raises(DefinitionError):
        parse.read_definition(b'{"segment": "\xff"}')


def test_absurd_nesting_is_an_error_and_no_crash() -> None:
    with pytest.raises(DefinitionError):
        parse.read_definition('{"not":' * 200_000)


def _nested(depth: int) -> dict[str, Any]:
    document: dict[str, Any] = copy.deepcopy(CONDITION)
    for _ in range(depth):
        document = {"not": document}
    return document


def test_ten_groups_deep_is_read_and_eleven_is_an_error() -> None:
    parse.read_definition(_nested(10))
    with pytest.raises(DefinitionError, match="10 deep"):
        parse.read_definition(_nested(11))


def test_two_hundred_conditions_are_read_and_one_more_is_an_error() -> None:
    parse.read_definition({"all": [CONDITION] * 200})
    with pytest.raises(DefinitionError) as caught:
        parse.read_definition({"all": [CONDITION] * 201})
    assert caught.value.path == "all[200]"


def test_the_longest_text_and_list_are_read() -> None:
    text = parse.read_definition(_field("=", "x" * 1000)).root
    listed = parse.read_definition(_field("in", ["x"] * 1000)).root
    assert isinstance(text, nodes.Field) and isinstance(listed, nodes.Field)
    assert (text.comparison.values, len(listed.comparison.values)) == ((nodes.Text("x" * 1000),), 1000)


@pytest.mark.parametrize(
    "date",
    [
        "2026-03-01",
        "2026-03-01T10:00",
        "2026-03-01T10:00:00",
        "2026-03-01T10:00:00.000",
        "2026-03-01T10:00Z",
        "2026-03-01T10:00+02:00",
        "2026-03-01T10:00:00.123456-05:30",
        "2024-02-29",
    ],
)
def test_a_date_may_be_written_in_these_ways(date: str) -> None:
    definition = parse.read_definition(_field("before", date, "account.created_at"))
    assert isinstance(definition.root, nodes.Field)


def test_numbers_stay_exact() -> None:
    definition = parse.read_definition('{"score": "health", "op": "=", "value": 0.12345678901234567891}')
    assert isinstance(definition.root, nodes.ScoreTest)
    assert definition.root.comparison.values == (nodes.Number(Decimal("0.12345678901234567891")),)


def test_in_a_branch_a_step_needs_no_campaign() -> None:
    definition = parse.read_definition({"engagement": "clicked", "step": "mail-1"}, in_branch=True)
    assert isinstance(definition.root, nodes.Engagement)
    assert definition.root.campaign is None


def test_email_and_phone_are_spelt_as_they_are_stored() -> None:
    email = parse.read_definition(_field("in", ["Noa@Example.COM"], "contact.email")).root
    phone = parse.read_definition(_field("=", "+40 721 234 567", "contact.phone")).root
    assert isinstance(email, nodes.Field)
    assert isinstance(phone, nodes.Field)
    assert email.comparison.values == (nodes.Text("noa@example.com"),)
    assert phone.comparison.values == (nodes.Text("+40721234567"),)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["all", "any", "not", "field", "op", "value", "usage", "agg", "window", "event", "where", "count"]
            )
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(_JSON)
def test_any_document_at_all_is_read_or_refused_with_a_reason(document: Any) -> None:
    try:
        definition = parse.read_definition(document)
    except DefinitionError as error:
        assert error.message
    else:
        assert isinstance(definition, nodes.Definition)
