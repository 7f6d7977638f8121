from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection as database

from campaigns.crm import payloads, writeback
from campaigns.crm.models import WriteBack
from orchestrator.connectors import registry
from orchestrator.connectors.contract import LONGEST_WRITE, NOT_ASKED, ConnectorBusy
from tests.contracts import provider
from tests.factories.crm import CrmConnectionFactory
from tests.factories.profiles import AccountAliasFactory, ContactAliasFactory
from tests.orchestrator.connectors.hubspot_fake import HubSpotFake

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
WALL = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)
MS = 1_770_000_000_000


@pytest.fixture
def hubspot():
    fake = HubSpotFake()
    fake.add("companies", "701", ms=MS, name="Acme")
    fake.add("contacts", "801", ms=MS)
    return fake


@pytest.fixture
def server(db, settings, hubspot):
    with provider.running(hubspot) as running:
        settings.HUBSPOT_ACCESS_TOKEN = "pat-test"
        settings.HUBSPOT_API_BASE = running.url
        CrmConnectionFactory()
        AccountAliasFactory(source="hubspot", value="701", account__external_id="a1")
        ContactAliasFactory(source="hubspot", value="801", contact__external_id="c1")
        yield running


def status(external_id="a1", word="won"):
    return payloads.status_payload(external_id=external_id, properties={"upsell_status": word})


def deal(conversion_id="k1", account="a1"):
    return payloads.deal_payload(
        conversion_id=conversion_id, name="Team", amount=Decimal("70.00"), currency="USD", closed_at=NOW,
        account=account, contact="c1",
    )  # fmt: skip


def queue(*items):
    return writeback.queue_write_backs(items=items, now=NOW)


def push(wall_now=WALL):
    return writeback.push_due(now=NOW, wall_now=wall_now)


def test_a_fact_is_queued_once_per_active_connection(server):
    CrmConnectionFactory(slug="idle", is_active=False)

    assert queue(("DEAL", "k1", deal())) == 1
    assert queue(("DEAL", "k1", deal()), ("ACCOUNT_STATUS", "k1", status())) == 1


def test_a_won_deal_and_the_companys_status_reach_the_crm(server, hubspot):
    queue(("DEAL", "k1", deal()), ("ACCOUNT_STATUS", "k1", status()))

    pushed = push()

    assert (pushed.done, pushed.retried, pushed.failed) == (2, 0, 0)
    assert hubspot.records["companies"]["701"]["properties"]["upsell_status"] == "won"
    [written] = hubspot.records["deals"].values()
    assert (written["properties"]["upsell_conversion_id"], written["properties"]["amount"]) == ("k1", "70.00")
    assert set(WriteBack.objects.values_list("state", "done_at")) == {("DONE", NOW)}


def test_pushing_again_writes_nothing(server):
    queue(("DEAL", "k1", deal()))
    push()
    requests = len(server.requests)

    assert push().done == 0
    assert len(server.requests) == requests


def test_a_refused_item_fails_with_its_reason_and_its_neighbours_are_written(server):
    queue(("ACCOUNT_STATUS", "good", status()), ("ACCOUNT_STATUS", "stranger", status("nobody")))

    pushed = push()

    assert (pushed.done, pushed.failed) == (1, 1)
    failed = WriteBack.objects.get(state="FAILED")
    assert failed.key == "stranger"
    assert "sync it" in failed.last_error


def test_a_busy_crm_is_tried_again_later_and_later(db, settings):
    with provider.running(provider.Reply(503, body=b"{}")) as down:
        settings.HUBSPOT_ACCESS_TOKEN, settings.HUBSPOT_API_BASE = "pat-test", down.url
        CrmConnectionFactory()
        AccountAliasFactory(source="hubspot", value="701", account__external_id="a1")
        queue(("ACCOUNT_STATUS", "k1", status()))
        first = push()
        row = WriteBack.objects.get()
        early = push(row.next_at - timedelta(seconds=1))
        second = push(row.next_at)

    assert (first.retried, early.retried, second.retried) == (1, 0, 1)
    again = WriteBack.objects.get()
    assert (again.state, again.attempts, bool(again.last_error)) == ("PENDING", 2, True)
    waits = [row.next_at - WALL, again.next_at - row.next_at]
    assert [round(wait.total_seconds() / 10) * 10 for wait in waits] == [30, 60]


