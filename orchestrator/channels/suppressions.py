"""The provider's own list of addresses that want, or can get, nothing: told of our opt-outs, and read for theirs.

Everything here may be repeated: an address is on the list or it is not.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Protocol, cast

from django.conf import settings
from django.utils.module_loading import import_string


class ListedAs(StrEnum):
    """Why a provider lists an address."""

    UNSUBSCRIBED = "UNSUBSCRIBED"
    COMPLAINED = "COMPLAINED"
    BAD_ADDRESS = "BAD_ADDRESS"


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry of theirs. `at` is UTC, None where the provider does not say since when."""

    address: str = field(repr=False)
    listed_as: ListedAs
    at: datetime | None = None


class SuppressionList(Protocol):
    provider: str
    batch_size: int
    """How many addresses one call of `add` takes."""
    can_be_read: bool

    def add(self, addresses: Sequence[str]) -> Mapping[str, str]:
        """Returns {address: reason} for those refused one by one; the rest is listed. Raises ChannelError."""
        ...

    def remove(self, addresses: Sequence[str]) -> Mapping[str, str]:
        """They want our messages again. As `add`; one that is not listed is fine."""
        ...

    def read(self) -> Iterator[Listed]:
        """Everything listed, for whatever reason. Raises ChannelError."""
        ...


class Adapter(Protocol):
    settings_read: ClassVar[tuple[str, ...]]

    @classmethod
    def from_settings(cls) -> SuppressionList | None:
        """None while the provider has no key, or offers no such list."""
        ...


def get(channel: str) -> SuppressionList | None:
    """The list of the channel's provider; None where nothing can be told. One adapter per process."""
    path = settings.SUPPRESSION_LISTS.get(channel)
    if path is None:
        return None
    adapter = cast(Adapter, import_string(path))
    return _build(path, tuple(getattr(settings, name) for name in adapter.settings_read))


@functools.lru_cache(maxsize=32)
def _build(path: str, configuration: tuple[object, ...]) -> SuppressionList | None:
    return cast(Adapter, import_string(path)).from_settings()
