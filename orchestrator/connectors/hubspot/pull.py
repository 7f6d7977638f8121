"""Reading HubSpot: everything by page, or what changed by search.

Search sorts by one property and stops at 10,000 results, so a long pull restarts from the
last stamp it saw. Where more records than that share one millisecond (a bulk import), they
are read by id, and the pull goes on one millisecond later.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from orchestrator.connectors.contract import CrmPage, CrmRecord
from orchestrator.connectors.hubspot.api import OBJECTS, HubSpotApi

PAGE = 100
SEARCH_CEILING = 10_000
# HubSpot's search index lags some seconds; a record seen twice costs nothing.
OVERLAP = timedelta(minutes=2)

_MODIFIED = {"companies": "hs_lastmodifieddate", "contacts": "lastmodifieddate"}
_ID = "hs_object_id"
_COMPANY = "associatedcompanyid"


def pull_all(api: HubSpotApi, *, kind: str, properties: Sequence[str]) -> Iterator[CrmPage]:
    """Every record, archived ones last. Only the last page carries a watermark: before it, nothing is complete.

    The watermark is the newest change at the start, by HubSpot's own clock, so that what
    changes on an already read page comes again with the next pull.
    """
    name = OBJECTS[kind]
    watermark = _newest_change(api, name)
    for archived in (False, True):
        after: str | None = None
        while True:
            answer = api.call(api.pages[name].get_page, **_page_request(name, properties, after, archived))
            after = _next(answer)
            is_last = archived and after is None
            yield CrmPage(
                records=[_record(kind, item) for item in answer.results or ()],
                watermark=watermark if is_last else None,
            )
            if after is None:
                break


def pull_changed(
    api: HubSpotApi, *, kind: str, properties: Sequence[str], since: datetime
) -> Iterator[CrmPage]:
    """What changed at or after `since` less two minutes, oldest change first, each change once."""
    name = OBJECTS[kind]
    modified = _MODIFIED[name]
    wanted = _wanted(name, properties)
    start = _to_ms(since - OVERLAP)
    at_start: set[str] = set()  # ids already given whose stamp is `start`
    while True:
        given_up_at: int | None = None
        for records in _search(api, kind, wanted, [(modified, "GTE", start)], sort=modified):
            fresh = [record for record in records if record.id not in at_start]
            if fresh:
                yield CrmPage(records=fresh, watermark=fresh[-1].updated_at)
            last = _to_ms(records[-1].updated_at)
            if last != start:
                at_start = set() if given_up_at != last else at_start
            at_start |= {record.id for record in records if _to_ms(record.updated_at) == last}
            given_up_at = last
        if given_up_at is None or not _reached_ceiling(records):
            return
        if given_up_at == start:
            yield from _drain_millisecond(api, kind, wanted, start)
            start, at_start = start + 1, set()
        else:
            start = given_up_at
