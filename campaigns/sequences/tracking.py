"""What a campaign's links and mails tell about their way: UTM parameters, and whether opens are looked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit

from campaigns.delivery import windows
from campaigns.profiles.models import Account, Contact
from campaigns.sequences.reading import CampaignFileError, Node
from orchestrator.engine.country_packs import europe

NEVER, OUTSIDE_EU, ALWAYS = "NEVER", "OUTSIDE_EU", "ALWAYS"
OPENS = (NEVER, OUTSIDE_EU, ALWAYS)
UTM = ("source", "medium", "campaign", "content")
LONGEST = 100
_VALUE = re.compile(r"[\w.\-]+", re.ASCII)
# An address that is written out: what Liquid makes is a page of ours, or not ours to change.
_LINK = re.compile(r"""(\bhref\s*=\s*)(["'])(https://[^"'<>{}\s]+)\2""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TrackingSpec:
    """`utm` by name without its `utm_`; empty: links stay as they are written."""

    opens: str = NEVER
    utm: Mapping[str, str] = field(default_factory=dict)


def read_tracking(root: Node) -> TrackingSpec:
    node = root.child_or_empty("tracking")
    node.allow_only(("opens", "utm"))
    opens = node.choice("opens", OPENS, default=NEVER)
    if not node.has("utm"):
        return TrackingSpec(opens)
    told = node.child("utm")
    told.allow_only(UTM)
    for name in ("source", "medium", "campaign"):
        told.required(name)
    return TrackingSpec(opens, {name: _value(told, name) for name in UTM if told.has(name)})


def is_value(text: str) -> bool:
    return len(text) <= LONGEST and _VALUE.fullmatch(text) is not None


def looks_for_opens(*, spec: TrackingSpec, contact: Contact, account: Account) -> bool:
    """Outside of the Union, and of the countries with the same rule, is who is known to be: where no country is known,
    nobody looks."""
    if spec.opens != OUTSIDE_EU:
        return spec.opens == ALWAYS
    place = windows.place_of(
        contact_zone=contact.time_zone,
        contact_country=contact.country,
        account_zone=account.time_zone,
        account_country=account.country,
    )
    return bool(place.country) and place.country not in europe.LIKE_THE_UNION


def tag_url(url: str, utm: Mapping[str, str]) -> str:
    """With the parameters behind those that it has; unchanged where it says where it comes from already."""
    parts = urlsplit(url)
    has_own = any(name.startswith("utm_") for name, _value in parse_qsl(parts.query, keep_blank_values=True))
    if not utm or has_own:
        return url
    added = urlencode({f"utm_{name}": utm[name] for name in UTM if name in utm})
    return parts._replace(query=f"{parts.query}&{added}" if parts.query else added).geturl()


def tag_links(markup: str, utm: Mapping[str, str]) -> str:
    """Every link of a mail that is written out. The same for everybody, so that a batch stays one."""
    if not utm:
        return markup
    return _LINK.sub(lambda found: f"{found[1]}{found[2]}{_tagged(found[3], utm)}{found[2]}", markup)


def _tagged(written: str, utm: Mapping[str, str]) -> str:
    """As it stands in an attribute, where & is an entity."""
    try:
        return tag_url(written.replace("&amp;", "&"), utm).replace("&", "&amp;")
    except ValueError:
        return written


def _value(node: Node, name: str) -> str:
    text = node.text(name, longest=LONGEST)
    if not is_value(text):
        raise CampaignFileError(node.at(name), "Only letters a to z, digits, dots, hyphens and underscores.")
    return text
