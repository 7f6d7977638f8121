"""Who our text messages come from, and so whether people can answer them."""

from __future__ import annotations

from django.conf import settings


def can_be_answered() -> bool:
    """False where the sender is a name: a name cannot be answered, so no STOP by reply is possible.

    A messaging service is taken to have numbers in its pool.
    """
    name = settings.TWILIO_FROM
    return bool(settings.TWILIO_MESSAGING_SERVICE_SID) or not any(letter.isalpha() for letter in name)
