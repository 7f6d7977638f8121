"""A campaign's ledger in words: its codes, and where everybody who ever came up in the audience is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.console import campaign_words, failed_words
from campaigns.console.templatetags.console import count
from campaigns.delivery.models import Message


def tell(ledger: Mapping[str, Any]) -> Iterator[str]:
    """The whole ledger, a line each: its codes stand for what they mean."""
    whole, *parts = list(place_lines(ledger["accounts"])) or [_("No account has come up so far.")]
    yield whole
    yield from (f"  {part}" for part in parts)
    yield _("Messages:")
    for state, number in ledger["messages"].items():
        if number:
            yield f"  {Message.State(state).label}: {count(number)}"
            yield from (f"    {line}" for line in _why_lines(state, ledger["skips"]))


def _why_lines(state: str, skips: Mapping[str, int]) -> Iterator[str]:
    """What stands beneath the number of a state: why so many are in it."""
    if state == Message.State.SKIPPED:
        for reason, number in sorted(skips.items(), key=lambda pair: -pair[1]):
            yield f"{campaign_words.unsent_words(reason)}: {count(number)}"
    elif state == Message.State.EXPIRED:
        yield campaign_words.unsent_words(state)


def why_not_sent(line: Mapping[str, Any]) -> str:
    """Of a message's line: why it did not go; empty where it went or may still go."""
    if line["state"] == Message.State.FAILED:
        return failed_words.refused(channel=line["channel"], code=line["reason"], detail="")
    if line["state"] == Message.State.EXPIRED:
        return campaign_words.unsent_words(line["state"])
    return campaign_words.unsent_words(line["reason"]) if line["state"] == Message.State.SKIPPED else ""


def place_lines(accounts: Mapping[str, Any]) -> Iterator[str]:
    """`accounts` as in the ledger, nothing where nobody came up: the whole, then its parts, which sum to it."""
    whole = accounts["audience"]
    if not whole:
        return
    yield ngettext(
        "%(n)s account has come up so far, also counting those that left the audience since:",
        "%(n)s accounts have come up so far, also counting those that left the audience since:",
        whole,
    ) % {"n": count(whole)}
    yield ngettext("%(n)s taken in to be written to", "%(n)s taken in to be written to", accounts["enrolled"]) % {
        "n": count(accounts["enrolled"])
    }
    if accounts["holdout"]:
        yield ngettext("%(n)s held out to compare with", "%(n)s held out to compare with", accounts["holdout"]) % {
            "n": count(accounts["holdout"])
        }
    for reason, number in sorted(accounts["not_enrolled"].items(), key=lambda pair: -pair[1]):
        yield _("%(n)s not taken in: %(why)s") % {"n": count(number), "why": campaign_words.reason_words(reason)}
