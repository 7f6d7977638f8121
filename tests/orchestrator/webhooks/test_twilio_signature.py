"""Held against the vendor's own library, and against a vector made by it."""

from __future__ import annotations

import hashlib
from urllib.parse import parse_qs, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from orchestrator.webhooks import signatures
from orchestrator.webhooks.errors import BadSignature, NotConfigured

URI = "https://app.example.com/webhooks/twilio/status?id=7"
FORM = {"MessageSid": "SM1", "MessageStatus": "delivered", "To": "+972501234567"}
VECTOR = "bWjSAx7nEP/xpaBXvd2jrC0LAe8="
FORM_TYPE = "application/x-www-form-urlencoded; charset=UTF-8"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def verify(*, body=None, signature=VECTOR, uri=URI, token="tok", content_type=FORM_TYPE):
    raw = urlencode(FORM).encode() if body is None else body
    headers = {"X-Twilio-Signature": signature, "Content-Type": content_type}
    signatures.verify_twilio(body=raw, headers=headers, uri=uri, auth_token=token)


def test_the_vendors_vector_is_taken():
    verify()


@given(st.dictionaries(TEXT, st.lists(TEXT, min_size=1, max_size=3), max_size=8))
def test_whatever_the_vendors_library_signs_is_taken(fields):
    body = urlencode(fields, doseq=True).encode()

    class Fields(dict):
        def getlist(self, name):
            return self[name]

    known = Fields(parse_qs(body.decode(), keep_blank_values=True))
    verify(body=body, signature=RequestValidator("tok").compute_signature(URI, known))


@pytest.mark.parametrize(
    ("signed", "called"),
    [
        ("https://app.example.com:443/x?a=1", "https://app.example.com/x?a=1"),
        ("https://app.example.com/x?a=1", "https://app.example.com:8443/x?a=1"),
        ("http://127.0.0.1:8000/x", "http://127.0.0.1:8000/x"),
    ],
)
def test_the_port_may_stand_or_not(signed, called):
    signature = RequestValidator("tok").compute_signature(signed, FORM)
    verify(uri=called, signature=signature)
    assert RequestValidator("tok").validate(called, FORM, signature)


@pytest.mark.parametrize(
    "changed",
    [
        {"uri": URI.replace("https", "http")},
        {"uri": URI.replace("7", "8")},
        {"body": urlencode(FORM | {"MessageStatus": "failed"}).encode()},
        {"body": urlencode(FORM | {"More": ""}).encode()},
        {"token": "other"},
        {"signature": ""},
        {"signature": VECTOR[:-2] + "9="},
        {"signature": "א"},
        {"body": b"\xff\xfe"},
        {"content_type": "application/json"},
        {"content_type": ""},
    ],
)
def test_anything_else_is_refused(changed):
    with pytest.raises(BadSignature):
        verify(**changed)


def test_one_changed_byte_is_refused():
    body = urlencode(FORM).encode()
    for place in range(len(body)):
        changed = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
        with pytest.raises(BadSignature):
            verify(body=changed)


def test_a_body_that_is_no_form_is_covered_by_its_hash():
    body = b'{"a": 1}'
    uri = f"https://app.example.com/x?bodySHA256={hashlib.sha256(body).hexdigest()}"
    signature = RequestValidator("tok").compute_signature(uri, {})
    verify(body=body, uri=uri, signature=signature, content_type="application/json")
    with pytest.raises(BadSignature):
        verify(body=b'{"a": 2}', uri=uri, signature=signature, content_type="application/json")


def test_without_a_token_nothing_is_judged():
    with pytest.raises(NotConfigured):
        verify(token="")
