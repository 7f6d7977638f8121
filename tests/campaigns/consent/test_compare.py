from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import pytest

from campaigns.consent import compare, jobs, opt_out, push
from campaigns.consent.models import ConsentRecord, ContactPoint, ListEntry
from campaigns.profiles import addresses
from tests.campaigns.consent import lists
from tests.contracts import provider
from tests.factories.consent import ContactPointFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
WALL = datetime(2026, 5, 1, 10, 0, tzinfo=UTC)
BEFORE, AFTER = NOW - timedelta(hours=2), NOW - timedelta(hours=1)


def say_no(point, at=BEFORE):
    opt_out.opt_out(point_id=point.pk, source="page", at=at, now=at)


def say_yes(point, at):
    opt_out.opt_in(point_id=point.pk, topic="offers", source="page", at=at, now=at)


def tell():
    return push.push_due(now=BEFORE, wall_now=WALL)


def look():
    return compare.compare_lists(channel="email", now=NOW)


def state_of(point):
    point = ContactPoint.objects.get(pk=point.pk)
    return point.is_blocked, point.reason


def test_what_stands_on_both_sides_changes_nothing(settings):
    point = ContactPointFactory()
    with lists.sendgrid(settings):
        say_no(point)
        tell()
        records = ConsentRecord.objects.count()

        assert look() == compare.Compared(read=1)

    assert (ConsentRecord.objects.count(), ListEntry.objects.get().state) == (records, "DONE")


@pytest.mark.parametrize(
    ("word", "reason"), [("unsubscribe", "UNSUBSCRIBED"), ("spamreport", "COMPLAINED"), ("bounce", "BOUNCED")]
)
def test_a_report_that_never_came_is_found_on_their_list(settings, word, reason):
    point = ContactPointFactory()
    with lists.sendgrid(settings) as (theirs, _):
        theirs.note(point.contact.email, word, at=AFTER, detail={})

        assert look().taken == 1
        assert look().taken == 0

    assert state_of(point) == (True, reason)


def test_a_complaint_on_their_list_counts_where_the_person_had_only_unsubscribed(settings):
    point = ContactPointFactory()
    in_app = ContactPointFactory(contact=point.contact, channel="in_app")
    with lists.sendgrid(settings) as (theirs, _):
        say_no(point)
        theirs.note(point.contact.email, "spamreport", at=AFTER, detail={})

        assert look().taken == 1
        assert look().taken == 0

    assert state_of(point) == (True, "COMPLAINED")
    assert state_of(in_app) == (True, "COMPLAINED")


def test_an_address_that_is_nobodys_yet_is_kept_away_too(settings):
    with lists.sendgrid(settings) as (theirs, _):
        theirs.note("stranger@else.example", "unsubscribe", at=AFTER, detail={})
        look()

    assert ContactPoint.objects.get().is_blocked


def test_what_they_lost_of_ours_is_told_again(settings):
    point = ContactPointFactory()
    with lists.sendgrid(settings) as (theirs, _):
        say_no(point)
        tell()
        theirs._members[17001].clear()

        assert look().told_again == 1
        tell()

    assert theirs.members()[lists.GROUP] == [point.contact.email]


def test_an_opt_out_from_before_there_were_entries_is_told(settings):
    point = ContactPointFactory(is_blocked=True, reason="UNSUBSCRIBED", blocked_at=BEFORE)
    with lists.sendgrid(settings) as (theirs, _):
        look()
        tell()

    assert theirs.members()[lists.GROUP] == [point.contact.email]


def test_a_yes_that_came_later_than_their_entry_takes_it_off_their_list(settings):
    point = ContactPointFactory()
    with lists.sendgrid(settings) as (theirs, _):
        theirs.note(point.contact.email, "unsubscribe", at=BEFORE, detail={})
        say_yes(point, AFTER)

        assert look().removed == 1
        tell()
        assert look() == compare.Compared()

    assert state_of(point) == (False, "")


def test_a_no_that_came_later_than_the_yes_stands(settings):
    point = ContactPointFactory()
    say_yes(point, BEFORE)
    with lists.sendgrid(settings) as (theirs, _):
        theirs.note(point.contact.email, "unsubscribe", at=AFTER, detail={})
        look()

    assert state_of(point) == (True, "UNSUBSCRIBED")


def test_a_yes_reported_by_the_crm_takes_nothing_off_their_list(settings):
    point = ContactPointFactory()
    say_yes(point, AFTER)
    ConsentRecord.objects.create(point=point, channel="email", topic="offers", state="GRANTED", source="crm", at=NOW,
                                 recorded_at=NOW)  # fmt: skip
    with lists.sendgrid(settings) as (theirs, _):
        theirs.note(point.contact.email, "unsubscribe", at=NOW - timedelta(minutes=1), detail={})

        assert look().taken == 1


def test_who_came_back_and_is_yet_to_be_taken_off_is_not_opted_out_again(settings):
    point = ContactPointFactory()
    with lists.sendgrid(settings):
        say_no(point)
        tell()
        say_yes(point, AFTER)

        assert look().taken == 0
        tell()
        assert look() == compare.Compared()

    assert state_of(point) == (False, "")


def test_nobody_gives_a_dead_mailbox_back(settings):
    point = ContactPointFactory()
    say_yes(point, AFTER)
    with lists.sendgrid(settings) as (theirs, _):
        theirs.note(point.contact.email, "bounce", at=BEFORE, detail={})
        look()

    assert state_of(point) == (True, "BOUNCED")


def test_a_long_list_is_read_to_its_end(settings):
    """All but ten of it, on its first page and on its last, is known to us."""
    listed: list[ContactPoint] = []
    with lists.sendgrid(settings) as (theirs, server):
        for address in (f"n{number}@else.example" for number in range(510)):
            theirs.note(address, "bounce", at=AFTER, detail={})
            listed.append(ContactPoint(
                channel="email", address_hash=addresses.hash_address(address), is_blocked=True, reason="BOUNCED"
            ))  # fmt: skip
        ContactPoint.objects.bulk_create(listed[5:-5])

        compared = look()

        assert (compared.read, compared.taken) == (510, 10)

    assert len([one for one in server.requests if one.path.startswith("/v3/suppression/bounces")]) == 2


@pytest.mark.parametrize("answer", [provider.Reply(500), provider.Reply.of_json({"not": "a list"}), provider.CLOSE])
def test_a_list_that_cannot_be_read_opts_nobody_out_and_is_told_in_the_log(settings, caplog, answer):
    point = ContactPointFactory()
    with provider.running(answer) as server, caplog.at_level(logging.ERROR):
        settings.SENDGRID_API_KEY, settings.SENDGRID_API_BASE = "SG.key", server.url
        jobs.compare_lists()

    assert state_of(point) == (False, "")
    assert "could not be read" in caplog.text


def test_a_provider_without_a_list_to_read_is_passed_over(settings):
    assert look() is None
    with lists.twilio(settings):
        assert compare.compare_lists(channel="sms", now=NOW) is None
