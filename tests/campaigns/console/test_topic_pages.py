"""Where a yes must be confirmed (double opt-in), as a marketer sets it."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.urls import reverse

from campaigns.consent.models import ConsentTopic
from campaigns.operations.models import AuditEntry
from tests.campaigns.console.reading import words_of
from tests.factories.consent import ConsentRecordFactory, ConsentTopicFactory
from tests.factories.profiles import ContactFactory
from tests.factories.usage import NOW

pytestmark = pytest.mark.django_db
LIST, ONE = reverse("admin:studio-topics"), reverse("admin:studio-topic", args=["offers"])
UNDO = reverse("admin:studio-topic-undo", args=["offers"])


@pytest.fixture(autouse=True)
def offers():
    with time_machine.travel(NOW, tick=False):
        ContactFactory(country="RO")
        ConsentTopicFactory(slug="account", name="Your account", is_marketing=False)
        yield ConsentTopicFactory()


def stored():
    return ConsentTopic.objects.get(slug="offers").confirmed_in


def save(marketer, **told):
    return marketer.post(ONE, {"where": "some", "others": "", **told}, follow=True)


def test_a_marketer_says_where_and_takes_it_back(marketer):
    assert "Nowhere" in words_of(marketer.get(LIST))
    assert "Romania" in words_of(marketer.get(ONE))
    told = words_of(save(marketer, countries=["RO"], others="de, at"))
    assert stored() == ["AT", "DE", "RO"]
    assert "Austria, Germany, and Romania" in told
    assert "Undo" in told
    marketer.post(UNDO, {"do": "undo"})
    assert stored() == []


def test_who_said_no_lately_is_counted_by_channel_topic_and_way(marketer):
    assert "Nobody has said no in the last 30 days." in words_of(marketer.get(LIST))
    no = {"state": "WITHDRAWN", "basis": "", "at": NOW, "recorded_at": NOW}
    for source in ("one_click", "one_click", "unsubscribe_page"):
        ConsentRecordFactory(**no, topic="", source=source)
    ConsentRecordFactory(**no, topic="", source="sendgrid:bounce", evidence={"reason": "BOUNCED"})
    ConsentRecordFactory(**no | {"at": NOW - timedelta(days=31)}, topic="", source="one_click")
    told = words_of(marketer.get(LIST))
    assert "3 people said no to something in the last 30 days." in told
    assert "All offers and news 3 One click in their mail program : 2 Unsubscribe page : 1" in told


def test_everywhere_and_nowhere_need_no_country(marketer):
    save(marketer, where="everywhere", countries=["RO"])
    assert stored() == ["*"]
    assert "Everywhere" in words_of(marketer.get(LIST))
    save(marketer, where="nowhere")
    assert stored() == []


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"others": "DE, Germany"}, "“GERMANY” is no country’s code of two letters."),
        ({"others": "XQ"}, "“XQ” is no country’s code"),
        ({}, "Tick a country or write one, or choose Nowhere."),
        ({"where": ""}, "Fill this in."),
    ],
)
def test_what_is_no_country_is_refused_in_words(marketer, told, why):
    answer = save(marketer, **told)
    assert answer.status_code == 422
    assert why in words_of(answer)
    assert stored() == []


def test_who_changed_it_is_kept(marketer):
    save(marketer, countries=["RO"])
    entry = AuditEntry.objects.get(subject="topic:offers")
    assert (entry.actor, entry.before, entry.after) == ("maria", {"confirmed_in": []}, {"confirmed_in": ["RO"]})
    save(marketer, countries=["RO"])
    assert AuditEntry.objects.count() == 1


def test_what_was_changed_since_is_not_taken_back(marketer):
    save(marketer, countries=["RO"])
    ConsentTopic.objects.filter(slug="offers").update(confirmed_in=["IL"])
    assert "There is nothing to bring back." in words_of(marketer.post(UNDO, follow=True))
    assert stored() == ["IL"]


def test_a_change_in_another_window_is_not_overwritten_unseen(marketer):
    page = marketer.get(ONE).content.decode()
    was = page.partition('name="was" value="')[2].partition('"')[0]
    ConsentTopic.objects.filter(slug="offers").update(confirmed_in=["IL"])
    assert "changed in another window" in words_of(save(marketer, countries=["RO"], was=was))
    assert stored() == ["IL"]


def test_what_is_no_marketing_is_never_asked_for(marketer):
    assert "Never asked: this is no marketing" in words_of(marketer.get(LIST))
    assert marketer.get(reverse("admin:studio-topic", args=["account"])).status_code == 404


def test_who_may_only_look_changes_nothing(onlooker):
    assert ONE not in onlooker.get(LIST).content.decode()
    assert onlooker.post(ONE, {"where": "everywhere"}).status_code == 403
    assert onlooker.post(UNDO).status_code == 403
    assert stored() == []
