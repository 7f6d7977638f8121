from __future__ import annotations

import pytest

from orchestrator import checks


def ids(messages: list) -> list[str]:
    return [message.id for message in messages]


def test_the_projects_own_settings_pass():
    assert ids([*checks.check_adapters(), *checks.check_lease(), *checks.check_companions()]) == []


def test_a_channel_path_that_names_no_class_is_an_error(settings):
    settings.CHANNELS = {"email": "orchestrator.channels.nowhere.Channel"}

    assert ids(checks.check_adapters()) == ["crescendo.E001"]


def test_a_connector_path_that_names_no_class_is_an_error(settings):
    settings.CONNECTORS = {"hubspot": "orchestrator.connectors.hubspot.client.Nothing"}

    assert ids(checks.check_adapters()) == ["crescendo.E002"]


def test_a_lease_shorter_than_a_providers_answer_is_an_error(settings):
    settings.DELIVERY_LEASE_S, settings.PROVIDER_TIMEOUT_S = 12, 10

    assert ids(checks.check_lease()) == ["crescendo.E003"]


def test_a_half_configured_provider_is_a_warning(settings):
    settings.SENDGRID_API_KEY, settings.SENDGRID_FROM_EMAIL = "SG.x", "a@acme.example"
    settings.SENDGRID_WEBHOOK_PUBLIC_KEY, settings.SENDER_POSTAL_ADDRESS = "", "1 Street"

    [message] = checks.check_companions()

    assert (message.id, message.msg) == (
        "crescendo.W001",
        "SENDGRID_API_KEY is set, but SENDGRID_WEBHOOK_PUBLIC_KEY is not.",
    )


def test_plain_http_links_are_a_warning_at_deployment(settings):
    settings.PUBLIC_BASE_URL = "http://crescendo.example"

    assert ids(checks.check_public_address()) == ["crescendo.W002"]


def test_twilio_without_a_token_or_a_sender_is_a_warning(settings):
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = "AC1", ""
    settings.TWILIO_FROM = settings.TWILIO_MESSAGING_SERVICE_SID = ""

    assert ids(checks.check_companions() + checks.check_sms_sender()) == ["crescendo.W001", "crescendo.W003"]


def test_a_public_address_that_twilio_would_not_call_is_a_warning(settings):
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_FROM = "AC1", "+15005550006"
    settings.PUBLIC_BASE_URL = "https://my_host.example"

    assert ids(checks.check_sms_sender()) == ["crescendo.W004"]


@pytest.mark.parametrize(
    ("secret", "found"),
    [
        ("", []),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", []),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", []),
        ("whsec_c2hvcnQ=", ["crescendo.E004"]),
        ("not base64!", ["crescendo.E004"]),
    ],
)
def test_what_can_sign_no_webhook_is_an_error(settings, secret, found):
    settings.WEBHOOK_SIGNING_SECRET = secret

    assert ids(checks.check_webhook_secret()) == found
