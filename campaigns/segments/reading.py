"""JSON text to a document that has lost nothing: numbers stay exact, repeated keys stay visible."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, NoReturn

from campaigns.segments.errors import DefinitionError


class Pairs(dict[str, Any]):
    """A JSON object that remembers which keys stood in it more than once."""

    repeated: tuple[str, ...] = ()


def read_json(text: str | bytes) -> Any:
    """Raises DefinitionError for text that is no JSON, not UTF-8, or nested too deeply to read."""
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8-sig")  # some editors begin a file with a mark
        return json.loads(
            text,
            object_pairs_hook=_pairs,
            parse_float=Decimal,
            parse_int=_whole,
            parse_constant=_refuse_constant,
        )
    except UnicodeDecodeError as error:
        raise DefinitionError("", "The file is not UTF-8 text.") from error
    except json.JSONDecodeError as error:
        raise DefinitionError(
            "", f"This is not JSON: {error.msg} in line {error.lineno}, column {error.colno}."
        ) from error
    except RecursionError as error:
        raise DefinitionError("", "Groups are nested more than 10 deep.") from error


def _pairs(pairs: list[tuple[str, Any]]) -> Pairs:
    found = Pairs(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        found.repeated = tuple(name for index, name in enumerate(names) if name in names[:index])
    return found


def _whole(digits: str) -> int | Decimal:
    """Python refuses to read integers of thousands of digits; as decimals they are judged like any other number."""
    return int(digits) if len(digits) < 40 else Decimal(digits)


def _refuse_constant(name: str) -> NoReturn:
    raise DefinitionError("", f"This is not JSON: {name} is no number.")
