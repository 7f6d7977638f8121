"""Which fields there are, and of what type."""

from __future__ import annotations

from dataclasses import dataclass

import phonenumbers

from campaigns.segments.errors import DefinitionError
from campaigns.segments.nodes import Comparison, Text

_TEXT_FIELDS = {
    "account": ("external_id", "name", "domain", "country", "plan"),
    "contact": ("external_id", "email", "phone", "first_name", "last_name", "locale", "timezone", "country"),
    "membership": ("role",),
}
KINDS = {
    **{(owner, name): "text" for owner, names in _TEXT_FIELDS.items() for name in names},
    ("account", "created_at"): "date",
    ("contact", "created_at"): "date",
}
SUBSCRIPTION_KINDS = {
    "plan": "text",
    "status": "text",
    "interval": "text",
    "mrr": "number",
    "quantity": "number",
    "cancel_scheduled": "boolean",
    "age": "duration",
    "renewal_in": "duration",
    "trial_ends_in": "duration",
}


@dataclass(frozen=True, slots=True)
class FoundField:
    owner: str
    name: str
    keys: tuple[str, ...]
    kind: str


def find_field(full_name: str, path: str) -> FoundField:
    """Raises DefinitionError at `path` for a name that is no field."""
    owner, _, name = full_name.partition(".")
    if owner in ("account", "contact") and name.startswith("traits."):
        return FoundField(owner, "traits", split_keys(name.removeprefix("traits."), path), "open")
    kind = KINDS.get((owner, name))
    if kind is None:
        raise DefinitionError(path, f"There is no field {full_name}.")
    return FoundField(owner, name, (), kind)


def split_keys(dotted: str, path: str) -> tuple[str, ...]:
    keys = tuple(dotted.split("."))
    if not all(keys):
        raise DefinitionError(path, "A key is empty: names are joined by single dots.")
    return keys


def normalise(field: FoundField, comparison: Comparison) -> Comparison:
    """E-mail and phone values in the spelling they are stored in."""
    if field.owner != "contact" or field.name not in ("email", "phone"):
        return comparison
    spell = str.lower if field.name == "email" else _spell_phone
    texts = tuple(Text(spell(value.value)) for value in comparison.values if isinstance(value, Text))
    return Comparison(comparison.op, texts)


def _spell_phone(value: str) -> str:
    """E.164 of a whole number; a part of one (to look for within) stays as it is."""
    try:
        number = phonenumbers.parse(value, None)
    except phonenumbers.NumberParseException:
        return value
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
