"""Bad input by mail: whoever writes to us, at whatever length, is answered in no time, and nothing breaks behind it."""

from __future__ import annotations

import pytest
from django.test import Client, override_settings
from django.test.client import BOUNDARY, encode_multipart
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from campaigns.delivery import feedback
from orchestrator import clock
from tests.factories.delivery import NOW
from tests.faults.hostile import PUMPS, pumped, raw_bodies
from tests.faults.toll import answered, in_time
from tests.scale import examples

pytestmark = pytest.mark.faults
SECRET = "a-long-secret"
PATH = f"/webhooks/sendgrid/inbound/{SECRET}"
KIND = f"multipart/form-data; charset=utf-8; boundary={BOUNDARY}"
ENVELOPE = '{"from": "a@b.example", "to": ["reply@in.example"]}'
HEAVY = 300_000
some = settings(max_examples=examples(20), deadline=None, suppress_health_check=list(HealthCheck))


@override_settings(SENDGRID_INBOUND_SECRET=SECRET)
class Mailbox(TestCase):
    def post(self, body: bytes) -> int:
        with in_time():
            status = answered(Client(raise_request_exception=False).post(PATH, body, content_type=KIND))
        with in_time(is_case=False):
            feedback.apply_feedback(now=NOW, wall_now=clock.wall_now())
        return status

    @some
    @given(
        fields=st.dictionaries(
            st.sampled_from(["from", "text", "html", "subject", "headers", "charsets", "to", "dkim", "x"]),
            pumped
            | st.text(max_size=40)
            | st.sampled_from(["STOP", "a@b.example", '{"text": "punycode", "from": "idna"}', "\x00", "[]"]),
        )
    )
    def test_whoever_is_named_as_the_sender_is_never_refused(self, fields):
        fields = {name: value.encode(errors="replace").decode() for name, value in fields.items()}
        assert self.post(encode_multipart(BOUNDARY, fields | {"envelope": ENVELOPE})) == 200

    @some
    @given(raw=raw_bodies | pumped.map(str.encode), envelope=pumped | st.text(max_size=40))
    def test_what_is_no_mail_is_refused(self, raw, envelope):
        assert self.post(raw) == 400
        body = encode_multipart(BOUNDARY, {"envelope": envelope.encode(errors="replace").decode()})
        assert self.post(body) in {200, 400}

    def test_each_heavy_text_in_each_field(self):
        for pump in PUMPS:
            for field in ("text", "html", "subject", "headers", "from"):
                form = {"envelope": ENVELOPE, field: pump * (HEAVY // len(pump))}
                assert self.post(encode_multipart(BOUNDARY, form)) == 200
