"""Arrays for statements that run for every few messages, written as PostgreSQL reads them.

The driver looks at each element for its type and its quotes, which costs more than what the statement does with it.
"""

from __future__ import annotations

from collections.abc import Iterable


def numbers(values: Iterable[int]) -> str:
    """Whole numbers. The statement says of which type: `%(ids)s::bigint[]`."""
    return "{" + ",".join(map(str, values)) + "}"


def words(values: Iterable[str]) -> str:
    """Names of our own, such as states: letters, digits and underscores. `%(states)s::text[]`."""
    made = ",".join(values)
    assert made.replace(",", "").replace("_", "").isalnum() or not made, "Other texts are the driver's to quote."
    return "{" + made + "}"
