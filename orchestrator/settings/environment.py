"""Typed readers of the environment. NAME_FILE, where set, wins over NAME (for secrets in files)."""

from __future__ import annotations

import os
from decimal import Decimal, InvalidOperation
from pathlib import Path


class SettingError(ValueError):
    """A setting that is present but unreadable: the start is refused rather than guessed."""


def env_text(name: str, default: str = "") -> str:
    return os.environ.get(name, default)


def env_secret(name: str, default: str = "") -> str:
    file = os.environ.get(f"{name}_FILE")
    if file:
        return Path(file).read_text(encoding="utf-8").strip()
    return os.environ.get(name, default)


def env_int(name: str, default: int) -> int:
    raw = os.environ.get(name)
    if raw is None or raw == "":
        return default
    try:
        return int(raw)
    except ValueError as error:
        raise SettingError(f"{name} must be a whole number, not {raw!r}.") from error


def env_decimal(name: str) -> Decimal | None:
    """None where it is not set."""
    raw = os.environ.get(name)
    if raw is None or raw == "":
        return None
    try:
        value = Decimal(raw)
    except InvalidOperation as error:
        raise SettingError(f"{name} must be a number, not {raw!r}.") from error
    if not value.is_finite() or value < 0:
        raise SettingError(f"{name} must be a number of at least 0, not {raw!r}.")
    return value


def env_bool(name: str, default: bool) -> bool:
    raw = os.environ.get(name)
    if raw is None or raw == "":
        return default
    if raw.lower() in {"1", "true", "on", "yes"}:
        return True
    if raw.lower() in {"0", "false", "off", "no"}:
        return False
    raise SettingError(f"{name} must be on or off, not {raw!r}.")


def env_list(name: str) -> list[str]:
    return [part.strip() for part in os.environ.get(name, "").split(",") if part.strip()]
