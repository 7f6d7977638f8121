"""Form bodies from strangers, as plain text fields that PostgreSQL can keep."""

from __future__ import annotations

from urllib.parse import parse_qsl

from orchestrator.webhooks.errors import Unreadable

_MOST_FIELDS = 300


def read_form(body: bytes) -> dict[str, str]:
    """The first value of each field; NUL becomes U+FFFD. Raises Unreadable when the body is no form in UTF-8."""
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise Unreadable("The body is not a form in UTF-8.") from None
    fields: dict[str, str] = {}
    for name, value in pairs:
        fields.setdefault(name, value.replace("\x00", "\ufffd"))
    return fields
