"""POST /api/v1/campaigns/<slug>/entries: another system brings accounts and contacts into a campaign that runs."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.api import idempotency, keys
from campaigns.api.models import KeptAnswer
from campaigns.operations.models import AuditEntry
from campaigns.sequences import lifecycle
from campaigns.sequences.models import Campaign, Enrolment, Entry
from orchestrator import clock
from tests.factories import sequences as make

pytestmark = pytest.mark.django_db
NOW = make.NOW


@pytest.fixture(scope="module")
def scene(shared_rows) -> Campaign:
    make.market()
    return make.launched(holdout_percent=None, entry={"by": "HAND", "reentry": "NEVER"})


@pytest.fixture
def campaign(scene, db) -> Campaign:
    return Campaign.objects.get(pk=scene.pk)


def key_of(role: str = "MARKETER", name: str = "data platform") -> str:
    return keys.create_key(name=name, role=role, by="dana", now=NOW).secret


def post(campaign: Campaign | str, body: object, *, key: str, again: str = "") -> tuple[int, dict]:
    slug = campaign if isinstance(campaign, str) else campaign.slug
    headers = {"Authorization": f"Bearer {key}"} | ({"Idempotency-Key": again} if again else {})
    data = body if isinstance(body, str | bytes) else json.dumps(body)
    response = Client().post(
        f"/api/v1/campaigns/{slug}/entries", data, content_type="application/json", headers=headers
    )
    return response.status_code, response.json()


def entries(*external_ids: str) -> dict:
    return {"entries": [{"account": external_id} for external_id in external_ids]}


def code_and_path(answer: tuple[int, dict]) -> tuple[int, str, str]:
    return answer[0], answer[1]["error"]["code"], answer[1]["error"]["path"]


def test_a_named_account_enters_and_the_entry_says_who_brought_it(campaign):
    account = make.ready_account()
    status, answer = post(campaign, entries(account.external_id), key=key_of())
    assert (status, answer["enrolled"], answer["unfit"]) == (200, 1, [])
    entry = Entry.objects.get()
    assert (entry.source, entry.occasion) == ("API", "data platform")
    assert AuditEntry.objects.get(action="campaign.enrol").actor == "api:data platform"


def test_who_does_not_fit_is_told_by_place_and_the_others_go_on(campaign):
    account = make.ready_account()
    status, answer = post(campaign, entries("nobody", account.external_id), key=key_of())
    assert (status, answer["named"], answer["enrolled"]) == (200, 2, 1)
    assert answer["unfit"] == [{"index": 0, "named": "nobody", "why": "There is no account with this id."}]


def test_a_dry_run_says_what_would_come_of_it_and_changes_nothing(campaign):
    account = make.ready_account()
    status, answer = post(campaign, {**entries(account.external_id), "dry_run": True}, key=key_of())
    assert (status, answer["enrolled"], Entry.objects.count()) == (200, 1, 0)


def test_the_same_call_again_gets_the_first_answer_and_acts_once(campaign):
    account, key = make.ready_account(), key_of()
    first = post(campaign, entries(account.external_id), key=key, again="night-7")
    second = post(campaign, entries(account.external_id), key=key, again="night-7")
    assert (first[1]["enrolled"], second) == (1, first)
    assert Enrolment.objects.count() == 1


def test_without_an_idempotency_key_nobody_enters_twice_either(campaign):
    account, key = make.ready_account(), key_of()
    post(campaign, entries(account.external_id), key=key)
    answer = post(campaign, entries(account.external_id), key=key)[1]
    assert (answer["enrolled"], answer["already_in"], Enrolment.objects.count()) == (0, 1, 1)


def test_an_idempotency_key_stands_for_one_call(campaign):
    key = key_of()
    post(campaign, entries("a"), key=key, again="night-7")
    assert code_and_path(post(campaign, entries("b"), key=key, again="night-7")) == (422, "idempotency_key_reused", "")


def test_two_callers_may_choose_the_same_idempotency_key(campaign):
    post(campaign, entries("a"), key=key_of(name="one"), again="1")
    assert post(campaign, entries("b"), key=key_of(name="two"), again="1")[0] == 200


def test_a_call_under_way_is_not_begun_a_second_time_until_it_is_given_up(campaign):
    account, key = make.ready_account(), key_of()
    post(campaign, entries(account.external_id), key=key, again="1")
    KeptAnswer.objects.update(status=None, body=None, begun_at=clock.wall_now())
    assert code_and_path(post(campaign, entries(account.external_id), key=key, again="1")) == (409, "under_way", "")
    KeptAnswer.objects.update(begun_at=clock.wall_now() - idempotency.GIVEN_UP_AFTER - timedelta(seconds=1))
    status, answer = post(campaign, entries(account.external_id), key=key, again="1")
    assert (status, answer["already_in"], Enrolment.objects.count()) == (200, 1, 1)


def test_a_refused_call_leaves_its_idempotency_key_free(campaign):
    account, key = make.ready_account(), key_of()
    lifecycle.pause(campaign=campaign, by="dana", now=NOW)
    assert code_and_path(post(campaign, entries(account.external_id), key=key, again="1"))[:2] == (409, "not_live")
    lifecycle.resume(campaign=campaign, by="dana", now=NOW)
    assert post(campaign, entries(account.external_id), key=key, again="1")[1]["enrolled"] == 1


def test_kept_answers_are_forgotten_after_two_days(campaign):
    post(campaign, entries("a"), key=key_of(), again="1")
    begun = KeptAnswer.objects.get().begun_at
    assert idempotency.forget_answers(wall=begun + idempotency.KEPT_FOR) == 0
    assert idempotency.forget_answers(wall=begun + idempotency.KEPT_FOR + timedelta(seconds=1)) == 1


def test_a_key_for_reading_brings_nobody_in(campaign):
    account = make.ready_account()
    answer = post(campaign, entries(account.external_id), key=key_of("ANALYST"))
    assert (code_and_path(answer), Entry.objects.count()) == ((403, "forbidden", ""), 0)


@pytest.mark.parametrize("key", ["", "crk_wrong", "whsec_x", "crk_\x00", "crk_é"])
def test_without_a_valid_key_nothing_is_told(campaign, key):
    assert code_and_path(post(campaign, entries("a"), key=key)) == (401, "unauthorized", "")


def test_a_revoked_key_opens_nothing(campaign):
    created = keys.create_key(name="old", role="ADMIN", by="dana", now=NOW)
    assert keys.revoke_key(api_key=created.api_key, by="dana", now=NOW)
    assert post(campaign, entries("a"), key=created.secret)[0] == 401


def test_a_session_of_the_studio_is_no_key(campaign, admin_client):
    response = admin_client.post(f"/api/v1/campaigns/{campaign.slug}/entries", "{}", content_type="application/json")
    assert response.status_code == 401


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("", (422, "invalid", "")),
        ("{", (400, "bad_request", "")),
        (b"\xff\xfe", (400, "bad_request", "")),
        ("[]", (422, "invalid", "entries")),
        ("{}", (422, "invalid", "entries")),
        ({"entries": []}, (422, "invalid", "entries")),
        ({"entries": [{"account": "a\x00"}]}, (422, "invalid", "entries[0].account")),
        ('{"entries": [{"account": "\\ud800"}]}', (422, "invalid", "entries[0].account")),
        ({"entries": [{"account": "a"}, {"contact": 7}]}, (422, "invalid", "entries[1].contact")),
        ({"entries": [{"account": "a" * 201}]}, (422, "invalid", "entries[0].account")),
        ({"entries": [{}] * 10_001}, (422, "invalid", "entries")),
        ({"entries": [{}], "dry_run": "perhaps"}, (422, "invalid", "dry_run")),
    ],
)
def test_a_call_that_can_not_be_read_is_told_where(campaign, body, told):
    assert code_and_path(post(campaign, body, key=key_of())) == told


def test_a_body_that_is_too_large_is_told(campaign):
    assert code_and_path(post(campaign, b"x" * 3_000_000, key=key_of())) == (413, "too_large", "")


def test_an_unknown_campaign_is_told(campaign):
    assert code_and_path(post("no-such", entries("a"), key=key_of())) == (404, "not_found", "")


@pytest.mark.parametrize("again", ["x" * 201, "a\tb"])
def test_an_idempotency_key_is_short_and_printable(campaign, again):
    assert code_and_path(post(campaign, entries("a"), key=key_of(), again=again))[1] == "bad_idempotency_key"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["account", "contact", "x"]), inner),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.fixed_dictionaries({"entries": JSON | st.lists(JSON, max_size=3)}, optional={"occasion": JSON}))
def test_no_body_is_an_error_of_ours(campaign, hypothesis_key, body):
    assert post(campaign, body, key=hypothesis_key)[0] in {200, 422}


@pytest.fixture
def hypothesis_key(campaign) -> str:
    return key_of(name="fuzz")
