"""What of a record could not be read, counted in words on the run: a person sees it, the rest goes on."""

from __future__ import annotations

from campaigns.crm.models import SyncRun
from orchestrator.connectors import mapping


def count_problems(*, run: SyncRun, mapped: mapping.MappedRecord) -> None:
    for problem in mapped.errors:
        count_problem(run=run, words=f"{problem.target}: {problem.message}")


def count_problem(*, run: SyncRun, words: str) -> None:
    """`words` never hold a value that came: it may be personal."""
    problems = run.counts.setdefault("problems", {})
    problems[words] = problems.get(words, 0) + 1
