"""Logs are JSON lines in var/log/<process>.log: one object per event, no personal data."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_STANDARD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# RQ attaches a failed job's arguments; Django attaches the whole request.
_UNWRITTEN_FIELDS = frozenset({"request", "args", "kwargs", "arguments", "sock", "server_time"})
_EMAIL = re.compile(r"[^\s@<>\"'=:(,]+@[^\s@<>\"',):]+\.[^\s@<>\"',):]+")
_PHONE = re.compile(r"(?<![\w-])\+\d{8,15}\b")
# A signed link acts for the person it was sent to: whoever reads a log must not be able to follow it.
_LINK = re.compile(r"/(?P<page>[uocvp])/[\w-]+\.[\w-]{4,}\.[\w-]{20,}")


def redact(text: str) -> str:
    """The last line of defence: addresses, numbers and signed links that slipped into a text."""
    return _LINK.sub(r"/\g<page>/[token]", _PHONE.sub("[phone]", _EMAIL.sub("[email]", text)))


class JsonLines(logging.Formatter):
    """Everything passed as `extra` becomes a field of its own, for example the message's uuid."""

    def format(self, record: logging.LogRecord) -> str:
        event: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "pid": record.process,
            "event": record.getMessage(),
        }
        for name, value in vars(record).items():
            if name not in _STANDARD_FIELDS and name not in _UNWRITTEN_FIELDS:
                event[name] = value if isinstance(value, (int, float, bool, type(None))) else str(value)
        if record.exc_info:
            event["exception"] = self.formatException(record.exc_info)
        return redact(json.dumps(event, ensure_ascii=False))


def process_name() -> str:
    """What this process is called in var/log and in the heartbeats: set by whoever supervises it."""
    named = os.environ.get("CRESCENDO_PROCESS")
    if named:
        return named
    program = Path(sys.argv[0]).name
    words = sys.argv[1:2] if program == "manage.py" else []
    if words in (["rqworker"], ["runserver"]):
        return "-".join(["worker" if words == ["rqworker"] else "web", *[w for w in sys.argv[2:3] if w.isalpha()]])
    return words[0] if words else ("web" if program == "gunicorn" else "shell")


def logging_config(*, folder: Path, level: str) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "orchestrator.settings.logs.JsonLines"}},
        "handlers": {
            "file": {
                "class": "logging.handlers.WatchedFileHandler",
                "filename": str(folder / f"{process_name()}.log"),
                "delay": True,
                "encoding": "utf-8",
                "formatter": "json",
            },
            "stderr": {"class": "logging.StreamHandler", "level": "WARNING", "formatter": "json"},
        },
        # Under a supervisor nobody reads stderr; it is kept for what fails before logging does.
        "root": {
            "handlers": ["file"] if os.environ.get("CRESCENDO_SUPERVISOR") else ["file", "stderr"],
            "level": level,
        },
        "loggers": {
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
            # RQ writes four lines per job, ten times a second.
            "rq": {"level": "WARNING"},
        },
    }
