"""The demo's report as tables on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.table import Table

from campaigns.console import campaign_words

HELD_OUT = "held out"
SKIPS = {
    "CONVERTED": "the account had upgraded by then",
    "FACTS_CHANGED": "the account's subscription changed; planned anew where it still fits",
    "OPTED_OUT": "the contact opted out",
    "HELD": "the contact may have said no; a person decides",
    "REFUSED": "the account said no",
    "COUNTRY_RULES": "the text lacks what the reader's country asks for",
    "OFFER_WITHDRAWN": "the offer is no longer made",
}
CHANNELS = {
    "email": "e-mail",
    "sms": "text message",
    "in_app": "in the product",
    "csm_task": "task for a CSM",
    "webhook": "webhook",
}
# The verdict's and the estimate's codes in the words of the pages.
WORDS = {
    "AHEAD": "{leader} is ahead",
    "NOT_YET": "not clear yet",
    "NO_DIFFERENCE": "no difference could be shown",
    "HARM": "{leader} does harm",
    "DATA_PROBLEM": "the split is not as planned: don't read it yet",
    "NOT_ENOUGH_CONVERSIONS": "fewer than 25 upgrades in a group",
    "NO_ACCOUNTS": "a group has no accounts",
    "TOO_FEW_ACCOUNTS": "too few accounts",
    "NO_VARIATION": "every account did the same",
}


def print_report(*, console: Console, report: dict[str, Any]) -> None:
    for campaign in report["campaigns"]:
        console.rule(f"{campaign['campaign']}, as of {report['as_of'][:16]} (business time)")
        _print_audience(console, campaign["ledger"])
        _print_steps(console, campaign["steps"])
        _print_arms(console, campaign)
        _print_money(console, campaign["money"])
    console.rule("All campaigns together")
    _print_rest(console, report)
    _print_checks(console, report)


def _print_audience(console: Console, ledger: dict[str, Any]) -> None:
    accounts = ledger["accounts"]
    table = Table(title="Where every account of the audience went", title_justify="left")
    table.add_column("Accounts")
    table.add_column("Number", justify="right")
    table.add_row("In the audience", _count(accounts["audience"]))
    table.add_row("Held out to compare with", _count(accounts["holdout"]))
    table.add_row("Enrolled", _count(accounts["enrolled"]))
    for reason, number in sorted(accounts["not_enrolled"].items(), key=lambda pair: -pair[1]):
        table.add_row(f"Not enrolled: {campaign_words.reason_words(reason)}", _count(number))
    console.print(table)
    for reason, number in sorted(ledger["skips"].items(), key=lambda pair: -pair[1]):
        console.print(
            f"Messages not sent because: {SKIPS.get(reason) or campaign_words.unsent_words(reason)}: {number:,}"
        )


def _print_steps(console: Console, steps: list[dict[str, Any]]) -> None:
    table = Table(title="By step", title_justify="left")
    for name in ("Step", "Channel", "Wording"):
        table.add_column(name)
    for name in ("Messages", "Sent", "Delivered", "Clicked", "Opted out", "Not sent"):
        table.add_column(name, justify="right")
    for step in steps:
        counts = [_count(step[key]) for key in ("messages", "sent", "delivered", "clicked", "opted_out", "skipped")]
        table.add_row(step["step"], CHANNELS[step["channel"]], step["variant"].upper(), *counts)
    console.print(table)


def _print_arms(console: Console, report: dict[str, Any]) -> None:
    table = Table(title="By wording", title_justify="left")
    table.add_column("Group")
    for name in ("Accounts", "Messages", "Delivered", "Clicked", "Opted out", "Upgraded", "Rate", "Expansion MRR"):
        table.add_column(name, justify="right")
    for arm in report["arms"]:
        name = HELD_OUT if arm["arm"] == "holdout" else arm["arm"].upper()
        rate = arm["upgraded"] / arm["assigned"] if arm["assigned"] else 0.0
        numbers = [_count(arm[key]) for key in ("assigned", "sent", "delivered", "clicked", "opted_out", "upgraded")]
        table.add_row(name, *numbers, f"{rate:.1%}", f"{arm['mrr']:,.0f} {report['money']['currency']}")
    console.print(table)


def _print_money(console: Console, money: dict[str, Any]) -> None:
    unit = f"{money['currency']} a month"
    console.print(f"Expansion MRR of the written-to accounts: [bold]{money['expansion']:,.0f}[/bold] {unit}")
    if money["is_clear"]:
        console.print(
            f"More MRR than without the campaign: [bold]{money['incremental']:,.0f}[/bold] {unit}, most likely between "
            f"{money['low']:,.0f} and {money['high']:,.0f} (at the planned end), between "
            f"{money['anytime_low']:,.0f} and {money['anytime_high']:,.0f} (valid at any look)"
        )
    else:
        console.print(f"More MRR than without the campaign: [bold]not clear yet[/bold]: {WORDS[money['reason']]}")
    console.print(
        f"What the sandbox knows to be true: {money['true']:,.0f} {unit}. "
        f"Between the wordings: {WORDS[money['verdict']].format(leader=(money['leader'] or '').upper())}."
    )


def _print_rest(console: Console, report: dict[str, Any]) -> None:
    table = Table(title="Told to the CRM", title_justify="left")
    table.add_column("What")
    table.add_column("State")
    table.add_column("Number", justify="right")
    for kind, states in report["write_backs"].items():
        for state, number in states.items():
            table.add_row(kind.replace("_", " ").lower(), state.lower(), _count(number))
    console.print(table)
    tasks = report["csm_tasks"]
    if tasks:
        console.print(f"Tasks for customer success managers: {', '.join(f'{n} {s.lower()}' for s, n in tasks.items())}")


def _print_checks(console: Console, report: dict[str, Any]) -> None:
    table = Table(title="Do the sums close?", title_justify="left")
    table.add_column("Of")
    table.add_column("Check")
    table.add_column("Left", justify="right")
    table.add_column("Right", justify="right")
    table.add_column("")
    for name, check in _checks(report):
        table.add_row(name, check["sentence"], str(check["left"]), str(check["right"]), "yes" if check["ok"] else "NO")
    console.print(table)


def _checks(report: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for campaign in report["campaigns"]:
        yield from ((campaign["campaign"], check) for check in campaign["checks"])
    yield from (("all", check) for check in report["checks"])


def _count(number: int) -> str:
    return f"{number:,}"
