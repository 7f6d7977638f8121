from __future__ import annotations

import io

import pytest

from orchestrator.webhooks import multipart
from orchestrator.webhooks.errors import Unreadable

KIND = 'multipart/form-data; boundary="b"'


def body(*parts: tuple[bytes, bytes], end: bytes = b"--b--\r\n") -> bytes:
    return b"".join(b"--b\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n" % part for part in parts) + end


def read(raw: bytes, *, kind: str = KIND, longest: int = 10, longest_body: int = 10**6) -> dict[str, bytes]:
    return multipart.read_fields(
        stream=io.BytesIO(raw), content_type=kind, wanted={"text", "from"}, longest=longest, longest_body=longest_body
    )


def test_what_is_wanted_is_read_up_to_a_length_and_all_else_read_past():
    raw = body((b'name="x"', b"y" * 300_000), (b'name="text"', b"stop" + b"z" * 300_000), (b'name="from"', b"a@b"))
    assert read(raw) == {"text": b"stopzzzzzz", "from": b"a@b"}


def test_a_file_is_no_field_whatever_its_name():
    raw = body((b'name="text"; filename="x.txt"', b"stop"), (b'name="from"', b"a@b"))
    assert read(raw) == {"from": b"a@b"}


def test_of_a_field_that_comes_twice_the_first_counts():
    assert read(body((b'name="text"', b"stop"), (b'name="text"', b"go on"))) == {"text": b"stop"}


@pytest.mark.parametrize("end", [b"", b"--b", b"--b\r\nContent-Dis"])
def test_a_body_that_ends_early_gives_what_came(end):
    assert read(body((b'name="text"', b"stop"), end=end))["text"].startswith(b"stop")


def test_nothing_is_read_beyond_the_longest_body():
    raw = body((b'name="text"', b"stop"), (b'name="x"', b"y" * 1000), (b'name="from"', b"a@b"))
    assert read(raw, longest_body=500) == {"text": b"stop"}


@pytest.mark.parametrize(
    "kind", ["", "application/json", "multipart/form-data", "multipart/form-data; boundary=" + "x" * 300]
)
def test_another_kind_of_body_is_refused(kind):
    with pytest.raises(Unreadable):
        read(b"x", kind=kind)
