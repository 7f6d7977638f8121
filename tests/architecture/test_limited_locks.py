"""`IN (SELECT … LIMIT … SKIP LOCKED)` takes more than its limit where PostgreSQL asks it again for each row of a join:
such rows are named once, by an ARRAY or a materialized CTE."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIMITED = re.compile(r"\bIN \(\s*\"?\s*SELECT (?:(?!\n\)|;).)*?LIMIT (?:(?!\n\)|;).)*?SKIP LOCKED", re.S)


def test_no_limited_lock_stands_behind_in():
    sources = [path for path in (ROOT / "campaigns").rglob("*.py") if "SKIP LOCKED" in path.read_text()]
    assert len(sources) > 10
    assert [path.name for path in sources if LIMITED.search(path.read_text())] == []


def test_one_would_be_found():
    assert LIMITED.search(
        "DELETE FROM x WHERE id IN (\n SELECT id FROM x\n ORDER BY id LIMIT 10 FOR UPDATE SKIP LOCKED\n)"
    )
