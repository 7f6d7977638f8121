"""Meters as code: their part of the catalogue file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError

from campaigns.usage.models import Meter

_KEYS = ("code", "name", "unit", "kind", "aggregation", "event_name", "property")


class MeterError(ValueError):
    """A meter in a catalogue file can't be used. `path` points at it: `meters[2].kind`."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path
        self.message = message


def apply_meters(*, meters: Sequence[Mapping[str, Any]]) -> int:
    """Make or update the meters of a catalogue file; returns how many it names. Meters it leaves out stay.

    Each: `{"code", "name"?, "unit"?, "kind", "aggregation"?, "event_name"?, "property"?}`; kind REPORTED
    (a value per day) or EVENT (counted from `event_name`, or `property` of it added up). Raises MeterError
    before anything is written.
    """
    if not isinstance(meters, list | tuple):
        raise MeterError("meters", "A list is needed.")
    rows = [_read(meter, f"meters[{index}]") for index, meter in enumerate(meters)]
    codes = [row.code for row in rows]
    for index, code in enumerate(codes):
        if code in codes[:index]:
            raise MeterError(f"meters[{index}].code", f"The meter {code} is named twice.")
    Meter.objects.bulk_create(rows, update_conflicts=True, unique_fields=["code"], update_fields=list(_KEYS[1:]))
    return len(rows)


def export_meters() -> list[dict[str, Any]]:
    """The meters as `apply_meters` takes them, by code; empty keys are left out."""
    rows = Meter.objects.order_by("code")
    return [{key: getattr(row, key) for key in _KEYS if getattr(row, key)} for row in rows]


def _read(meter: object, path: str) -> Meter:
    if not isinstance(meter, Mapping):
        raise MeterError(path, "A meter is an object with a code and a kind.")
    for key in meter:
        if key not in _KEYS:
            raise MeterError(f"{path}.{key}", f"Unknown key; a meter has {', '.join(_KEYS)}.")
    row = Meter(
        code=meter.get("code", ""),
        name=meter.get("name") or meter.get("code", ""),
        unit=meter.get("unit", ""),
        kind=meter.get("kind", ""),
        aggregation=meter.get("aggregation", Meter.Aggregation.SUM),
        event_name=meter.get("event_name", ""),
        property=meter.get("property", ""),
    )
    try:
        row.clean_fields()
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise MeterError(f"{path}.{field}", messages[0]) from error
    if row.kind == Meter.Kind.EVENT and not row.event_name:
        raise MeterError(f"{path}.event_name", "A meter of kind EVENT names the event it counts.")
    return row
