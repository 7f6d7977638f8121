"""How reports about one account or contact become one state, whatever order they arrive in. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from campaigns.profiles import known_fields

# Times of fields live beside those of traits, under a name that no trait's time can have taken.
_FIELD = "@"


@dataclass(slots=True)
class Profile:
    """The stored state of one row; `times` holds when each trait (and "@field") was last told, also unset ones.

    `is_told`: a time moved, so that the row must be written; `is_changed`: a value did.
    """

    fields: dict[str, Any]
    traits: dict[str, Any]
    times: dict[str, str]
    is_told: bool = False
    is_changed: bool = False


def merge(
    profile: Profile, *, at: datetime, fields: Mapping[str, Any], traits: Mapping[str, Any], known: Mapping[str, str]
) -> None:
    """Take over what is newer, key by key; None unsets. Known traits also become fields.

    Two reports of the same instant: the greater value (as JSON) wins, so that their order does not matter.
    """
    moment = at.astimezone(UTC).isoformat(timespec="microseconds")
    for key, value in traits.items():
        _merge_trait(profile, key, value, moment)
    told = {**known_fields.fields_of_traits(traits, known), **fields}
    country = str(told.get("country") or profile.fields.get("country") or "")
    for name, value in told.items():
        try:
            read = known_fields.read_field(name, value, country=country)
        except known_fields.NotAFieldError:
            continue
        _merge_field(profile, name, read, moment)


def _merge_trait(profile: Profile, key: str, value: Any, moment: str) -> None:
    old = profile.traits.get(key)
    if not _take(profile, _FIELD + key if key.startswith(_FIELD) else key, old, value, moment):
        return
    if value is None:
        profile.traits.pop(key, None)
    else:
        profile.traits[key] = value


def _merge_field(profile: Profile, name: str, value: Any, moment: str) -> None:
    if _take(profile, _FIELD + name, profile.fields[name], value, moment):
        profile.fields[name] = value


def _take(profile: Profile, key: str, old: Any, new: Any, moment: str) -> bool:
    """Whether the newer report is to be stored. Moments are ISO 8601 in UTC of one width: their text sorts as they."""
    told_at = profile.times.get(key, "")
    if told_at > moment or (told_at == moment and _rank(new) <= _rank(old)):
        return False
    profile.times[key] = moment
    profile.is_told = True
    profile.is_changed |= old != new
    return True


def _rank(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
