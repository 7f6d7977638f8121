"""What each row of the fault suite must show, and the document that tells what it showed."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.faults import chaos, scenarios
from tests.faults.chaos import Verdict
from tests.faults.scenarios import Figures
from tests.faults.stand import EVIDENCE_WINDOW_S, Stand

# Of web, workers and cron after a run, without the servers.
MOST_MEMORY_MB = 500
MOST_REDIS_MB = 50
# Of a web process: as it is before its first request, and what the hungriest answer adds.
MOST_RSS_MB = 300
# What a provider that is asked too much asks to wait.
RETRY_AFTER_S = 5
BEGIN, END = "<!-- results -->", "<!-- /results -->"


@dataclass(slots=True)
class Row:
    """`checks`: what must hold, with whether it did. `figures` are what was counted."""

    ids: str
    title: str
    checks: dict[str, bool]
    figures: dict[str, Any]
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def is_met(self) -> bool:
        return all(self.checks.values())

    def line(self) -> dict[str, Any]:
        missed = [name for name, holds in self.checks.items() if not holds]
        return {
            "ids": self.ids,
            "title": self.title,
            "met": self.is_met,
            "missed": missed,
            "figures": self.figures,
            **self.about,
        }


def _counts(verdict: Verdict) -> dict[str, Any]:
    return {
        "messages": verdict.plan.messages,
        "mails at the provider": verdict.mails,
        "lost": len(verdict.lost),
        "doubled": len(verdict.doubled),
        "undetermined": verdict.undetermined,
        "not final": verdict.still_open,
        "most attempts": verdict.most_attempts,
    }


def _sound(verdict: Verdict) -> dict[str, bool]:
    return {
        "0 lost": not verdict.lost,
        "0 doubled": not verdict.doubled,
        "every row final": verdict.still_open == 0,
        "nothing sent that says it was not": not verdict.sent_though_skipped,
    }


def chaos_row(verdict: Verdict, stand: Stand) -> Row:
    checks = {
        **_sound(verdict),
        "0 begun after an opt-out": not verdict.after_opt_out,
        "undetermined without an answer ≤ in flight at the faults": verdict.unanswered <= verdict.in_flight_at_faults,
        "final within a minute after the window": verdict.settled_after_s <= EVIDENCE_WINDOW_S + chaos.SETTLED_WITHIN_S,
        "finished said exactly when no row was open": verdict.finished_lied == 0,
        f"≤ {MOST_MEMORY_MB} MB": verdict.memory_after["all"] <= MOST_MEMORY_MB,
        f"Redis < {MOST_REDIS_MB} MB": verdict.redis_mb < MOST_REDIS_MB,
    }
    figures = {
        **_counts(verdict),
        "requests": verdict.requests,
        "faults": dict(verdict.injected),
        "provider": verdict.provider_faults,
        "opted out during the run": verdict.opted_out,
        "of these stopped in time": verdict.reasons["OPTED_OUT"],
        "begun after an opt-out": len(verdict.after_opt_out),
        "undetermined without an answer": verdict.unanswered,
        "in flight at the faults": verdict.in_flight_at_faults,
        "ever unknown": verdict.ever_unknown,
        "final after the last fault, s": round(verdict.settled_after_s, 1),
        "seconds": round(verdict.seconds),
        f"memory before (PSS, MB; {stand.web} web, {stand.workers} now, bulk, cron)": verdict.memory_before,
        "after": verdict.memory_after,
        "Redis at most, MB": verdict.redis_mb,
    }
    return Row("D1 D2 D10", f"kills, crashes and opt-outs, {_size(stand)}", checks, figures)


def lossy_row(verdict: Verdict, stand: Stand) -> Row:
    checks = {
        "0 lost": not verdict.lost,
        "0 doubled at most once": not verdict.doubled_at_most_once,
        "doubled at least once ≤ ever unknown": len(verdict.doubled) <= verdict.ever_unknown,
        "every row final": verdict.still_open == 0,
    }
    figures = {
        **_counts(verdict),
        "faults": dict(verdict.injected),
        "doubled at most once": len(verdict.doubled_at_most_once),
        "ever unknown": verdict.ever_unknown,
    }
    return Row("D2", f"30 % of the provider's reports never come, {_size(stand)}", checks, figures)


def frozen_row(figures: Figures, stand: Stand) -> Row:
    numbers = figures.numbers
    checks = {
        **_sound(figures.verdict),
        "frozen in the middle of a send": min(numbers["in_hand"]) > 0,
        "0 finishes past the fence": numbers["past_the_fence"] == 0,
    }
    counted = {
        **_counts(figures.verdict),
        "freezes": len(numbers["in_hand"]),
        "in hand when frozen": f"{min(numbers['in_hand'])} to {max(numbers['in_hand'])}",
        "past the fence": numbers["past_the_fence"],
    }
    return Row("D4", f"a worker frozen for three leases, {_size(stand)}", checks, counted)


def paused_row(figures: Figures, stand: Stand) -> Row:
    numbers, limit = figures.numbers, scenarios.most_in_flight(stand)
    checks = {
        **_sound(figures.verdict),
        "0 begun after the pause": numbers["begun_after"] == 0,
        f"≤ {limit} arrive after it": numbers["arrived_after"] <= limit,
        "it was in the middle": numbers["waited"] > 0,
    }
    return Row("D9", f"paused and resumed, {_size(stand)}", checks, {**_counts(figures.verdict), **numbers})


def stopped_row(figures: Figures, stand: Stand) -> Row:
    numbers, verdict = figures.numbers, figures.verdict
    checks = {
        **_sound(verdict),
        "0 begun after the stop": numbers["begun_after"] == 0,
        "the rest is skipped": verdict.states["SKIPPED"] == verdict.plan.messages - verdict.mails > 0,
    }
    return Row("D9", f"stopped for good, {_size(stand)}", checks, {**_counts(verdict), **numbers})


def redis_row(figures: Figures, stand: Stand, seconds: float) -> Row:
    statuses = {path: status for path, (status, _) in figures.numbers["pages"].items()}
    checks = {
        **_sound(figures.verdict),
        "what came afterwards went once": figures.numbers["second_is_whole"],
        "pages answer meanwhile": statuses == {"/healthz": 200, "/admin/": 302},
        "sends go on ≤ 5 s after its return": figures.numbers["resumed_after_s"] <= 5,
    }
    return Row("D13", f"Redis away for {seconds:.0f} s", checks, _away(figures, statuses))


def postgres_row(figures: Figures, stand: Stand, seconds: float) -> Row:
    statuses = {path: status for path, (status, _) in figures.numbers["pages"].items()}
    numbers = figures.numbers
    checks = {
        **_sound(figures.verdict),
        "what came afterwards went once": numbers["second_is_whole"],
        "a page says so (503)": statuses["/admin/"] == 503,
        "workers send again ≤ 10 s after its return": numbers["back_after_s"] + numbers["resumed_after_s"] <= 10,
    }
    return Row("D14", f"PostgreSQL away for {seconds:.0f} s", checks, _away(figures, statuses))


def _away(figures: Figures, statuses: Mapping[str, int]) -> dict[str, Any]:
    numbers = figures.numbers
    return {
        **_counts(figures.verdict),
        "pages meanwhile": dict(statuses),
        "back after, s": round(numbers["back_after_s"], 1),
        "sends go on after, s": round(numbers["resumed_after_s"], 1),
    }


def connections_row(figures: Figures, stand: Stand, seconds: float) -> Row:
    row = postgres_row(figures, stand, seconds)
    row.title = f"PostgreSQL has no connection left for {seconds:.0f} s"
    return row


def bad_day_row(figures: Figures, stand: Stand, what: str) -> Row:
    numbers = figures.numbers
    soonest = numbers["soonest_again_s"]
    checks = {
        **_sound(figures.verdict),
        **_left_alone(numbers),
        "nothing tried again before evidence had its time": soonest is None or soonest >= EVIDENCE_WINDOW_S,
    }
    return Row("D15", f"the provider {what} for {numbers['seconds']:.0f} s", checks, _bad_day(figures))


def storm_row(figures: Figures, stand: Stand) -> Row:
    numbers = figures.numbers
    checks = {
        **_sound(figures.verdict),
        **_left_alone(numbers),
        "no message again before the time asked for": (numbers["soonest_again_s"] or 0) >= RETRY_AFTER_S,
        "0 ever unknown": figures.verdict.ever_unknown == 0,
        "all accepted": set(figures.verdict.states) == {"ACCEPTED"},
    }
    title = f"texts: 429 to everything for {numbers['seconds']:.0f} s, Retry-After {RETRY_AFTER_S} s"
    return Row("D15", title, checks, _bad_day(figures))


def _left_alone(numbers: Mapping[str, Any]) -> dict[str, bool]:
    return {
        "the breaker opens within 20 calls": 0 < numbers["until_it_opened"] <= 20,
        "then no more than two calls every 5 s": numbers["calls"] <= 20 + 2 * (numbers["seconds"] / 5 + 1),
        "it closes again": numbers["closed_again"],
    }


def _bad_day(figures: Figures) -> dict[str, Any]:
    numbers = figures.numbers
    return {
        **_counts(figures.verdict),
        "ever unknown": figures.verdict.ever_unknown,
        "calls until it opened": numbers["until_it_opened"],
        "calls in all": numbers["calls"],
        "tries of a message": numbers["tries"],
        "soonest second try, s": numbers["soonest_again_s"] or "none",
    }


def capped_row(figures: Figures, stand: Stand) -> Row:
    numbers = figures.numbers
    checks = {
        **_sound(figures.verdict),
        "no account over its cap": numbers["most"] == 1,
        "each account up to it": numbers["written_to"] == numbers["accounts"],
        "several workers at work": numbers["at_work"] > 2,
    }
    return Row("D16", "one message a day and account, 8 workers, 4 wanted", checks, _counts(figures.verdict) | numbers)


def deployed_row(figures: Figures, stand: Stand) -> Row:
    numbers = figures.numbers
    checks = {
        **_sound(figures.verdict),
        "0 unknown by a deploy": numbers["unknown"] == 0 and numbers["unanswered"] == 0,
        "over in 30 s": numbers["seconds"] <= 30,
        "it was in the middle": numbers["still_to_go"] > 0,
    }
    return Row("D21", "SIGTERM in the middle of a run", checks, {**_counts(figures.verdict), **numbers})


def bad_input_checks(counted: Mapping[str, float]) -> dict[str, bool]:
    return {
        "0 answers of 5xx": counted.get("answers 5xx", 0) == 0,
        "0 hangs > 2 s": counted.get("hangs", 0) == 0,
        f"RSS < {MOST_RSS_MB} MB": counted["web at rest, MB"] + counted["memory of an answer, MB"] < MOST_RSS_MB,
    }


def _size(stand: Stand) -> str:
    return "a request per message" if stand.batch == 1 else f"up to {stand.batch} messages per request"


def write_document(file: Path, rows: Mapping[str, Mapping[str, Any]]) -> None:
    """Put the results between the two marks; the words around them are written by hand."""
    text = file.read_text()
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    file.write_text(f"{head}{BEGIN}\n{_results(rows)}{END}{tail}")


def _results(rows: Mapping[str, Mapping[str, Any]]) -> str:
    lines = [
        "",
        f"Written {datetime.now(UTC):%Y-%m-%d} on {_machine()}.",
        "",
        "| row | what | size | seed | load before | s | bar | figures |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows.values():
        bar = "met" if row["met"] else "**missed**: " + "; ".join(row["missed"])
        figures = " · ".join(f"{name} {_told(value)}" for name, value in row["figures"].items() if name != "pages")
        about = f"{row['size']} | {row['seed']} | {row['load_before']} | {row['seconds']}"
        lines.append(f"| {row['ids']} | {row['title']} | {about} | {bar} | {figures} |")
    return "\n".join([*lines, "", ""])


def _told(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_told(inner)}" for name, inner in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(_told(inner) for inner in value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.1f}" if isinstance(value, float) else str(value)


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GB, {platform.machine()}, Python {platform.python_version()}"
