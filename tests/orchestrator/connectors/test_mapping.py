from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.connectors.mapping import (
    DEFAULT_HUBSPOT,
    TARGETS,
    MappedConsent,
    MappedRecord,
    MappingError,
    apply_mapping,
    read_mapping,
)

FILE = """
[columns]
"account_id" = "external_id"
"account_name" = "name"
"industry" = "traits.industry"
"seats" = "traits.seats"
"country" = "country"
[types]
"traits.seats" = "number"
[values.country]
"Israel" = "IL"
[defaults]
country = "RO"
[lookup]
external_id = {via = "subscription", column = "subscription_id"}
"""
CONTACT = DEFAULT_HUBSPOT["contact"]
EVIDENCE = {
    "email_consent_basis": "explicit",
    "email_consent_source": "signup form",
    "email_consent_at": "2026-01-02T03:04:05.000Z",
}


def one(noun: str, target: str, cell: str | None, **document: Any) -> MappedRecord:
    return apply_mapping(read_mapping({"columns": {"c": target}, **document}, noun=noun), {"c": cell})


def test_a_mapping_file_is_applied_as_it_reads():
    mapping = read_mapping(tomllib.loads(FILE), noun="accounts")
    row = {"account_id": "7", "account_name": "Acme", "industry": "", "seats": "12", "country": "Israel", "x": "?"}
    mapped = apply_mapping(mapping, row)
    assert mapped.fields == {"external_id": "7", "name": "Acme", "country": "IL"}
    assert mapped.traits == {"seats": 12}
    assert (mapped.consents, mapped.errors) == ([], [])


def test_a_default_fills_what_is_missing():
    mapping = read_mapping(tomllib.loads(FILE), noun="accounts")
    assert apply_mapping(mapping, {"account_id": "7"}).fields["country"] == "RO"


def test_a_mapping_knows_the_columns_it_reads():
    mapping = read_mapping(tomllib.loads(FILE), noun="accounts")
    assert mapping.source_columns() == ("account_id", "account_name", "industry", "seats", "country", "subscription_id")


@pytest.mark.parametrize("cell", ["", None])
def test_an_empty_cell_is_missing(cell):
    mapped = one("contacts", "first_name", cell)
    assert (mapped.fields, mapped.errors) == ({}, [])


@pytest.mark.parametrize(
    ("noun", "target", "cell", "value"),
    [
        ("contacts", "email", " Dana.Levi@Customer.EXAMPLE ", "dana.levi@customer.example"),
        ("contacts", "first_name", " Dana ", " Dana "),
        ("contacts", "locale", "pt_BR", "pt-BR"),
        ("contacts", "timezone", "asia_slash_jerusalem", "Asia/Jerusalem"),
        ("contacts", "timezone", "europe/bucharest", "Europe/Bucharest"),
        ("contacts", "phone", "+972 50-123-4567", "+972501234567"),
        ("contacts", "created_at", "2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("contacts", "created_at", "2026-03-01T10:00+02:00", datetime(2026, 3, 1, 8, tzinfo=UTC)),
        ("contacts", "created_at", "1770000000000", datetime(2026, 2, 2, 2, 40, tzinfo=UTC)),
        ("memberships", "role", "owner", "OWNER"),
        ("subscriptions", "mrr", "99.90", Decimal("99.90")),
        ("subscriptions", "cancel_scheduled", "Yes", True),
        ("subscriptions", "currency", "usd", "USD"),
        ("subscriptions", "status", "past_due", "PAST_DUE"),
        ("usage", "day", "2026-03-01", date(2026, 3, 1)),
    ],
)
def test_a_cell_becomes_the_fields_type(noun, target, cell, value):
    mapped = one(noun, target, cell)
    assert mapped.errors == []
    assert mapped.fields == {target: value}


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        ("text", "12", "12"),
        ("number", "12", 12),
        ("number", "12.5", 12.5),
        ("boolean", "false", False),
        ("date", "2026-03-01", "2026-03-01T00:00:00Z"),
        ("list", "sso; audit ;", ["sso", "audit"]),
        ("list", "sso,audit", ["sso", "audit"]),
        ("list", '["a;b", "c"]', ["a;b", "c"]),
    ],
)
def test_a_trait_becomes_a_json_value_of_the_chosen_type(kind, cell, value):
    mapped = one("accounts", "traits.x.y", cell, types={"traits.x.y": kind})
    assert mapped.traits == {"x.y": value}


