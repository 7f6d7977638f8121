from __future__ import annotations

import io
import json

import pytest
from django.core.management import call_command

from campaigns.operations.models import AuditEntry
from campaigns.profiles.models import Account
from campaigns.sequences.models import Campaign, Entry
from tests.factories import sequences as make

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module", autouse=True)
def market(shared_rows):
    make.market()
    make.ready_account()


def run(*args: object) -> tuple[int, str, str]:
    """(exit status, standard output, standard error)"""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command(*[str(arg) for arg in args], stdout=out, stderr=err)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def file(tmp_path):
    def write(**changes):
        path = tmp_path / "campaign.json"
        path.write_text(json.dumps(make.document(**changes)), encoding="utf-8")
        return path

    return write


def test_apply_launch_and_ledger(file):
    assert run("campaign", "apply", file())[0] == 0
    status, out, _ = run("campaign", "launch", "seats-80")
    assert (status, set(json.loads(out))) == (0, {"enrolled", "holdout", "not_enrolled"})
    status, out, _ = run("ledger", "seats-80")
    assert set(json.loads(out)) == {"slug", "as_of", "accounts", "contacts", "messages", "skips", "open"}
    assert status == 0


def test_a_file_that_is_not_there_is_told_as_that(file, tmp_path):
    said = "There is no file '%s'."
    status, out, _ = run("campaign", "apply", tmp_path / "none.json")
    assert (status, json.loads(out)["error"]["message"]) == (2, said % (tmp_path / "none.json"))
    run("campaign", "apply", file())
    status, _, words = run("campaign", "enrol", "seats-80", tmp_path / "none.csv")
    assert (status, words.strip()) == (2, said % (tmp_path / "none.csv"))


def test_the_operator_is_the_approver(file):
    run("campaign", "apply", file())
    run("campaign", "launch", "seats-80", "--by", "ops@acme")
    assert Campaign.objects.get().launched_by == "ops@acme"
    assert AuditEntry.objects.get(action="campaign.launch").actor == "ops@acme"


def test_a_wrong_file_exits_2_and_names_the_path(file):
    status, out, _ = run("campaign", "apply", file(slug="No Slug"))
    assert (status, json.loads(out)["error"]["path"]) == (2, "slug")
    assert not Campaign.objects.exists()


def test_a_file_that_is_no_json_exits_2(tmp_path):
    path = tmp_path / "campaign.json"
    path.write_text("{")
    assert run("campaign", "apply", path)[0] == 2


def test_a_blocked_launch_exits_3_and_prints_the_blockers(file):
    run("campaign", "apply", file(goal=None))
    status, out, _ = run("campaign", "launch", "seats-80")
    assert (status, [line["code"] for line in lines(out)]) == (3, ["no_goal"])
    assert Campaign.objects.get().status == Campaign.Status.DRAFT


def test_check_prints_what_deserves_a_look(file):
    run("campaign", "apply", file(holdout_percent=0))
    status, out, _ = run("campaign", "check", "seats-80")
    assert status == 0
    assert "no_holdout" in [line["code"] for line in lines(out)]


def test_export_prints_the_file(file):
    run("campaign", "apply", file())
    assert json.loads(run("campaign", "export", "seats-80")[1]) == make.document()


def test_what_export_prints_can_be_applied_and_changes_nothing(file, tmp_path):
    run("campaign", "apply", file())
    exported = tmp_path / "exported.json"
    exported.write_text(run("campaign", "export", "seats-80")[1], encoding="utf-8")
    status, out, _ = run("campaign", "apply", exported)
    assert (status, json.loads(out)) == (
        0, {"slug": "seats-80", "version": 1, "status": "DRAFT", "changed": False},
    )  # fmt: skip
    run("campaign", "launch", "seats-80")
    exported.write_text(run("campaign", "export", "seats-80")[1], encoding="utf-8")
    status, out, _ = run("campaign", "apply", exported)
    assert (status, json.loads(out)["changed"], json.loads(out)["status"]) == (0, False, "LIVE")


def test_another_file_for_a_draft_is_a_new_version(file):
    assert json.loads(run("campaign", "apply", file())[1])["changed"] is True
    answer = json.loads(run("campaign", "apply", file(name="Seats"))[1])
    assert (answer["version"], answer["changed"]) == (2, True)


def test_a_launched_campaign_is_not_rewritten(file):
    run("campaign", "apply", file())
    run("campaign", "launch", "seats-80")
    assert run("campaign", "launch", "seats-80")[0] == 3
    status, out, _ = run("campaign", "apply", file(purpose="TRANSACTIONAL"))
    assert (status, json.loads(out)["error"]["path"]) == (2, "purpose")
    assert json.loads(run("campaign", "apply", file(name="Another"))[1]) == {
        "slug": "seats-80", "version": 2, "status": "LIVE", "changed": True,
    }  # fmt: skip
    assert lines(run("campaign", "diff", "seats-80")[1]) == [
        {"kind": "CHANGED", "part": "name", "step": "", "where": [], "fields": []}
    ]
    assert run("campaign", "drop", "seats-80")[0] == 0
    assert run("campaign", "drop", "seats-80")[0] == 3


