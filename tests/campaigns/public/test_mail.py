from __future__ import annotations

import pytest

from campaigns.delivery import links
from tests.factories.delivery import MessageFactory

pytestmark = pytest.mark.django_db


def path_of(message):
    return links.view_url(message_uuid=message.uuid).removeprefix("http://127.0.0.1:8000")


def test_a_mail_can_be_read_in_the_browser_without_our_origin(client):
    response = client.get(path_of(MessageFactory()))

    assert response.status_code == 200
    assert "Hello Noa" in response.content.decode()
    policy = response["Content-Security-Policy"]
    assert "sandbox" in policy
    assert "default-src 'none'" in policy
    assert "script-src" not in policy


def test_a_wrong_link_leads_nowhere(client):
    assert client.get("/v/nonsense").status_code == 404


def test_the_page_behind_a_wrong_link_looks_like_any_other_such_page(client):
    policies = [client.get(f"/{way}/nonsense")["Content-Security-Policy"] for way in ("v", "o")]
    assert policies[0] == policies[1]
    assert "style-src 'self'" in policies[0]
