"""Channels, connectors, limits and delivery clocks: what an operator of Crescendo tunes."""

from __future__ import annotations

from decimal import Decimal

from orchestrator.settings.environment import env_bool, env_decimal, env_int, env_secret, env_text

# kind -> adapter, Django's BACKEND idiom; imported on first use.
CHANNELS = {
    "email": "orchestrator.channels.sendgrid.channel.SendGridChannel",
    "sms": "orchestrator.channels.twilio.channel.TwilioChannel",
    "in_app": "orchestrator.channels.memory.MemoryChannel",
    "csm_task": "orchestrator.channels.memory.MemoryChannel",
    "webhook": "orchestrator.channels.webhook.channel.WebhookChannel",
}
# Where a channel's provider keeps its own list of opt-outs: told of ours, and compared every night.
SUPPRESSION_LISTS = {
    "email": "orchestrator.channels.sendgrid.suppressions.SendGridList",
    "sms": "orchestrator.channels.twilio.suppressions.TwilioConsents",
}
SENDGRID_API_KEY = env_secret("SENDGRID_API_KEY")
SENDGRID_API_BASE = env_text("SENDGRID_API_BASE", "https://api.sendgrid.com")
SENDGRID_WEBHOOK_PUBLIC_KEY = env_secret("SENDGRID_WEBHOOK_PUBLIC_KEY")
SENDGRID_FROM_EMAIL = env_text("SENDGRID_FROM_EMAIL")
SENDGRID_FROM_NAME = env_text("SENDGRID_FROM_NAME")
# Last part of the address that SendGrid's Inbound Parse posts to; without it no mail is taken in.
SENDGRID_INBOUND_SECRET = env_secret("SENDGRID_INBOUND_SECRET")
# The host whose mail goes to Inbound Parse: answers and "unsubscribe" by mail are then asked for at addresses there.
INBOUND_MAIL_DOMAIN = env_text("INBOUND_MAIL_DOMAIN")
# The unsubscribe group that our opt-outs are written to; made where it lacks.
SENDGRID_UNSUBSCRIBE_GROUP = env_text("SENDGRID_UNSUBSCRIBE_GROUP", "Marketing (Crescendo)")
# Mails of one wording that go in one request; 1: a request for each.
SENDGRID_BATCH_SIZE = env_int("SENDGRID_BATCH_SIZE", 1000)
# Requests that one worker may have under way, and requests a second of all workers together (0: no limit of our own).
SENDGRID_IN_FLIGHT = env_int("SENDGRID_IN_FLIGHT", 50)
SENDGRID_REQUESTS_PER_S = env_int("SENDGRID_REQUESTS_PER_S", 0)

TWILIO_ACCOUNT_SID = env_text("TWILIO_ACCOUNT_SID")
TWILIO_AUTH_TOKEN = env_secret("TWILIO_AUTH_TOKEN")
TWILIO_MESSAGING_SERVICE_SID = env_text("TWILIO_MESSAGING_SERVICE_SID")
TWILIO_FROM = env_text("TWILIO_FROM")
TWILIO_IN_FLIGHT = env_int("TWILIO_IN_FLIGHT", 50)
# What Twilio grants the sender (a US long code 1, a short code 100 …), for all workers together; 0: as fast as it goes.
TWILIO_SEGMENTS_PER_S = env_int("TWILIO_SEGMENTS_PER_S", 0)
# Twilio has a host per product; whoever moves the first (a mock, a proxy) usually means all three.
TWILIO_API_BASE = env_text("TWILIO_API_BASE", "https://api.twilio.com")
_TWILIO_MOVED = "" if TWILIO_API_BASE == "https://api.twilio.com" else TWILIO_API_BASE
TWILIO_MESSAGING_API_BASE = env_text("TWILIO_MESSAGING_API_BASE", _TWILIO_MOVED or "https://messaging.twilio.com")
TWILIO_LOOKUPS_API_BASE = env_text("TWILIO_LOOKUPS_API_BASE", _TWILIO_MOVED or "https://lookups.twilio.com")
TWILIO_ACCOUNTS_API_BASE = env_text("TWILIO_ACCOUNTS_API_BASE", _TWILIO_MOVED or "https://accounts.twilio.com")
# A pilot of Twilio's: only accounts with its compliance toolkit can be told of opt-outs.
TWILIO_CONSENT_API = env_bool("TWILIO_CONSENT_API", False)

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

