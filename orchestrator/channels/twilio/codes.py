"""Twilio's error codes, sorted by what they are about. The same numbers come as an answer and in a status report."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.channels.events import RejectReason

# The person said no: to Twilio itself (21610), or to their carrier about us (30004).
_OPTED_OUT = (21610, 30004)
# No number, no mobile phone, or nobody's any more.
_BAD_NUMBER = (21211, 21214, 21217, 21614, 21635, 30005, 30006)

REJECTS: Mapping[int, RejectReason] = {
    **dict.fromkeys(_OPTED_OUT, RejectReason.OPTED_OUT),
    **dict.fromkeys(_BAD_NUMBER, RejectReason.BAD_ADDRESS),
}

# Our account's fault, whoever the message is for: every message would be refused, and each is good once it is mended.
ACCOUNT_FAULTS: Mapping[int, str] = {
    20003: "the account SID or the auth token is wrong: check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN",
    20404: "there is no such account here: check TWILIO_ACCOUNT_SID and TWILIO_API_BASE",
    21603: "the message has no sender: set TWILIO_FROM or TWILIO_MESSAGING_SERVICE_SID",
    21606: "the sender may not send text messages: check TWILIO_FROM",
    21609: "the address for status reports is refused: check PUBLIC_BASE_URL (no underscore in the host name)",
    21659: "the sender is not one of this account: check TWILIO_FROM",
    21701: "there is no such messaging service: check TWILIO_MESSAGING_SERVICE_SID",
    21703: "the messaging service has no sender: add one at Twilio",
    30002: "the account is suspended",
}
# About the country or the kind of account: other people's messages still go, this one never will as things are.
CONFIGURATION: Mapping[int, str] = {
    21408: "text messages to this country are not enabled: open it under geographic permissions",
    21608: "a trial account sends to verified numbers only",
    21612: "the sender cannot reach this number's network: add a sender for its country",
}
# How long to leave it alone, in seconds, where a doubling pause would be too eager.
PAUSES: Mapping[int, float] = {
    21611: 600.0,  # ten hours of messages wait at Twilio
    30001: 600.0,
    63017: 60.0,  # more than 2,000 a second
    63038: 3600.0,  # the account's daily limit
}
