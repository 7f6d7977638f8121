from __future__ import annotations

import pytest

from orchestrator.settings import patience


def limits_of(monkeypatch, *words, process=""):
    monkeypatch.setattr("sys.argv", list(words))
    monkeypatch.setenv("CRESCENDO_PROCESS", process)
    found = patience.session_limits()
    return tuple(found.values())


@pytest.mark.parametrize(
    ("words", "process", "limits"),
    [
        (["manage.py", "rqworker", "now"], "now-1", (30, 35, 60)),
        (["manage.py", "rqworker", "bulk", "--max-jobs", "5"], "", (30, 35, 3600)),
        (["gunicorn"], "web", (30, 35, 50)),
        (["manage.py", "runserver", "8000"], "", (30, 35, 50)),
        (["manage.py", "migrate"], "", ()),
        (["manage.py", "rqcron", "campaigns.cron"], "cron", ()),
    ],
)
def test_sessions_are_limited_by_what_the_process_is(monkeypatch, words, process, limits):
    assert limits_of(monkeypatch, *words, process=process) == limits


def test_who_waits_for_a_lock_outlasts_whoever_holds_it(monkeypatch):
    monkeypatch.setenv("DATABASE_IDLE_IN_TRANSACTION_S", "7")

    assert limits_of(monkeypatch, "gunicorn") == (7, 12, 50)


def test_a_limit_can_be_switched_off(monkeypatch):
    for name in ("DATABASE_IDLE_IN_TRANSACTION_S", "DATABASE_STATEMENT_S"):
        monkeypatch.setenv(name, "0")

    assert limits_of(monkeypatch, "gunicorn") == (0, 0, 0)


def test_options_are_written_as_postgresql_reads_them():
    assert patience.as_options({"lock_timeout": 35, "statement_timeout": 0}) == (
        "-c lock_timeout=35s -c statement_timeout=0s"
    )