# Marketing messages to a contact and about an account, over all campaigns and channels. `days`: in any so many times 24
# hours; `per` instead: in a calendar day, week or month by the contact's clock (the account's by its own). With `of`
# (contact or account) for one of the two alone.
FREQUENCY_CAPS = ({"days": 1, "messages": 1}, {"days": 7, "messages": 3})

# Of several campaigns' messages to one account that come due within these minutes the one with the highest priority x
# expected value goes (0: no arbitration). The others are skipped, or put off (defer) by as long.
ARBITRATION_WINDOW_MIN = env_int("ARBITRATION_WINDOW_MIN", 15)
ARBITRATION_LOSERS = env_text("ARBITRATION_LOSERS", "skip")
# What a message without an offer is worth there, in the reporting currency.
ARBITRATION_DEFAULT_VALUE = Decimal(env_int("ARBITRATION_DEFAULT_VALUE", 1))

# Text messages of one day by the sender's clock: after so many segments, or so much money (reporting currency), no more
# go until the next. 0 and empty: no limit.
SENDER_TIME_ZONE = env_text("SENDER_TIME_ZONE", "UTC")
SMS_DAILY_SEGMENTS = env_int("SMS_DAILY_SEGMENTS", 0)
SMS_DAILY_SPEND = env_decimal("SMS_DAILY_SPEND")
# What a segment costs at most, by the beginning of the number, the longest that fits; "" for the rest. Put your own in.
SMS_SEGMENT_PRICES = {"": Decimal("0.10")}

# A campaign rests by itself once more than so many percent of those a mail reached reported it as unwanted, or the
# phone networks held back so many percent of its texts; from so many on, in what went out in the last 7 days. 0: never.
COMPLAINTS_PAUSE_PERCENT = float(env_text("COMPLAINTS_PAUSE_PERCENT", "0.1"))
COMPLAINTS_PAUSE_LEAST = env_int("COMPLAINTS_PAUSE_LEAST", 3)
FILTERED_TEXTS_PAUSE_PERCENT = float(env_text("FILTERED_TEXTS_PAUSE_PERCENT", "5"))
FILTERED_TEXTS_PAUSE_LEAST = env_int("FILTERED_TEXTS_PAUSE_LEAST", 5)

# Messages and people that should have gone on so many minutes ago and did not are told as standing still.
STALLED_AFTER_MIN = env_int("STALLED_AFTER_MIN", 15)

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

# How many days rows are kept before the nightly job removes them; 0: for ever. docs/operations.md says what is in each.
RETENTION_DAYS = {
    "details": env_int("RETENTION_DETAILS_DAYS", 183),
    "messages": env_int("RETENTION_MESSAGES_DAYS", 1126),
    "reports": env_int("RETENTION_REPORTS_DAYS", 397),
    "inbound": env_int("RETENTION_INBOUND_DAYS", 183),
    "usage_events": env_int("RETENTION_USAGE_EVENTS_DAYS", 761),
    "usage_daily": env_int("RETENTION_USAGE_DAILY_DAYS", 1126),
    "runs": env_int("RETENTION_RUNS_DAYS", 90),
    "replies": env_int("RETENTION_REPLIES_DAYS", 90),
}
# Less would take what is still asked for: late reports, open windows and caps, links the law wants to work, charts.
RETENTION_LEAST_DAYS = {
    "details": 60,
    "messages": 397,
    "reports": 155,
    "inbound": 155,
    "usage_events": 155,
    "usage_daily": 397,
    "runs": 61,
    "replies": 1,
}
