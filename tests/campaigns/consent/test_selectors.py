from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import connection

from campaigns.consent import opt_out, selectors, topics
from campaigns.consent.models import ConsentTopic, ContactPoint
from tests.factories.consent import ConsentTopicFactory, ContactPointFactory
from tests.factories.profiles import ContactFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)

CASES = [
    ({"topics": {"offers": "GRANTED"}}, "GRANTED"),
    ({"topics": {"offers": "WITHDRAWN"}}, "OPTED_OUT"),
    ({"topics": {}}, "NO_CONSENT"),
    ({"topics": {}, "channel": "in_app"}, "GRANTED"),
    ({"topics": {"offers": "WITHDRAWN"}, "channel": "in_app"}, "OPTED_OUT"),
    ({"topics": {"offers": "GRANTED"}, "is_blocked": True, "reason": "UNSUBSCRIBED"}, "OPTED_OUT"),
    ({"topics": {"offers": "GRANTED"}, "is_blocked": True, "reason": "BOUNCED"}, "OPTED_OUT"),
]


@pytest.mark.parametrize(("columns", "answer"), CASES)
def test_marketing_needs_a_yes_and_heeds_every_no(columns, answer):
    point = ContactPointFactory(**columns)

    assert selectors.permission(point=point, topic=ConsentTopicFactory()) == answer


@pytest.mark.parametrize(("columns", "answer"), CASES)
@pytest.mark.parametrize("is_marketing", [True, False])
def test_the_rule_in_sql_says_the_same(columns, answer, is_marketing):
    point, topic = ContactPointFactory(**columns), ConsentTopicFactory()
    topic.is_marketing = is_marketing

    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {selectors.permitted_sql(point='p')} FROM consent_contactpoint p WHERE id = %(id)s",
            {**selectors.permitted_params(topic=topic), "id": point.pk},
        )
        permitted = cursor.fetchone()[0]

    assert permitted == (selectors.permission(point=point, topic=topic) == selectors.GRANTED)


@pytest.mark.parametrize(("columns", "answer"), CASES)
@pytest.mark.parametrize("is_marketing", [True, False])
@pytest.mark.parametrize("is_known", [True, False])
def test_the_rule_with_the_topic_read_beside_the_point_says_the_same(columns, answer, is_marketing, is_known):
    point = ContactPointFactory(**columns)
    topic: ConsentTopic = ConsentTopicFactory(is_marketing=is_marketing)
    if not is_known:
        topic = ConsentTopic(slug=topic.slug, is_marketing=is_marketing)
        ConsentTopic.objects.all().delete()
    columns_sql = {"slug": "asked.slug", "is_marketing": "asked.is_marketing"}
    rule = selectors.permitted_by_columns_sql(point="p", topic="t", **columns_sql)

    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {rule} FROM consent_contactpoint p CROSS JOIN (SELECT %s AS slug, %s AS is_marketing) AS asked"
            " LEFT JOIN consent_consenttopic t ON t.slug = asked.slug WHERE p.id = %s",
            [topic.slug, is_marketing, point.pk],
        )
        permitted = cursor.fetchone()[0]

    assert permitted == (selectors.permission(point=point, topic=topic) == selectors.GRANTED)


@pytest.mark.parametrize(("reason", "answer"), [("UNSUBSCRIBED", "GRANTED"), ("BOUNCED", "OPTED_OUT")])
def test_a_receipt_stops_for_a_dead_address_only(reason, answer):
    point = ContactPointFactory(is_blocked=True, reason=reason)

    assert selectors.permission(point=point, topic=ConsentTopic(slug="billing", is_marketing=False)) == answer


def test_reachable_are_those_with_an_address_and_a_yes():
    ConsentTopicFactory()
    yes, no, silent, homeless = ContactFactory(), ContactFactory(), ContactFactory(), ContactFactory(email="")
    ContactPointFactory(contact=yes)
    opt_out.opt_out(point_id=ContactPointFactory(contact=no).pk, source="test", at=NOW, now=NOW)
    ids = [yes.pk, no.pk, silent.pk, homeless.pk]

    assert selectors.reachable_contacts(contact_ids=ids, channel="email", topic="offers") == {yes.pk}
    assert selectors.reachable_contacts(contact_ids=ids, channel="in_app", topic="offers") == set(ids)


def test_an_address_is_judged_by_its_own_row_not_by_its_owner():
    ConsentTopicFactory()
    first, second = ContactFactory(email="desk@customer.example"), ContactFactory(email="desk@customer.example")
    ContactPointFactory(contact=first)

    found = selectors.reachable_contacts(contact_ids=[second.pk], channel="email", topic="offers")

    assert found == {second.pk}


def test_topics_are_applied_and_exported_as_they_are_written():
    document = [
        {
            "slug": "offers",
            "name": "Offers",
            "is_marketing": True,
            "permitted_without_record": ["in_app"],
            "words": {"he": {"name": "הצעות"}},
        },
    ]

    topics.apply_topics(topics=document)
    topics.apply_topics(topics=document)

    assert topics.export_topics() == document
    assert ContactPoint.objects.count() == 0