def test_move_only_looks_without_yes(file):
    run("campaign", "apply", file(holdout_percent=None))
    run("campaign", "launch", "seats-80")
    run("campaign", "apply", file(holdout_percent=None, steps=make.document()["steps"][:1]))
    run("campaign", "launch", "seats-80")
    looked = json.loads(run("campaign", "move", "seats-80", "--map", "wait-1=mail-1")[1])
    assert (looked["moved"], looked["landings"][0]["reason"]) == (0, "WOULD_REPEAT")
    assert run("campaign", "move", "seats-80", "--map", "wait-1=nowhere")[0] == 3
    run("campaign", "apply", file(holdout_percent=None))
    run("campaign", "launch", "seats-80")
    assert json.loads(run("campaign", "move", "seats-80", "--yes")[1])["moved"] == 1


def test_enrol_takes_in_whom_a_file_names(file, tmp_path):
    run("campaign", "apply", file(holdout_percent=None, entry={"by": "HAND"}))
    run("campaign", "launch", "seats-80")
    names = tmp_path / "q3.csv"
    names.write_text(f"account\n{Account.objects.get().external_id}\nnobody\n", encoding="utf-8")
    status, out, _ = run("campaign", "enrol", "seats-80", names, "--dry-run")
    assert (status, json.loads(out)["enrolled"], Entry.objects.count()) == (0, 1, 0)
    answer = json.loads(run("campaign", "enrol", "seats-80", names)[1])
    assert answer == {
        "slug": "seats-80", "dry_run": False, "named": 2, "enrolled": 1, "joined": 0, "holdout": 0, "not_enrolled": {},
        "already_in": 0, "not_again": 0,
        "unfit": [{"line": 3, "named": "nobody", "why": "There is no account with this id."}],
    }  # fmt: skip
    assert run("campaign", "enrol", "seats-80", tmp_path / "no.csv")[0] == 2
    run("campaign", "pause", "seats-80")
    assert run("campaign", "enrol", "seats-80", names)[0] == 3


def test_a_task_and_a_branch_survive_the_round_trip(file, tmp_path):
    call = {"a": {"content": {"en": {"title": "Call {{ account.name }}", "text": "About {{ offer.plan_to }}."}}}}
    steps = [
        *make.document()["steps"][:-1],
        {"key": "call", "kind": "MESSAGE", "channel": "csm_task", "variants": call},
    ]
    steps[2] = steps[2] | {"if": {"engagement": "replied", "step": "mail-1"}, "then": "call"}
    run("campaign", "apply", file(steps=steps))
    exported = tmp_path / "exported.json"
    exported.write_text(run("campaign", "export", "seats-80")[1], encoding="utf-8")
    assert json.loads(exported.read_text())["steps"] == steps
    assert json.loads(run("campaign", "apply", exported)[1])["changed"] is False


def test_the_parts_of_a_ledger_sum_to_the_whole(file):
    for _ in range(4):
        make.ready_account()
    make.account_near_limit()
    run("campaign", "apply", file(holdout_percent=50))
    run("campaign", "launch", "seats-80")
    ledger = json.loads(run("ledger", "seats-80")[1])
    accounts = ledger["accounts"]
    assert accounts["audience"] == accounts["holdout"] + accounts["enrolled"] + sum(accounts["not_enrolled"].values())
    assert accounts["not_enrolled"] == {"no_reachable_contact": 1}
    assert sum(ledger["messages"].values()) == ledger["contacts"]["enrolled"] == accounts["enrolled"]
    assert ledger["messages"]["SKIPPED"] == sum(ledger["skips"].values())
    assert ledger["open"] == ledger["messages"]["PLANNED"]


def test_pause_resume_and_stop_change_the_status(file):
    run("campaign", "apply", file())
    run("campaign", "launch", "seats-80")
    statuses = [json.loads(run("campaign", act, "seats-80")[1])["status"] for act in ("pause", "resume", "stop")]
    assert statuses == ["PAUSED", "LIVE", "STOPPED"]


def test_what_cannot_be_done_now_exits_3(file):
    run("campaign", "apply", file())
    status, _, err = run("campaign", "pause", "seats-80")
    assert status == 3
    assert "DRAFT" in err


@pytest.mark.parametrize("command", [("campaign", "check", "nobody"), ("ledger", "nobody")])
def test_an_unknown_campaign_exits_2(command):
    assert run(*command)[0] == 2


def test_the_messages_of_a_ledger_are_json_lines(file):
    run("campaign", "apply", file(holdout_percent=0))
    run("campaign", "launch", "seats-80")
    (line,) = lines(run("ledger", "seats-80", "--messages")[1])
    assert set(line) == {
        "id", "contact", "address", "step", "variant", "channel", "state", "reason", "attempts", "provider_id",
        "accepted_at",
    }  # fmt: skip
    assert line["address"].endswith("@customer.example")
