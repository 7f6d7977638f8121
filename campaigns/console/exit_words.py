"""What ends somebody's way through a campaign before its last step, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from campaigns.sequences.campaign_file import EXITS
from orchestrator.templating import word_lists


def exits_of(document: Mapping[str, Any]) -> list[str]:
    """All where the file names none."""
    return list(document.get("exit_on", EXITS))


def exit_choices() -> list[tuple[str, str]]:
    return [
        ("CONVERTED", _("the account upgrades")),
        ("REFUSED", _("they say no to an offer")),
        ("OPTED_OUT", _("they opt out")),
        ("LEFT_SEGMENT", _("they leave the segment")),
        (
            "GATE_CLOSED",
            _("it is no time to sell: a payment failed, they are cancelling, a ticket is urgent, health is red"),
        ),
    ]


def sentence(document: Mapping[str, Any]) -> str:
    named = exits_of(document)
    words = [words for key, words in exit_choices() if key in named]
    if not words:
        return _("Nobody leaves before the last step.")
    return _("Somebody leaves early when %(reasons)s.") % {
        "reasons": word_lists.join(words, style="or", language=get_language() or "en")
    }
