from __future__ import annotations

import base64
import hashlib
import hmac
import time
from datetime import UTC, datetime

import pytest
import standardwebhooks
import time_machine
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.webhooks import signatures
from orchestrator.webhooks.errors import BadSignature, NotConfigured

NOW = datetime(2026, 2, 2, 2, 40, tzinfo=UTC)
STAMP = 1770000000  # NOW
BODY = b'[{"email":"a@x.example","event":"delivered"}]\r\n'
KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC_KEY = base64.b64encode(
    KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
).decode()
STANDARD_SECRET = "whsec_" + base64.b64encode(b"0" * 24).decode()


def sendgrid_headers(body: bytes = BODY, stamp: str = str(STAMP)) -> dict[str, str]:
    signature = KEY.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    return {
        "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
        "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
    }


def stripe_header(body: bytes = BODY, stamp: int = STAMP, secret: bytes = b"whsec_test") -> str:
    return f"t={stamp},v1={hmac.new(secret, f'{stamp}.'.encode() + body, hashlib.sha256).hexdigest()}"


def hubspot_headers(uri: str, body: bytes = BODY, stamp: int = STAMP * 1000) -> dict[str, str]:
    signed = f"POST{uri}".encode() + body + str(stamp).encode()
    digest = hmac.new(b"client-secret", signed, hashlib.sha256).digest()
    return {
        "X-HubSpot-Signature-v3": base64.b64encode(digest).decode(),
        "X-HubSpot-Request-Timestamp": str(stamp),
    }


def mutated(body: bytes, at: int, bit: int) -> bytes:
    changed = bytearray(body)
    changed[at % len(body)] ^= 1 << bit
    return bytes(changed)


@pytest.fixture
def standing_clock():
    with time_machine.travel(NOW, tick=False):
        yield


# SendGrid


def test_sendgrids_own_signature_is_taken():
    signatures.verify_sendgrid(body=BODY, headers=sendgrid_headers(), public_key=PUBLIC_KEY)


def test_sendgrids_headers_are_found_in_any_case():
    lowered = {name.lower(): value for name, value in sendgrid_headers().items()}
    signatures.verify_sendgrid(body=BODY, headers=lowered, public_key=PUBLIC_KEY)


def test_sendgrids_events_may_be_a_day_late():
    signatures.verify_sendgrid(body=BODY, headers=sendgrid_headers(stamp="1500000000"), public_key=PUBLIC_KEY)


def test_the_crlf_at_the_end_belongs_to_what_sendgrid_signed():
    with pytest.raises(BadSignature):
        signatures.verify_sendgrid(body=BODY.rstrip(), headers=sendgrid_headers(), public_key=PUBLIC_KEY)


@given(st.integers(0, len(BODY) - 1), st.integers(0, 7))
def test_one_changed_bit_is_not_sendgrids(at, bit):
    with pytest.raises(BadSignature):
        signatures.verify_sendgrid(body=mutated(BODY, at, bit), headers=sendgrid_headers(), public_key=PUBLIC_KEY)


@given(st.binary(max_size=200))
def test_no_made_up_signature_is_sendgrids(noise):
    headers = {**sendgrid_headers(), signatures.SENDGRID_SIGNATURE: base64.b64encode(noise).decode()}
    with pytest.raises(BadSignature):
        signatures.verify_sendgrid(body=BODY, headers=headers, public_key=PUBLIC_KEY)


@pytest.mark.parametrize("name", [signatures.SENDGRID_SIGNATURE, signatures.SENDGRID_TIMESTAMP])
@pytest.mark.parametrize("value", [None, "", "\u05d0", "not base64!", "12 34", "-1"])
def test_a_missing_or_odd_header_is_not_sendgrids(name, value):
    headers = {key: text for key, text in {**sendgrid_headers(), name: value}.items() if text is not None}
    with pytest.raises(BadSignature):
        signatures.verify_sendgrid(body=BODY, headers=headers, public_key=PUBLIC_KEY)


def test_another_key_does_not_fit():
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    der = other.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(BadSignature):
        signatures.verify_sendgrid(body=BODY, headers=sendgrid_headers(), public_key=base64.b64encode(der).decode())


@pytest.mark.parametrize("key", ["", "junk", base64.b64encode(b"junk").decode()])
def test_without_a_usable_sendgrid_key_nothing_is_judged(key):
    with pytest.raises(NotConfigured):
        signatures.verify_sendgrid(body=BODY, headers=sendgrid_headers(), public_key=key)


# Stripe


def verify_stripe(header: str, body: bytes = BODY, secret: str = "whsec_test") -> None:
    signatures.verify_stripe(body=body, header=header, secret=secret, wall_now=NOW)


def test_stripes_own_signature_is_taken():
    verify_stripe(stripe_header())


def test_stripes_library_makes_what_we_take():
    import stripe

    text = BODY.decode()
    made = stripe.WebhookSignature._compute_signature(f"{STAMP}.{text}", "whsec_test")
    verify_stripe(f"t={STAMP},v1={made}")


def test_any_of_stripes_signatures_may_fit_while_a_secret_is_rotated():
    fitting = stripe_header().split("v1=")[1]
    verify_stripe(f"t={STAMP},v1={'0' * 64},v1={fitting},v0=old")


@given(st.integers(0, len(BODY) - 1), st.integers(0, 7))
def test_one_changed_bit_is_not_stripes(at, bit):
    with pytest.raises(BadSignature):
        verify_stripe(stripe_header(), body=mutated(BODY, at, bit))


