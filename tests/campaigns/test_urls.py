"""The way in, and what stands where nothing is."""

from __future__ import annotations

import pytest
from django.db import OperationalError
from django.template.loader import render_to_string
from django.urls import reverse

from campaigns.operations import readiness

pytestmark = pytest.mark.django_db


def test_the_bare_address_leads_to_the_studio(client):
    response = client.get("/")
    assert (response.status_code, response.headers["Location"]) == (302, "/admin/")


def test_an_unknown_address_is_a_page_in_words(client):
    response = client.get("/no/such/page")
    content = response.content.decode()
    assert response.status_code == 404
    assert "There is no such page" in content
    assert "unsafe-inline" not in response.headers["Content-Security-Policy"]
    assert "<style" not in content
    assert "<script" not in content


def test_the_page_of_a_failure_needs_no_context():
    assert "Something went wrong on our side" in render_to_string("500.html")


def test_a_database_that_is_away_is_a_page_that_says_so(client, monkeypatch):
    """given a server that takes no connection, when somebody opens a page, then it is 503 and asks to come back"""

    def refuse(*_args: object, **_kwargs: object) -> None:
        raise OperationalError("the server closed the connection unexpectedly")

    client.raise_request_exception = False
    monkeypatch.setattr(readiness, "look", refuse)

    response = client.get("/readyz")

    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert "The database does not answer just now" in response.content.decode()


def test_a_failure_of_our_own_stays_a_failure(client, monkeypatch):
    client.raise_request_exception = False
    monkeypatch.setattr(readiness, "look", lambda **_: 1 / 0)

    assert client.get("/readyz").status_code == 500


def test_the_data_pages_lead_back_to_the_studio(admin_client):
    content = admin_client.get("/admin/profiles/account/").content.decode()
    assert f'href="{reverse("admin:studio-campaigns")}"' in content
    assert 'name="language" value="he" lang="he">עברית' in content


@pytest.mark.parametrize(
    ("template", "words"),
    [("403.html", "You may look, but not do this"), ("403_csrf.html", "This page was open for too long")],
)
def test_what_may_not_be_done_is_said_in_words(template, words):
    content = render_to_string(template)
    assert words in content
    assert "<style" not in content


def test_a_data_page_asked_for_by_a_field_that_is_none_is_no_page(admin_client):
    assert admin_client.get("/admin/profiles/account/1/change/?_to_field=").status_code == 404
