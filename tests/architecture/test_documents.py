"""The documents say what the code has: datasette's habit of testing its documentation."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(__file__).resolve().parents[2]


def text_of(*names: str) -> str:
    return "\n".join((ROOT / name).read_text() for name in names)


@pytest.mark.parametrize("room", settings.ROOMS)
def test_every_room_is_described(room):
    assert f"`{room}`" in text_of("docs/architecture.md")


def test_every_channel_kind_is_documented():
    missing = [kind for kind in settings.CHANNELS if kind not in text_of("docs/operations.md")]
    assert missing == []


def test_every_environment_variable_is_documented():
    read = re.compile(r'env_(?:text|secret|int|bool|list)\(\s*"([A-Z_]+)"')
    names = {
        name for path in (ROOT / "orchestrator" / "settings").glob("*.py") for name in read.findall(path.read_text())
    }
    assert len(names) > 20
    missing = sorted(name for name in names if name not in text_of("docs/operations.md", ".env.example"))
    assert missing == []


def test_every_check_id_is_documented():
    ids = set(re.findall(r"crescendo\.[EW]\d{3}", text_of("orchestrator/checks.py")))
    assert ids
    assert sorted(i for i in ids if i not in text_of("docs/operations.md")) == []


def test_every_make_target_of_the_readme_exists():
    targets = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z-]+)", text_of("README.md", "CONTRIBUTING.md")))
    assert named
    assert named <= targets


def test_links_between_documents_lead_somewhere():
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    broken = [
        f"{path.relative_to(ROOT)} -> {target}"
        for path in pages
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text())
        if not target.startswith(("http", "mailto:")) and not (path.parent / target).exists()
    ]
    assert broken == []


def test_adr_titles_state_the_decision():
    for path in sorted((ROOT / "docs" / "adr").glob("*.md")):
        assert re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", path.name)
        assert len(path.read_text().splitlines()) < 80, path.name


def test_the_published_schema_is_json():
    assert json.loads(text_of("docs/campaign.schema.json"))["$schema"]


def test_nothing_committed_names_a_registry_or_a_machine():
    pattern = re.compile(r"pypi\.org|registry\.npmjs|files\.pythonhosted|/" r"root/|/" r"work/")
    found = []
    for path in _committed():
        if path.suffix in {".png", ".mo", ".pyc"}:
            continue
        try:
            if pattern.search(path.read_text()):
                found.append(str(path.relative_to(ROOT)))
        except UnicodeDecodeError:
            continue
    assert found == []


def _committed() -> Iterator[Path]:
    """Folders that are made here are not walked into: an environment alone has ten thousands of files."""
    skipped = {".venv", "var", ".git", "vendor", "__pycache__", ".mypy_cache", ".ruff_cache", ".hypothesis"}
    for folder, folders, files in ROOT.walk():
        folders[:] = [name for name in folders if name not in skipped]
        yield from (folder / name for name in files if name not in skipped and (folder / name).is_file())
