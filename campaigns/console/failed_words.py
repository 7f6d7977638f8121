"""Why a provider refused a message or could not bring it home, as a sentence for a customer's question."""

from __future__ import annotations

import re

from django.utils.translation import gettext as _

_CODE = re.compile(r"\b(\d{5})\b")


def refused(*, channel: str, code: str, detail: str) -> str:
    """From the answer to the request; either may be empty."""
    known = _known(channel, f"{code} {detail}")
    if known:
        return known
    said = detail or code
    if not said:
        return _("The provider refused it and gave no reason.")
    return _("The provider refused it: %(said)s") % {"said": said}


def came_back(*, channel: str, reason: str) -> str:
    """From what the provider reported later."""
    known = _known(channel, reason)
    if known:
        return known
    if channel == "sms" and not reason.removeprefix("failed").removeprefix("undelivered").strip():
        return _("The phone network did not bring it to the phone and gave no reason.")
    return _("The provider reports: %(said)s") % {"said": reason} if reason else ""


def _known(channel: str, said: str) -> str:
    """Twilio's codes: https://www.twilio.com/docs/api/errors."""
    found = _CODE.search(said) if channel == "sms" else None
    if found is None:
        return ""
    code = found[1]
    words = {
        "21211": _("The number is no valid phone number."),
        "21214": _("The number cannot be reached."),
        "21217": _("The number is no valid phone number."),
        "21408": _("Text messages to this country are not switched on at the provider."),
        "21610": _("They had answered STOP to this sender."),
        "21612": _("Our sender cannot write to this number."),
        "21614": _("The number is no mobile phone."),
        "21635": _("The number is a landline."),
        "30003": _("The phone was switched off or out of reach."),
        "30004": _("The phone or its network does not take our messages."),
        "30005": _("The number is not in use, or the phone was out of reach."),
        "30006": _("The number is a landline, or its network takes no text messages."),
        "30007": _("The phone network held it back as unwanted."),
        "30008": _("The phone network did not bring it to the phone and gave no reason."),
    }
    if code not in words:
        return ""
    return _("%(said)s (Code %(code)s.)") % {"said": words[code], "code": code}
