from __future__ import annotations

from typing import Any

import pytest

from campaigns.segments import parse, words
from tests.campaigns.segments.test_grammar import PRINTED_IN_THE_INTERFACE

NAMES = words.Names(
    plans={"basic": "Basic", "pro": "Pro"},
    meters={"seats_used": "Seats used"},
    segments={"healthy": "Healthy accounts"},
)


def _say(document: dict[str, Any]) -> str:
    return words.sentence(parse.read_definition(document).root, names=NAMES)


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({"field": "account.plan", "op": "in", "value": ["basic", "pro"]}, "Plan is one of Basic, Pro"),
        ({"field": "account.country", "op": "!=", "value": "IL"}, "Country is not Israel"),
        (
            {"field": "contact.traits.team_size", "op": "between", "value": [5, 20]},
            "Contact’s team size is between 5 and 20",
        ),
        ({"field": "account.created_at", "op": "within", "value": "30d"}, "Account created is within the last 30 days"),
        ({"field": "account.traits.vat_id", "op": "is_not_set"}, "vat id is not known"),
        (
            {"usage": "seats_used", "agg": "last", "per": "quota", "op": ">=", "value": 0.8},
            "Seats used is at least 80 % of the quota",
        ),
        (
            {"usage": "seats_used", "agg": "avg", "window": "28d", "per": "previous", "op": ">=", "value": 1.3},
            "Seats used on average over 28 days grew by at least 30 % against the days before",
        ),
        (
            {"usage": "seats_used", "agg": "sum", "window": "4w", "op": "<", "value": 1000},
            "Seats used in total over 28 days is less than 1,000",
        ),
        (
            {
                "event": "premium_feature_attempted",
                "window": "14d",
                "where": [{"property": "feature", "op": "=", "value": "sso"}],
                "count": {"op": ">=", "value": 3},
            },
            "Premium feature attempted where feature is sso: at least 3 times in the last 14 days",
        ),
        ({"event": "logged_in", "count": {"op": "=", "value": 0}}, "Logged in: never"),
        (
            {"crossing": "seats_used", "level": 80, "window": "1w"},
            "Seats used passed 80 % of the quota in the last 1 week",
        ),
        ({"subscription": "renewal_in", "op": "<=", "value": "45d"}, "Time until renewal is at most 45 days"),
        ({"subscription": "plan", "op": "=", "value": "pro"}, "Plan is Pro"),
        ({"subscription": "interval", "op": "=", "value": "YEAR"}, "Billing interval is yearly"),
        ({"field": "membership.role", "op": "in", "value": ["OWNER", "BILLING"]}, "Role is one of owner, billing"),
        ({"score": "health", "op": ">=", "value": 0.4}, "Health score is at least 0.4"),
        (
            {"engagement": "clicked", "campaign": "seats-80", "step": "mail-1"},
            "Message clicked (seats-80, mail-1): at least once",
        ),
        ({"consent": "email", "topic": "offers", "is": "granted"}, "Consent for offers by email is granted"),
        ({"segment": "healthy"}, "In the segment Healthy accounts"),
        ({"bucket": "q4", "percent": [0, 33.3]}, "In the random share 0–33.3 % of q4"),
        ({"all": []}, "Everyone"),
        ({"any": []}, "Nobody"),
        (
            {"all": [{"segment": "a"}, {"any": [{"segment": "b"}, {"segment": "c"}]}]},
            "In the segment a and (In the segment b or In the segment c)",
        ),
        ({"not": {"segment": "healthy"}}, "Not: In the segment Healthy accounts"),
        (
            {"any_contact": {"field": "contact.locale", "op": "=", "value": "he"}},
            "One and the same contact: Contact’s language is Hebrew",
        ),
        (
            {"all": [{"segment": "a"}, {"not": {"any": [{"segment": "b"}, {"segment": "c"}]}}]},
            "In the segment a and (None of these: In the segment b or In the segment c)",
        ),
        (
            {"not": {"all": [{"segment": "b"}, {"segment": "c"}]}},
            "Not all of these: In the segment b and In the segment c",
        ),
        (
            {"any": [{"any_contact": {"all": [{"segment": "b"}, {"segment": "c"}]}}, {"segment": "a"}]},
            "(One and the same contact: In the segment b and In the segment c) or In the segment a",
        ),
        ({"not": {"any_contact": {"segment": "b"}}}, "No contact at all: In the segment b"),
        ({"not": {"any_account": {"segment": "b"}}}, "No account at all: In the segment b"),
    ],
)
def test_a_condition_reads_as_a_plain_sentence(document: dict[str, Any], sentence: str) -> None:
    assert _say(document) == sentence


@pytest.mark.parametrize("document", PRINTED_IN_THE_INTERFACE, ids=lambda document: next(iter(document)))
def test_every_condition_has_words(document: dict[str, Any]) -> None:
    assert _say(document)