@pytest.mark.parametrize(
    ("noun", "target", "cell"),
    [
        ("contacts", "email", "dana@nowhere"),
        ("contacts", "email", "dana levi@x.example"),
        ("contacts", "created_at", "yesterday"),
        ("contacts", "first_name", "Da\x00na"),
        ("memberships", "role", "chief"),
        ("subscriptions", "mrr", "NaN"),
        ("subscriptions", "mrr", "1e16"),
        ("subscriptions", "cancel_scheduled", "maybe"),
        ("subscriptions", "interval", "fortnight"),
    ],
)
def test_a_cell_that_cannot_be_read_rejects_the_row_and_is_not_repeated(noun, target, cell):
    mapped = one(noun, target, cell)
    assert mapped.fields == {}
    assert mapped.is_rejected
    assert [problem.target for problem in mapped.errors] == [target]
    assert cell not in mapped.errors[0].message


def test_a_phone_number_takes_the_records_country():
    mapping = read_mapping({"columns": {"p": "phone", "c": "country"}}, noun="contacts")
    assert apply_mapping(mapping, {"p": "050-123-4567", "c": "il"}).fields["phone"] == "+972501234567"
    assert apply_mapping(mapping, {"p": "0721 234 567", "c": "RO"}).fields["phone"] == "+40721234567"


@pytest.mark.parametrize("country", ["", "Israel"])
def test_a_phone_number_of_no_known_country_is_left_out_but_rejects_nothing(country):
    mapping = read_mapping({"columns": {"p": "phone", "c": "country", "n": "first_name"}}, noun="contacts")
    mapped = apply_mapping(mapping, {"p": "050-123-4567", "c": country, "n": "Dana"})
    assert "phone" not in mapped.fields
    assert mapped.fields["first_name"] == "Dana"
    assert [problem.rejects for problem in mapped.errors] == [False]


def test_hubspots_default_reads_a_consent_with_its_evidence():
    mapped = apply_mapping(
        CONTACT, {"email": "D@x.example", "email_consent": "granted", "account_role": "admin", **EVIDENCE}
    )
    assert mapped.fields == {"email": "d@x.example", "role": "ADMIN"}
    assert mapped.consents == [
        MappedConsent(
            "email", "offers", "GRANTED", "EXPLICIT", "signup form", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
        )
    ]


@pytest.mark.parametrize("missing", list(EVIDENCE))
def test_a_consent_without_all_its_evidence_is_not_taken_but_the_row_is(missing):
    row = {"email": "d@x.example", "email_consent": "granted", **EVIDENCE, missing: ""}
    mapped = apply_mapping(CONTACT, row)
    assert mapped.fields == {"email": "d@x.example"}
    assert mapped.consents == []
    assert [(problem.target, problem.rejects) for problem in mapped.errors] == [("consent.email.offers", False)]


@pytest.mark.parametrize(("column", "word"), [("email_consent", "maybe"), ("email_consent_basis", "because")])
def test_an_unknown_consent_word_rejects_the_row(column, word):
    assert apply_mapping(CONTACT, {"email_consent": "granted", **EVIDENCE, column: word}).is_rejected


def test_evidence_without_a_consent_is_nothing():
    mapped = apply_mapping(CONTACT, EVIDENCE)
    assert (mapped.fields, mapped.consents, mapped.errors) == ({}, [], [])


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({}, "columns"),
        ({"columns": {"a": "plan"}}, "columns.a"),
        ({"columns": {"a": "consent.email.offers"}}, "columns.a"),
        ({"columns": {"a": "traits."}}, "columns.a"),
        ({"columns": {"a": "name", "b": "name"}}, "columns.b"),
        ({"columns": {"a": 1}}, "columns.a"),
        ({"columns": ["a"]}, "columns"),
        ({"columns": {"a": "name"}, "colums": {}}, "colums"),
        ({"columns": {"a": "name"}, "types": {"traits.x": "money"}}, "types.traits.x"),
        ({"columns": {"a": "name"}, "types": {"name": "number"}}, "types.name"),
        ({"columns": {"a": "name"}, "values": {"name": "x"}}, "values.name"),
        ({"columns": {"a": "name"}, "values": {"plan": {}}}, "values.plan"),
        ({"columns": {"a": "name"}, "defaults": {"name": 1}}, "defaults.name"),
        ({"columns": {"a": "name"}, "lookup": {"name": {"via": "x"}}}, "lookup.name"),
    ],
)
def test_a_wrong_mapping_says_where(document, path):
    with pytest.raises(MappingError) as caught:
        read_mapping(document, noun="accounts")
    assert caught.value.path == path


