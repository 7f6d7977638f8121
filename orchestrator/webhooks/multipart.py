"""A form with a field per part, of any size, in little memory: what is asked for up to a length, all else read past.

Django's own reading refuses a form whose fields exceed DATA_UPLOAD_MAX_MEMORY_SIZE, and one with many files. That is
right for a browser; of what a provider hands on once, the beginning is better than nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, BinaryIO

from django.http.multipartparser import FIELD, ChunkIter, LazyStream, MultiPartParserError, Parser
from django.utils.http import parse_header_parameters

from orchestrator.webhooks.errors import Unreadable

_CHUNK = 64 * 1024
_LONGEST_BOUNDARY = 200


def read_fields(
    *, stream: BinaryIO, content_type: str, wanted: Collection[str], longest: int, longest_body: int
) -> dict[str, bytes]:
    """The wanted fields, each cut after `longest` bytes; of a name that comes twice the first. A body that ends early,
    or goes on beyond `longest_body`, gives what came until then. Raises Unreadable where it is no such form."""
    kind, options = parse_header_parameters(content_type)
    boundary = options.get("boundary", "")
    if kind != "multipart/form-data" or not boundary or len(boundary) > _LONGEST_BOUNDARY or not boundary.isascii():
        raise Unreadable("The body is no form with parts.")
    found: dict[str, bytes] = {}
    body: Any = _Limited(stream, longest_body)
    try:
        for item_type, meta, part in Parser(LazyStream(ChunkIter(body, _CHUNK)), boundary.encode()):
            name = _name(meta)
            if item_type == FIELD and name in wanted and name not in found:
                found[name] = part.read(longest)
            while part.read(_CHUNK):
                continue
    except MultiPartParserError as error:
        raise Unreadable("The body is no form with parts.") from error
    return found


def _name(meta: object) -> str:
    """Of a part without a name, nothing."""
    if not isinstance(meta, dict) or "content-disposition" not in meta:
        return ""
    options = meta["content-disposition"][1]
    name = options.get("name", "") if isinstance(options, dict) else ""
    return name if isinstance(name, str) else name.decode(errors="replace")


class _Limited:
    """A stream that ends after so many bytes."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream, self._left = stream, size

    def read(self, size: int | None = None, /) -> bytes:
        data = self._stream.read(self._left if size is None else min(size, self._left))
        self._left -= len(data)
        return data
