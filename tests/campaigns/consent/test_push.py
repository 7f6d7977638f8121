from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import pytest

from campaigns.consent import jobs, opt_out, push
from campaigns.consent.models import ListEntry
from campaigns.profiles.models import Contact
from orchestrator.channels import suppressions
from orchestrator.channels.contract import Busy
from orchestrator.sandbox.wire import Request
from tests.campaigns.consent import lists
from tests.contracts import provider
from tests.factories.consent import ContactPointFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
WALL = datetime(2026, 5, 1, 10, 0, tzinfo=UTC)


def say_no(point, reason="UNSUBSCRIBED"):
    opt_out.opt_out(point_id=point.pk, reason=reason, source="page", at=NOW, now=NOW)


def say_yes(point):
    opt_out.opt_in(point_id=point.pk, topic="offers", source="page", at=NOW, now=NOW)


def tell(wall_now=WALL):
    return push.push_due(now=NOW, wall_now=wall_now)


def claim():
    return push._claim("email", WALL, WALL, is_wanted=True, limit=push.BATCH)


def entry_of(point):
    return ListEntry.objects.get(point=point)


def test_an_opt_out_is_put_into_the_group_at_sendgrid(settings):
    point = ContactPointFactory()
    say_no(point)

    with lists.sendgrid(settings) as (theirs, _):
        assert tell().done == 1

    assert theirs.members() == {lists.GROUP: [point.contact.email]}
    assert (entry_of(point).state, entry_of(point).done_at) == ("DONE", NOW)


def test_the_group_is_made_once(settings):
    with lists.sendgrid(settings) as (theirs, server):
        for _ in range(2):
            say_no(ContactPointFactory())
            tell()

    assert len(theirs.members()[lists.GROUP]) == 2
    assert [(one.method, one.path) for one in server.requests].count(("POST", "/v3/asm/groups")) == 1


def test_many_go_in_one_request(settings):
    points = [ContactPointFactory() for _ in range(5)]
    for point in points:
        say_no(point)

    with lists.sendgrid(settings) as (_, server):
        assert tell().done == 5

    sent = [one for one in server.requests if one.path.endswith("/suppressions")]
    assert [sorted(one.json["recipient_emails"]) for one in sent] == [sorted(one.contact.email for one in points)]


def test_who_comes_back_is_taken_off_the_group_and_the_global_list(settings):
    point = ContactPointFactory()
    with lists.sendgrid(settings) as (theirs, _):
        theirs.note(point.contact.email, "unsubscribe", at=NOW, detail={})
        say_no(point)
        tell()
        say_yes(point)
        tell()
        listed = theirs.answer(Request("GET", "/v3/suppression/unsubscribes", {}, {}, b""))

    assert theirs.members() == {lists.GROUP: []}
    assert listed is not None
    assert listed.body == []


def test_who_was_never_listed_is_not_told_of(settings):
    point = ContactPointFactory()

    say_yes(point)

    assert not ListEntry.objects.exists()


def test_a_no_taken_back_before_it_was_told_tells_the_last_word_only(settings):
    point = ContactPointFactory()
    say_no(point)
    say_yes(point)

    with lists.sendgrid(settings) as (theirs, server):
        tell()

    assert theirs.members() == {lists.GROUP: []}
    assert not [one for one in server.requests if one.method == "POST" and one.path.endswith("/suppressions")]


def test_an_answer_to_an_older_word_finishes_nothing(settings):
    point = ContactPointFactory()
    say_no(point)

    def changes_her_mind(request):
        if request.path.endswith("/suppressions"):
            say_yes(point)
            return provider.Reply.of_json({}, 201)
        return provider.Reply.of_json([{"id": 1, "name": lists.GROUP}])

    with provider.running(changes_her_mind) as server:
        settings.SENDGRID_API_KEY, settings.SENDGRID_API_BASE = "SG.key", server.url
        claimed = claim()
        ListEntry.objects.filter(point=point).update(version=2, is_wanted=False)
        push._finish([push._Told(one, "DONE", WALL) for one in claimed], NOW, WALL)

    assert entry_of(point).state == "PENDING"


@pytest.mark.parametrize("trouble", [provider.Reply(503), provider.Reply(429), provider.RESET, provider.Reply(401)])
def test_a_provider_in_trouble_is_asked_again_later(settings, trouble):
    point = ContactPointFactory()
    say_no(point)
    with provider.running(trouble) as server:
        settings.SENDGRID_API_KEY, settings.SENDGRID_API_BASE = "SG.key", server.url
        assert tell().retried == 1
        assert tell().retried == 0

    with lists.sendgrid(settings) as (theirs, _):
        assert tell(WALL + timedelta(minutes=5)).done == 1

    assert theirs.members()[lists.GROUP] == [point.contact.email]


def test_what_is_refused_for_good_is_for_a_person_to_look_at(settings, caplog):
    point = ContactPointFactory()
    say_no(point)
    with provider.running(provider.Reply.of_json({"errors": [{"message": point.contact.email}]}, 400)) as server:
        settings.SENDGRID_API_KEY, settings.SENDGRID_API_BASE = "SG.key", server.url
        with caplog.at_level(logging.ERROR):
            jobs.push_opt_outs()

    entry = entry_of(point)
    assert entry.state == "FAILED"
    assert point.contact.email not in entry.last_error + caplog.text
    assert "given up" in caplog.text
    assert push.retry_failed(entry_ids=[entry.pk]) == 1


def test_what_a_killed_worker_held_is_told_again_after_its_lease(settings):
    point = ContactPointFactory()
    say_no(point)
    assert len(claim()) == 1

    with lists.sendgrid(settings) as (theirs, _):
        assert tell().done == 0
        assert tell(WALL + push.LEASE).done == 1

    assert theirs.members()[lists.GROUP] == [point.contact.email]


