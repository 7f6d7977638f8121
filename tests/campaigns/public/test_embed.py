"""The script that host applications load."""

from __future__ import annotations

import gzip
import re

import pytest

from campaigns.public import embed

SCRIPT = "/inapp/v1/crescendo.js"


def test_the_script_weighs_less_than_ten_kilobytes():
    assert len(embed.script().packed) < 10_000


def test_any_application_may_load_it_and_keep_it(client):
    answer = client.get(SCRIPT)

    assert answer["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert answer["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer["Cache-Control"].startswith("public, max-age=3600")
    assert b"window.crescendo" in answer.content
    assert not answer.cookies


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_what_is_kept_already_is_not_sent_again(client, encoding):
    headers = {"Accept-Encoding": encoding}
    tag = client.get(SCRIPT, headers=headers)["ETag"]

    again = client.get(SCRIPT, headers=headers | {"If-None-Match": tag})

    assert (again.status_code, again.content) == (304, b"")


def test_it_travels_packed(client):
    answer = client.get(SCRIPT, headers={"Accept-Encoding": "gzip, br"})

    assert answer["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in answer["Vary"]
    assert gzip.decompress(answer.content) == embed.script().plain


@pytest.mark.parametrize(
    "never", [r"document\.cookie", r"localStorage", r"\beval\(", r"new Function", r"innerHTML", r"setAttribute\(.style"]
)
def test_the_script_does_without(never):
    assert not re.search(never, embed.script().plain.decode())
