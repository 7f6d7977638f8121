"""Pull companies, then contacts, then tickets, page by page. A page is committed before its watermark is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from campaigns.consent import record as consents
from campaigns.crm import connect, measure, opt_outs, problems, tickets
from campaigns.crm.models import CrmConnection, SyncCursor, SyncRun
from campaigns.profiles import identify, lookup
from orchestrator.connectors import mapping, registry
from orchestrator.connectors.contract import ConnectorError, Crm, CrmPage, CrmRecord

type Progress = Callable[[str, int], None]
type _Mapped = tuple[CrmRecord, str, mapping.MappedRecord]

# The mapping's spelling -> the field of profiles.
_FIELDS = {"timezone": "time_zone"}
_NOT_FIELDS = frozenset({"external_id", "role"})


def sync_connection(
    *, connection: CrmConnection, full: bool, now: datetime, progress: Progress | None = None
) -> SyncRun:
    """One run, recorded with its counts, and with the reason in words where it FAILED; never raises ConnectorError.

    `full` reads everything again; otherwise what changed since the watermark. A failed run goes on where it
    stopped. `progress` is told the kind of record and how many of it have been taken.
    """
    run = SyncRun.objects.create(connection=connection, started_at=now)
    try:
        crm = registry.crm(connection.kind)
        mappings = connect.read_mappings(connection=connection)
        for kind, columns in mappings.items():
            _sync_kind(run, crm, columns, kind, full=full, now=now, progress=progress)
        run.state = SyncRun.State.DONE
    except (ConnectorError, mapping.MappingError) as error:
        run.state, run.error = SyncRun.State.FAILED, str(error)
    run.ended_at = now
    run.save()
    if run.state == SyncRun.State.DONE:
        CrmConnection.objects.filter(pk=connection.pk).update(last_synced_at=now)
    return run


def has_news(*, run: SyncRun) -> bool:
    """Whether usage changed: `usage_rolled` is to be rung, which looks for crossings before segments are judged."""
    return bool(run.counts.get("usage") or run.counts.get("tickets", {}).get("created"))


def reread_since(*, connections: Sequence[CrmConnection], kind: str, at: datetime) -> None:
    """Make the next pull start no later than `at`: the CRM said that something changed then."""
    cursors = SyncCursor.objects.filter(connection__in=connections, kind=kind, watermark__gt=at)
    cursors.update(watermark=at)


def _sync_kind(
    run: SyncRun,
    crm: Crm,
    columns: mapping.ColumnMapping,
    kind: str,
    *,
    full: bool,
    now: datetime,
    progress: Progress | None,
) -> None:
    cursor, _ = SyncCursor.objects.get_or_create(connection=run.connection, kind=kind)
    since = None if full else cursor.watermark
    counts = run.counts.setdefault(connect.NOUNS[kind], {"created": 0, "updated": 0, "unchanged": 0, "archived": 0})
    taken = 0
    for page in crm.pull(kind=kind, properties=columns.source_columns(), since=since):
        with transaction.atomic():
            _take_page(run, page, columns, kind, counts, now)
            _store_watermark(cursor, page.watermark)
            run.save(update_fields=["counts"])
        taken += len(page.records)
        if progress is not None:
            progress(kind, taken)


def _store_watermark(cursor: SyncCursor, watermark: datetime | None) -> None:
    """Forward only; a re-read that a webhook asked for meanwhile is kept for the next run."""
    if watermark is None or (cursor.watermark is not None and watermark <= cursor.watermark):
        return
    unmoved = SyncCursor.objects.filter(pk=cursor.pk, watermark=cursor.watermark)
    if cursor.watermark is None:
        unmoved = SyncCursor.objects.filter(pk=cursor.pk, watermark__isnull=True)
    if unmoved.update(watermark=watermark):
        cursor.watermark = watermark


def _take_page(
    run: SyncRun, page: CrmPage, columns: mapping.ColumnMapping, kind: str, counts: dict[str, int], now: datetime
) -> None:
    """What cannot be read of a record is left out and counted; the rest of it is taken."""
    if kind == "ticket":
        tickets.take_tickets(run=run, page=page, columns=columns, counts=counts, now=now)
        return
    rows: list[_Mapped] = []
    for one in page.records:
        if one.archived:
            counts["archived"] += 1
            continue
        mapped = mapping.apply_mapping(columns, one.properties)
        rows.append((one, str(mapped.fields.get("external_id") or one.id), mapped))
        problems.count_problems(run=run, mapped=mapped)
    if kind == "account":
        outcome = identify.upsert_accounts(
            records=[identify.AccountRecord(name, one.updated_at, _fields(row), row.traits) for one, name, row in rows],
            now=now,
        )
        identify.alias_accounts(source=run.connection.slug, pairs=_aliases(rows, outcome))
        measure.set_usage(run=run, values=[(outcome.ids[name], row.usage) for _, name, row in rows], now=now)
    else:
        outcome = identify.upsert_contacts(
            records=[identify.ContactRecord(name, one.updated_at, _fields(row), row.traits) for one, name, row in rows],
            now=now,
        )
        identify.alias_contacts(source=run.connection.slug, pairs=_aliases(rows, outcome))
        _join_accounts(run, rows, now)
        _record_consents(run, rows, outcome, now)
    for name in ("created", "updated", "unchanged"):
        counts[name] += getattr(outcome, name)


def _fields(row: mapping.MappedRecord) -> dict[str, Any]:
    return {_FIELDS.get(name, name): value for name, value in row.fields.items() if name not in _NOT_FIELDS}


def _aliases(rows: Sequence[_Mapped], outcome: identify.Outcome) -> list[tuple[str, int]]:
    """The CRM's id beside the primary one: write-backs find the record by it."""
    return [(one.id, outcome.ids[name]) for one, name, _ in rows]


def _join_accounts(run: SyncRun, rows: Sequence[_Mapped], now: datetime) -> None:
    """A contact belongs to its primary company; the role is a property of the contact."""
    primary = {name: one.associations[0] for one, name, _ in rows if one.associations}
    known = lookup.account_ids(external_ids=set(primary.values()))
    pairs = [(primary[name], name, row.fields.get("role")) for _, name, row in rows if primary.get(name) in known]
    run.counts["memberships"] = run.counts.get("memberships", 0) + identify.join_members(pairs=pairs, now=now)
    run.counts["without_account"] = run.counts.get("without_account", 0) + len(rows) - len(pairs)


def _record_consents(run: SyncRun, rows: Sequence[_Mapped], outcome: identify.Outcome, now: datetime) -> None:
    slug = run.connection.slug
    items = [
        consents.ConsentItem(
            contact_id=outcome.ids[name],
            channel=said.channel,
            topic=said.topic,
            state=said.state,
            basis=said.basis,
            source="crm",
            at=said.at,
            evidence={"connection": slug, "record": one.id, "said_in": said.source},
            dedupe_key=f"crm:{slug}:{one.id}:{said.channel}:{said.topic}:{said.state}:{said.at:%Y%m%dT%H%M%S%f}"[:120],
        )
        for one, name, row in rows
        for said in row.consents
    ]
    noes = [
        opt_outs.CrmNo(outcome.ids[name], channel, one.id, one.updated_at)
        for one, name, row in rows
        for channel in row.opt_outs
    ]
    run.counts["opt_outs"] = run.counts.get("opt_outs", 0) + opt_outs.take_opt_outs(
        connection=run.connection, noes=noes, now=now
    )
    run.counts["consents"] = run.counts.get("consents", 0) + consents.record_consents(items=items, now=now)