def test_without_a_key_nothing_is_lost(db, settings):
    settings.HUBSPOT_ACCESS_TOKEN = ""
    CrmConnectionFactory()
    queue(("ACCOUNT_STATUS", "k1", status()))

    assert push().retried == 1
    assert "not connected" in WriteBack.objects.get().last_error


def test_a_wrong_key_gives_up_nothing_and_is_asked_once_a_kind(server, monkeypatch):
    monkeypatch.setattr(writeback, "BATCH", 1)
    AccountAliasFactory(source="hubspot", value="702", account__external_id="a2")
    queue(("ACCOUNT_STATUS", "k1", status()), ("ACCOUNT_STATUS", "k2", status("a2", "lost")))
    WriteBack.objects.update(attempts=writeback.MAX_ATTEMPTS)
    server.default = provider.Reply.of_json({"category": "INVALID_AUTHENTICATION", "message": "no"}, 401)
    pushed = push()
    assert (pushed.failed, pushed.retried, len(server.requests)) == (0, 1, 1)
    assert set(WriteBack.objects.values_list("state", flat=True)) == {"PENDING"}


def test_a_claim_takes_no_more_than_one_request_holds(server, monkeypatch):
    """As PostgreSQL may plan it: with the joined rows looked up one by one."""
    monkeypatch.setattr(writeback, "BATCH", 1)
    queue(*(("ACCOUNT_STATUS", f"k{number}", status()) for number in range(5)))
    with database.cursor() as cursor:
        cursor.execute(
            "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL enable_hashagg = off"
        )
        cursor.execute("SET LOCAL enable_material = off; SET LOCAL enable_sort = off")
    assert len(writeback._claim(WriteBack.objects.earliest("pk").connection, "ACCOUNT_STATUS", WALL, WALL)) == 1


def test_an_older_word_that_comes_late_is_not_put_over_the_newer_one(server, hubspot):
    late = {"upsell_status": "won", "upsell_campaign": "seats"}
    queue(("ACCOUNT_STATUS", "k1", payloads.status_payload(external_id="a1", properties=late)))
    WriteBack.objects.update(next_at=WALL + timedelta(minutes=1))
    queue(("ACCOUNT_STATUS", "k2", status(word="lost")))
    push()

    assert push(WALL + timedelta(minutes=1)).done == 1
    written = hubspot.records["companies"]["701"]["properties"]
    assert (written["upsell_status"], written["upsell_campaign"]) == ("lost", "seats")


def claim(wall_now):
    rows = writeback._claim(WriteBack.objects.earliest("pk").connection, "ACCOUNT_STATUS", wall_now, wall_now)
    return [row.payload["properties"]["upsell_status"] for row in rows]


def test_a_word_waits_while_the_older_one_about_the_same_record_is_being_written(server):
    queue(("ACCOUNT_STATUS", "k1", status()))
    assert claim(WALL) == ["won"]
    queue(("ACCOUNT_STATUS", "k2", status(word="lost")), ("ACCOUNT_STATUS", "k3", status("a2", "other")))

    assert claim(WALL + timedelta(seconds=1)) == ["other"]
    late = WALL + writeback.LEASE + writeback.SETTLED
    assert claim(late - timedelta(seconds=1)) == []
    assert claim(late + timedelta(seconds=1)) == ["won", "lost", "other"]


def test_a_word_waits_until_the_older_one_without_an_answer_is_settled_and_no_longer(server):
    asked = WALL.timestamp()
    queue(("ACCOUNT_STATUS", "k1", status() | {writeback.UNANSWERED: asked}))
    WriteBack.objects.update(attempts=9, last_error="busy", next_at=WALL + timedelta(hours=1))
    queue(("ACCOUNT_STATUS", "k2", status(word="lost")))

    assert claim(WALL + writeback.SETTLED - timedelta(seconds=1)) == []
    assert claim(WALL + writeback.SETTLED) == ["lost"]


def test_a_mark_that_is_no_time_to_wait_for_holds_nothing_up(server):
    """As an earlier version made them, and as a clock that went wrong might."""
    for number, mark in enumerate([True, WALL.timestamp() + 1e9]):
        queue(("ACCOUNT_STATUS", f"k{number}", status() | {writeback.UNANSWERED: mark}))
    WriteBack.objects.update(attempts=1, last_error="busy")
    queue(("ACCOUNT_STATUS", "k2", status(word="lost")))

    assert claim(WALL) == ["won", "won", "lost"]


