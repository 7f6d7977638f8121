"""Reading HubSpot: everything by page, or what changed by search.

Search sorts by one property and stops at 10,000 results, so a long pull restarts from the
last stamp it saw. Where more records than that share one millisecond (a bulk import), that
millisecond is read by id, and the pull goes on one millisecond later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from orchestrator.connectors.contract import CrmPage, CrmRecord
from orchestrator.connectors.hubspot import links
from orchestrator.connectors.hubspot.api import OBJECTS, HubSpotApi, results_of

PAGE = 100
SEARCH_CEILING = 10_000
# HubSpot's search index lags some seconds; a record seen twice costs nothing.
OVERLAP = timedelta(minutes=2)

_MODIFIED = {
    "companies": "hs_lastmodifieddate",
    "contacts": "lastmodifieddate",
    "tickets": "hs_lastmodifieddate",
}
_ID = "hs_object_id"
# Search gives no associations; this property of a contact is its primary company.
_PRIMARY_COMPANY = "associatedcompanyid"

type _Filter = tuple[str, str, str]


def pull_all(api: HubSpotApi, *, kind: str, properties: Sequence[str]) -> Iterator[CrmPage]:
    """Every record, archived ones last. Only the last page carries a watermark: before it, nothing is complete.

    The watermark is the newest change at the start, by HubSpot's own clock, so that what
    changes on an already read page comes again with the next pull.
    """
    name = OBJECTS[kind]
    watermark = _newest_change(api, kind)
    request: dict[str, Any] = {"limit": PAGE, "properties": _wanted(name, properties)}
    if name == "contacts":
        request["associations"] = ["companies"]
    for archived in (False, True):
        after: str | None = None
        while True:
            page = {**request, "archived": "true" if archived else "false", **({"after": after} if after else {})}
            answer = api.call(api.pages[name].get_page, **page)
            after = _next(answer)
            is_last = archived and after is None
            records = [_record(kind, item) for item in results_of(answer)]
            yield CrmPage(records=_linked(api, kind, records), watermark=watermark if is_last else None)
            if after is None:
                break


def pull_changed(api: HubSpotApi, *, kind: str, properties: Sequence[str], since: datetime) -> Iterator[CrmPage]:
    """What changed at or after `since` less two minutes, oldest change first, each change once."""
    modified = _MODIFIED[OBJECTS[kind]]
    wanted = _wanted(OBJECTS[kind], properties)
    start = _to_ms(since - OVERLAP)
    given: set[str] = set()  # ids already yielded whose stamp is `start`
    while True:
        found, last, at_last = 0, start, set[str]()
        for records in _search(api, kind, wanted, [(modified, "GTE", str(start))], sort=modified):
            fresh = [one for one in records if one.id not in given or _to_ms(one.updated_at) != start]
            if fresh:
                yield CrmPage(records=_linked(api, kind, fresh), watermark=fresh[-1].updated_at)
            found += len(records)
            previous, last = last, _to_ms(records[-1].updated_at)
            at_last = at_last if last == previous else set()
            at_last |= {one.id for one in records if _to_ms(one.updated_at) == last}
        if found < SEARCH_CEILING:
            return
        if last == start:
            yield from _pull_millisecond(api, kind, wanted, modified, start)
            start, given = start + 1, set()
        else:
            start, given = last, at_last


def _pull_millisecond(
    api: HubSpotApi, kind: str, wanted: Sequence[str], modified: str, moment: int
) -> Iterator[CrmPage]:
    """Everything stamped with one millisecond, by id: a restart from the stamp would never get past it."""
    last_id = "0"
    while True:
        found = 0
        filters = [(modified, "EQ", str(moment)), (_ID, "GT", last_id)]
        for records in _search(api, kind, wanted, filters, sort=_ID):
            found += len(records)
            last_id = records[-1].id
            yield CrmPage(records=_linked(api, kind, records), watermark=records[-1].updated_at)
        if found < SEARCH_CEILING:
            return


def _search(
    api: HubSpotApi, kind: str, wanted: Sequence[str], filters: Sequence[_Filter], *, sort: str
) -> Iterator[list[CrmRecord]]:
    """Non-empty pages of one query, up to the ceiling."""
    found, after = 0, "0"
    while found < SEARCH_CEILING:
        answer = _ask(api, kind, wanted, filters, sort=(sort, "ASCENDING"), limit=PAGE, after=after)
        records = [_record(kind, item) for item in results_of(answer)]
        if records:
            yield records
        found += len(records)
        following = _next(answer)
        if following is None or not records:
            return
        after = following


def _newest_change(api: HubSpotApi, kind: str) -> datetime | None:
    modified = _MODIFIED[OBJECTS[kind]]
    answer = _ask(api, kind, [modified], [], sort=(modified, "DESCENDING"), limit=1, after="0")
    newest = results_of(answer)
    return _record(kind, newest[0]).updated_at if newest else None


def _ask(
    api: HubSpotApi,
    kind: str,
    wanted: Sequence[str],
    filters: Sequence[_Filter],
    *,
    sort: tuple[str, str],
    limit: int,
    after: str,
) -> Any:
    conditions = [{"propertyName": name, "operator": op, "value": value} for name, op, value in filters]
    request = {
        "filterGroups": [{"filters": conditions}] if conditions else [],
        "sorts": [{"propertyName": sort[0], "direction": sort[1]}],
        "properties": list(wanted),
        "limit": limit,
        "after": after,
    }
    return api.call(api.searches[OBJECTS[kind]].do_search, public_object_search_request=request)


def _record(kind: str, item: Any) -> CrmRecord:
    properties: Mapping[str, str | None] = item.properties or {}
    return CrmRecord(
        kind=kind,
        id=str(item.id),
        properties=properties,
        updated_at=_stamp(properties.get(_MODIFIED[OBJECTS[kind]])) or item.updated_at,
        archived=bool(item.archived),
        associations=_companies(item, properties) if kind == "contact" else (),
    )


def _linked(api: HubSpotApi, kind: str, records: list[CrmRecord]) -> list[CrmRecord]:
    """A contact carries its primary company as a property; a ticket carries nothing of the kind."""
    return links.with_links(api, name=OBJECTS[kind], records=records) if kind == "ticket" else records


def _companies(item: Any, properties: Mapping[str, str | None]) -> tuple[str, ...]:
    """Ids of the contact's companies, the primary one first, each once."""
    linked = (getattr(item, "associations", None) or {}).get("companies")
    results = list(linked.results or ()) if linked else []
    # "contact_to_company" is the primary one; "contact_to_company_unlabeled" is any.
    results.sort(key=lambda one: one.type != "contact_to_company")
    ids = [str(properties.get(_PRIMARY_COMPANY) or ""), *(str(one.id) for one in results)]
    return tuple(dict.fromkeys(one for one in ids if one))


def _wanted(name: str, properties: Sequence[str]) -> list[str]:
    extra = [_MODIFIED[name], *([_PRIMARY_COMPANY] if name == "contacts" else [])]
    return list(dict.fromkeys([*properties, *extra]))


def _next(answer: Any) -> str | None:
    following = answer.paging.next if answer.paging else None
    return str(following.after) if following and following.after else None


def _stamp(value: str | None) -> datetime | None:
    """HubSpot writes stamps in ISO 8601, and in epoch milliseconds in some older answers."""
    if not value:
        return None
    if value.isdigit():
        return datetime.fromtimestamp(int(value) / 1000, UTC)
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _to_ms(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
