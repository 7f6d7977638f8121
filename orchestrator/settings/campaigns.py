"""Channels, connectors, limits and delivery clocks: what an operator of Crescendo tunes."""

from __future__ import annotations

from decimal import Decimal

from orchestrator.settings.environment import env_bool, env_int, env_secret, env_text

# kind -> adapter, Django's BACKEND idiom; imported on first use.
CHANNELS = {
    "email": "orchestrator.channels.sendgrid.channel.SendGridChannel",
    "sms": "orchestrator.channels.twilio.channel.TwilioChannel",
    "in_app": "orchestrator.channels.memory.MemoryChannel",
    "csm_task": "orchestrator.channels.memory.MemoryChannel",
    "webhook": "orchestrator.channels.webhook.channel.WebhookChannel",
}
SENDGRID_API_KEY = env_secret("SENDGRID_API_KEY")
SENDGRID_API_BASE = env_text("SENDGRID_API_BASE", "https://api.sendgrid.com")
SENDGRID_WEBHOOK_PUBLIC_KEY = env_secret("SENDGRID_WEBHOOK_PUBLIC_KEY")
SENDGRID_FROM_EMAIL = env_text("SENDGRID_FROM_EMAIL")
SENDGRID_FROM_NAME = env_text("SENDGRID_FROM_NAME")
# Mails of one wording that go in one request; 1: a request for each.
SENDGRID_BATCH_SIZE = env_int("SENDGRID_BATCH_SIZE", 1000)

TWILIO_ACCOUNT_SID = env_text("TWILIO_ACCOUNT_SID")
TWILIO_AUTH_TOKEN = env_secret("TWILIO_AUTH_TOKEN")
TWILIO_MESSAGING_SERVICE_SID = env_text("TWILIO_MESSAGING_SERVICE_SID")
TWILIO_FROM = env_text("TWILIO_FROM")
# Twilio has a host per product; whoever moves the first (a mock, a proxy) usually means all three.
TWILIO_API_BASE = env_text("TWILIO_API_BASE", "https://api.twilio.com")
_TWILIO_MOVED = "" if TWILIO_API_BASE == "https://api.twilio.com" else TWILIO_API_BASE
TWILIO_MESSAGING_API_BASE = env_text("TWILIO_MESSAGING_API_BASE", _TWILIO_MOVED or "https://messaging.twilio.com")
TWILIO_LOOKUPS_API_BASE = env_text("TWILIO_LOOKUPS_API_BASE", _TWILIO_MOVED or "https://lookups.twilio.com")

# Signs outgoing webhooks (Standard Webhooks). Several, separated by spaces, while one is being replaced.
WEBHOOK_SIGNING_SECRET = env_secret("WEBHOOK_SIGNING_SECRET")
# Opens plain http and addresses inside the network; production refuses it.
ALLOW_PRIVATE_WEBHOOKS = env_bool("ALLOW_PRIVATE_WEBHOOKS", False)

CONNECTORS = {
    "hubspot": "orchestrator.connectors.hubspot.client.HubSpotCrm",
    "stripe": "orchestrator.connectors.stripe.client.StripeBilling",
}
HUBSPOT_ACCESS_TOKEN = env_secret("HUBSPOT_ACCESS_TOKEN")
HUBSPOT_API_BASE = env_text("HUBSPOT_API_BASE", "https://api.hubapi.com")
HUBSPOT_CLIENT_SECRET = env_secret("HUBSPOT_CLIENT_SECRET")
STRIPE_API_KEY = env_secret("STRIPE_API_KEY")
STRIPE_API_BASE = env_text("STRIPE_API_BASE", "https://api.stripe.com")
STRIPE_WEBHOOK_SECRET = env_secret("STRIPE_WEBHOOK_SECRET")

DELIVERY_LEASE_S = env_int("DELIVERY_LEASE_S", 30)
PROVIDER_TIMEOUT_S = env_int("PROVIDER_TIMEOUT_S", 10)
EVIDENCE_WINDOW_EMAIL_S = env_int("EVIDENCE_WINDOW_EMAIL_S", 3600)
EVIDENCE_WINDOW_SMS_S = env_int("EVIDENCE_WINDOW_SMS_S", 900)
SENDER_NAME = env_text("SENDER_NAME")
SENDER_POSTAL_ADDRESS = env_text("SENDER_POSTAL_ADDRESS")
CAMPAIGN_WINDOW = env_text("CAMPAIGN_WINDOW", "as_written")

# One upsell message per contact and per account in each rolling window.
FREQUENCY_CAPS = ({"days": 1, "messages": 1}, {"days": 7, "messages": 3})

# Reports are in one currency; fixed rates, reviewed by hand (docs/adr).
REPORTING_CURRENCY = "USD"
EXCHANGE_RATES = {
    "USD": Decimal("1"),
    "EUR": Decimal("1.10"),
    "ILS": Decimal("0.27"),
    "RON": Decimal("0.22"),
}

# Lookup hash of addresses; chosen once and never rotated, or opt-outs of erased people are forgotten.
ADDRESS_HASH_KEY = env_secret("ADDRESS_HASH_KEY", "development-only-address-hash-key")
