"""What people write back: Twilio's incoming-message webhook and its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from orchestrator.channels.twilio.feedback import key_of
from orchestrator.webhooks import form
from orchestrator.webhooks.errors import Unreadable

# On these Twilio acts, and answers, by itself, when they are the whole text (its default opt-out words).
_TWILIOS_OWN = frozenset({"STOP", "UNSUBSCRIBE", "END", "QUIT", "STOPALL", "REVOKE", "OPTOUT", "CANCEL"})
_TWILIOS_OWN_BACK = frozenset({"START", "YES", "UNSTOP"})
CONTENT_TYPE = "text/xml; charset=utf-8"


@dataclass(frozen=True, slots=True)
class IncomingText:
    """One text message to us. `opt_out_type` is STOP, START or HELP where Twilio has understood it (and answered)."""

    sid: str
    key: bytes
    sender: str = field(repr=False)
    text: str = field(repr=False)
    opt_out_type: str = ""

    @property
    def is_answered(self) -> bool:
        """Twilio tells the person itself: a second answer would be one too many."""
        word = self.text.strip().upper()
        return bool(self.opt_out_type) or word in _TWILIOS_OWN or word in _TWILIOS_OWN_BACK


def parse_incoming(body: bytes) -> IncomingText:
    """Raises Unreadable where the verified body names no message or nobody who sent it."""
    fields = form.read_form(body)
    sid = fields.get("MessageSid") or fields.get("SmsMessageSid") or fields.get("SmsSid", "")
    sender = fields.get("From", "").strip()
    if not sid or not sender:
        raise Unreadable("The incoming message names no sender or has no id.")
    return IncomingText(
        sid=sid,
        key=key_of("incoming", sid),
        sender=sender,
        text=fields.get("Body", ""),
        opt_out_type=_opt_out_type(fields),
    )


def answer(*texts: str) -> str:
    """TwiML that sends these back to the person; without any it says nothing."""
    messages = "".join(f"<Message>{escape(text)}</Message>" for text in texts)
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{messages}</Response>'


def _opt_out_type(fields: Mapping[str, str]) -> str:
    said = fields.get("OptOutType", "").strip().upper()
    return said if said in {"STOP", "START", "HELP"} else ""