METERS = {"seats_used": True, "api_calls": True, "logins": False}


def test_a_companys_number_can_be_a_meters_value_of_the_day():
    mapping = read_mapping({"columns": {"seats": "usage.seats_used"}}, noun="accounts", meters=METERS)
    assert apply_mapping(mapping, {"seats": "12.5"}).usage == {"seats_used": Decimal("12.5")}
    assert apply_mapping(mapping, {"seats": None}).usage == {}


def test_a_value_that_is_no_number_is_a_problem_and_the_rest_is_taken():
    columns = {"seats": "usage.seats_used", "name": "name"}
    mapped = apply_mapping(
        read_mapping({"columns": columns}, noun="accounts", meters=METERS), {"seats": "x", "name": "A"}
    )
    assert (mapped.usage, mapped.fields) == ({}, {"name": "A"})
    assert [(one.target, one.message) for one in mapped.errors] == [
        ("usage.seats_used", "must be a number such as 1234.5")
    ]


@pytest.mark.parametrize(
    ("document", "meters", "path", "words"),
    [
        ({"columns": {"a": "usage.x"}}, METERS, "columns.a", "there is no meter x; .* api_calls, seats_used"),
        ({"columns": {"a": "usage.logins"}}, METERS, "columns.a", "counted from events"),
        ({"columns": {"a": "usage.seats_used"}}, None, "columns.a", "from a CRM only"),
        ({"columns": {"a": "name"}, "defaults": {"usage.x": "1"}}, METERS, "defaults.usage.x", "no meter x"),
        ({"columns": {"a": "usage."}}, METERS, "columns.a", "no target"),
        (
            {"columns": {"a": "usage.seats_used"}, "types": {"usage.seats_used": "text"}},
            METERS,
            "types.usage.seats_used",
            "field has its own",
        ),
    ],
)
def test_a_meter_that_cannot_be_set_is_named(document, meters, path, words):
    with pytest.raises(MappingError, match=words) as caught:
        read_mapping(document, noun="accounts", meters=meters)
    assert caught.value.path == path


def test_only_accounts_have_meters():
    with pytest.raises(MappingError, match="no target of contacts"):
        read_mapping({"columns": {"a": "usage.seats_used"}}, noun="contacts", meters=METERS)


@pytest.mark.parametrize(
    ("given", "priority"), [("low", "LOW"), ("MEDIUM", "NORMAL"), ("High", "HIGH"), ("critical", "URGENT")]
)
def test_priorities_of_other_systems_are_read(given, priority):
    mapping = DEFAULT_HUBSPOT["ticket"]
    assert apply_mapping(mapping, {"hs_ticket_priority": given}).fields == {"priority": priority}


def test_every_consent_channel_can_be_mapped_with_any_topic():
    columns = {channel: f"consent.{channel}.product-news" for channel in ("email", "sms", "in_app")}
    mapping = read_mapping({"columns": columns}, noun="contacts")
    assert {column: str(target) for column, target in mapping.columns.items()} == columns


@given(st.sampled_from(sorted(TARGETS)), st.text(max_size=40), st.data())
def test_any_text_is_read_or_named_and_never_repeated(noun, cell, data):
    target = data.draw(st.sampled_from(sorted(TARGETS[noun])))
    mapped = one(noun, target, cell)
    assert len(mapped.fields) + len(mapped.errors) <= 1
    assert all(len(cell) < 8 or cell not in problem.message for problem in mapped.errors)
