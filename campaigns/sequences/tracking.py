"""What a campaign's links and mails tell about their way: UTM parameters, and whether opens are looked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from html.entities import html5
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.conf import settings

from campaigns.delivery import content as contents
from campaigns.delivery import links, windows
from campaigns.profiles.models import Account, Contact
from campaigns.sequences.reading import CampaignFileError, Node
from orchestrator.engine.country_packs import europe
from orchestrator.templating import mask
from orchestrator.templating.errors import TemplateError

NEVER, OUTSIDE_EU, ALWAYS = "NEVER", "OUTSIDE_EU", "ALWAYS"
OPENS = (NEVER, OUTSIDE_EU, ALWAYS)
COUNTED = "COUNTED"
# Whether the links that are written out go by way of us, so that a click is known.
CLICKS = (NEVER, COUNTED)
UTM = ("source", "medium", "campaign", "content")
LONGEST = 100
_VALUE = re.compile(r"[\w.\-]+", re.ASCII)
# An address that is written out: what Liquid makes is a page of ours, or not ours to change.
_LINK = re.compile(r"""(\bhref\s*=\s*)(["'])(https?://(?:(?!\2)[^<>{}\s])+)\2""", re.IGNORECASE)
# Markup that a mail program fetches by itself.
_FETCHED = re.compile(r"<(?:mj-font|link|base)\b[^<]*\Z", re.IGNORECASE)
# In a plain text, with what Liquid may add to it; what ends a sentence is none of it.
_RUN = re.compile(r"""https?://[^\s<>"'{}]*""", re.IGNORECASE)
_SENTENCE_ENDS = ".,;:!?)]"
# As MJML is read: with its semicolon, else a parameter &region= would be a sign.
_ENTITY = re.compile(r"&(?:#[xX]([0-9a-fA-F]{1,6})|#([0-9]{1,7})|([A-Za-z][A-Za-z0-9]*));")
# What stands for Liquid while addresses are looked for: what may go on with one, and what comes after one is over.
_LIQUID, _OVER = "\0", "\1"
_ENDS = re.compile(r"\{%-?\s*(?:end(?!capture)|els|when)")
# Numbers as long as those of real links get.
_LARGEST_TARGET, _LARGEST_MESSAGE = 1 << 20, (1 << 40) - 1


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
    """With the parameters behind those that it has; unchanged where it says where it comes from already. Raises
    ValueError where it can't be read."""
    has_own = any(name.startswith("utm_") for name, _value in parse_qsl(urlsplit(url).query, keep_blank_values=True))
    if not utm or has_own:
        return url
    added = urlencode({f"utm_{name}": utm[name] for name in UTM if name in utm})
    before, mark, fragment = url.partition("#")
    _page, asks, query = before.partition("?")
    joint = "?" if not asks else "&" if query and not query.endswith("&") else ""
    return f"{before}{joint}{added}{mark}{fragment}"


def tag_links(texts: Mapping[str, str], utm: Mapping[str, str]) -> dict[str, str]:
    """A mail's fields with `utm` on every link that is written out, in its plain text too. The same for everybody, so
    that a batch stays one."""

    def tagged(url: str) -> str | None:
        try:
            return tag_url(url, utm) if url.isprintable() else None
        except ValueError:
            return None

    return {name: _rewrite(name, text, tagged) for name, text in texts.items()} if utm else dict(texts)


def by_way_of_us(*, channel: str, content: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """A wording about to be launched, its written-out links made ours: their targets are stored, and nothing of them is
    in the link. A text message keeps a link that would get longer: each letter is paid for.

    Links of ours (to say no, to the preferences, to the offer) are made by Liquid and are not touched.
    """
    found = _targets(channel, content)
    return _linked(content, links.store_targets(urls=found) if found else {})


def try_by_way_of_us(
    *, channel: str, content: Mapping[str, Mapping[str, str]]
) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    """As `by_way_of_us` would have it, stored nowhere, and what its links would be: {`links.to_…`: address}, as long
    as real ones."""
    numbers = {url: _LARGEST_TARGET + place for place, url in enumerate(sorted(_targets(channel, content)))}
    own = {
        f"links.{contents.TARGET}{number}": links.own_url(target_id=number, message_id=_LARGEST_MESSAGE)
        for number in numbers.values()
    }
    return _linked(content, numbers), own


def _targets(channel: str, content: Mapping[str, Mapping[str, str]]) -> set[str]:
    if channel not in ("email", "sms"):
        return set()
    longest = None
    if channel == "sms":
        longest = len(links.own_url(target_id=_LARGEST_TARGET, message_id=_LARGEST_MESSAGE))
    return {
        url
        for texts in content.values()
        for name, text in texts.items()
        for _start, _end, url in find_links(name, text)
        if _can_be_ours(url, longest)
    }


def _linked(content: Mapping[str, Mapping[str, str]], numbers: Mapping[str, int]) -> dict[str, dict[str, str]]:
    def link(url: str) -> str | None:
        return f"{{{{ links.{contents.TARGET}{numbers[url]} }}}}" if url in numbers else None

    return {
        locale: {name: _rewrite(name, text, link) if numbers else text for name, text in texts.items()}
        for locale, texts in content.items()
    }


def _rewrite(name: str, text: str, change: Callable[[str], str | None]) -> str:
    """A field of a wording with its written-out links as `change` has them; None leaves one as it is written."""
    parts, last = [], 0
    for start, end, url in find_links(name, text):
        made = change(url)
        if made is not None and made != url:
            parts += [text[last:start], escape(made) if name == "mjml" else made]
            last = end
    return "".join([*parts, text[last:]])


def find_links(name: str, text: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, address) of each link that is written out in a field of a wording. One in which Liquid has a part,
    or that is a text inside a Liquid tag, is not."""
    if name == "text":
        for run in _RUN.finditer(_without_liquid(text)):
            yield from _addresses(run.start(), run[0].rstrip(_SENTENCE_ENDS + _OVER))
    elif name == "mjml":
        for found in _LINK.finditer(_without_liquid(text)):
            is_whole = _LIQUID not in found[3] and _OVER not in found[3]
            if is_whole and not _FETCHED.search(text, max(text.rfind("<", 0, found.start()), 0), found.start()):
                yield found.start(3), found.end(3), _ENTITY.sub(_character, found[3])


def _addresses(start: int, run: str) -> Iterator[tuple[int, int, str]]:
    """Of what stands together without a blank: one address, or one for each way of a condition."""
    pieces = list(re.finditer(f"[^{_OVER}]+", run))
    if not all(_RUN.match(piece[0]) for piece in pieces):
        return
    for piece in pieces:
        url = piece[0].rstrip(_SENTENCE_ENDS)
        if _LIQUID not in url:
            yield start + piece.start(), start + piece.start() + len(url), url


def _without_liquid(text: str) -> str:
    """The text with its Liquid made blind, every place where it was. Nothing is in one that can't be read: what is
    wrong with it is said elsewhere."""
    parts, last = [], 0
    try:
        for region in mask.regions(text):
            blind = _OVER if _ENDS.match(region.text) else _LIQUID
            parts += [text[last : region.start], blind * (region.end - region.start)]
            last = region.end
    except TemplateError:
        return ""
    return "".join([*parts, text[last:]])


def _character(found: re.Match[str]) -> str:
    if found[3]:
        return html5.get(f"{found[3]};", found[0])
    number = int(found[1], 16) if found[1] else int(found[2])
    return chr(number) if 0 < number < 0x110000 else found[0]


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
