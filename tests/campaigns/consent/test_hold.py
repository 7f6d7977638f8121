from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import override_settings

from campaigns.consent import decide, hold, opt_out, preferences, prune, selectors
from campaigns.consent.models import ConsentRecord, ContactPoint, DoubtfulReply, ListEntry
from campaigns.operations.models import AuditEntry
from tests.factories.consent import ConsentTopicFactory, ContactPointFactory
from tests.factories.delivery import NOW

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=2)


@pytest.fixture
def offers():
    return ConsentTopicFactory()


@pytest.fixture
def point():
    return ContactPointFactory()


def hold_it(point, text="fed up", **fields):
    known = {"point_id": point.pk, "message": None, "text": text, "rule": "en.tired", "source": "twilio", "at": NOW}
    return hold.hold(**known | fields)


def answers(point, topic):
    """By the function, by SQL and on lists: one rule."""
    point.refresh_from_db()
    ids = [point.contact_id]
    return (
        selectors.permission(point=point, topic=topic),
        bool(selectors.reachable_contacts(contact_ids=ids, channel="email", topic=topic.slug)),
        point.contact.__class__.objects.filter(selectors.reaches(channel="email", topic=topic)).exists(),
    )


def test_a_reply_that_may_be_a_no_holds_its_address_and_no_other(offers, point):
    other = ContactPointFactory()
    assert answers(point, offers) == ("GRANTED", True, True)
    revision = point.revision

    assert hold_it(point)

    assert answers(point, offers)[:2] == ("HELD", False)
    assert point.revision == revision + 1
    assert answers(other, offers)[:2] == ("GRANTED", True)


def test_a_receipt_goes_all_the_same(point):
    receipts = ConsentTopicFactory(slug="receipts", is_marketing=False)
    hold_it(point)
    assert answers(point, receipts)[0] == "GRANTED"


def test_no_record_and_no_entry_on_a_providers_list_says_no_while_nobody_has_decided(point):
    hold_it(point)
    assert (ConsentRecord.objects.count(), ListEntry.objects.count()) == (0, 0)


def test_who_is_out_anyway_needs_nobody(point):
    opt_out.opt_out(point_id=point.pk, source="unsubscribe_page", at=NOW, now=NOW)
    assert not hold_it(point)
    assert DoubtfulReply.objects.count() == 0


def test_they_do_not_lets_marketing_go_on_once_no_reply_of_theirs_waits(offers, point):
    hold_it(point)
    hold_it(point, "who is this")
    first, second = DoubtfulReply.objects.order_by("pk")

    decide.decide(reply_id=first.pk, is_out=False, by="maria", now=LATER)
    assert answers(point, offers)[0] == "HELD"

    decide.decide(reply_id=second.pk, is_out=False, by="maria", now=LATER)
    assert answers(point, offers) == ("GRANTED", True, True)
    assert ConsentRecord.objects.count() == 0


def test_they_want_out_is_a_no_of_the_decision_that_says_when_they_wrote_and_settles_the_rest(point):
    hold_it(point)
    hold_it(point, "who is this")
    first, second = DoubtfulReply.objects.order_by("pk")

    reply = decide.decide(reply_id=first.pk, is_out=True, by="maria", now=LATER)

    point.refresh_from_db()
    second.refresh_from_db()
    record = ConsentRecord.objects.get()
    assert (point.is_blocked, point.reason, point.is_held, point.blocked_at) == (True, "UNSUBSCRIBED", False, LATER)
    assert (reply.state, reply.decided_by, second.state) == ("OUT", "maria", "SETTLED")
    assert (record.at, record.source, record.evidence["by"], record.evidence["said"]) == (
        LATER, "reply_read", "maria", "en.tired",
    )  # fmt: skip
    assert record.evidence["written_at"] == NOW.isoformat()


def test_a_decision_is_audited_without_a_word_of_what_was_written(point):
    hold_it(point, "my card is 4580")
    decide.decide(reply_id=DoubtfulReply.objects.get().pk, is_out=False, by="maria", now=LATER)
    entry = AuditEntry.objects.get(action="consent.reply_decided")
    assert (entry.actor, entry.subject) == ("maria", f"contact:{point.contact.external_id}")
    reply = DoubtfulReply.objects.get()
    assert entry.after == {"channel": "email", "reply": reply.pk, "state": "STAYS", "rule": "en.tired"}
    assert "4580" not in f"{entry.after}{entry.reason}"


@pytest.mark.parametrize("is_out", [True, False])
def test_a_reply_is_decided_once(point, is_out):
    hold_it(point)
    reply = DoubtfulReply.objects.get()
    decide.decide(reply_id=reply.pk, is_out=not is_out, by="maria", now=LATER)
    with pytest.raises(decide.DecidedError):
        decide.decide(reply_id=reply.pk, is_out=is_out, by="guy", now=LATER)
    reply.refresh_from_db()
    assert reply.decided_by == "maria"


def test_a_yes_by_their_own_hand_settles_it(point):
    hold_it(point)
    assert opt_out.opt_in(point_id=point.pk, topic="offers", source="resubscribe", at=LATER, now=LATER)
    point.refresh_from_db()
    assert (point.is_held, DoubtfulReply.objects.get().state) == (False, "SETTLED")


@pytest.mark.parametrize(("is_on", "held"), [(True, False), (False, True)])
def test_on_the_preference_page_a_yes_settles_it_and_a_no_to_a_topic_does_not(offers, point, is_on, held):
    hold_it(point)
    preferences.set_preferences(
        contact_id=point.contact_id,
        wanted={("offers", "email"): is_on},
        source="preference_page",
        evidence={},
        now=LATER,
    )
    point.refresh_from_db()
    assert point.is_held is held
    assert point.topics["offers"] == ("GRANTED" if is_on else "WITHDRAWN")


def test_the_preference_page_shows_what_they_said_themselves(offers, point):
    hold_it(point)
    [email, *_] = selectors.channel_states(contact=point.contact)
    assert [(one.topic.slug, one.is_on) for one in email.topics] == [("offers", True)]


def test_the_text_is_cut_and_holds_nothing_that_cannot_be_stored(point):
    hold_it(point, "a\x00b" * 5_000, rule="x" * 100)
    assert len(DoubtfulReply.objects.get().text) == hold.LONGEST


def test_the_words_go_some_time_after_the_decision_and_the_decision_stays(point):
    hold_it(point)
    hold_it(point, "open")
    decided, _ = DoubtfulReply.objects.order_by("pk")
    decide.decide(reply_id=decided.pk, is_out=False, by="maria", now=NOW)

    with override_settings(RETENTION_DAYS={"replies": 90}):
        assert prune.empty_replies(now=NOW + timedelta(days=90)).rows == 0
        assert prune.empty_replies(now=NOW + timedelta(days=91)).rows == 1

    assert list(DoubtfulReply.objects.order_by("pk").values_list("state", "text")) == [("STAYS", ""), ("OPEN", "open")]


def test_a_point_is_held_only_while_a_reply_is_open(point):
    hold_it(point)
    opt_out.opt_out(point_id=point.pk, topic="offers", source="x", at=NOW, now=NOW)
    assert ContactPoint.objects.filter(is_held=True, doubtful_replies__state="OPEN").exists()
    opt_out.opt_out(point_id=point.pk, source="x", at=NOW, now=NOW)
    assert not ContactPoint.objects.filter(is_held=True).exists()
    assert not DoubtfulReply.objects.filter(state="OPEN").exists()
