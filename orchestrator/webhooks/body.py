"""Request bodies from strangers: capped before reading, capped while unpacking, clean before storing."""

from __future__ import annotations

import json
import math
import re
import zlib
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, UnreadablePostError

from orchestrator.webhooks.errors import TooLarge, Unreadable

MAX_BODY = 1024 * 1024
_GZIP = 31  # zlib's window bits for "a gzip header, please"
_DEEPEST = 64
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_LONGEST_INTEGER = 100  # digits; quadratic parsing beyond is a known attack


def read_body(request: HttpRequest, *, limit: int = MAX_BODY) -> bytes:
    """The body exactly as it came: signatures are made over these bytes. Raises TooLarge, Unreadable."""
    try:
        announced = int(request.headers.get("Content-Length") or 0)
    except ValueError:
        raise Unreadable("Content-Length is not a number.") from None
    if announced > limit:
        raise TooLarge(f"The body is announced with {announced} bytes; at most {limit} are taken.")
    try:
        body = request.body
    except RequestDataTooBig:
        raise TooLarge(f"The body is larger than {limit} bytes.") from None
    except UnreadablePostError:
        raise Unreadable("The connection ended before the whole body had come.") from None
    if len(body) > limit:
        raise TooLarge(f"The body is larger than {limit} bytes.")
    return body


def decode_body(raw: bytes, content_encoding: str, *, limit: int = MAX_BODY) -> bytes:
    """`raw` unpacked as its Content-Encoding says (Django leaves that to us), never past `limit` bytes."""
    encoding = content_encoding.strip().lower()
    if encoding in {"", "identity"}:
        return raw
    if encoding not in {"gzip", "x-gzip"}:
        raise Unreadable("Content-Encoding must be gzip or absent.")
    return _gunzip(raw, limit)


def _gunzip(raw: bytes, limit: int) -> bytes:
    out = bytearray()
    rest = raw
    while rest:
        member = zlib.decompressobj(_GZIP)
        try:
            out += member.decompress(rest, limit + 1 - len(out))
        except zlib.error:
            raise Unreadable("The body says gzip but is not.") from None
        if len(out) > limit:
            raise TooLarge(f"The body unpacks to more than {limit} bytes.")
        if not member.eof:
            raise Unreadable("The gzip body ends too early.")
        rest = member.unused_data
    return bytes(out)


def read_json(body: bytes) -> Any:
    """Parse JSON into values that PostgreSQL can keep: no NUL, no lone surrogate, no NaN or infinity.

    Offending characters become U+FFFD and offending numbers null, so that one odd value in a
    batch does not cost its neighbours. Raises Unreadable when there is no JSON at all.
    """
    try:
        text = body.decode("utf-8-sig")
        value = json.loads(text, parse_constant=lambda _: None, parse_int=_read_integer)
    except (ValueError, RecursionError):
        raise Unreadable("The body is not JSON in UTF-8.") from None
    return _clean(value, 0)


def _read_integer(digits: str) -> int | None:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else None


def _clean(value: Any, depth: int) -> Any:
    if depth > _DEEPEST:
        raise Unreadable(f"The JSON is nested more than {_DEEPEST} levels deep.")
    if isinstance(value, str):
        return _clean_text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [_clean(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {_clean_text(key): _clean(item, depth + 1) for key, item in value.items()}
    return value


def _clean_text(text: str) -> str:
    text = text.replace("\x00", "\ufffd")
    if text.isascii():
        return text
    return _LONE_SURROGATE.sub("\ufffd", text)
