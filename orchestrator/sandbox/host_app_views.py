"""What stands on the pages of the fictitious customer's application. Everything from data is escaped here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from html import escape
from typing import Any

from orchestrator import clock
from orchestrator.sandbox import usage_story
from orchestrator.sandbox.catalogue import METERS, Plan
from orchestrator.sandbox.company import Account
from orchestrator.sandbox.people import Contact

MENU = (
    ("/", "Dashboard"),
    ("/team", "Team"),
    ("/api", "API usage"),
    ("/reports", "Reports"),
    ("/settings", "Settings"),
)
# code, name, what it does
FEATURES = (
    ("sso", "Single sign-on", "Your people log in with the account of your company."),
    ("audit_log", "Audit log", "Who changed what, and when, for two years."),
    ("api_export", "Export by API", "All boards as JSON, on a timetable of yours."),
    ("automation", "Automation", "Rules that move cards by themselves."),
)
BOARDS = (("Spring launch", 12), ("Customer requests", 31), ("Hiring", 8), ("Operations", 19))
REPORTS = ("Cycle time by board", "Overdue cards by person", "Throughput by week", "Storage by project")
DAYS_SHOWN = 14
LANGUAGES = {"en": "English", "he": "Hebrew", "ro": "Romanian"}
KINDS = {"banner": "a banner", "tooltip": "a tooltip", "modal": "a window"}


@dataclass(frozen=True, slots=True)
class Visit:
    """Who looks; `plan` is the one of today."""

    contact: Contact
    account: Account
    plan: Plan
    team: Sequence[Contact]

    def usage(self, *, days_ago: int = 0) -> dict[str, int]:
        day = clock.utcnow().date() - timedelta(days=days_ago)
        return usage_story.usage_on(story=self.account.story, plan=self.account.plan, day=day)


def dashboard(visit: Visit) -> tuple[str, str]:
    used = visit.usage()
    tiles = "".join(
        _tile(str(meter["name"]), used[str(meter["code"])], visit.plan.quotas.get(str(meter["code"])))
        for meter in METERS
        if meter["code"] != "api_calls"
    )
    boards = "".join(f"<tr><th scope='row'>{name}</th><td class='number'>{cards}</td></tr>" for name, cards in BOARDS)
    table = _table("<tr><th scope='col'>Board</th><th scope='col' class='number'>Open cards</th></tr>", boards)
    return "Dashboard", f'<div class="tiles">{tiles}</div>{card("Boards", table)}'


def team(visit: Visit) -> tuple[str, str]:
    seats, quota = visit.usage()["seats_used"], visit.plan.quotas["seats_used"]
    words = f"{seats:,} of {quota:,} seats used" if quota else f"{seats:,} seats used"
    top = max(quota or seats, seats)
    bar = (
        f'<p class="figure" id="seats">{words}</p>'
        f'<meter min="0" max="{top}" value="{seats}" aria-label="Seats used"></meter>'
    )
    rows = "".join(
        f"<tr><th scope='row'><bdi>{escape(one.first_name)} {escape(one.last_name)}</bdi></th>"
        f"<td>{escape(one.role.capitalize())}</td><td><bdi>{escape(one.email or '–')}</bdi></td></tr>"
        for one in visit.team
    )
    head = "<tr><th scope='col'>Name</th><th scope='col'>Role</th><th scope='col'>E-mail</th></tr>"
    return "Team", card("Seats", bar) + card("Administrators and contacts", _table(head, rows))


def api_usage(visit: Visit) -> tuple[str, str]:
    days = [visit.usage(days_ago=ago)["api_calls"] for ago in range(DAYS_SHOWN)]
    top = max(days)
    today = clock.utcnow().date()
    rows = "".join(_day(today - timedelta(days=ago), calls, top) for ago, calls in enumerate(days))
    head = "<tr><th scope='col'>Day</th><th scope='col' class='number'>Calls</th><th scope='col'>Compared</th></tr>"
    quota = visit.plan.quotas["api_calls"]
    included = f"{quota:,} calls a month are included in {visit.plan.name}." if quota else "Calls are not limited."
    return "API usage", card("The last two weeks", f'<p class="soft">{included}</p>{_table(head, rows)}')


def reports(visit: Visit) -> tuple[str, str]:
    rows = "".join(f"<tr><th scope='row'>{name}</th><td>Every Monday</td></tr>" for name in REPORTS)
    head = "<tr><th scope='col'>Report</th><th scope='col'>Sent</th></tr>"
    return "Reports", card(f"Reports of {escape(visit.account.name)}", _table(head, rows))


def settings(visit: Visit) -> tuple[str, str]:
    lines = "".join(_feature(visit, *feature) for feature in FEATURES)
    return "Settings", card("Features", f'<ul class="features">{lines}</ul>')


PAGES: Mapping[str, Callable[[Visit], tuple[str, str]]] = {
    "/": dashboard,
    "/team": team,
    "/api": api_usage,
    "/reports": reports,
    "/settings": settings,
}


def menu(path: str) -> str:
    return "".join(
        f'<a href="/app{where}"{" aria-current=page" if where == path else ""}>{name}</a>' for where, name in MENU
    )


def card(title: str, content: str) -> str:
    return f'<section class="card"><h2>{title}</h2>{content}</section>'


def section(title: str, content: str) -> str:
    return f"<section><h2>{title}</h2>{content}</section>"


def person(contact: Contact, *, company: str, more: str) -> str:
    name = escape(f"{contact.first_name} {contact.last_name}")
    return (
        '<li><form method="post" action="/app/login">'
        f'<button name="contact" value="{escape(contact.external_id)}"><span><bdi>{name}</bdi>'
        f"<small><bdi>{escape(company)}</bdi> · {LANGUAGES[contact.language]}</small></span>"
        f"<small>{escape(more)}</small></button></form></li>"
    )


def what_waits(message: dict[str, Any]) -> str:
    """A message of the feed in a few words: what it is and where it shows."""
    place = message.get("place") or {}
    names = {code: name for code, name, _ in FEATURES}
    words = KINDS.get(str(message.get("kind")), "a message")
    if place.get("feature"):
        return f"{words} at {names.get(place['feature'], 'a locked feature')}"
    return f"{words} on {place['page']}" if place.get("page") else words


def _day(day: date, calls: int, top: int) -> str:
    bar = f"<meter min='0' max='{top}' value='{calls}' aria-label='Compared with the busiest day'></meter>"
    return f"<tr><th scope='row'>{day.isoformat()}</th><td class='number'>{calls:,}</td><td>{bar}</td></tr>"


def _tile(name: str, used: int, quota: int | None) -> str:
    of = f"of {quota:,}" if quota else "no limit"
    return f'<div class="card"><p class="soft">{name}</p><p class="figure">{used:,}</p><p class="soft">{of}</p></div>'


def _table(head: str, rows: str) -> str:
    return f'<div class="table-wrap"><table><thead>{head}</thead><tbody>{rows}</tbody></table></div>'


def _feature(visit: Visit, code: str, name: str, words: str) -> str:
    """A feature of a higher plan has a button too: that somebody tries it is worth knowing."""
    has_it = code in visit.plan.features
    badge = '<span class="badge">On</span>' if has_it else '<span class="badge locked">Locked</span>'
    button = (
        f'<button type="button" data-feature="{code}" data-name="{name}">Turn on'
        f'<span class="visually-hidden"> {name}</span></button><p class="note" id="note-{code}" role="status"></p>'
    )
    text = f'<div><strong>{name}</strong><span class="soft">{words}</span></div>'
    return f"<li>{text}{badge}{'' if has_it else button}</li>"
