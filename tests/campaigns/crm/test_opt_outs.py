from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from campaigns.consent import opt_out, points
from campaigns.consent.models import ConsentRecord, ContactPoint
from campaigns.conversions import tell
from campaigns.crm import connect, jobs, opt_outs, payloads, sync, told, writeback
from campaigns.crm.models import WriteBack
from campaigns.profiles.addresses import hash_address
from campaigns.profiles.models import Contact
from orchestrator import clock
from orchestrator.connectors import registry
from orchestrator.connectors.contract import ConnectorBusy, ConnectorMisconfigured
from orchestrator.connectors.hubspot import push
from orchestrator.jobs import queues
from tests.contracts import provider
from tests.factories.consent import ConsentTopicFactory
from tests.factories.crm import CrmConnectionFactory
from tests.orchestrator.connectors.hubspot_fake import HubSpotFake

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
CHANGED = datetime(2026, 3, 1, tzinfo=UTC)
EMAIL = "noa@acme.example"


@pytest.fixture
def hubspot():
    fake = HubSpotFake()
    ms = int(CHANGED.timestamp() * 1000)
    fake.add("contacts", "801", ms=ms, email=EMAIL, upsell_opt_out="")
    fake.add("contacts", "802", ms=ms, email="dan@acme.example", upsell_opt_out="")
    return fake


@pytest.fixture
def connection(transactional_db, settings, hubspot):
    ConsentTopicFactory()
    with provider.running(hubspot) as server:
        settings.HUBSPOT_ACCESS_TOKEN, settings.HUBSPOT_API_BASE = "pat-test", server.url
        yield connect.find_connection(slug="hubspot")


def pull(connection):
    return sync.sync_connection(connection=connection, full=True, now=NOW)


def flag(hubspot, word, at=CHANGED):
    hubspot.add("contacts", "801", ms=int(at.timestamp() * 1000), email=EMAIL, hs_email_optout=word)


def say_no(at=NOW):
    opt_out.opt_out(channel="email", address_hash=hash_address(EMAIL), source="page", at=at, now=NOW)


def say_yes(at=NOW):
    opt_out.opt_in(point_id=point().pk, topic="offers", source="page", at=at, now=NOW)


def point():
    return ContactPoint.objects.get(channel="email", address_hash=hash_address(EMAIL))


def said_of(hubspot, crm_id="801"):
    return hubspot.records["contacts"][crm_id]["properties"].get("upsell_opt_out")


def tell_and_push():
    tell.tell_opt_outs(now=NOW)
    return writeback.push_due(now=NOW, wall_now=clock.wall_now())


@pytest.mark.parametrize(("word", "is_blocked"), [("true", True), ("false", False), ("", False)])
def test_the_crms_flag_is_a_no_when_it_is_set(connection, hubspot, word, is_blocked):
    flag(hubspot, word)

    run = pull(connection)

    assert run.counts["opt_outs"] == is_blocked
    assert ContactPoint.objects.filter(channel="email", is_blocked=True).exists() == is_blocked


def test_a_flag_that_stands_leaves_one_record(connection, hubspot):
    flag(hubspot, "true")
    pull(connection)
    pull(connection)

    record = ConsentRecord.objects.get()
    assert (record.source, record.at, record.evidence["record"]) == ("crm", CHANGED, "801")


@pytest.mark.parametrize(("hours", "is_blocked"), [(1, False), (-1, True)])
def test_a_later_yes_of_the_person_stands_and_an_earlier_one_does_not(connection, hubspot, hours, is_blocked):
    pull(connection)
    say_no(CHANGED - timedelta(days=1))
    say_yes(CHANGED + timedelta(hours=hours))
    flag(hubspot, "true")

    pull(connection)

    assert point().is_blocked == is_blocked


def test_an_opt_out_stands_in_the_crm_and_goes_when_it_is_taken_back(connection, hubspot):
    pull(connection)
    say_no()
    tell_and_push()
    assert said_of(hubspot) == "email"

    say_yes()
    tell_and_push()
    assert said_of(hubspot) == ""


