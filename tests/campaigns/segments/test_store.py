from __future__ import annotations

import json

import pytest

from campaigns.operations.models import AuditEntry
from campaigns.segments import store
from campaigns.segments.errors import DefinitionError
from campaigns.segments.models import Segment, SegmentVersion
from tests.factories.usage import NOW

pytestmark = pytest.mark.django_db
NAMED = {"field": "account.name", "op": "is_set"}


def _save(definition: object, *, name: str = "", slug: str = "named") -> SegmentVersion:
    return store.save_segment(slug=slug, name=name, definition=definition, by="maria", now=NOW)


def test_a_new_segment_gets_its_first_version_live() -> None:
    version = _save(NAMED)
    segment = Segment.objects.get()
    assert (version.number, version.created_by, segment.live_version_id, segment.name) == (
        1,
        "maria",
        version.pk,
        "named",
    )


def test_the_same_definition_again_changes_nothing() -> None:
    first = _save(NAMED)
    assert _save(json.dumps(NAMED)).pk == first.pk
    assert SegmentVersion.objects.count() == 1


def test_another_definition_makes_the_next_version_and_keeps_the_old_one() -> None:
    _save(NAMED)
    second = _save({"not": NAMED})
    assert second.number == 2
    assert Segment.objects.get().live_version_id == second.pk
    assert SegmentVersion.objects.count() == 2


def test_a_new_name_needs_no_new_version() -> None:
    _save(NAMED)
    _save(NAMED, name="With a name")
    assert Segment.objects.get().name == "With a name"
    assert SegmentVersion.objects.count() == 1


def test_every_change_is_written_down() -> None:
    _save(NAMED)
    _save({"not": NAMED})
    entries = AuditEntry.objects.order_by("pk").values_list("action", "actor", "before", "after")
    assert list(entries) == [
        ("segment.made", "maria", None, NAMED),
        ("segment.changed", "maria", NAMED, {"not": NAMED}),
    ]


def test_a_wrong_definition_changes_nothing() -> None:
    with pytest.raises(DefinitionError):
        _save({"field": "account.colour", "op": "is_set"})
    assert not Segment.objects.exists()


@pytest.mark.parametrize("slug", ["", "a b", "x" * 81, "ä"])
def test_a_wrong_slug_changes_nothing(slug: str) -> None:
    with pytest.raises(DefinitionError):
        _save(NAMED, slug=slug)
    assert not Segment.objects.exists()


def test_numbers_are_stored_as_they_were_written() -> None:
    version = _save('{"score": "health", "op": "between", "value": [0.1, 20.0]}')
    version.refresh_from_db()
    assert version.definition == {"score": "health", "op": "between", "value": [0.1, 20]}


def test_a_number_that_would_be_rounded_is_refused() -> None:
    with pytest.raises(DefinitionError) as caught:
        _save('{"score": "health", "op": "=", "value": 0.12345678901234567891}')
    assert caught.value.path == "value"
