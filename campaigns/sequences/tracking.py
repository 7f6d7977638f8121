"""What a campaign's links and mails tell about their way: UTM parameters, and whether opens are looked for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.conf import settings

from campaigns.delivery import content as contents
from campaigns.delivery import links, windows
from campaigns.profiles.models import Account, Contact
from campaigns.sequences.reading import CampaignFileError, Node
from orchestrator.engine.country_packs import europe

NEVER, OUTSIDE_EU, ALWAYS = "NEVER", "OUTSIDE_EU", "ALWAYS"
OPENS = (NEVER, OUTSIDE_EU, ALWAYS)
COUNTED = "COUNTED"
# Whether the links that are written out go by way of us, so that a click is known.
CLICKS = (NEVER, COUNTED)
UTM = ("source", "medium", "campaign", "content")
LONGEST = 100
_VALUE = re.compile(r"[\w.\-]+", re.ASCII)
# An address that is written out: what Liquid makes is a page of ours, or not ours to change.
_LINK = re.compile(r"""(\bhref\s*=\s*)(["'])(https://[^"'<>{}\s]+)\2""", re.IGNORECASE)

# Markup that a mail program fetches by itself.
_FETCHED = re.compile(r"<(?:mj-font|link|base)\b[^<]*\Z", re.IGNORECASE)
# In a plain text; what ends a sentence is none of it.
_PLAIN = re.compile(r"""https://[^\s<>"'{}]*[^\s<>"'{}.,;:!?)\]]""")


@dataclass(frozen=True, slots=True)
class TrackingSpec:
    """`utm` by name without its `utm_`; empty: links stay as they are written. With `clicks` they go by way of us."""

    opens: str = NEVER
    clicks: bool = True
    utm: Mapping[str, str] = field(default_factory=dict)


def read_tracking(root: Node) -> TrackingSpec:
    node = root.child_or_empty("tracking")
    node.allow_only(("opens", "clicks", "utm"))
    opens = node.choice("opens", OPENS, default=NEVER)
    clicks = node.choice("clicks", CLICKS, default=COUNTED) == COUNTED
    if not node.has("utm"):
        return TrackingSpec(opens, clicks)
    told = node.child("utm")
    told.allow_only(UTM)
    for name in ("source", "medium", "campaign"):
        told.required(name)
    return TrackingSpec(opens, clicks, {name: _value(told, name) for name in UTM if told.has(name)})


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


def by_way_of_us(*, channel: str, content: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """A wording about to be launched, its written-out links made ours: their targets are stored, and nothing of them is
    in the link. A text message keeps a link that would get longer: each letter is paid for.

    Links of ours (to say no, to the preferences, to the offer) are made by Liquid and are not touched.
    """
    if channel not in ("email", "sms"):
        return {locale: dict(texts) for locale, texts in content.items()}
    longest = None if channel == "email" else len(links.own_url(target_id=1 << 20, message_id=(1 << 40) - 1))
    found = {
        url
        for texts in content.values()
        for name, text in texts.items()
        for _start, _end, url in _written(name, text)
        if _can_be_ours(url, longest)
    }
    numbers = links.store_targets(urls=found) if found else {}
    return {
        locale: {name: _linked(name, text, numbers) for name, text in texts.items()}
        for locale, texts in content.items()
    }


def _linked(name: str, text: str, numbers: Mapping[str, int]) -> str:
    parts, last = [], 0
    for start, end, url in _written(name, text):
        if url in numbers:
            parts += [text[last:start], f"{{{{ links.{contents.TARGET}{numbers[url]} }}}}"]
            last = end
    return "".join([*parts, text[last:]])


def _written(name: str, text: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, address) of each link that is written out in a field of a wording."""
    if name == "text":
        yield from ((found.start(), found.end(), found[0]) for found in _PLAIN.finditer(text))
    elif name == "mjml":
        for found in _LINK.finditer(text):
            if not _FETCHED.search(text, max(text.rfind("<", 0, found.start()), 0), found.start()):
                yield found.start(3), found.end(3), found[3].replace("&amp;", "&")


def _can_be_ours(url: str, longest: int | None) -> bool:
    if len(url) > links.LONGEST_TARGET or "\\" in url or not url.isprintable():
        return False
    if url.startswith(f"{settings.PUBLIC_BASE_URL}/"):
        return False
    try:
        has_host = bool(urlsplit(url).hostname)
    except ValueError:
        return False
    return has_host and (longest is None or len(url) >= longest)


def _value(node: Node, name: str) -> str:
    text = node.text(name, longest=LONGEST)
    if not is_value(text):
        raise CampaignFileError(node.at(name), "Only letters a to z, digits, dots, hyphens and underscores.")
    return text
