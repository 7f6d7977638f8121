from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.urls import reverse

from campaigns.analytics import home
from campaigns.consent import hold
from campaigns.consent.models import ConsentRecord, ContactPoint, DoubtfulReply
from campaigns.console import reply_page
from campaigns.delivery import timeline
from campaigns.operations.models import AuditEntry
from tests.campaigns.console.reading import words_of
from tests.factories.consent import ConsentTopicFactory, ContactPointFactory
from tests.factories.delivery import NOW, MessageFactory
from tests.factories.profiles import MembershipFactory

pytestmark = pytest.mark.django_db
LIST = "/admin/studio/replies/"


@pytest.fixture(autouse=True)
def at_noon():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def point():
    return ContactPointFactory(contact__first_name="Dana", contact__last_name="Levi")


def doubt(point, text="I am fed up with this", *, days: int = 0) -> DoubtfulReply:
    at = NOW - timedelta(days=days)
    hold.hold(point_id=point.pk, message=None, text=text, rule="en.tired", source="twilio", at=at)
    return DoubtfulReply.objects.order_by("-pk")[0]


def decide(client, reply, answer):
    return client.post(reverse("admin:studio-reply-decide", args=[reply.pk]), {"answer": answer}, follow=True)


def test_what_somebody_wrote_waits_on_the_page_and_on_home(marketer, point):
    doubt(point)
    page = words_of(marketer.get(LIST))
    assert "I am fed up with this" in page
    assert "Dana Levi" in page
    assert "1 reply may be a no" in words_of(marketer.get("/admin/studio/"))
    assert LIST in [need.url for need in home.find_needs(now=NOW)]


def test_a_reply_names_its_account_and_the_message_that_it_answers(point):
    account = MembershipFactory(contact=point.contact, account__name="Galil Software").account
    sent = MessageFactory(contact=point.contact, account=account)
    hold.hold(point_id=point.pk, message=sent.uuid, text="Who is this?", rule="en.who", source="twilio", at=NOW)
    doubt(point, "And you?")

    answered, other = reply_page.make_rows(replies=list(DoubtfulReply.objects.order_by("pk")))

    assert (answered.accounts, other.accounts) == ([account], [account])
    assert (answered.answered, other.answered) == (timeline.headlines(messages=[sent])[sent.pk], "")


def test_nothing_waits(marketer):
    assert "No reply waits for you" in words_of(marketer.get(LIST))
    assert LIST not in [need.url for need in home.find_needs(now=NOW)]


def test_who_waits_longest_comes_first(marketer, point):
    doubt(point, "second")
    doubt(point, "first", days=3)
    assert [row.reply.text for row in marketer.get(LIST).context["rows"]] == ["first", "second"]


def test_a_no_is_asked_about_once_more_before_it_is_recorded(marketer, point):
    reply = doubt(point)
    out = 'name="answer" value="out"'
    listed, asked = (marketer.get(LIST, query) for query in ({}, {"sure": reply.pk}))
    assert out not in listed.content.decode()
    assert f"sure={reply.pk}#reply-{reply.pk}" in listed.content.decode()
    assert out in asked.content.decode()
    assert "only they can take it back" in words_of(asked)


def test_they_want_out_is_in_force_when_it_is_answered(marketer, point):
    response = decide(marketer, doubt(point), "out")
    point.refresh_from_db()
    assert "Recorded as a no" in words_of(response)
    assert (point.is_blocked, point.is_held) == (True, False)
    assert ConsentRecord.objects.get().evidence["by"] == "maria"
    assert AuditEntry.objects.get(action="consent.reply_decided").actor == "maria"


def test_they_do_not_lets_marketing_go_on(marketer, point):
    decide(marketer, doubt(point), "stays")
    point.refresh_from_db()
    assert (point.is_blocked, point.is_held, ConsentRecord.objects.count()) == (False, False, 0)
    assert "They do not" in words_of(marketer.get(LIST, {"show": "decided"}))


def test_the_second_of_two_colleagues_is_told(marketer, point):
    reply = doubt(point)
    decide(marketer, reply, "out")
    assert "decided meanwhile" in words_of(decide(marketer, reply, "stays"))
    assert ContactPoint.objects.get(pk=point.pk).is_blocked


@pytest.mark.parametrize("answer", ["", "perhaps", "OUT"])
def test_another_answer_changes_nothing(marketer, point, answer):
    reply = doubt(point)
    decide(marketer, reply, answer)
    reply.refresh_from_db()
    assert reply.state == "OPEN"


def test_a_link_alone_decides_nothing(marketer, point):
    reply = doubt(point)
    assert marketer.get(reverse("admin:studio-reply-decide", args=[reply.pk])).status_code == 405
    assert marketer.post(reverse("admin:studio-reply-decide", args=[0]), {"answer": "out"}).status_code == 404


@pytest.mark.parametrize(
    ("may", "status"),
    [
        ([], 403),
        (["view_doubtfulreply"], 403),
        (["view_contact"], 403),
        (["view_contact", "view_doubtfulreply"], 200),
    ],
)
def test_who_may_not_see_people_reads_no_replies(onlooker, django_user_model, point, may, status):
    reply = doubt(point)
    guy = django_user_model.objects.get(username="guy")
    guy.user_permissions.add(*Permission.objects.filter(codename__in=may))
    response = onlooker.get(LIST)
    assert response.status_code == status
    assert b"They want out" not in response.content
    assert onlooker.post(reverse("admin:studio-reply-decide", args=[reply.pk]), {"answer": "out"}).status_code == 403


def test_what_somebody_wrote_is_text_and_never_markup(marketer, point):
    doubt(point, "<script>alert(1)</script>")
    assert b"<script>alert(1)" not in marketer.get(LIST).content


def test_the_contacts_page_and_list_say_that_a_reply_waits(marketer, point):
    ConsentTopicFactory()
    doubt(point)
    page = words_of(marketer.get(reverse("admin:studio-contact", args=[point.contact_id])))
    assert "A reply needs you" in page
    assert "It counts as one until somebody has read it." in page
    assert "Held" in words_of(marketer.get("/admin/studio/contacts/"))


def test_the_second_page_has_the_rest(marketer):
    for n in range(51):
        doubt(ContactPointFactory(), f"reply {n}", days=51 - n)
    assert [row.reply.text for row in marketer.get(LIST, {"page": 2}).context["rows"]] == ["reply 50"]
