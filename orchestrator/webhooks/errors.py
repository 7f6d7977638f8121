"""Why a webhook was not taken. Each error knows the answer the sender gets.

The texts are for our own logs: the sender learns the status alone, and nothing in them
comes from the body.
"""

from __future__ import annotations

from typing import ClassVar


class WebhookError(Exception):
    status: ClassVar[int]
    outcome: ClassVar[str]


class BadSignature(WebhookError):
    """Not from who it claims to be, altered on the way, or too old. Changes nothing."""

    status = 401
    outcome = "bad_signature"


class NotConfigured(WebhookError):
    """We hold no key to check it with. 503 makes the sender keep it and come back."""

    status = 503
    outcome = "not_configured"


class Unreadable(WebhookError):
    """Genuine, but never going to be understood: sending it again would not help."""

    status = 400
    outcome = "unreadable"


class TooLarge(WebhookError):
    status = 413
    outcome = "too_large"
