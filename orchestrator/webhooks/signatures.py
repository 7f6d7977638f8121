"""Is this webhook from who it says? One function per scheme, each on the raw bytes of the body.

All raise BadSignature, or NotConfigured when we hold no usable key. None reads the body as
JSON: a body that was parsed and written again never verifies.

SendGrid's scheme carries no age limit on purpose: events are retried for 24 hours, and a
replay is harmless because every event has a key of our own making. Twilio's carries no time
at all, and the same holds. The other HMAC schemes are held to five minutes of the wall clock,
in both directions.
"""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import SplitResult, parse_qs, parse_qsl, urlsplit

import standardwebhooks
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from standardwebhooks.webhooks import EmptyWebhookSecretError

from orchestrator.webhooks.errors import BadSignature, NotConfigured

TOLERANCE_S = 300

SENDGRID_SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
SENDGRID_TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"
STRIPE_SIGNATURE = "Stripe-Signature"
TWILIO_SIGNATURE = "X-Twilio-Signature"
HUBSPOT_SIGNATURE = "X-HubSpot-Signature-v3"
HUBSPOT_TIMESTAMP = "X-HubSpot-Request-Timestamp"

# HubSpot signs the URI with these, and only these, percent-escapes undone.
_HUBSPOT_ESCAPES = re.compile(r"%(3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)", re.IGNORECASE)


def verify_sendgrid(*, body: bytes, headers: Mapping[str, str], public_key: str) -> None:
    """ECDSA P-256 over timestamp + body. `public_key` is base64 of the SPKI DER, as SendGrid shows it."""
    key = _sendgrid_key(public_key)
    signature = _decode_base64(_header(headers, SENDGRID_SIGNATURE))
    timestamp = _digits(_header(headers, SENDGRID_TIMESTAMP))
    try:
        key.verify(signature, timestamp.encode("ascii") + body, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise BadSignature("SendGrid's signature does not fit the body.") from None


def verify_stripe(*, body: bytes, header: str, secret: str, wall_now: datetime, tolerance: int = TOLERANCE_S) -> None:
    """`header` is Stripe-Signature; any of its v1 entries may fit (there are several while a secret is rotated).

    Stripe's own helper is not used here because importing it costs a web process 41 MB.
    """
    if not secret:
        raise NotConfigured("STRIPE_WEBHOOK_SECRET is not set.")
    pairs = [entry.partition("=") for entry in header.split(",")]
    timestamp = _digits(next((value for name, _, value in pairs if name.strip() == "t"), ""))
    _check_age(int(timestamp), wall_now, tolerance)
    expected = hmac.new(secret.encode(), timestamp.encode("ascii") + b"." + body, hashlib.sha256).hexdigest()
    offered = [value for name, _, value in pairs if name.strip() == "v1"]
    if not any(_same(expected, signature) for signature in offered):
        raise BadSignature("No v1 signature of Stripe's fits the body.")


def verify_twilio(*, body: bytes, headers: Mapping[str, str], uri: str, auth_token: str) -> None:
    """HMAC-SHA1 over the full public address Twilio called (from PUBLIC_BASE_URL, not from Host) and the form's
    fields. A body that is no form is covered by its SHA-256, which then stands in the address as bodySHA256.

    Twilio signs with or without the port, by chance: both are tried, as its own library does.
    """
    if not auth_token:
        raise NotConfigured("TWILIO_AUTH_TOKEN is not set.")
    address = urlsplit(uri)
    signed = _twilio_fields(body, _header(headers, "Content-Type"), address.query)
    offered = _header(headers, TWILIO_SIGNATURE)
    for written in (uri, _with_port(address), _without_port(address)):
        expected = base64.b64encode(hmac.new(auth_token.encode(), (written + signed).encode(), hashlib.sha1).digest())
        if _same(expected.decode("ascii"), offered):
            return
    raise BadSignature("Twilio's signature does not fit the request.")


def _twilio_fields(body: bytes, content_type: str, query: str) -> str:
    if content_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
        try:
            pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, errors="strict")
        except ValueError:
            raise BadSignature("The form is not UTF-8.") from None
        return "".join(name + value for name, value in sorted(set(pairs)))
    promised = parse_qs(query).get("bodySHA256", [""])[0]
    if not _same(hashlib.sha256(body).hexdigest(), promised):
        raise BadSignature("The body is neither a form nor the one that bodySHA256 promises.")
    return ""