def test_what_the_crm_lacks_of_ours_is_told_at_night(connection, hubspot):
    pull(connection)
    say_no()

    assert opt_outs.compare_opt_outs(connection=connection, now=NOW) == opt_outs.Compared(read=2, told_again=1)
    writeback.push_due(now=NOW, wall_now=clock.wall_now())

    assert (said_of(hubspot), said_of(hubspot, "802")) == ("email", "")
    assert opt_outs.compare_opt_outs(connection=connection, now=NOW).told_again == 0


@pytest.fixture
def said_before(connection, hubspot):
    """given a no that we told the CRM, and that a backup from before it does not hold"""
    pull(connection)
    hubspot.add("contacts", "801", ms=int(CHANGED.timestamp() * 1000), email=EMAIL, upsell_opt_out="email;sms;?")


def test_a_no_that_only_the_crm_remembers_is_taken_from_it_and_not_wiped_out_there(said_before, connection, hubspot):
    compared = opt_outs.compare_opt_outs(connection=connection, now=NOW)
    writeback.push_due(now=NOW, wall_now=clock.wall_now())

    assert (point().is_blocked, compared.taken) == (True, 1)
    assert said_of(hubspot) == "email"
    again = opt_outs.compare_opt_outs(connection=connection, now=NOW)
    assert (again.taken, again.told_again) == (0, 0)


def test_a_yes_that_the_person_gave_here_since_stands_and_is_told(said_before, connection, hubspot):
    say_no(CHANGED - timedelta(days=1))
    say_yes(CHANGED + timedelta(hours=1))

    opt_outs.compare_opt_outs(connection=connection, now=NOW)
    writeback.push_due(now=NOW, wall_now=clock.wall_now())

    assert (point().is_blocked, said_of(hubspot)) == (False, "")


def test_the_night_reads_every_flag_again(connection, hubspot):
    pull(connection)
    flag(hubspot, "true", at=CHANGED - timedelta(days=30))

    jobs.compare_opt_outs()

    assert point().is_blocked
    assert WriteBack.objects.get().payload["properties"] == {"upsell_opt_out": "email"}


def test_the_night_has_all_the_time_it_needs():
    """A CRM of ten thousand contacts is not read within a job of the messages' path."""
    assert queues.queue_of("opt_outs_compared") == "bulk"


def test_a_no_about_a_mailbox_that_came_back_is_kept_once(connection, hubspot):
    pull(connection)
    digest = hash_address(EMAIL)
    opt_out.opt_out(channel="email", address_hash=digest, reason="BOUNCED", source="sendgrid:bounce", at=NOW, now=NOW)
    flag(hubspot, "true")
    pull(connection)
    pull(connection)

    assert ConsentRecord.objects.filter(point=point(), topic="", state="WITHDRAWN").count() == 1
    assert (point().reason, point().is_dead) == ("UNSUBSCRIBED", True)


def touch(hubspot, email=EMAIL):
    """somebody changes something else of the record"""
    ms = int((NOW - timedelta(hours=1)).timestamp() * 1000)
    hubspot.add("contacts", "801", ms=ms, email=email, upsell_opt_out=said_of(hubspot), jobtitle="CTO")


def test_a_yes_stands_where_the_crm_still_says_what_we_told_it_before(connection, hubspot):
    pull(connection)
    say_no(at=NOW - timedelta(days=2))
    tell_and_push()
    say_yes(at=NOW - timedelta(hours=2))
    touch(hubspot)

    compared = opt_outs.compare_opt_outs(connection=connection, now=NOW)
    writeback.push_due(now=NOW, wall_now=clock.wall_now())

    assert (compared.taken, point().is_blocked, said_of(hubspot)) == (0, False, "")


