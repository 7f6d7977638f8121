"""A person or a machine at the product's public pages, with nothing but what the mail or the banner gave them."""

from __future__ import annotations

import http.client
import json
import random
import re
import time
from collections.abc import Iterable, Mapping
from html import unescape
from urllib.parse import urlencode, urlsplit

from orchestrator.sandbox.postman import HttpReply, Product

BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:141.0) Gecko/20100101 Firefox/141.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6"
    " Mobile/15E148 Safari/604.1",
)
SCANNERS = (
    "Mozilla/5.0 (compatible; LinkScanner/3.2; +https://scanner.example/bot)",
    "Mozilla/5.0 (compatible; SafeLinks-Prefetch/1.0)",
    "python-requests/2.32.3",
)
MAILBOX_PROVIDER = "Mozilla/5.0 (compatible; MailboxProvider-OneClick/1.0)"
OURS = re.compile(r"/(?:c|o|u|p)/[^/]+/?$")
INPUT = re.compile(r"<input\b[^>]*>", re.IGNORECASE)
ATTRIBUTE = re.compile(r"([a-zA-Z-]+)\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s>]+)")
REASON = re.compile(r"<option[^>]*\bvalue=[\"']([^\"']+)[\"']", re.IGNORECASE)
FALLBACK_REASON = "too_expensive"
MAX_REDIRECTS = 4
TRIES = 6
GOOD_RESULTS = frozenset(("upgraded", "already_done"))


def path_of(link: str) -> str | None:
    """Path and query of a link into the product's public pages; None for any other address.

    Links are followed by path alone, always at the product under test: nothing here leaves the machine.
    """
    parts = urlsplit(link)
    if not OURS.search(parts.path):
        return None
    path = parts.path[OURS.search(parts.path).start() :]  # type: ignore[union-attr]
    return f"{path}?{parts.query}" if parts.query else path


class Visitor:
    """One browser or program: its user agent, its cookies for one visit."""

    def __init__(self, product: Product, *, agent: str, language: str = "en") -> None:
        self._product = product
        self._headers = {"User-Agent": agent, "Accept": "text/html,*/*;q=0.8", "Accept-Language": language}

    def accept_offer(self, links: Iterable[str], *, rng: random.Random) -> str:
        """Follow the offer link like a human and take the offer. Returns the product's word for the outcome."""
        return self._answer_offer(links, {"action": "accept"}, as_json=rng.random() < 0.5)

    def decline_offer(self, links: Iterable[str], *, rng: random.Random) -> str:
        return self._answer_offer(links, {"action": "decline"}, as_json=rng.random() < 0.5, rng=rng)

    def look_at_offer(self, links: Iterable[str]) -> bool:
        return self._open_offer(links) is not None

    def unsubscribe_one_click(self, header: str) -> bool:
        """RFC 8058: POST to the https or http address of the List-Unsubscribe header, no cookies, no page."""
        for address in re.findall(r"<([^>]+)>", header):
            path = path_of(address)
            if path:
                body = urlencode({"List-Unsubscribe": "One-Click"}).encode()
                return self._call("POST", path, body=body).status < 400
        return False

    def unsubscribe_by_page(self, links: Iterable[str]) -> bool:
        """Open the visible link and press the page's button."""
        for path in _paths(links, "/u/"):
            page = self._call("GET", path)
            if page.status == 200:
                form = hidden_fields(page.text)
                return self._call("POST", path, body=urlencode(form).encode(), cookies=page).status < 400
        return False

    def fetch_everything(self, links: Iterable[str], *, rng: random.Random) -> int:
        """What link scanners do: HEAD or GET on every link, following redirects. Returns how many."""
        fetched = 0
        for link in links:
            path = path_of(link)
            if path is None:
                continue
            if rng.random() < 0.5:
                self._call("HEAD", path)
            self._follow("GET", path)
            fetched += 1
        return fetched

    def _answer_offer(
        self, links: Iterable[str], form: dict[str, str], *, as_json: bool, rng: random.Random | None = None
    ) -> str:
        opened = self._open_offer(links)
        if opened is None:
            return "no_offer_page"
        path, page = opened
        fields = hidden_fields(page.text) | form
        if rng is not None:
            fields["reason"] = rng.choice(REASON.findall(page.text) or [FALLBACK_REASON])
        headers = {"Accept": "application/json"} if as_json else {}
        reply = self._call("POST", path, body=urlencode(fields).encode(), headers=headers, cookies=page)
        if not as_json:
            return f"{form['action']}_by_form" if reply.status < 400 else f"refused_{reply.status}"
        try:
            return str(json.loads(reply.body)["result"])
        except (ValueError, KeyError, TypeError):
            return f"refused_{reply.status}"

    def _open_offer(self, links: Iterable[str]) -> tuple[str, HttpReply] | None:
        known = list(links)
        for path in (*_paths(known, "/o/"), *_paths(known, "/c/")):
            reached, page = self._follow("GET", path)
            if reached.startswith("/o/") and page.status == 200:
                return reached, page
        return None

    def _follow(self, method: str, path: str) -> tuple[str, HttpReply]:
        reply = self._call(method, path)
        for _ in range(MAX_REDIRECTS):
            target = path_of(reply.headers.get("location", "")) if reply.status in {301, 302, 303, 307, 308} else None
            if target is None:
                break
            path, reply = target, self._call(method, target)
        return path, reply

    def _call(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        cookies: HttpReply | None = None,
    ) -> HttpReply:
        """Patient: a product that is restarting is tried again for some seconds. Raises OSError in the end."""
        sent = {**self._headers, **(headers or {})}
        if body is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        cookie = (cookies.headers.get("set-cookie", "") if cookies else "").partition(";")[0]
        if cookie:
            sent["Cookie"] = cookie
        for attempt in range(TRIES):
            try:
                reply = self._product.call(method, path, body=body, headers=sent)
            except (OSError, http.client.HTTPException):
                if attempt == TRIES - 1:
                    raise
            else:
                if reply.status < 500 or attempt == TRIES - 1:
                    return reply
            time.sleep(0.3 * 2**attempt)
        raise OSError("unreachable")


def hidden_fields(page: str) -> dict[str, str]:
    """Names and values of the hidden inputs of a page, the nonce among them."""
    fields: dict[str, str] = {}
    for tag in INPUT.findall(page):
        attributes = {name.lower(): unescape(value.strip("\"'")) for name, value in ATTRIBUTE.findall(tag)}
        if attributes.get("name") and (attributes.get("type") == "hidden" or attributes["name"] == "nonce"):
            fields[attributes["name"]] = attributes.get("value", "")
    return fields


def _paths(links: Iterable[str], prefix: str) -> list[str]:
    return [path for path in map(path_of, links) if path and path.startswith(prefix)]