class SlowList:
    """Each call takes ten seconds."""

    batch_size = 2

    def __init__(self, monkeypatch, answer):
        self.seconds, self.calls, self._answer = 0, [], answer
        monkeypatch.setattr("orchestrator.clock.time.monotonic", lambda: self.seconds)
        monkeypatch.setattr(suppressions, "get", lambda channel: self)

    def add(self, addresses):
        return self._call("add", addresses)

    def remove(self, addresses):
        return self._call("remove", addresses)

    def _call(self, what, addresses):
        self.seconds += 10
        self.calls.append(f"{what} {len(addresses)}")
        return self._answer(len(self.calls))


def nothing(_call):
    raise Busy("No answer.", code="no_answer")


def test_a_round_asks_a_slow_provider_for_half_a_minute_and_for_no_entry_twice(monkeypatch, settings):
    settings.SUPPRESSION_LISTS = {"email": ""}
    back = ContactPointFactory()
    say_no(back)
    ListEntry.objects.update(state="DONE", done_at=NOW)
    say_yes(back)
    for _ in range(5):
        say_no(ContactPointFactory())
    slow = SlowList(monkeypatch, nothing)

    assert tell().retried == 6
    assert slow.calls == ["add 2", "add 2", "add 1", "remove 1"]
    assert set(ListEntry.objects.values_list("attempts", flat=True)) == {1}
    waits = {entry.next_at - WALL for entry in ListEntry.objects.all()}
    assert waits == {timedelta(seconds=push.FIRST_RETRY_S + 10 * call) for call in range(1, 5)}


@pytest.mark.parametrize("is_answered", [True, False])
def test_a_no_that_was_told_during_a_slow_removal_is_told_again(monkeypatch, settings, is_answered):
    settings.SUPPRESSION_LISTS = {"email": ""}
    point, theirs = ContactPointFactory(), set()

    class Slow:
        batch_size = 2

        def add(self, addresses):
            theirs.update(addresses)
            return {}

        def remove(self, addresses):
            say_no(point)
            assert tell().done == 1  # another worker
            theirs.difference_update(addresses)
            return {} if is_answered else nothing(1)

    monkeypatch.setattr(suppressions, "get", lambda channel: Slow())
    say_no(point)
    tell()
    say_yes(point)
    tell()
    tell(WALL + timedelta(minutes=1))

    assert (theirs, entry_of(point).state) == ({point.contact.email}, "DONE")


def test_removals_are_few_enough_to_be_answered_within_the_lease(settings):
    requests = 2 * push.BATCH_BACK + 2  # two an address, two to find the group
    assert requests * settings.PROVIDER_TIMEOUT_S < push.LEASE.total_seconds()


def test_an_answer_is_written_before_the_next_call(monkeypatch, settings):
    settings.SUPPRESSION_LISTS = {"email": ""}
    for _ in range(4):
        say_no(ContactPointFactory())

    def killed(call):
        if call == 2:
            raise KeyboardInterrupt
        return {}

    SlowList(monkeypatch, killed)
    with pytest.raises(KeyboardInterrupt):
        tell()

    assert ListEntry.objects.filter(state="DONE").count() == 2


def test_an_address_that_nobody_has_any_more_is_told_to_nobody(settings):
    point = ContactPointFactory()
    say_no(point)
    Contact.objects.update(email="", email_hash=None)

    with lists.sendgrid(settings) as (theirs, server):
        assert tell().done == 1

    assert (theirs.members(), server.requests) == ({}, [])


def test_without_a_key_entries_wait():
    point = ContactPointFactory()
    say_no(point)

    assert tell() == push.Pushed()
    assert entry_of(point).state == "PENDING"


@pytest.mark.parametrize("reason", ["BOUNCED", "ERASED"])
def test_a_dead_address_is_not_told_of(reason):
    say_no(ContactPointFactory(), reason)

    assert not ListEntry.objects.exists()


def test_a_bounce_after_a_no_leaves_the_no_where_it_is():
    point = ContactPointFactory()
    say_no(point)
    say_no(point, "BOUNCED")

    assert (entry_of(point).is_wanted, entry_of(point).version) == (True, 1)


def test_a_number_is_told_to_twilio_and_taken_back(settings):
    point = ContactPointFactory(channel="sms", contact__phone="+972501234567")
    with lists.twilio(settings) as (desk, _):
        say_no(point)
        assert tell().done == 1
        assert desk.stopped() == 1
        say_yes(point)
        assert tell().done == 1
        assert desk.stopped() == 0


def test_a_number_that_twilio_refuses_is_given_up_and_its_neighbours_are_not(settings):
    with lists.twilio(settings) as (desk, _):
        for phone in ("no number", "+972501234568"):
            say_no(ContactPointFactory(channel="sms", contact__phone=phone))
        pushed = tell()

    assert (pushed.done, pushed.failed, desk.stopped()) == (1, 1, 1)


@pytest.mark.parametrize(
    "change", [{"TWILIO_CONSENT_API": False}, {"TWILIO_MESSAGING_SERVICE_SID": "", "TWILIO_FROM": "ACME"}]
)
def test_without_the_pilot_or_with_a_one_way_sender_twilio_is_not_told(settings, change):
    say_no(ContactPointFactory(channel="sms", contact__phone="+972501234567"))
    with lists.twilio(settings) as (_, server):
        for name, value in change.items():
            setattr(settings, name, value)
        assert tell() == push.Pushed()
        assert server.requests == []