LAPSED = writeback.LEASE + writeback.SETTLED + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("later", "is_answered"), [(timedelta(0), True), (LAPSED, True), (LAPSED, False)], ids=["meanwhile", "late", "lost"]
)
def test_a_yes_stands_that_was_given_while_the_no_was_on_its_way_to_the_crm(
    connection, hubspot, monkeypatch, later, is_answered
):
    pull(connection)
    say_no(at=NOW - timedelta(days=2))
    update, on_their_way = push._update, []

    def slowly(api, name, inputs):
        on_their_way.append(inputs)
        if len(on_their_way) == 1:
            say_yes(at=NOW - timedelta(hours=2))
            tell.tell_opt_outs(now=NOW)
            writeback.push_due(now=NOW, wall_now=clock.wall_now() + later)  # another worker
            answer = update(api, name, inputs)
            if not is_answered:
                raise ConnectorBusy("HubSpot gave no answer.")
            return answer
        return update(api, name, inputs)

    monkeypatch.setattr(push, "_update", slowly)
    tell_and_push()
    touch(hubspot)

    compared = opt_outs.compare_opt_outs(connection=connection, now=NOW)
    writeback.push_due(now=NOW, wall_now=clock.wall_now() + writeback.SETTLED)

    assert (compared.taken, point().is_blocked, said_of(hubspot)) == (0, False, "")


def test_a_yes_is_told_once_the_no_without_an_answer_is_carried_out(connection, hubspot, monkeypatch):
    pull(connection)
    say_no(at=NOW - timedelta(days=2))
    update, lost = push._update, []

    def lose(*request):
        lost.append(request)
        raise ConnectorBusy("HubSpot gave no answer.")

    monkeypatch.setattr(push, "_update", lose)
    tell_and_push()
    monkeypatch.setattr(push, "_update", update)
    say_yes(at=NOW - timedelta(hours=2))
    assert tell_and_push() == writeback.Pushed()
    update(*lost[0])  # HubSpot comes to it now
    touch(hubspot)

    compared = opt_outs.compare_opt_outs(connection=connection, now=NOW)
    writeback.push_due(now=NOW, wall_now=clock.wall_now() + writeback.SETTLED)

    assert (compared.taken, point().is_blocked, said_of(hubspot)) == (0, False, "")


def test_a_yes_stands_that_the_crm_is_told_while_it_is_read(connection, hubspot, monkeypatch):
    pull(connection)
    say_no(at=NOW - timedelta(days=2))
    tell_and_push()
    touch(hubspot)
    say_yes(at=NOW - timedelta(hours=2))
    pages = list(registry.crm("hubspot").pull(kind="contact", properties=[opt_outs.PROPERTY], since=None))

    def read(**_kwargs):
        tell_and_push()
        yield from pages

    monkeypatch.setattr(registry.crm("hubspot"), "pull", read)

    assert opt_outs.compare_opt_outs(connection=connection, now=NOW).taken == 0
    assert said_of(hubspot) == ""


def test_a_no_of_the_crm_is_taken_although_we_have_told_it_another_and_wait_to_tell_more(connection, hubspot):
    pull(connection)
    Contact.objects.update(phone="+15005550111", phone_hash=hash_address("+15005550111"))
    Contact.objects.exclude(email=EMAIL).update(phone="", phone_hash=None)
    say_no(at=NOW - timedelta(days=2))
    tell_and_push()
    say_yes(at=NOW - timedelta(hours=2))
    tell.tell_opt_outs(now=NOW)
    hubspot.add("contacts", "801", ms=int(NOW.timestamp() * 1000), email=EMAIL, upsell_opt_out="email;sms")

    opt_outs.compare_opt_outs(connection=connection, now=NOW)

    assert list(ContactPoint.objects.filter(is_blocked=True).values_list("channel", flat=True)) == ["sms"]


def test_a_no_that_the_crm_says_again_after_we_told_it_a_yes_is_taken(connection, hubspot):
    pull(connection)
    say_no(at=NOW - timedelta(days=2))
    tell_and_push()
    say_yes(at=NOW - timedelta(days=1))
    tell_and_push()
    hubspot.add("contacts", "801", ms=int(NOW.timestamp() * 1000), email=EMAIL, upsell_opt_out="email")

    assert opt_outs.compare_opt_outs(connection=connection, now=NOW).taken == 1
    assert point().is_blocked


