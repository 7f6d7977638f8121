"""An erasure and what is written about the person at the same moment."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, connections, transaction

from campaigns.offers import call
from campaigns.offers.models import Refusal
from campaigns.privacy import erase
from campaigns.profiles.models import Contact
from tests.factories.consent import ConsentTopicFactory
from tests.factories.delivery import CsmTaskFactory
from tests.factories.offers import NOW, quote_with_reader


@pytest.mark.parametrize("external_id", ["u-1", "dana@galil.example"])
def test_a_call_that_is_being_written_down_and_an_erasure_wait_for_each_other_in_one_order(
    transactional_db, external_id
):
    ConsentTopicFactory()
    quote, contact_id = quote_with_reader()
    Contact.objects.filter(pk=contact_id).update(external_id=external_id)
    task = CsmTaskFactory(message__account_id=quote.account_id, message__contact_id=contact_id)
    eraser = threading.Thread(target=_erase, args=(contact_id,))

    with transaction.atomic():
        call.record_call(task=task, outcome="NOT_NOW", note="Dana is angry", by_id=None, now=NOW)
        eraser.start()
        while eraser.is_alive() and not _somebody_waits_for_us():
            eraser.join(0.01)
    eraser.join()

    assert Contact.objects.get(pk=contact_id).erased_at == NOW
    assert Refusal.objects.get().note == ""


def _erase(contact_id):
    try:
        erase.erase_contact(contact_id=contact_id, by="maria", now=NOW)
    finally:
        connections.close_all()


def _somebody_waits_for_us():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))")
        return cursor.fetchone()[0]
