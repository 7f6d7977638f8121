from __future__ import annotations

import contextlib
import gzip
import json
import math

import pytest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.webhooks import body as bodies
from orchestrator.webhooks.errors import TooLarge, Unreadable


def post(body: bytes, **headers):
    return RequestFactory().post("/webhooks/x", data=body, content_type="application/json", headers=headers)


def test_the_body_comes_back_byte_for_byte():
    raw = b'{ "a" :1}\r\n\xff'
    assert bodies.read_body(post(raw)) == raw


@pytest.mark.parametrize("size", [bodies.MAX_BODY + 1, 3 * 1024 * 1024])
def test_a_body_over_one_megabyte_is_too_large(size):
    with pytest.raises(TooLarge):
        bodies.read_body(post(b"x" * size))


def test_a_body_of_one_megabyte_is_taken():
    assert len(bodies.read_body(post(b"x" * bodies.MAX_BODY))) == bodies.MAX_BODY


def test_an_odd_content_length_is_unreadable():
    request = post(b"x")
    request.META["CONTENT_LENGTH"] = "many"
    with pytest.raises(Unreadable):
        bodies.read_body(request)


@given(st.binary(max_size=500), st.binary(max_size=500))
def test_gzip_of_one_or_more_members_is_unpacked(first, second):
    packed = gzip.compress(first) + gzip.compress(second)
    assert bodies.decode_body(packed, "GZIP") == first + second


def test_a_body_without_encoding_is_itself():
    assert bodies.decode_body(b"abc", "") == b"abc"


def test_a_zip_bomb_is_not_unpacked():
    bomb = gzip.compress(b"\0" * 200_000_000, compresslevel=9)
    assert len(bomb) < bodies.MAX_BODY
    with pytest.raises(TooLarge):
        bodies.decode_body(bomb, "gzip")


def test_a_zip_bomb_in_members_is_not_unpacked():
    with pytest.raises(TooLarge):
        bodies.decode_body(gzip.compress(b"\0" * 600_000) * 2, "gzip")


@pytest.mark.parametrize(
    "packed", [b"no gzip", gzip.compress(b"abc", mtime=0)[:-4], gzip.compress(b"abc", mtime=0) + b"tail"]
)
def test_broken_gzip_is_unreadable(packed):
    with pytest.raises(Unreadable):
        bodies.decode_body(packed, "gzip")


def test_an_unknown_encoding_is_unreadable():
    with pytest.raises(Unreadable):
        bodies.decode_body(b"x", "br")


def test_json_is_read_into_what_the_database_can_hold():
    raw = b'{"a\\u0000": ["\\ud800x", NaN, 1e999, -Infinity, 12345678901234567890], "b": "\\ud83d\\ude00"}'
    assert bodies.read_json(raw) == {"a\ufffd": ["\ufffdx", None, None, None, 12345678901234567890], "b": "\U0001f600"}


def test_a_number_of_absurd_length_is_null():
    assert bodies.read_json(b"[" + b"9" * 5000 + b", 1]") == [None, 1]


@pytest.mark.parametrize("raw", [b"", b"\xff", b"{", b"[" * 50_000, b"[" * 70 + b"]" * 70])
def test_what_is_no_json_is_unreadable(raw):
    with pytest.raises(Unreadable):
        bodies.read_json(raw)


@given(st.binary(max_size=200))
def test_any_bytes_are_json_or_unreadable(raw):
    with contextlib.suppress(Unreadable):
        json.dumps(bodies.read_json(raw), allow_nan=False).encode("utf-8")


TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))


@given(st.recursive(st.none() | st.booleans() | st.integers() | TEXT, lambda inner: st.lists(inner, max_size=4)))
def test_ordinary_json_is_read_unchanged(value):
    assert bodies.read_json(json.dumps(value).encode()) == value


def test_no_float_is_left_infinite():
    assert all(math.isfinite(number) for number in bodies.read_json(b"[1.5, 2e3]"))