BUSY, BAD_KEY = ConnectorBusy("HubSpot took too long."), ConnectorMisconfigured("HubSpot refused (HTTP 401).")


@pytest.mark.parametrize(
    ("rows", "ours"),
    [
        (["DONE email"], {"email"}),
        (["DONE email", "PENDING sms"], {"email"}),
        (["DONE email", "BUSY sms"], {"email", "sms"}),
        (["DONE email", "CLAIMED sms"], {"email", "sms"}),
        (["DONE email", "BAD_KEY sms"], {"email"}),
        (["DONE email", "BUSY BAD_KEY sms"], {"email", "sms"}),
        (["DONE email", "BAD_KEY CLAIMED sms"], {"email", "sms"}),
        (["BUSY email", "DONE sms"], {"sms"}),
        (["REFUSED email", "DONE sms"], {"sms"}),
        (["DONE sms", "REFUSED email"], {"sms"}),
        (["DONE sms", "BUSY REFUSED AGAIN email"], {"sms"}),
        (["REFUSED email"], set()),
    ],
)
def test_only_what_was_told_last_and_what_has_no_answer_since_is_our_own_word(db, settings, rows, ours):
    """All else that stands in the CRM is a word of the person's."""
    settings.HUBSPOT_ACCESS_TOKEN = "pat-test"
    made = CrmConnectionFactory()
    for number, (*happened, value) in enumerate(row.split() for row in rows):
        payload = payloads.status_payload(external_id="c1", properties={opt_outs.PROPERTY: value})
        writeback.queue_write_backs(items=[(WriteBack.Kind.CONTACT_STATUS, str(number), payload)], now=NOW)
        for what in happened:
            happen(what, WriteBack.objects.latest("pk"))

    since = told.remember(connection=made)
    own = told.values_told(connection=made, external_ids=["c1"], name=opt_outs.PROPERTY, since=since)
    assert own.get("c1", set()) == ours


def happen(what, row):
    if what == "PENDING":
        return
    if what == "AGAIN":
        writeback.retry_failed(write_back_ids=[row.pk])
        return
    WriteBack.objects.filter(pk=row.pk).update(next_at=NOW)
    claimed = writeback._claim(row.connection, row.kind, NOW, NOW + writeback.SETTLED)
    if what in ("BUSY", "BAD_KEY"):
        writeback._put_off(row.connection, claimed, BUSY if what == "BUSY" else BAD_KEY, writeback.Pushed(), NOW)
    elif what != "CLAIMED":
        refused = {row.pk: "refused"} if what == "REFUSED" else {}
        writeback._push(row.connection, claimed, lambda *_: refused, writeback.Pushed(), NOW, lambda: NOW)


@pytest.mark.parametrize("told_before", ["", "email"])
def test_a_corrected_address_does_not_get_the_deadness_of_the_old_one_as_a_no(connection, hubspot, told_before):
    pull(connection)
    digest = hash_address(EMAIL)
    opt_out.opt_out(channel="email", address_hash=digest, reason="BOUNCED", source="sendgrid:bounce", at=NOW, now=NOW)
    tell_and_push()
    assert said_of(hubspot) == ""
    if told_before:  # as an earlier version of ours did
        payload = payloads.status_payload(
            external_id=Contact.objects.get(email=EMAIL).external_id, properties={opt_outs.PROPERTY: told_before}
        )
        writeback.queue_write_backs(items=[(WriteBack.Kind.CONTACT_STATUS, "earlier", payload)], now=NOW)
        writeback.push_due(now=NOW, wall_now=clock.wall_now())
    touch(hubspot, email="noa.levi@acme.example")
    pull(connection)

    compared = opt_outs.compare_opt_outs(connection=connection, now=NOW)
    writeback.push_due(now=NOW, wall_now=clock.wall_now())

    contact = Contact.objects.get(email="noa.levi@acme.example")
    new = points.ensure_points(contacts=[contact], channel="email")[contact.pk]
    assert (compared.taken, new.is_blocked, said_of(hubspot)) == (0, False, "")