@pytest.mark.parametrize(
    ("kind", "older", "newer"), [("DEAL", deal(), deal("k2")), ("ACCOUNT_STATUS", status(), status())]
)
def test_who_comes_after_the_end_of_a_lease_has_the_newer_words_written_again(server, kind, older, newer):
    queue((kind, "k1", older), (kind, "k2", newer))
    WriteBack.objects.update(state="DONE")
    row = WriteBack.objects.earliest("pk")
    late = [writeback._Claimed(row.pk, kind, row.payload, 1)]

    writeback._push(row.connection, late, lambda *_: {}, writeback.Pushed(), NOW, lambda: WALL)

    states = {one.key: (one.state, writeback.UNANSWERED in one.payload) for one in WriteBack.objects.all()}
    assert states == {"k1": ("DONE", False), "k2": ("DONE", False) if kind == "DEAL" else ("PENDING", True)}


def test_the_last_request_of_a_claim_has_its_answer_within_the_lease(settings):
    assert LONGEST_WRITE + timedelta(seconds=settings.PROVIDER_TIMEOUT_S) < writeback.LEASE


def test_what_was_in_time_has_no_newer_word_written_again(server):
    queue(("ACCOUNT_STATUS", "k1", status()), ("ACCOUNT_STATUS", "k2", status(word="lost")))
    WriteBack.objects.filter(key="k2").update(state="DONE")
    row = WriteBack.objects.earliest("pk")
    mine = [writeback._Claimed(row.pk, row.kind, row.payload, 0)]

    writeback._push(row.connection, mine, lambda *_: {}, writeback.Pushed(), NOW, lambda: WALL)

    assert set(WriteBack.objects.values_list("state", flat=True)) == {"DONE"}


def test_who_is_forgotten_while_their_row_is_on_its_way_stays_forgotten(server):
    queue(("TASK", "task:1:1", task()))
    row = WriteBack.objects.get()
    claimed = writeback._claim(row.connection, "TASK", WALL, WALL)
    WriteBack.objects.update(payload=row.payload | {"title": "–"})

    writeback._put_off(row.connection, claimed, ConnectorBusy("busy"), writeback.Pushed(), WALL)

    assert WriteBack.objects.get().payload == row.payload | {"title": "–", writeback.UNANSWERED: WALL.timestamp()}


def test_what_there_was_no_time_to_ask_for_is_asked_again_and_may_not_stand_there(server):
    queue(("ACCOUNT_STATUS", "k1", status()), ("ACCOUNT_STATUS", "k2", status("a2")))
    first = WriteBack.objects.earliest("pk")
    claimed = writeback._claim(first.connection, "ACCOUNT_STATUS", WALL, WALL)
    pushed = writeback.Pushed()

    writeback._push(first.connection, claimed, lambda *_: {first.pk: NOT_ASKED}, pushed, NOW, lambda: WALL)

    left = WriteBack.objects.get(state="PENDING")
    assert pushed == writeback.Pushed(done=1, retried=1)
    assert (left.key, left.next_at, left.payload) == ("k1", WALL + writeback.SETTLED, status())


class SlowCrm:
    """Each request about an account takes ten seconds and comes to nothing."""

    def __init__(self, monkeypatch):
        self.seconds, self.asked = 0, []
        monkeypatch.setattr("orchestrator.clock.time.monotonic", lambda: self.seconds)
        monkeypatch.setattr(registry, "crm", lambda kind: self)

    def patch_properties(self, patches):
        self.asked.append([(self.seconds, patch.kind, patch.crm_id) for patch in patches])
        if patches[0].kind == "account":
            self.seconds += 10
            raise ConnectorBusy("HubSpot gave no answer.")
        return {}


