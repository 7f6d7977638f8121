"""Which adapter speaks for which channel: settings.CHANNELS, imported on first use.

A channel whose provider has no key gets the in-memory outbox instead, so that everything
works on a fresh machine and nothing leaves it. Pages ask `is_live` and say so.
"""

from __future__ import annotations

import functools
from typing import ClassVar, Protocol, cast

from django.conf import settings
from django.utils.module_loading import import_string

from orchestrator.channels.contract import Channel
from orchestrator.channels.memory import MemoryChannel


class UnknownChannel(LookupError):
    """Asked for a kind that settings.CHANNELS does not name."""


class Adapter(Protocol):
    """What a class named in settings.CHANNELS offers besides Channel itself."""

    settings_read: ClassVar[tuple[str, ...]]
    """Names of the settings it is built from: when one changes, the next `get` builds it anew."""

    @classmethod
    def from_settings(cls, kind: str) -> Channel | None:
        """None while the provider's key is unset."""
        ...


def channel_kinds() -> tuple[str, ...]:
    return tuple(settings.CHANNELS)


def get(kind: str) -> Channel:
    """The one adapter of this process for `kind`; safe to share between threads. Raises UnknownChannel."""
    path = settings.CHANNELS.get(kind)
    if path is None:
        raise UnknownChannel(f"No channel {kind!r}: settings.CHANNELS names {', '.join(channel_kinds())}.")
    adapter = _adapter(path)
    return _build(kind, path, tuple(getattr(settings, name) for name in adapter.settings_read))


@functools.cache
def outbox(kind: str) -> MemoryChannel:
    """The in-memory outbox that stands in for `kind` while its provider has no key."""
    return MemoryChannel(kind=kind)


@functools.cache
def _adapter(path: str) -> Adapter:
    return cast(Adapter, import_string(path))


@functools.lru_cache(maxsize=32)
def _build(kind: str, path: str, configuration: tuple[object, ...]) -> Channel:
    return _adapter(path).from_settings(kind) or outbox(kind)
