"""RQ's dashboard inside the admin: what is gone is told as gone."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
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


@pytest.mark.django_db(transaction=True)
def test_only_a_superuser_sees_the_bells_and_takes_them_away(client, django_user_model, empty_redis):
    """A colleague of the studio, whatever they may do there, can't empty what carries every message."""
    bells.ring("messages_due")
    job_id = queues.open_queue(queues.NOW).job_ids[0]
    guy = django_user_model.objects.create_user("guy", password="pw", is_staff=True)
    guy.user_permissions.set(Permission.objects.all())
    client.force_login(guy)
    names = ("empty/", "requeue-all/", f"{job_id}/", f"{job_id}/delete/", f"{job_id}/stop/", "failed/clear/", "")
    pages = [ROOT, f"{ROOT}stats.json", reverse("admin:django_rq_dashboard_changelist"), f"{ROOT}queues/actions/0/"]
    for page in (*pages, *(f"{ROOT}queues/{place}/{name}" for place in (0, 1) for name in names)):
        assert (page, client.get(page).status_code) == (page, 403)
        assert (page, client.post(page).status_code) == (page, 403)
    assert queues.open_queue(queues.NOW).job_ids == [job_id]
    assert "django_rq" not in client.get(reverse("admin:data")).content.decode()


def test_who_is_not_logged_in_is_asked_to(client):
    assert client.get(ROOT).headers["Location"].startswith("/admin/login/")
    assert client.get(f"{ROOT}stats.json").status_code in (302, 401)
