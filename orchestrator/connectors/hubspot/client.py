"""HubSpot as a Crm: pages and searches in, properties, deals and tasks out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Self

from django.conf import settings

from orchestrator.connectors.contract import CrmPage, DealUpsert, PropertyPatch, TaskUpsert
from orchestrator.connectors.hubspot import pull, push, tasks
from orchestrator.connectors.hubspot.api import HubSpotApi


class HubSpotCrm:
    settings_read: ClassVar[tuple[str, ...]] = ("HUBSPOT_ACCESS_TOKEN", "HUBSPOT_API_BASE", "PROVIDER_TIMEOUT_S")
    kind = "hubspot"

    def __init__(self, *, access_token: str, api_base: str, timeout_s: float = 10) -> None:
        self._api = HubSpotApi(access_token=access_token, api_base=api_base, timeout_s=timeout_s)

    @classmethod
    def from_settings(cls) -> Self | None:
        if not settings.HUBSPOT_ACCESS_TOKEN:
            return None
        return cls(
            access_token=settings.HUBSPOT_ACCESS_TOKEN,
            api_base=settings.HUBSPOT_API_BASE,
            timeout_s=settings.PROVIDER_TIMEOUT_S,
        )

    def pull(self, *, kind: str, properties: Sequence[str], since: datetime | None) -> Iterator[CrmPage]:
        if since is None:
            return pull.pull_all(self._api, kind=kind, properties=properties)
        return pull.pull_changed(self._api, kind=kind, properties=properties, since=since)

    def set_up(self) -> list[str]:
        return push.create_properties(self._api)

    def patch_properties(self, patches: Sequence[PropertyPatch]) -> Mapping[str, str]:
        return push.patch_properties(self._api, patches)

    def upsert_deals(self, deals: Sequence[DealUpsert]) -> Mapping[str, str]:
        return push.upsert_deals(self._api, deals)

    def upsert_tasks(self, upserts: Sequence[TaskUpsert]) -> Mapping[str, str]:
        return tasks.upsert_tasks(self._api, upserts)
