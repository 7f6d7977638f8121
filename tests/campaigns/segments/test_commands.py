from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from campaigns.segments.models import Segment
from tests.factories.profiles import AccountFactory, ContactFactory
from tests.factories.usage import NOW, UsageEventFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def file(tmp_path: Path) -> Any:
    def write(content: object) -> str:
        path = tmp_path / "definition.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(path)

    return write


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any, str]:
    """Exit status, the JSON on stdout, and the words on stderr."""
    status = 0
    try:
        call_command(*arguments)
    except SystemExit as stop:
        status = int(stop.code or 0)
    printed = capsys.readouterr()
    return status, json.loads(printed.out), printed.err


def test_preview_prints_the_count_alone(file: Any, capsys: Any) -> None:
    AccountFactory.create_batch(2)
    status, answer, _ = _run(capsys, "segment_preview", file({"all": []}))
    assert (status, answer["count"], set(answer)) == (0, 2, {"count", "ms"})


def test_preview_prints_sorted_ids_of_the_subject(file: Any, capsys: Any) -> None:
    ContactFactory(external_id="b")
    ContactFactory(external_id="B")
    _, answer, _ = _run(capsys, "segment_preview", file({"subject": "contact", "all": []}), "--ids")
    assert answer["ids"] == ["B", "b"]


def test_now_moves_the_windows(file: Any, capsys: Any) -> None:
    UsageEventFactory(name="tried", at=NOW)
    document = file({"event": "tried", "window": "1d"})
    moments = (NOW - timedelta(minutes=1), NOW, NOW + timedelta(days=1), NOW + timedelta(days=1, seconds=1))
    counts = [_run(capsys, "segment_preview", document, "--now", at.isoformat())[1]["count"] for at in moments]
    assert counts == [0, 1, 1, 0]


def test_now_may_be_a_day(file: Any, capsys: Any) -> None:
    UsageEventFactory(name="tried", at=NOW)
    document = file({"event": "tried"})
    assert _run(capsys, "segment_preview", document, "--now", "2026-11-24")[1]["count"] == 0
    assert _run(capsys, "segment_preview", document, "--now", "2026-11-25")[1]["count"] == 1


@pytest.mark.parametrize(
    ("content", "path"),
    [
        ({"all": [{"all": []}, {"event": "x", "window": "soon"}]}, "all[1].window"),
        ('{"all": [], "all": []}', "all"),
        ("{", ""),
        ({"segment": "nobody"}, "segment"),
    ],
)
def test_a_bad_definition_exits_2_with_its_path(file: Any, capsys: Any, content: object, path: str) -> None:
    status, answer, _ = _run(capsys, "segment_preview", file(content))
    assert (status, answer["error"]["path"], set(answer)) == (2, path, {"error"})
    assert answer["error"]["message"]


def test_a_file_that_is_not_there_exits_2(capsys: Any) -> None:
    assert _run(capsys, "segment_preview", "/nowhere.json")[0] == 2


def test_a_moment_that_is_none_exits_2(file: Any, capsys: Any) -> None:
    status, answer, _ = _run(capsys, "segment_preview", file({"all": []}), "--now", "tomorrow")
    assert (status, answer["error"]["path"]) == (2, "--now")


@pytest.mark.parametrize(
    ("now", "count"),
    [
        ("2026-11-24T10:00:00.000001+00:00", 1),
        ("2026-11-24T11:59:59+02:00", 0),
        ("2026-11-24T12:00+02:00", 1),
        ("2026-11-24T10:00", 1),
        ("2026-11-24 10:00:00Z", 1),
    ],
)
def test_any_moment_of_iso_8601_is_read_and_is_utc_unless_it_says(file: Any, capsys: Any, now: str, count: int) -> None:
    UsageEventFactory(name="tried", at=NOW)
    status, answer, _ = _run(capsys, "segment_preview", file({"event": "tried"}), "--now", now)
    assert (status, answer["count"]) == (0, count)


def test_now_moves_the_windows_alone_and_not_what_is_known_of_accounts(file: Any, capsys: Any) -> None:
    AccountFactory(country="IL")
    document = file({"field": "account.country", "op": "=", "value": "IL"})
    assert _run(capsys, "segment_preview", document, "--now", "2001-01-01")[1]["count"] == 1


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "definition.json"
    path.write_bytes(b'\xef\xbb\xbf{"all": []}')
    assert _run(capsys, "segment_preview", str(path))[0] == 0


def test_ids_and_count_are_of_one_moment(file: Any, capsys: Any) -> None:
    AccountFactory.create_batch(3)
    _, answer, _ = _run(capsys, "segment_preview", file({"all": []}), "--ids")
    assert (answer["count"], list(answer)) == (3, ["count", "ids", "ms"])
    assert isinstance(answer["ms"], int)


def test_standard_input_is_a_file_too(capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b'{"any": []}')))
    assert _run(capsys, "segment_preview", "-")[1]["count"] == 0


def test_open_names_that_nothing_uses_are_warnings_on_stderr(file: Any, capsys: Any) -> None:
    document = {"any": [{"event": "tried"}, {"field": "account.traits.size", "op": "is_set"}]}
    status, answer, words = _run(capsys, "segment_preview", file(document))
    assert (status, answer["count"]) == (0, 0)
    assert "any[0].event: No event tried has come in yet." in words
    assert "any[1].field: No account has the trait size yet." in words


def test_a_definition_is_applied_and_exported_again(file: Any, capsys: Any) -> None:
    document = {"field": "account.country", "op": "in", "value": ["IL", "RO"]}
    status, answer, _ = _run(capsys, "segment", "apply", "here", file(document))
    assert (status, answer) == (0, {"slug": "here", "version": 1, "changed": True})
    assert _run(capsys, "segment", "apply", "here", file(document))[1]["changed"] is False
    assert _run(capsys, "segment", "export", "here")[1] == document


def test_a_wrong_definition_is_not_applied(file: Any, capsys: Any) -> None:
    status, answer, _ = _run(capsys, "segment", "apply", "here", file({"all": 3}))
    assert (status, answer["error"]["path"]) == (2, "all")
    assert not Segment.objects.exists()


def test_a_segment_that_is_not_there_cannot_be_exported(capsys: Any) -> None:
    assert _run(capsys, "segment", "export", "nobody")[0] == 2
