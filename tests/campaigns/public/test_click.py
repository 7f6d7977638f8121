from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.delivery import feedback, links
from campaigns.delivery.models import ProviderEvent, TrackedLink
from orchestrator import clock
from tests.campaigns.delivery.reports import BROWSER
from tests.factories.delivery import MessageFactory

pytestmark = pytest.mark.django_db

OURS = "http://127.0.0.1:8000/o/token"


def link_to(target=OURS):
    message = MessageFactory(state="ACCEPTED", accepted_at=clock.utcnow() - timedelta(hours=2))
    return TrackedLink.objects.create(message=message, kind="offer", target=target)


def path_of(link):
    return links.click_url(link_id=link.pk).removeprefix("http://127.0.0.1:8000")


def test_a_click_leads_to_the_stored_target(client):
    response = client.get(path_of(link_to()), headers={"User-Agent": BROWSER})

    assert (response.status_code, response["Location"]) == (302, OURS)
    assert response["Referrer-Policy"] == "no-referrer"


def test_a_persons_click_counts_as_human(client):
    link = link_to()

    client.get(path_of(link), headers={"User-Agent": BROWSER})
    feedback.apply_feedback(now=clock.utcnow(), wall_now=clock.wall_now())

    link.refresh_from_db()
    assert (link.hits, link.human_hits) == (1, 1)
    assert link.message.__class__.objects.get(pk=link.message_id).clicked_at is not None


@pytest.mark.parametrize(
    ("method", "agent"), [("head", BROWSER), ("get", ""), ("get", "python-requests/2.32.3"), ("get", "SafeLinks bot")]
)
def test_a_machines_fetch_is_answered_but_counts_as_none(client, method, agent):
    link = link_to()

    response = getattr(client, method)(path_of(link), headers={"User-Agent": agent})
    feedback.apply_feedback(now=clock.utcnow(), wall_now=clock.wall_now())

    link.refresh_from_db()
    assert response.status_code == 302
    assert (link.hits, link.human_hits) == (1, 0)
    assert ProviderEvent.objects.get().grade == "SCANNER"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "http://127.0.0.1:8000.evil.example/",
        "http://127.0.0.1:8000@evil.example/",
        "http://127.0.0.1:8000/\\evil.example",
        "javascript:alert(1)",
        "http://127.0.0.1:8000/\tx",
        "",
    ],
)
def test_no_target_leaves_our_own_address(client, target):
    response = client.get(path_of(link_to(target)))

    assert response.status_code == 404
    assert "Location" not in response


def test_a_wrong_link_leads_nowhere(client):
    assert client.get("/c/nonsense").status_code == 404
