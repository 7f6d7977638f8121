"""`IN (SELECT … LIMIT … SKIP LOCKED)` takes more than its limit where PostgreSQL asks it again for each row of a join:
such rows are named once, by an ARRAY or a materialized CTE."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MOST = 2_000


def behind_in(source: str) -> list[str]:
    """What stands in the brackets of each IN that locks a limited number of rows."""
    found = []
    for opening in re.finditer(r"\bIN \(", source):
        depth = 1
        for end, letter in enumerate(source[opening.end() : opening.end() + MOST], start=opening.end()):
            depth += (letter == "(") - (letter == ")")
            if not depth:
                inside = source[opening.end() : end]
                found += [inside] if "LIMIT" in inside and "SKIP LOCKED" in inside else []
                break
    return found


def test_no_limited_lock_stands_behind_in():
    sources = [path for path in (ROOT / "campaigns").rglob("*.py") if "SKIP LOCKED" in path.read_text()]
    assert len(sources) > 10
    assert [path.name for path in sources if behind_in(path.read_text())] == []


def test_one_would_be_found():
    wanted = "SELECT min(id) FROM x WHERE (y) ORDER BY id LIMIT 10 FOR UPDATE SKIP LOCKED"
    assert behind_in(f"DELETE FROM x WHERE z IN (SELECT 1) AND id IN ({wanted}) LIMIT") == [wanted]
