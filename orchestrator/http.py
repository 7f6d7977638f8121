"""What every outgoing call shares: no personal data in what an outside system's answer makes us say, and no call to
inside the network where somebody else wrote the address (SSRF)."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

# Providers echo what they refuse. Addresses and phone numbers must not reach logs or error texts.
_EMAIL = re.compile(r"[^\s@<>\"'(),;:]+@[^\s@<>\"'(),;:]+")
_PHONE = re.compile(r"\+\d[\d\s().-]{5,}\d")
_LONGEST_DETAIL = 300

LONGEST_URL = 2000
# Of IPv6 only what is given out to the world, without what wraps an IPv4 address or tunnels: 6to4, Teredo and kin.
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
_WRAPPING_V6 = (ipaddress.IPv6Network("2002::/16"), ipaddress.IPv6Network("2001::/23"))
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?\.?")


class ForbiddenAddress(ValueError):
    """We do not call this address. The message names its host at most."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a call goes: `host` in ASCII, `path` with its query."""

    is_tls: bool
    host: str
    port: int
    path: str


def read_url(url: str, *, allow_private: bool) -> Endpoint:
    """An https address as somebody wrote it; with `allow_private` http as well. Raises ForbiddenAddress.

    Nothing is looked up: whoever connects asks `is_public` of the address that the name turns out to have.
    """
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or set(url) & set(' \\{}<>"`'):
        raise ForbiddenAddress("The address is longer than 2,000 characters or has characters that belong in none.")
    try:
        parts = urlsplit(url)
        port, host = parts.port, (parts.hostname or "").lower()
    except ValueError:
        raise ForbiddenAddress("The address can't be read.") from None
    if parts.scheme != "https" and not (allow_private and parts.scheme == "http"):
        raise ForbiddenAddress("The address must begin with https://.")
    if parts.username is not None or parts.password is not None:
        raise ForbiddenAddress("The address holds a user name or a password.")
    if port == 0 or not (_HOST.fullmatch(host) or _is_ip(host)):
        raise ForbiddenAddress("The address names no host.")
    if not allow_private and (host.rstrip(".") == "localhost" or (_is_ip(host) and not is_public(host))):
        raise ForbiddenAddress(f"{host} is an address inside the network.")
    is_tls = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Endpoint(is_tls, host, port or (443 if is_tls else 80), path)


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open internet: not this machine, this network, a cloud's metadata."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv4Address):
        return found.is_global and not found.is_multicast
    return found.is_global and found in _GLOBAL_V6 and not any(found in one for one in _WRAPPING_V6)


def redact(text: str) -> str:
    """An outside system's words, short, on one line, without e-mail addresses and phone numbers."""
    line = " ".join(text.split())
    return _PHONE.sub("[phone]", _EMAIL.sub("[address]", line))[:_LONGEST_DETAIL]


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
