"""A worker that hangs inside a transaction: PostgreSQL ends its session, and what it held goes to another."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from psycopg.conninfo import make_conninfo

from campaigns.consent.models import ContactPoint
from campaigns.delivery import claim, dispatch, unsubscribe
from campaigns.delivery.models import Message
from orchestrator import clock
from tests.factories.delivery import NOW, ReadyMessageFactory

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[3]
IDLE_S = 4

# As begin does: the message in hand, its point share-locked, and then nothing more.
_HANG = """
import sys, time
sys.argv = ["manage.py", "rqworker", "now"]
import django
django.setup()
from django.db import connection, transaction
with transaction.atomic(), connection.cursor() as cursor:
    cursor.execute("SELECT id FROM consent_contactpoint FOR SHARE")
    cursor.execute("UPDATE delivery_message SET state = 'CLAIMED', lease_until = next_at, attempt = 7")
    print("holds", flush=True)
    time.sleep(120)
"""


@pytest.fixture
def stuck() -> Iterator[subprocess.Popen[str]]:
    """A process with a worker's sessions that holds every message and point; frozen, as a paused machine would be."""
    given = connection.get_connection_params()
    named = {name: given[name] for name in ("dbname", "user", "password", "host", "port") if given.get(name)}
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "orchestrator.settings.local",
        "DATABASE_URL": make_conninfo(**named),
        "DATABASE_IDLE_IN_TRANSACTION_S": str(IDLE_S),
        "CRESCENDO_PROCESS": "stuck-1",
    }
    process = subprocess.Popen(
        [sys.executable, "-c", _HANG], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "holds\n"
    process.send_signal(signal.SIGSTOP)
    yield process
    process.kill()
    process.wait()


def test_another_worker_sends_what_a_frozen_one_held(request):
    message = ReadyMessageFactory()
    request.getfixturevalue("stuck")
    assert claim.claim_messages(channel="email", size=10, worker="w", wall_now=clock.wall_now()) == []

    until = time.monotonic() + 5 * IDLE_S
    while Message.objects.get().state != "ACCEPTED" and time.monotonic() < until:
        dispatch.dispatch_due(channel="email", now=NOW, worker="another", seconds=1.0)

    message.refresh_from_db()
    assert (message.state, message.attempt) == ("ACCEPTED", 1)


def test_an_opt_out_outlasts_a_frozen_worker(request):
    message = ReadyMessageFactory()
    request.getfixturevalue("stuck")

    started = time.monotonic()
    unsubscribe.unsubscribe(message=message, source="one_click", evidence={}, now=NOW)

    assert time.monotonic() - started < 3 * IDLE_S
    assert ContactPoint.objects.get().is_blocked
