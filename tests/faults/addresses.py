"""Where the messages of a run go: what the provider saw tells of which campaign a message was."""

from __future__ import annotations

import zlib


def beginning(campaign: str, channel: str) -> str:
    """What the addresses of one campaign have in common."""
    return f"{campaign}-" if channel == "email" else f"+4477{zlib.crc32(campaign.encode()) % 1000:03}"


def address(campaign: str, channel: str, number: int) -> str:
    """A mail address, or a number of a mobile phone; at most 100,000 of these."""
    first = beginning(campaign, channel)
    return f"{first}{number}@faults.example" if channel == "email" else f"{first}{number:05}"
