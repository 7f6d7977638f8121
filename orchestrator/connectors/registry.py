"""Which adapter speaks with which system of record: settings.CONNECTORS, imported on first use.

A connection exists as soon as its key is set; without one asking for it is ConnectorMisconfigured,
which the work that wanted it shows to a person.
"""

from __future__ import annotations

import functools
from typing import ClassVar, Protocol, cast

from django.conf import settings
from django.utils.module_loading import import_string

from orchestrator.connectors.contract import Billing, ConnectorMisconfigured, Crm

CRM_KINDS = ("hubspot",)
BILLING_KINDS = ("stripe",)


class NotConnected(ConnectorMisconfigured):
    """No such connector, or its key is not set."""


class Adapter(Protocol):
    """What a class named in settings.CONNECTORS offers besides Crm or Billing."""

    settings_read: ClassVar[tuple[str, ...]]
    """Names of the settings it is built from: when one changes, the next call builds it anew."""

    @classmethod
    def from_settings(cls) -> Crm | Billing | None:
        """None while its key is unset."""
        ...


def crm(kind: str) -> Crm:
    """The one adapter of this process; safe to share between threads. Raises NotConnected."""
    return cast(Crm, _get(kind, CRM_KINDS))


def billing(kind: str = "stripe") -> Billing:
    """The one adapter of this process; safe to share between threads. Raises NotConnected."""
    return cast(Billing, _get(kind, BILLING_KINDS))


def connected_crms() -> tuple[str, ...]:
    return tuple(kind for kind in CRM_KINDS if _find(kind) is not None)


def is_connected(kind: str) -> bool:
    return _find(kind) is not None


def _get(kind: str, allowed: tuple[str, ...]) -> Crm | Billing:
    found = _find(kind) if kind in allowed else None
    if found is None:
        raise NotConnected(f"{kind} is not connected: set its key (docs/adding-a-crm.md).", code="not_connected")
    return found


def _find(kind: str) -> Crm | Billing | None:
    path = settings.CONNECTORS.get(kind)
    if path is None:
        return None
    return _build(path, tuple(getattr(settings, name) for name in _adapter(path).settings_read))


@functools.cache
def _adapter(path: str) -> Adapter:
    return cast(Adapter, import_string(path))


@functools.lru_cache(maxsize=32)
def _build(path: str, configuration: tuple[object, ...]) -> Crm | Billing | None:
    return _adapter(path).from_settings()
