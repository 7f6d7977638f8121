"""What is kept how long in the tables that are not the ledger's, and that dropping a month hurts nobody."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from importlib.util import find_spec

import pytest
from django.conf import settings as django_settings
from django.contrib.sessions.models import Session
from django.core.checks import run_checks
from django.db import connection

from campaigns import cron
from campaigns.crm import prune as crm
from campaigns.crm.models import SyncRun
from campaigns.delivery.models import Message
from campaigns.experiments import prune as experiments
from campaigns.experiments import selectors as looks
from campaigns.experiments.models import Snapshot
from campaigns.intake import prune as intake
from campaigns.intake import store
from campaigns.intake.models import InboundEvent, Parked, Quarantined, SeenEvent
from campaigns.intake.moments import Receipt
from campaigns.operations import diagnosis_of_tables, partitions, prune, retention
from campaigns.operations.findings import Level
from campaigns.operations.models import LongTask
from campaigns.segments import prune as segments
from campaigns.segments.errors import DefinitionError
from campaigns.segments.models import SegmentRefresh
from campaigns.segments.parse import parse_definition
from campaigns.usage import prune as usage
from campaigns.usage.models import UsageDaily, UsageEvent
from orchestrator import clock
from tests.factories.crm import CrmConnectionFactory
from tests.factories.delivery import MessageFactory
from tests.factories.experiments import ExperimentFactory
from tests.factories.intake import InboundEventFactory, ParkedFactory, QuarantinedFactory, SourceFactory
from tests.factories.profiles import AccountFactory
from tests.factories.segments import make_segment
from tests.factories.usage import MeterFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def test_months_go_when_all_of_them_is_too_old():
    partitions.make_months(now=NOW)
    assert partitions.oldest_month(table="usage_usageevent") == date(2026, 2, 1)
    later = NOW + 300 * DAY

    dropped = partitions.drop_months(table="usage_usageevent", before=datetime(2026, 4, 30, tzinfo=UTC), now=later)

    assert dropped == ["usage_usageevent_2026_02", "usage_usageevent_2026_03"]
    assert partitions.oldest_month(table="usage_usageevent") == date(2026, 4, 1)
    assert partitions.oldest_month(table="intake_inboundevent") == date(2026, 2, 1)


def test_months_that_would_be_made_anew_are_not_dropped():
    partitions.make_months(now=NOW)

    assert partitions.drop_months(table="usage_usageevent", before=NOW, now=NOW) == []
    assert partitions.make_months(now=NOW) == []


def test_a_month_whose_table_is_in_use_waits_for_the_next_night(second_connection):
    partitions.make_months(now=NOW)
    second_connection.execute("BEGIN")
    second_connection.execute("LOCK TABLE usage_usageevent IN ROW EXCLUSIVE MODE")

    later = NOW + 300 * DAY
    assert partitions.drop_months(table="usage_usageevent", before=later, now=later) == []

    second_connection.execute("ROLLBACK")


def test_an_event_of_the_product_that_comes_again_after_its_row_went_is_known():
    source = SourceFactory()
    item = store.NewItem("track", "m-1", "{}", NOW)
    store.store_items(source=source, items=[item], bad=[], receipt=Receipt(wall=NOW, business=NOW))
    InboundEvent.objects.update(state="DONE")

    assert intake.remove_events(wall_now=NOW + 400 * DAY).rows == 1

    again = store.store_items(source=source, items=[item], bad=[], receipt=Receipt(wall=NOW, business=NOW))
    assert (again.stored, again.duplicates) == (0, 1)
    assert (InboundEvent.objects.count(), SeenEvent.objects.count()) == (0, 1)


def test_what_is_still_to_be_processed_stays():
    partitions.make_months(now=NOW)
    source = SourceFactory()
    for state in ("PENDING", "DONE"):
        InboundEventFactory(source=source, received_at=NOW, state=state)
        InboundEventFactory(source=source, received_at=NOW - 3000 * DAY, state=state)

    intake.remove_events(wall_now=NOW + 400 * DAY)

    # The month with the pending one stays whole; beside the months only the pending one does.
    assert sorted(InboundEvent.objects.values_list("state", flat=True)) == ["DONE", "PENDING", "PENDING"]


def test_what_was_parked_or_unreadable_that_long_goes():
    source = SourceFactory()
    for factory in (ParkedFactory, QuarantinedFactory):
        factory(source=source, received_at=NOW)
        factory(source=source, received_at=NOW + 200 * DAY)

    assert intake.remove_events(wall_now=NOW + 200 * DAY).rows == 2
    assert (Parked.objects.count(), Quarantined.objects.count()) == (1, 1)


def test_single_usage_events_go_before_the_days_they_were_added_to():
    account, meter = AccountFactory(), MeterFactory()
    UsageEvent.objects.create(
        at=NOW, account=account, name="x", source="s", message_id="1", received_at=NOW, properties={}
    )
    UsageDaily.objects.create(account=account, meter=meter, day=NOW.date(), value=1, last_at=NOW)

    assert usage.remove_events(now=NOW + 762 * DAY).rows == 1
    assert usage.remove_days(now=NOW + 762 * DAY).rows == 0
    assert usage.remove_days(now=NOW + 1127 * DAY).rows == 1
    assert (UsageEvent.objects.count(), UsageDaily.objects.count()) == (0, 0)


def test_the_newest_good_count_of_a_segment_stays():
    segment = make_segment()
    SegmentRefresh.objects.all().delete()
    for day, error in ((0, ""), (1, "slow"), (2, ""), (3, "slow")):
        SegmentRefresh.objects.create(segment=segment, started_at=NOW + day * DAY, size=1, error=error)

    assert segments.remove_refreshes(now=NOW + 200 * DAY).rows == 2
    assert [row.started_at - NOW for row in SegmentRefresh.objects.order_by("pk")] == [2 * DAY, 3 * DAY]


def test_the_newest_sync_and_what_runs_stay():
    connection_of_crm = CrmConnectionFactory()
    for day, state in ((0, "DONE"), (1, "RUNNING"), (2, "FAILED"), (3, "DONE")):
        SyncRun.objects.create(connection=connection_of_crm, started_at=NOW + day * DAY, state=state)

    assert crm.remove_runs(now=NOW + 200 * DAY).rows == 2
    assert list(SyncRun.objects.order_by("pk").values_list("state", flat=True)) == ["RUNNING", "DONE"]


def test_of_an_old_day_the_last_read_out_stays_and_stands_for_the_others():
    running, other = ExperimentFactory(), ExperimentFactory()
    for hours in (0, 1, 2, 24, 25, 24 * 95):
        Snapshot.objects.create(experiment=running, at=NOW + timedelta(hours=hours), results={"n": hours})
    Snapshot.objects.create(experiment=other, at=NOW, results={})

    assert experiments.thin_snapshots(now=NOW + 91 * DAY - timedelta(hours=0.5)).rows == 2
    assert experiments.thin_snapshots(now=NOW + 100 * DAY).rows == 1
    assert experiments.thin_snapshots(now=NOW + 100 * DAY).rows == 0

    kept = running.snapshots.order_by("at")
    assert [(one.results["n"], one.results.get("looks", 1)) for one in kept] == [(2, 3), (25, 2), (24 * 95, 1)]
    assert (looks.count_looks(experiment=running), looks.count_looks(experiment=other)) == (6, 1)


def test_expired_sessions_and_ended_tasks_go():
    Session.objects.create(session_key="old", session_data="", expire_date=NOW - DAY)
    Session.objects.create(session_key="new", session_data="", expire_date=NOW + DAY)
    LongTask.objects.create(kind="import", started_at=NOW - 200 * DAY, ended_at=NOW - 199 * DAY, state="DONE")
    LongTask.objects.create(kind="import", started_at=NOW - 200 * DAY)

    assert (prune.remove_sessions(wall_now=NOW).rows, prune.remove_tasks(now=NOW).rows) == (1, 1)
    assert (Session.objects.get().session_key, LongTask.objects.get().ended_at) == ("new", None)


def test_many_rows_are_taken_in_small_transactions_and_no_more_than_a_run_may(monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 10)
    for number in range(35):
        Session.objects.create(session_key=f"s{number:02}", session_data="", expire_date=NOW - DAY)
    statement, params = prune._SESSIONS, {"wall_now": NOW}

    assert retention.delete(statement=statement, params=params, most=2) == retention.Taken(20, False)
    assert retention.delete(statement=statement, params=params) == retention.Taken(15, True)


def test_a_row_that_somebody_has_locked_is_passed_over(second_connection):
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    second_connection.execute("INSERT INTO django_session VALUES ('locked', '', %s)", [NOW - DAY])
    second_connection.execute("BEGIN")
    second_connection.execute("SELECT 1 FROM django_session WHERE session_key = 'locked' FOR UPDATE")

    assert prune.remove_sessions(wall_now=NOW).rows == 0

    second_connection.execute("ROLLBACK")
    assert prune.remove_sessions(wall_now=NOW).rows == 1


def test_a_window_longer_than_what_is_kept_is_refused(settings):
    definition = {"engagement": "clicked", "window": "400d"}
    parse_definition(definition)
    settings.RETENTION_DAYS = {**settings.RETENTION_DAYS, "messages": 397}

    with pytest.raises(DefinitionError, match="at most 397d"):
        parse_definition(definition)


def test_a_period_that_is_too_short_is_an_error(settings):
    assert "crescendo.E008" not in {found.id for found in run_checks(tags=["crescendo"])}
    settings.RETENTION_DAYS = {**settings.RETENTION_DAYS, "details": 59, "messages": 0}

    found = [one for one in run_checks(tags=["crescendo"]) if one.id == "crescendo.E008"]

    assert [one.msg for one in found] == ["RETENTION_DETAILS_DAYS (59) must be 0 (for ever) or at least 60."]


def said_of(about: str) -> tuple[Level, str]:
    found = diagnosis_of_tables.examine(now=NOW + 900 * DAY, wall_now=NOW + 900 * DAY)
    return next((one.level, one.words) for one in found if one.about == about)


def test_the_doctor_says_what_is_kept_how_long_and_when_a_month_was_left():
    level, words = said_of("Kept")
    assert level is Level.GOOD
    assert "messages 1126 days, providers' reports 397 days," in words

    partitions.make_months(now=NOW + 900 * DAY)
    assert said_of("Months of usage_usageevent")[0] is Level.GOOD

    partitions.make_months(now=NOW)
    assert said_of("Months of usage_usageevent") == (
        Level.WRONG,
        "its oldest is 2026-02, long past its period: the nightly job (bell retention) takes none away.",
    )


def test_the_doctor_says_when_a_session_hangs(second_connection):
    second_connection.execute("BEGIN")
    second_connection.execute("SELECT 1")
    hanging = list(diagnosis_of_tables.examine(now=NOW, wall_now=clock.wall_now() + timedelta(minutes=5)))

    found = next(one for one in hanging if one.about == "Open transactions")

    assert found.level is Level.WRONG
    assert "1 session hangs in one" in found.words
    second_connection.execute("ROLLBACK")


def test_every_limit_of_frequency_is_shorter_than_messages_are_kept():
    assert max(cap.get("days", 31) for cap in django_settings.FREQUENCY_CAPS) < 60


def test_the_night_takes_what_is_too_old_from_every_room(empty_redis):
    long_ago = datetime(2019, 3, 1, tzinfo=UTC)
    Session.objects.create(session_key="old", session_data="", expire_date=long_ago)
    ParkedFactory(source=SourceFactory(), received_at=long_ago)
    account, meter, crm_connection, segment = AccountFactory(), MeterFactory(), CrmConnectionFactory(), make_segment()
    SegmentRefresh.objects.all().delete()
    UsageDaily.objects.create(account=account, meter=meter, day=long_ago.date(), value=1, last_at=long_ago)
    for day in (0, 1):
        SyncRun.objects.create(connection=crm_connection, started_at=long_ago + day * DAY, state="DONE")
        SegmentRefresh.objects.create(segment=segment, started_at=long_ago + day * DAY, size=1)
    MessageFactory(state="ACCEPTED", planned_at=long_ago, due_at=long_ago, accepted_at=long_ago, ended_at=long_ago)

    cron.answer_bell("retention")

    gone = (Session, Parked, UsageDaily, Message)
    assert {model.__name__: model.objects.count() for model in gone} == {model.__name__: 0 for model in gone}
    # The newest of each is kept.
    assert (SyncRun.objects.get().started_at, SegmentRefresh.objects.get().started_at) == (long_ago + DAY,) * 2


def test_no_rooms_part_of_the_night_is_forgotten():
    modules = [f"campaigns.{room}.jobs" for room in django_settings.ROOMS if find_spec(f"campaigns.{room}.jobs")]
    having = {f"{name}.prune_old" for name in modules if hasattr(import_module(name), "prune_old")}
    assert having == set(cron.BELLS["retention"])
