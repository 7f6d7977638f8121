"""A campaign file's texts as delivery takes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from html import escape
from typing import Any

from campaigns.delivery import samples
from campaigns.sequences import snippets, tracking
from orchestrator.templating import mask

# The host of a new webhook, which nobody has given an address yet; the name is reserved and never resolves.
NOWHERE = "fill-in.invalid"


def variables(*, has_offer: bool) -> dict[str, Any]:
    """{dotted name: sample}; the offer's only where the campaign makes one."""
    return samples.variables(has_offer=has_offer)


def delivery_content(
    *,
    channel: str,
    content: Mapping[str, Mapping[str, str]],
    has_offer: bool,
    utm: Mapping[str, str] | None = None,
    at: datetime | None = None,
) -> dict[str, dict[str, str]]:
    """By locale, with the snippets that it includes (as they were `at`, else as they are) and with `utm` on the links
    of a mail. An in-app text has the HTML that the feed carries made from its parts; a webhook's body, an object in
    the file, is text."""
    if channel == "webhook":
        return {locale: {"url": texts["url"], "body": _as_text(texts["body"])} for locale, texts in content.items()}
    whole = snippets.expand(content=content, at=at)
    if channel == "email":
        return {locale: tracking.tag_links(texts, utm or {}) for locale, texts in whole.items()}
    if channel != "in_app":
        return whole
    return {locale: {**texts, "html": _banner(texts, has_offer=has_offer)} for locale, texts in whole.items()}


def _as_text(body: Any) -> str:
    return body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)


def _banner(texts: Mapping[str, str], *, has_offer: bool) -> str:
    parts = [f"<h2>{_text(texts['title'])}</h2>", f"<p>{_text(texts['body'])}</p>"]
    if texts.get("button") and has_offer:
        parts.append(f'<p><a href="{{{{ links.offer }}}}">{_text(texts["button"])}</a></p>')
    return "".join(parts)


def _text(source: str) -> str:
    """Plain text as HTML, the Liquid in it left alone."""
    kept = mask.Mask(source)
    return kept.restore(escape(kept.text, quote=False))
