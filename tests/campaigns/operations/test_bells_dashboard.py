"""RQ's dashboard inside the admin: what is gone is told as gone."""

from __future__ import annotations

import pytest
from django.urls import reverse

from orchestrator.jobs import bells, queues

pytestmark = pytest.mark.django_db
ROOT = "/admin/django_rq/dashboard/"


@pytest.mark.parametrize(
    "path",
    [
        "queues/0/messages_due-gone/", "queues/0/messages_due-gone/delete/", "queues/0/%22/requeue/", "queues/99/",
        "queues/0/a/results/b/", "workers/0/gone/", "schedulers/0/", "1/change/", "1/history/", "1/delete/", "add/",
    ],
)  # fmt: skip
def test_a_bell_or_worker_that_is_gone_is_no_page(admin_client, path):
    assert admin_client.get(ROOT + path).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_a_bell_that_waits_has_its_page(admin_client, empty_redis):
    bells.ring("messages_due")
    job_id = queues.open_queue(queues.NOW).job_ids[0]
    pages = [ROOT, f"{ROOT}queues/0/{job_id}/", f"{ROOT}queues/0/", reverse("admin:django_rq_dashboard_changelist")]
    assert [admin_client.get(page).status_code for page in pages] == [200] * len(pages)
