"""Keys of the API: made by command or in the admin, shown once, never kept."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from campaigns.api import keys
from campaigns.api.models import ApiKey
from campaigns.operations.models import AuditEntry
from tests.factories.sequences import NOW

pytestmark = pytest.mark.django_db


def test_the_command_prints_the_key_once_and_keeps_its_hash(capsys):
    call_command("create_api_key", "night job", "--role", "marketer")
    told = json.loads(capsys.readouterr().out)
    found = keys.find_key(secret=told["key"], wall=NOW)
    assert (told["name"], told["role"]) == ("night job", "marketer")
    assert found is not None
    assert found.name == "night job"
    assert told["key"].encode() not in bytes(found.key_hash)


def test_two_keys_do_not_share_a_name():
    call_command("create_api_key", "night job", "--role", "ANALYST")
    with pytest.raises(CommandError, match="already a key named night job"):
        call_command("create_api_key", "night job", "--role", "ANALYST")


def test_the_use_of_a_key_is_noted_once_a_minute():
    created = keys.create_key(name="busy", role="ANALYST", by="dana", now=NOW)
    for seconds in (0, 30, 60, 61):
        keys.find_key(secret=created.secret, wall=NOW + timedelta(seconds=seconds))
    assert ApiKey.objects.get().last_used_at == NOW + timedelta(seconds=61)


def test_making_and_revoking_are_audited_and_a_key_is_revoked_once():
    created = keys.create_key(name="old", role="ADMIN", by="dana", now=NOW)
    revoked = [keys.revoke_key(api_key=created.api_key, by="omer", now=NOW) for _ in range(2)]
    audit = list(AuditEntry.objects.order_by("pk").values_list("actor", "action", "subject"))
    assert revoked == [True, False]
    assert audit == [("dana", "api_key.create", "api_key:old"), ("omer", "api_key.revoke", "api_key:old")]


def test_the_admin_shows_a_new_key_once_and_revokes_it(admin_client):
    made = admin_client.post("/admin/api/apikey/add/", {"name": "crm", "role": "MARKETER"}, follow=True)
    secret = next(word for word in made.content.decode().split() if word.startswith("crk_")).rstrip(":")
    row = ApiKey.objects.get()
    assert keys.find_key(secret=secret, wall=NOW) == row
    assert secret not in admin_client.get(f"/admin/api/apikey/{row.pk}/change/").content.decode()
    admin_client.post("/admin/api/apikey/", {"action": "revoke", "_selected_action": [row.pk]})
    assert keys.find_key(secret=secret, wall=NOW) is None


def test_the_description_is_for_who_sees_the_studio(admin_client):
    assert Client().get("/api/v1/docs").status_code == 302
    page = admin_client.get("/api/v1/docs")
    told = admin_client.get("/api/v1/openapi.json").json()
    assert (page.status_code, "/api/v1/campaigns/{slug}/entries" in told["paths"]) == (200, True)
    assert "ninja/swagger-ui-bundle.js" in page.content.decode()
    assert "script-src" not in page["Content-Security-Policy"]
