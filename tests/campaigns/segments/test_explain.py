from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from campaigns.segments import explain, preview
from tests.factories.billing import PlanFactory, QuotaFactory, SubscriptionFactory
from tests.factories.profiles import AccountFactory, MembershipFactory
from tests.factories.usage import NOW, MeterFactory, ThresholdCrossingFactory, UsageDailyFactory, UsageEventFactory

pytestmark = pytest.mark.django_db


def _why(document: dict[str, Any]) -> list[tuple[str, str]]:
    (one,) = explain.sample(document=document, now=NOW)
    return one.why


@pytest.fixture
def account() -> Any:
    """On Basic with 9 of 10 seats used, and 8 a week ago."""
    plan = PlanFactory(code="basic", name="Basic")
    QuotaFactory(plan=plan, meter="seats_used", limit=Decimal(10))
    account = AccountFactory(name="Galil Software", traits={"industry": "software"})
    SubscriptionFactory(account=account, plan=plan, renews_at=NOW + timedelta(days=5))
    UsageDailyFactory(account=account, meter=MeterFactory(name="Seats used"), value=9)
    UsageDailyFactory(account=account, value=6, day=NOW.date() - timedelta(days=1))
    return account


@pytest.mark.parametrize(
    ("condition", "sentence", "figures"),
    [
        (
            {"usage": "seats_used", "agg": "last", "per": "quota", "op": ">=", "value": 0.8},
            "Seats used is at least 80 % of the quota",
            "9 of 10 = 90 %",
        ),
        (
            {"usage": "seats_used", "agg": "last", "window": "1d", "per": "previous", "op": ">=", "value": 1.3},
            "Seats used (newest of 1 day) grew by at least 30 % against the days before",
            "6 → 9 = up 50 %",
        ),
        ({"field": "account.plan", "op": "in", "value": ["basic", "pro"]}, "Plan is one of Basic, pro", "Basic"),
        (
            {"field": "account.traits.industry", "op": "=", "value": "software"},
            "industry is software",
            "software",
        ),
        (
            {"subscription": "renewal_in", "op": "<=", "value": "45d"},
            "Time until renewal is at most 45 days",
            "5 days",
        ),
    ],
)
def test_each_reason_has_its_sentence_and_its_figures(
    account: Any, condition: dict[str, Any], sentence: str, figures: str
) -> None:
    assert _why(condition) == [(sentence, figures)]


def test_events_and_crossings_tell_their_figures(account: Any) -> None:
    UsageEventFactory.create_batch(3, account=account, name="tried_sso")
    ThresholdCrossingFactory(account=account, level=80)
    document = {
        "all": [{"event": "tried_sso", "window": "14d"}, {"crossing": "seats_used", "level": 80, "window": "7d"}]
    }
    assert _why(document) == [
        ("Tried sso: at least once in the last 14 days", "3 times"),
        ("Seats used passed 80 % of the quota in the last 7 days", "8 of 10 = 80 %"),
    ]


def test_only_the_lines_that_hold_are_reasons(account: Any) -> None:
    document = {
        "any": [
            {"field": "account.country", "op": "=", "value": "RO"},
            {"field": "account.country", "op": "=", "value": "IL"},
        ]
    }
    assert _why(document) == [("Country is Israel", "Israel")]


def test_before_its_figures_a_line_is_named_by_what_it_is_about(account: Any) -> None:
    seats = {"usage": "seats_used", "agg": "last", "per": "quota", "op": ">=", "value": 0.8}
    (one,) = explain.sample(document={"all": [seats, {"field": "account.plan", "op": "=", "value": "basic"}]}, now=NOW)
    assert one.about == ["Seats used", "Plan"]


def test_a_share_has_at_most_one_decimal(account: Any) -> None:
    QuotaFactory._meta.model.objects.update(limit=Decimal(11))
    seats = {"usage": "seats_used", "agg": "last", "per": "quota", "op": ">=", "value": 0.8}
    assert _why({"all": [seats]}) == [("Seats used is at least 80 % of the quota", "9 of 11 = 81.8 %")]


def test_a_sample_says_who_they_are_and_how_many_people_they_have(account: Any) -> None:
    MembershipFactory.create_batch(2, account=account)
    (one,) = preview.sample(document={"all": []}, now=NOW)
    assert (one.pk, one.external_id, one.name, one.contacts) == (account.pk, account.external_id, "Galil Software", 2)
    assert one.why == [("Everyone", "")]


def test_the_same_draw_gives_the_same_ones_and_another_gives_others() -> None:
    AccountFactory.create_batch(40)
    first = [one.pk for one in preview.sample(document={"all": []}, now=NOW, limit=5, draw="a")]
    assert [one.pk for one in preview.sample(document={"all": []}, now=NOW, limit=5, draw="a")] == first
    assert [one.pk for one in preview.sample(document={"all": []}, now=NOW, limit=5, draw="b")] != first


def test_contacts_are_told_by_their_own_names() -> None:
    member = MembershipFactory(contact__first_name="Noa", contact__last_name="Levi")
    (one,) = explain.explain(
        document={"subject": "contact", "field": "contact.first_name", "op": "=", "value": "Noa"},
        ids=[member.contact_id],
        now=NOW,
    )
    assert (one.name, one.contacts, one.why) == ("Noa Levi", 1, [("First name is Noa", "Noa")])