def test_a_round_asks_a_slow_crm_for_half_a_minute_and_for_no_row_twice_and_opt_outs_go_first(server, monkeypatch):
    monkeypatch.setattr(writeback, "BATCH", 1)
    for number in range(9):
        AccountAliasFactory(source="hubspot", value=f"{number}", account__external_id=f"slow{number}")
        queue(("ACCOUNT_STATUS", f"k{number}", status(f"slow{number}")))
    no = payloads.status_payload(external_id="c1", properties={"upsell_opt_out": "email"})
    queue(("CONTACT_STATUS", "no", no))
    crm = SlowCrm(monkeypatch)

    push()

    accounts = [[(0, "account", "0")], [(10, "account", "1")], [(20, "account", "2")], [(30, "account", "3")]]
    assert crm.asked == [[(0, "contact", "801")], *accounts]


def test_each_claim_of_a_long_round_has_its_own_whole_lease(server, monkeypatch):
    monkeypatch.setattr(writeback, "BATCH", 1)
    queue(("ACCOUNT_STATUS", "k1", status()), ("ACCOUNT_STATUS", "k2", status(word="lost")))

    push()

    first, second = WriteBack.objects.order_by("pk").values_list("next_at", flat=True)
    assert WALL + writeback.LEASE < first < second


def test_what_fails_for_days_is_given_up_and_a_person_can_try_it_again(server, settings):
    is_there, settings.HUBSPOT_API_BASE = settings.HUBSPOT_API_BASE, f"http://127.0.0.1:{provider.closed_port()}"
    queue(("ACCOUNT_STATUS", "k1", status()))
    WriteBack.objects.update(attempts=writeback.MAX_ATTEMPTS - 1)
    given_up = push()
    settings.HUBSPOT_API_BASE = is_there

    assert given_up.failed == 1
    assert writeback.retry_failed(write_back_ids=[WriteBack.objects.get().pk]) == 1
    assert push(WALL + writeback.SETTLED + timedelta(seconds=1)).done == 1


def test_a_row_whose_worker_died_is_due_again_after_the_lease(server):
    queue(("ACCOUNT_STATUS", "k1", status()))
    [claimed] = writeback._claim(WriteBack.objects.get().connection, "ACCOUNT_STATUS", WALL, WALL)

    assert push().done == 0
    assert push(WALL + writeback.LEASE).done == 0
    assert push(WALL + writeback.LEASE + writeback.SETTLED).done == 1
    assert claimed.attempts == 1


def task(state="OPEN", outcome="", account="a1", task_id="t1"):
    return payloads.task_payload(
        task_id=task_id, title="Call Acme", body="9 of 10 seats", due_at=NOW, state=state, outcome=outcome,
        account=account, contact="c1",
    )  # fmt: skip


def statuses(hubspot):
    return [row["properties"]["hs_task_status"] for row in hubspot.records["tasks"].values()]


def test_a_task_reaches_the_crm_and_is_closed_there_with_its_outcome(server, hubspot):
    queue(("TASK", "task:1:1", task()))
    push()
    queue(("TASK", "task:1:2", task("DONE", "INTERESTED")))
    push()

    [written] = hubspot.records["tasks"].values()
    assert (written["properties"]["hs_task_status"], written["properties"]["upsell_task_outcome"]) == (
        "COMPLETED", "INTERESTED",
    )  # fmt: skip
    assert {(link[2], link[3]) for link in hubspot.links} == {("companies", "701"), ("contacts", "801")}


def test_two_states_of_a_task_in_one_batch_leave_the_newer_one(server, hubspot):
    queue(("TASK", "task:1:1", task()), ("TASK", "task:1:2", task("DONE", "NO_ANSWER")))

    assert push().done == 2
    assert statuses(hubspot) == ["COMPLETED"]


def test_a_late_try_does_not_open_a_task_again(server, hubspot):
    queue(("TASK", "task:1:1", task()))
    WriteBack.objects.update(next_at=WALL + timedelta(hours=1), attempts=1, last_error="busy")
    queue(("TASK", "task:1:2", task("DONE", "INTERESTED")))
    push()

    assert push(WALL + timedelta(hours=2)).done == 1
    assert statuses(hubspot) == ["COMPLETED"]
    assert set(WriteBack.objects.values_list("state", flat=True)) == {"DONE"}


def test_a_task_of_an_account_the_crm_does_not_know_fails_in_words(server, hubspot):
    queue(("TASK", "task:1:1", task(account="stranger")))

    assert push().failed == 1
    assert "sync it" in WriteBack.objects.get().last_error
