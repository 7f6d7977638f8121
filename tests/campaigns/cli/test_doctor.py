"""`manage.py doctor`: words on stdout, one line per thing, and an exit status a script can act on."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.core.management import call_command

from campaigns.delivery import switch
from campaigns.operations import diagnosis
from campaigns.operations.findings import Level
from campaigns.operations.models import SendSwitch
from orchestrator import clock
from orchestrator.jobs import queues
from tests.factories.delivery import ReadyMessageFactory

pytestmark = pytest.mark.django_db


def run(capsys, *arguments):
    """Exit status, what is on stdout, what on stderr. Whether this tree's translations are compiled is not asked."""
    with pytest.raises(SystemExit) as stop:
        call_command("doctor", *arguments)
    printed = capsys.readouterr()
    return stop.value.code, printed.out, printed.err


def findings():
    return {one.about: one for one in diagnosis.examine(wall_now=clock.wall_now())}


@pytest.fixture(autouse=True)
def compiled_translations(settings):
    settings.LOCALE_PATHS = []


def test_where_nothing_is_wrong_it_says_so_and_exits_0(capsys):
    status, out, err = run(capsys)
    assert (status, err) == (0, "Nothing is wrong.\n")
    for about in (
        "PostgreSQL",
        "Redis",
        "Migrations",
        "Workers on now",
        "Bells on bulk",
        "Clock",
        "Webhooks of Stripe",
    ):
        assert f" {about}: " in out


def test_what_is_wrong_is_marked_and_counted_and_exits_1(capsys, settings):
    settings.STRIPE_API_KEY, settings.STRIPE_WEBHOOK_SECRET = "sk_live", ""
    status, out, err = run(capsys)
    assert status == 1
    assert "WRONG  Webhooks of Stripe: STRIPE_WEBHOOK_SECRET is not set:" in out
    assert err.startswith("Wrong: 1 of ")


def test_findings_come_as_json_lines_when_asked(capsys):
    _, out, _ = run(capsys, "--json")
    told = [json.loads(line) for line in out.splitlines()]
    assert {"level", "about", "words"} == set(told[0])
    assert {one["level"] for one in told} <= {"good", "note", "wrong"}


def test_without_a_provider_its_webhooks_are_a_note(settings):
    settings.SENDGRID_API_KEY = settings.SENDGRID_WEBHOOK_PUBLIC_KEY = ""
    assert findings()["Webhooks of SendGrid"].level is Level.NOTE


@pytest.mark.parametrize(
    ("provider", "key", "name"),
    [
        ("SENDGRID_API_KEY", "SENDGRID_WEBHOOK_PUBLIC_KEY", "SendGrid"),
        ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "Twilio"),
        ("STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRET", "Stripe"),
    ],
)
def test_a_provider_whose_webhooks_cannot_be_verified_is_wrong(settings, provider, key, name):
    setattr(settings, provider, "set")
    setattr(settings, key, "")
    assert findings()[f"Webhooks of {name}"].level is Level.WRONG
    setattr(settings, key, "set")
    assert findings()[f"Webhooks of {name}"].level is Level.GOOD


def test_a_crm_that_is_pulled_needs_no_webhooks(settings):
    settings.HUBSPOT_ACCESS_TOKEN, settings.HUBSPOT_CLIENT_SECRET = "pat", ""
    assert findings()["Webhooks of HubSpot"].level is Level.NOTE


def test_the_address_to_register_is_told(settings):
    settings.PUBLIC_BASE_URL = "https://crescendo.example"
    settings.HUBSPOT_CLIENT_SECRET = "s"
    assert "https://crescendo.example/webhooks/hubspot" in findings()["Webhooks of HubSpot"].words


def test_a_machine_whose_clock_is_off_is_wrong(monkeypatch):
    real = clock.wall_now()
    monkeypatch.setattr(clock, "wall_now", lambda: real - timedelta(seconds=40))
    told = findings()["Clock of Redis"]
    assert told.level is Level.WRONG
    assert "40 s ahead of" in told.words


def test_bells_that_failed_are_told(empty_redis):
    job = queues.open_queue(queues.NOW).enqueue("campaigns.cron.answer_bell", "usage_stored")
    queues.open_queue(queues.NOW).failed_job_registry.add(job, ttl=60)
    told = findings()
    assert told["Bells on now"].level is Level.NOTE
    assert "1 waiting, 1 failed" in told["Bells on now"].words
    assert told["Bells on bulk"].level is Level.GOOD


def test_without_redis_the_rest_is_examined_all_the_same(settings, tmp_path):
    dead = {**settings.RQ_QUEUES["now"], "URL": f"unix://{tmp_path}/nobody.sock"}
    settings.RQ_QUEUES = {"now": dead, "bulk": dead}
    told = findings()
    assert told["Redis"].level is Level.WRONG
    assert told["Migrations"].level is Level.GOOD
    assert "Bells on now" not in told


@pytest.mark.parametrize(
    ("segments", "spend", "prices", "level"),
    [
        (0, None, {"": 1}, Level.NOTE),
        (500, None, {}, Level.GOOD),
        (0, 80, {"": 1}, Level.GOOD),
        (0, 80, {}, Level.WRONG),
    ],
    ids=["none", "segments", "money", "money without prices"],
)
def test_text_messages_without_a_budget_are_named(settings, segments, spend, prices, level):
    settings.TWILIO_ACCOUNT_SID = "AC1"
    settings.SMS_DAILY_SEGMENTS, settings.SMS_DAILY_SPEND, settings.SMS_SEGMENT_PRICES = segments, spend, prices

    assert findings()["Budget of text messages"].level == level


def test_what_stands_still_without_anybody_having_wanted_it_is_wrong(capsys):
    ReadyMessageFactory(gate__slug="seats-80", due_at=clock.utcnow() - timedelta(hours=1))

    status, out, _err = run(capsys)

    assert status == 1
    assert "WRONG  What stands still: seats-80: 1 e-mail stands still. Due since" in out


@pytest.mark.parametrize(
    ("reason", "said"), [("the price is wrong", ": “the price is wrong”."), ("", ".")], ids=["why", "no reason"]
)
def test_sending_that_somebody_switched_off_is_worth_a_look(capsys, reason, said):
    switch.set_switch(is_on=False, by="dana", reason=reason, now=clock.utcnow())
    ReadyMessageFactory(gate__slug="seats-80", due_at=clock.utcnow() - timedelta(minutes=1))

    status, out, err = run(capsys)

    assert (status, err) == (0, "Nothing is wrong. Worth a look: sending is off.\n")
    assert " note  Sending: Sending was switched off by dana, " in out
    assert f"{said} 1 message is due and waits. Switch it on: the page Sending" in out


def test_sending_that_is_off_since_a_restore_says_what_to_do(capsys):
    switch.set_switch(is_on=True, by="dana", now=clock.utcnow())
    SendSwitch.objects.update(database="another")

    status, out, _ = run(capsys)

    assert status == 0
    assert " note  Sending: Sending is held since the database was restored or copied" in out
    assert "manage.py sending on --by NAME" in out


def test_sending_that_is_on_says_by_whom(capsys):
    switch.set_switch(is_on=True, by="dana", reason="looked through", now=clock.utcnow())

    _, out, err = run(capsys)

    assert err == "Nothing is wrong.\n"
    assert "  ok   Sending: on since " in out
    assert "UTC, by dana: looked through." in out