@pytest.mark.parametrize("age", [-301, 301])
def test_stripes_signature_is_good_for_five_minutes_either_way(age):
    verify_stripe(stripe_header(stamp=STAMP + age // 301 * 300))
    with pytest.raises(BadSignature):
        verify_stripe(stripe_header(stamp=STAMP + age))


@given(st.text(max_size=120))
def test_no_made_up_header_is_stripes(header):
    with pytest.raises(BadSignature):
        verify_stripe(header)


def test_stripes_v0_signature_is_not_enough():
    with pytest.raises(BadSignature):
        verify_stripe(stripe_header().replace("v1=", "v0="))


def test_without_a_stripe_secret_nothing_is_judged():
    with pytest.raises(NotConfigured):
        verify_stripe(stripe_header(), secret="")


# HubSpot

URI = "https://crescendo.example/webhooks/hubspot?from=a@b"


def verify_hubspot(headers: dict[str, str], *, uri: str = URI, body: bytes = BODY, secret: str = "client-secret"):
    signatures.verify_hubspot_v3(body=body, headers=headers, method="POST", uri=uri, secret=secret, wall_now=NOW)


def test_hubspots_own_signature_is_taken():
    verify_hubspot(hubspot_headers(URI))


def test_hubspots_library_makes_what_we_take():
    from hubspot.utils.signature import Signature

    made = Signature.get_signature("client-secret", BODY.decode(), "v3", URI, "POST", str(STAMP * 1000))
    verify_hubspot({**hubspot_headers(URI), signatures.HUBSPOT_SIGNATURE: made})


def test_hubspot_signs_the_uri_with_some_escapes_undone():
    verify_hubspot(hubspot_headers(URI), uri=URI.replace("a@b", "a%40b"))


def test_other_escapes_stay_as_they_are():
    with pytest.raises(BadSignature):
        verify_hubspot(hubspot_headers(URI + "&q= "), uri=URI + "&q=%20")


@given(st.integers(0, len(BODY) - 1), st.integers(0, 7))
def test_one_changed_bit_is_not_hubspots(at, bit):
    with pytest.raises(BadSignature):
        verify_hubspot(hubspot_headers(URI), body=mutated(BODY, at, bit))


@pytest.mark.parametrize("age", [-301, 301, 10**9])
def test_hubspots_signature_is_neither_old_nor_from_the_future(age):
    with pytest.raises(BadSignature):
        verify_hubspot(hubspot_headers(URI, stamp=(STAMP + age) * 1000))


def test_another_address_is_not_what_hubspot_called():
    with pytest.raises(BadSignature):
        verify_hubspot(hubspot_headers(URI), uri=URI.replace("crescendo", "elsewhere"))


def test_without_a_hubspot_secret_nothing_is_judged():
    with pytest.raises(NotConfigured):
        verify_hubspot(hubspot_headers(URI), secret="")


# Standard Webhooks


def standard_headers(body: bytes = BODY, at: datetime = NOW, message: str = "msg_1") -> dict[str, str]:
    signature = standardwebhooks.Webhook(STANDARD_SECRET).sign(message, at, body.decode())
    return {"Webhook-Id": message, "Webhook-Timestamp": str(int(at.timestamp())), "Webhook-Signature": signature}


def verify_standard(headers: dict[str, str], body: bytes = BODY, secret: str = STANDARD_SECRET) -> str:
    return signatures.verify_standard_webhook(body=body, headers=headers, secret=secret)


def test_a_standard_webhook_is_taken_and_named(standing_clock):
    assert verify_standard(standard_headers()) == "msg_1"


def test_what_we_sign_verifies_and_names_itself(standing_clock):
    headers = signatures.sign_standard_webhook(message_id="msg_9", at=NOW, body=BODY, secrets=[STANDARD_SECRET])
    assert verify_standard(headers) == "msg_9"


def test_a_secret_that_cannot_be_read_signs_nothing():
    with pytest.raises(NotConfigured):
        signatures.sign_standard_webhook(message_id="msg_9", at=NOW, body=BODY, secrets=["whsec_?"])


def test_a_standard_webhook_may_carry_other_signatures_too(standing_clock):
    headers = standard_headers()
    headers["Webhook-Signature"] = "v1a,AAAA v1,AAAA " + headers["Webhook-Signature"]
    assert verify_standard(headers) == "msg_1"


def test_one_changed_byte_is_no_standard_webhook(standing_clock):
    headers = standard_headers()
    for at in range(len(BODY)):
        with pytest.raises(BadSignature):
            verify_standard(headers, body=mutated(BODY, at, at % 8))


@pytest.mark.parametrize("signature", ["", "v1", "v1,", "v1,not base64", "v2,AAAA", "\u05d0,\u05d0", "v1,AAAA,BBBB"])
def test_an_odd_signature_is_no_standard_webhook(standing_clock, signature):
    with pytest.raises(BadSignature):
        verify_standard({**standard_headers(), "Webhook-Signature": signature})


@pytest.mark.parametrize("stamp", ["", "soon", "nan", "1770000000.5", str(STAMP - 301), str(STAMP + 301)])
def test_an_odd_time_is_no_standard_webhook(standing_clock, stamp):
    with pytest.raises(BadSignature):
        verify_standard({**standard_headers(), "Webhook-Timestamp": stamp})


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_\u05d0"])
def test_without_a_standard_secret_nothing_is_judged(secret):
    with pytest.raises(NotConfigured):
        verify_standard({"webhook-timestamp": str(int(time.time()))}, secret=secret)
