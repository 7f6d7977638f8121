"""`/app/…`: the fictitious customer's own application, for people to look at: crescendo.js under a strict policy.

Whoever opens it chooses whom to be. Loopback only, like all of the sandbox.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterable, Mapping
from html import escape
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from string import Template
from urllib.parse import parse_qs

from orchestrator.sandbox import host_app_views as views
from orchestrator.sandbox.catalogue import PLAN_OF_CODE, Plan
from orchestrator.sandbox.company import GATED_PLAN
from orchestrator.sandbox.host_app import HostApp
from orchestrator.sandbox.people import Contact
from orchestrator.sandbox.wire import Answer, Request
from orchestrator.sandbox.world import COLD, GATED

FOLDER = Path(__file__).parent / "pages"
COOKIE = "harbourline"
MOST_FOUND, MOST_SHOWN = 30, 5
# To find people with a message, feeds are asked for one by one: so many of each sort, at most so often.
MOST_ASKED, MOST_WAITING, KEPT_S = 30, 6, 20.0
ASSETS = {"/style.css": "text/css; charset=utf-8", "/app.js": "text/javascript; charset=utf-8"}


class HostAppPages:
    """`product_base` is where browsers reach the product: the only other origin that the pages let in."""

    def __init__(self, *, host_app: HostApp, product_base: str) -> None:
        self._truth, self._host_app, self._product = host_app.truth, host_app, product_base.rstrip("/")
        company = host_app.company
        self._contacts = {contact.external_id: contact for contact in company.contacts}
        self._accounts = {account.external_id: account for account in company.accounts}
        self._waiting: tuple[float, list[tuple[Contact, str]]] = (0.0, [])
        self._policy = (
            f"default-src 'none'; script-src 'self' {self._product}; connect-src 'self' {self._product}; "
            "style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
            "require-trusted-types-for 'script'; trusted-types crescendo"
        )

    def answer(self, request: Request) -> Answer:
        """The path is without `/app`."""
        if request.path in ASSETS:
            return Answer(200, (FOLDER / request.path[1:]).read_bytes(), {"Content-Type": ASSETS[request.path]})
        if request.path == "/login":
            return self._log_in(request)
        contact = self._contacts.get(_cookie(request))
        if request.path == "/logout" or contact is None:
            return _redirect("/app/login", cookie="")
        if request.path == "/token":
            plain = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}
            return Answer(200, self._host_app.token_of(contact).encode(), plain)
        draw = views.PAGES.get(request.path)
        if draw is None:
            return self._html(404, "Not found", contact, "<p>There is no such page.</p>", request.path)
        title, content = draw(self._visit(contact))
        return self._html(200, title, contact, content, request.path)

    def _log_in(self, request: Request) -> Answer:
        if request.method == "POST":
            form = parse_qs(request.body.decode("utf-8", "replace"))
            chosen = form.get("contact", [""])[0]
            return _redirect("/app/", cookie=chosen) if chosen in self._contacts else _redirect("/app/login", cookie="")
        wanted = request.parameter("q").strip()
        if wanted:
            found = [(contact, contact.role.lower()) for contact in self._find(wanted)]
            people = self._people("Found", found, "Nobody has that name.")
        else:
            nobody = "Nobody has a message waiting yet: launch a campaign with an in-app message, or let the demo run."
            people = self._people("Somebody with a message waiting", self._who_waits(), nobody)
            hint = "Settings, then “Turn on” three times"
            people += self._people(
                "Somebody to try single sign-on as", [(one, hint) for one in self._without_sso()], ""
            )
            others = [(contact, contact.role.lower()) for contact in list(self._contacts.values())[:MOST_SHOWN]]
            people += self._people("Anybody", others, "")
        page = Template((FOLDER / "login.html").read_text(encoding="utf-8"))
        return self._page(200, page.substitute(people=people, wanted=escape(wanted)))

    def _find(self, wanted: str) -> list[Contact]:
        """By name or company, in the order of the company's books."""
        folded = wanted.casefold()
        found = [
            contact
            for contact in self._contacts.values()
            if folded in f"{contact.first_name} {contact.last_name}".casefold()
            or folded in self._accounts[contact.account_id].name.casefold()
        ]
        return found[:MOST_FOUND]

    def _without_sso(self) -> list[Contact]:
        """Owners on the plan below single sign-on who have not tried it yet and are asked for nothing else."""
        found = [
            one
            for one in self._contacts.values()
            if one.role == "OWNER"
            and self._plan_of(one).code == GATED_PLAN
            and self._truth.accounts[one.account_id].segment == COLD
        ]
        return found[:MOST_SHOWN]

    def _who_waits(self) -> list[tuple[Contact, str]]:
        """Some of those whose feed holds a message, with what it is."""
        asked_at, kept = self._waiting
        if time.monotonic() - asked_at < KEPT_S:
            return kept
        keen = (one for one in self._contacts.values() if self._truth.accounts[one.account_id].segment == GATED)
        found = [*self._ask_feeds(self._host_app.expected()), *self._ask_feeds(keen)]
        kept = list({contact.external_id: (contact, words) for contact, words in found}.values())
        self._waiting = (time.monotonic(), kept)
        return kept

    def _ask_feeds(self, people: Iterable[Contact]) -> list[tuple[Contact, str]]:
        found: list[tuple[Contact, str]] = []
        for number, contact in enumerate(people):
            if number >= MOST_ASKED or len(found) >= MOST_WAITING:
                break
            try:
                messages = self._host_app.feed_of(contact)
            except (OSError, http.client.HTTPException):
                break
            if messages:
                found.append((contact, views.what_waits(messages[0])))
        return found

    def _people(self, title: str, people: list[tuple[Contact, str]], nobody: str) -> str:
        lines = "".join(
            views.person(contact, company=self._accounts[contact.account_id].name, more=more)
            for contact, more in people
        )
        return views.section(title, f'<ul class="people">{lines}</ul>' if lines else f'<p class="soft">{nobody}</p>')

    def _visit(self, contact: Contact) -> views.Visit:
        account = self._accounts[contact.account_id]
        team = [one for one in self._contacts.values() if one.account_id == account.external_id]
        return views.Visit(contact=contact, account=account, plan=self._plan_of(contact), team=team)

    def _plan_of(self, contact: Contact) -> Plan:
        """The plan by now: an offer that was accepted shows at once."""
        state = self._truth.accounts[contact.account_id]
        is_up = state.upgraded_at is not None and state.next_price is not None
        code = state.next_price.plan if is_up and state.next_price else self._accounts[contact.account_id].plan
        return PLAN_OF_CODE[code]

    def _html(self, status: int, title: str, contact: Contact, content: str, path: str) -> Answer:
        page = Template((FOLDER / "layout.html").read_text(encoding="utf-8"))
        values = {
            "title": escape(title),
            "product": escape(self._product),
            "menu": views.menu(path),
            "person": escape(f"{contact.first_name} {contact.last_name}"),
            "company": escape(self._accounts[contact.account_id].name),
            "plan": escape(self._plan_of(contact).name),
            "content": content,
        }
        return self._page(status, page.substitute(values))

    def _page(self, status: int, page: str) -> Answer:
        headers = {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Security-Policy": self._policy,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
        }
        return Answer(status, page.encode(), headers)


def _cookie(request: Request) -> str:
    try:
        jar: Mapping[str, object] = SimpleCookie(request.headers.get("cookie", ""))
    except CookieError:
        return ""
    morsel = jar.get(COOKIE)
    return str(getattr(morsel, "value", ""))


def _redirect(path: str, *, cookie: str) -> Answer:
    """An empty cookie is taken away."""
    life = "" if cookie else "; Max-Age=0"
    header = f"{COOKIE}={cookie}; Path=/app; HttpOnly; SameSite=Lax{life}"
    return Answer(303, None, {"Location": path, "Set-Cookie": header})
