"""Tries one hostile template after the other, each in a process of its own: `python -m …hostile`, names on stdin.

A forking server, because a fresh interpreter per template would take longer than all of them together.
"""

from __future__ import annotations

import json
import os
import re
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from orchestrator.templating import lint, liquid, message, slots, webhook
from orchestrator.templating.errors import TemplateError

FOLDER = Path(__file__).parents[2] / "fixtures" / "templates" / "hostile"
MEMORY = 256 * 1024 * 1024
SECONDS = 2
# In the process, and in no context: it must come out of no template.
CANARY = "canary-5b1e"
FACTS = {
    "contact": {"first_name": "Dana <b>", "long": "A'<&" * 60_000, "marks": "#" * 100_000, "email": "dana@example.com"},
    "evidence": {"meters": ["seats", "storage"], "names": ["x" * 5_000] * 100, "day": "2026-03-01", "amount": "12.5"},
    "links": {"offer": "https://example.com/o/1", "unsubscribe": "https://example.com/u/1"},
}
_REPEATED = re.compile(r"⟦(\d+)×([^⟦⟧]*)⟧", re.DOTALL)


def expand(source: str) -> str:
    while _REPEATED.search(source):
        source = _REPEATED.sub(lambda found: found[2] * int(found[1]), source)
    return source


def attempt(kind: str, source: str) -> str:
    """What the marketers' site does with a draft, then what a send does, in a batch and alone."""
    if kind == "html":
        liquid.used_variables(source)
        _try(lambda: liquid.render_values(liquid.cut(source, html=True, locale="en"), FACTS))
        return liquid.render(source, FACTS, html=True, locale="en")
    field = {"email": "mjml", "in_app": "html", "text": "text", "webhook": "body"}[kind]
    linted = {"text": "sms"}.get(kind, kind)
    lint.check_content(kind=linted, content={field: source, "subject": "x"}, allowed={"contact": {}}, locale="en")
    if kind == "email":
        compiled = message.compile_email(subject="x", mjml=source)
        _try(lambda: slots.render_slotted(compiled, FACTS))
        made = message.render_email(compiled, FACTS)
    elif kind == "in_app":
        made = message.render_in_app(message.compile_in_app(html=source), FACTS)
    elif kind == "webhook":
        made = webhook.render_webhook(webhook.compile_webhook(url="https://hooks.example/x", body=source), FACTS)
    else:
        made = message.render_text(message.compile_text(text=source), FACTS)
    return f"{made.subject}{made.html}{made.text}"


def _try(attempted: Callable[[], object]) -> None:
    """Refusing is one of the two good ends; running out of memory over it is not."""
    try:
        attempted()
    except TemplateError as error:
        if isinstance(error.__cause__, MemoryError):
            raise


def _in_child(name: str) -> dict[str, Any]:
    source = expand((FOLDER / name).read_text())
    resource.setrlimit(resource.RLIMIT_AS, (_address_space() + MEMORY,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    try:
        made = attempt(name.partition(".")[0], source)
    except TemplateError as error:
        out_of_memory = isinstance(error.__cause__, MemoryError)
        return {"end": "MEMORY" if out_of_memory else "REFUSED", "code": error.code, "words": error.message}
    except BaseException as error:
        return {"end": "RAISED", "words": f"{type(error).__name__}: {error}"}
    return {"end": "MADE", "words": made if CANARY in made else made[:200]}


def _address_space() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


def _try_one(name: str) -> dict[str, Any]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        with os.fdopen(writing, "w") as answer:
            answer.write(json.dumps(_in_child(name)))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        said = answer.read()
    _, status, used = os.wait4(child, 0)
    found = json.loads(said) if said and status == 0 else {"end": "KILLED", "words": f"status {status}"}
    return {**found, "seconds": used.ru_utime + used.ru_stime}


def main() -> None:
    os.environ["SECRET_KEY"] = CANARY
    for line in sys.stdin:
        sys.stdout.write(f"{json.dumps(_try_one(line.strip()))}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
