from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.profiles.models import Account
from campaigns.segments import jobs, refresh, selectors
from campaigns.segments.models import Segment, SegmentMembership, SegmentRefresh
from orchestrator.jobs import queues
from tests.factories.profiles import AccountFactory, ContactFactory
from tests.factories.segments import make_segment
from tests.factories.usage import NOW, MeterFactory

pytestmark = pytest.mark.django_db
IN_ISRAEL = {"field": "account.country", "op": "=", "value": "IL"}
LATER = NOW + timedelta(hours=1)


def _members(segment: Segment) -> set[int | None]:
    return set(selectors.current_members(segment=segment).values_list("account_id", flat=True))


def test_who_matches_enters() -> None:
    inside, _outside = AccountFactory(country="IL"), AccountFactory(country="RO")
    segment = make_segment(IN_ISRAEL)
    row = refresh.refresh_segment(segment=segment, now=NOW)
    assert (row.entered, row.left, row.size, row.error) == (1, 0, 1, "")
    stay = SegmentMembership.objects.get()
    assert (stay.account_id, stay.entered_at, stay.left_at) == (inside.pk, NOW, None)


def test_a_second_refresh_changes_nothing_but_the_freshness() -> None:
    AccountFactory(country="IL")
    segment = make_segment(IN_ISRAEL)
    refresh.refresh_segment(segment=segment, now=NOW)
    row = refresh.refresh_segment(segment=segment, now=LATER)
    assert (row.entered, row.left, row.size) == (0, 0, 1)
    segment.refresh_from_db()
    assert (segment.refreshed_at, segment.size) == (LATER, 1)
    assert SegmentMembership.objects.count() == 1


def test_who_no_longer_matches_leaves_and_who_comes_back_gets_a_new_stay() -> None:
    account = AccountFactory(country="IL")
    segment = make_segment(IN_ISRAEL)
    refresh.refresh_segment(segment=segment, now=NOW)
    Account.objects.update(country="RO")
    refresh.refresh_segment(segment=segment, now=LATER)
    Account.objects.update(country="IL")
    refresh.refresh_segment(segment=segment, now=LATER + timedelta(hours=1))
    stays = SegmentMembership.objects.order_by("pk").values_list("account_id", "entered_at", "left_at")
    assert list(stays) == [(account.pk, NOW, LATER), (account.pk, LATER + timedelta(hours=1), None)]


def test_leaving_does_not_make_a_stay_new_to_who_pulls_the_table() -> None:
    AccountFactory(country="IL")
    segment = make_segment(IN_ISRAEL)
    refresh.refresh_segment(segment=segment, now=NOW)
    before = SegmentMembership.objects.get().xid
    Account.objects.update(country="RO")
    refresh.refresh_segment(segment=segment, now=LATER)
    assert SegmentMembership.objects.get().xid == before


def test_an_erased_account_leaves() -> None:
    AccountFactory(country="IL")
    segment = make_segment(IN_ISRAEL)
    refresh.refresh_segment(segment=segment, now=NOW)
    Account.objects.update(erased_at=NOW)
    assert refresh.refresh_segment(segment=segment, now=LATER).left == 1


def test_a_contact_segment_holds_contacts() -> None:
    contact = ContactFactory(locale="he")
    segment = make_segment({"subject": "contact", "field": "contact.locale", "op": "=", "value": "he"})
    refresh.refresh_segment(segment=segment, now=NOW)
    stay = SegmentMembership.objects.get()
    assert (stay.contact_id, stay.account_id) == (contact.pk, None)


def test_when_a_segment_changes_its_subject_the_old_members_leave() -> None:
    AccountFactory(country="IL")
    ContactFactory(locale="he")
    segment = make_segment(IN_ISRAEL, slug="mixed")
    refresh.refresh_segment(segment=segment, now=NOW)
    segment = make_segment({"subject": "contact", "field": "contact.locale", "op": "=", "value": "he"}, slug="mixed")
    row = refresh.refresh_segment(segment=segment, now=LATER)
    assert (row.entered, row.left, row.size) == (1, 1, 1)
    assert _members(segment) == {None}


def test_one_that_fails_says_why_and_the_others_go_on() -> None:
    AccountFactory(country="IL")
    meter = MeterFactory(code="seats")
    broken = make_segment({"usage": "seats", "agg": "last", "op": "is_set"})
    healthy = make_segment(IN_ISRAEL)
    meter.delete()
    failed, done = refresh.refresh_live(now=NOW)
    assert (failed.segment_id, failed.error) == (broken.pk, "usage: There is no meter seats.")
    assert (done.segment_id, done.entered, done.error) == (healthy.pk, 1, "")
    broken.refresh_from_db()
    assert broken.refreshed_at is None


def test_a_failed_refresh_makes_an_audience_stale() -> None:
    segment = make_segment(IN_ISRAEL)
    refresh.refresh_segment(segment=segment, now=NOW)
    assert not selectors.is_stale(segment=segment, now=NOW, minutes=60)
    SegmentRefresh.objects.create(segment=segment, started_at=LATER, error="too slow")
    assert selectors.is_stale(segment=segment, now=LATER, minutes=600)


def test_an_archived_segment_is_not_refreshed() -> None:
    segment = make_segment(IN_ISRAEL)
    segment.archived_at = NOW
    segment.save()
    assert refresh.refresh_live(now=NOW) == []


@pytest.mark.django_db(transaction=True)
def test_the_job_rings_only_when_somebody_moved(empty_redis: object) -> None:
    AccountFactory(country="IL")
    make_segment(IN_ISRAEL)
    jobs.refresh_live()
    assert [job.args for job in queues.open_queue(queues.NOW).jobs] == [["audience_changed"]]
    queues.open_queue(queues.NOW).empty()
    jobs.refresh_live()
    assert queues.open_queue(queues.NOW).jobs == []


def test_who_names_a_segment_is_known() -> None:
    make_segment(slug="base")
    make_segment({"not": {"segment": "base"}}, slug="upper")
    assert selectors.segments_naming(slug="base") == ["upper"]
