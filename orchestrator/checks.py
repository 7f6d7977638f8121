"""System checks with stable ids: what is set wrongly is said before it is needed (docs/operations.md lists them)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.utils.module_loading import import_string

from orchestrator.webhooks import signatures

# A provider that is switched on by one setting is only of use together with these.
COMPANIONS = {
    "SENDGRID_API_KEY": ("SENDGRID_FROM_EMAIL", "SENDGRID_WEBHOOK_PUBLIC_KEY", "SENDER_POSTAL_ADDRESS"),
    "STRIPE_API_KEY": ("STRIPE_WEBHOOK_SECRET",),
    "TWILIO_ACCOUNT_SID": ("TWILIO_AUTH_TOKEN",),
}


def check_adapters(**_kwargs: Any) -> list[CheckMessage]:
    """crescendo.E001, E002: a channel's or connector's path names no class."""
    found: list[CheckMessage] = []
    for setting, code in (("CHANNELS", "crescendo.E001"), ("CONNECTORS", "crescendo.E002")):
        for kind, path in getattr(settings, setting).items():
            try:
                import_string(path)
            except ImportError as error:
                found.append(Error(f"{setting}[{kind!r}] = {path!r} cannot be imported: {error}", id=code))
    return found


def check_lease(**_kwargs: Any) -> list[CheckMessage]:
    """crescendo.E003: a lease may not end while a provider's answer is still awaited."""
    if settings.DELIVERY_LEASE_S > settings.PROVIDER_TIMEOUT_S + 2:
        return []
    return [
        Error(
            f"DELIVERY_LEASE_S ({settings.DELIVERY_LEASE_S}) must be more than PROVIDER_TIMEOUT_S "
            f"({settings.PROVIDER_TIMEOUT_S}) + 2.",
            hint="A second worker could send the same message.",
            id="crescendo.E003",
        )
    ]


def check_companions(**_kwargs: Any) -> list[CheckMessage]:
    """crescendo.W001: a provider is switched on but half configured."""
    return [
        Warning(f"{key} is set, but {companion} is not.", id="crescendo.W001", hint="See .env.example.")
        for key, companions in COMPANIONS.items()
        if getattr(settings, key)
        for companion in companions
        if not getattr(settings, companion)
    ]


def check_sms_sender(**_kwargs: Any) -> list[CheckMessage]:
    """crescendo.W003, W004: text messages without a sender, or whose status reports Twilio would refuse to send."""
    if not settings.TWILIO_ACCOUNT_SID:
        return []
    found: list[CheckMessage] = []
    if not (settings.TWILIO_FROM or settings.TWILIO_MESSAGING_SERVICE_SID):
        words = "TWILIO_ACCOUNT_SID is set, but neither TWILIO_FROM nor TWILIO_MESSAGING_SERVICE_SID is."
        found.append(Warning(words, id="crescendo.W003", hint="See .env.example."))
    host = urlsplit(settings.PUBLIC_BASE_URL).hostname or ""
    if "_" in host:
        words = f"The host of PUBLIC_BASE_URL, {host}, has an underscore: Twilio calls no such address."
        found.append(Warning(words, id="crescendo.W004", hint="Every text message would be refused (21609)."))
    return found


def check_retention(**_kwargs: Any) -> list[CheckMessage]:
    """crescendo.E008: a period is so short that what is removed would still be needed."""
    return [
        Error(
            f"RETENTION_{name.upper()}_DAYS ({days}) must be 0 (for ever) or at least {least}.",
            hint="What is removed by then would still be asked for: docs/operations.md says by whom.",
            id="crescendo.E008",
        )
        for name, least in settings.RETENTION_LEAST_DAYS.items()
        if (days := settings.RETENTION_DAYS[name]) and days < least
    ]


def check_webhook_secret(**_kwargs: Any) -> list[CheckMessage]:
    """crescendo.E004: outgoing webhooks could not be signed."""
    if all(signatures.is_signing_secret(one) for one in settings.WEBHOOK_SIGNING_SECRET.split()):
        return []
    words = "WEBHOOK_SIGNING_SECRET is no signing secret of Standard Webhooks: whsec_ and base64 of 24 to 64 bytes."
    return [Error(words, hint="Several are separated by spaces.", id="crescendo.E004")]


def check_public_address(**_kwargs: Any) -> list[CheckMessage]:
    """crescendo.W002 (deploy): unsubscribe links and one-click headers must be https."""
    if settings.PUBLIC_BASE_URL.startswith("https://"):
        return []
    return [
        Warning(f"PUBLIC_BASE_URL is {settings.PUBLIC_BASE_URL}: links in messages need https.", id="crescendo.W002")
    ]


def register_checks() -> None:
    for check in (
        check_adapters,
        check_lease,
        check_companions,
        check_sms_sender,
        check_webhook_secret,
        check_retention,
    ):
        register(check, "crescendo")
    register(check_public_address, Tags.security, deploy=True)