def _with_port(address: SplitResult) -> str:
    if address.port:
        return address.geturl()
    return address._replace(netloc=f"{address.netloc}:{443 if address.scheme == 'https' else 80}").geturl()


def _without_port(address: SplitResult) -> str:
    return address._replace(netloc=address.netloc.partition(":")[0]).geturl() if address.port else address.geturl()


def verify_hubspot_v3(
    *,
    body: bytes,
    headers: Mapping[str, str],
    method: str,
    uri: str,
    secret: str,
    wall_now: datetime,
    tolerance: int = TOLERANCE_S,
) -> None:
    """`uri` is the full public address HubSpot called, query included (from PUBLIC_BASE_URL, not from Host)."""
    if not secret:
        raise NotConfigured("HUBSPOT_CLIENT_SECRET is not set.")
    timestamp = _digits(_header(headers, HUBSPOT_TIMESTAMP))
    _check_age(int(timestamp) // 1000, wall_now, tolerance)
    plain_uri = _HUBSPOT_ESCAPES.sub(lambda match: chr(int(match[1], 16)), uri)
    signed = f"{method.upper()}{plain_uri}".encode() + body + timestamp.encode("ascii")
    expected = base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode("ascii")
    if not _same(expected, _header(headers, HUBSPOT_SIGNATURE)):
        raise BadSignature("HubSpot's signature does not fit the request.")


def verify_standard_webhook(*, body: bytes, headers: Mapping[str, str], secret: str) -> str:
    """Standard Webhooks 1.0: `secret` is whsec_ + base64. Returns the webhook-id, stable over retries.

    The library reads the wall clock itself (five minutes either way).
    """
    try:
        checker = standardwebhooks.Webhook(secret)
    except (ValueError, RuntimeError, EmptyWebhookSecretError):
        raise NotConfigured("The source has no usable signing secret.") from None
    lowered = {name.lower(): value for name, value in headers.items()}
    _digits(lowered.get("webhook-timestamp", ""))
    try:
        checker.verify(body, lowered, json_parse=False)
    except (standardwebhooks.WebhookVerificationError, ValueError, TypeError):
        raise BadSignature("The Standard Webhooks signature does not fit the body.") from None
    return lowered["webhook-id"]


def sign_standard_webhook(*, message_id: str, at: datetime, body: bytes, secrets: Sequence[str]) -> dict[str, str]:
    """The headers of Standard Webhooks 1.0 for a body of ours, one signature per secret (whsec_ + base64): while a
    secret is changed the receiver accepts either. NotConfigured where one of them can't be read."""
    signed = [_signer(secret).sign(message_id, at, body.decode()) for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signed),
    }


def is_signing_secret(secret: str) -> bool:
    """Whether it can sign: whsec_ + base64 of 24 to 64 bytes, as Standard Webhooks asks."""
    try:
        _signer(secret)
        return 24 <= len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) <= 64
    except (NotConfigured, binascii.Error, ValueError):
        return False


@functools.lru_cache(maxsize=16)
def _signer(secret: str) -> standardwebhooks.Webhook:
    try:
        return standardwebhooks.Webhook(secret)
    except (ValueError, RuntimeError, EmptyWebhookSecretError):
        raise NotConfigured("A signing secret can't be read: it is whsec_ and base64.") from None


@functools.lru_cache(maxsize=16)
def _sendgrid_key(public_key: str) -> ec.EllipticCurvePublicKey:
    if not public_key:
        raise NotConfigured("SENDGRID_WEBHOOK_PUBLIC_KEY is not set.")
    try:
        key = serialization.load_der_public_key(base64.b64decode("".join(public_key.split()), validate=True))
    except ValueError:
        raise NotConfigured("SENDGRID_WEBHOOK_PUBLIC_KEY is not a public key in base64.") from None
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise NotConfigured("SENDGRID_WEBHOOK_PUBLIC_KEY is not an elliptic-curve key.")
    return key


def _header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name)
    if value is None:
        value = next((text for key, text in headers.items() if key.lower() == name.lower()), "")
    return value


def _digits(text: str) -> str:
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise BadSignature("The signature's time stamp is missing or not a number.")
    return text


def _check_age(signed_at: int, wall_now: datetime, tolerance: int) -> None:
    if abs(wall_now.timestamp() - signed_at) > tolerance:
        raise BadSignature(f"The signature is not from within {tolerance} seconds of now.")


def _decode_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadSignature("The signature is not base64.") from None


def _same(expected: str, offered: str) -> bool:
    return hmac.compare_digest(expected.encode(), offered.encode("utf-8", "replace"))
