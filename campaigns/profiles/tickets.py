"""Take over support tickets from the systems that keep them: the newest report of a ticket stands. Set-based.

Reports may come in any order and twice: of two of the same instant the greater row stands, whichever came first.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import batched

from django.db import connection, transaction

from campaigns.profiles import changes, lookup
from campaigns.profiles.models import SupportTicket

BATCH = 1000
SUBJECT_LENGTH = 300
_NEVER = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TicketRecord:
    """A whole ticket as it stood at `at` (UTC). `account` and `contact` are external ids, aliases too.

    `priority` is one of SupportTicket.Priority. A ticket that names no `closed_at` is open.
    """

    external_id: str
    at: datetime
    account: str
    opened_at: datetime
    closed_at: datetime | None = None
    priority: str = SupportTicket.Priority.NORMAL
    subject: str = field(default="", repr=False)
    contact: str = ""


@dataclass(frozen=True, slots=True)
class OpenedTicket:
    """A ticket nobody had told of before; its key names it once and for all."""

    key: str
    account_id: int
    contact_id: int | None
    priority: str
    opened_at: datetime


@dataclass(slots=True)
class TicketOutcome:
    """How many tickets were made, changed, or already stood so; `without_account` named nobody we know."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    without_account: int = 0
    opened: list[OpenedTicket] = field(default_factory=list)


def upsert_tickets(*, source: str, records: Sequence[TicketRecord], now: datetime) -> TicketOutcome:
    """A ticket of an account that nobody has introduced is left out and counted. Writes AccountChange rows.

    An account that gets an open critical ticket has its `revision` bumped: what waits to be sent to it is
    looked at anew.
    """
    outcome = TicketOutcome()
    for batch in batched(records, BATCH):
        with transaction.atomic():
            _take_batch(source, batch, outcome, now)
    return outcome


def close_tickets(*, source: str, closed: Mapping[str, datetime], now: datetime) -> int:
    """The source deleted these tickets at that time: an open one counts as closed then. Returns how many were open."""
    if not closed:
        return 0
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CLOSE, [list(closed), list(closed.values()), source])
        accounts = [row[0] for row in cursor.fetchall()]
        changes.note_accounts(account_ids=accounts, kind=changes.TICKETS_CHANGED, now=now)
    return len(accounts)


type _Row = tuple[str, int, int | None, str, str, datetime, datetime | None, datetime]


def _take_batch(source: str, records: Sequence[TicketRecord], outcome: TicketOutcome, now: datetime) -> None:
    rows = _newest(records, outcome)
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(_UPSERT, {"source": source, **_columns(rows)})
        written = cursor.fetchall()
    by_id = {row[0]: row for row in rows}
    concerned: set[int] = set()
    for external_id, is_new, is_changed, account_before in written:
        if not is_changed:
            continue
        row = by_id[external_id]
        concerned |= {row[1], *([account_before] if account_before else [])}
        if is_new:
            outcome.opened.append(OpenedTicket(f"{source}:{external_id}", row[1], row[2], row[4], row[5]))
    created = sum(is_new for _, is_new, _, _ in written)
    changed = sum(is_changed for _, _, is_changed, _ in written)
    outcome.created += created
    outcome.updated += changed - created
    outcome.unchanged += len(rows) - changed
    changes.note_accounts(account_ids=concerned, kind=changes.TICKETS_CHANGED, now=now)
    _bump_revisions([by_id[external_id] for external_id, _, is_changed, _ in written if is_changed], now)


def _newest(records: Sequence[TicketRecord], outcome: TicketOutcome) -> list[_Row]:
    """One row per ticket, in the order of their ids, so that two callers never wait for each other in a circle."""
    accounts = lookup.account_ids(external_ids={one.account for one in records})
    contacts = lookup.contact_ids(external_ids={one.contact for one in records if one.contact})
    newest: dict[str, _Row] = {}
    for one in records:
        account_id = accounts.get(one.account)
        if account_id is None:
            outcome.without_account += 1
            continue
        subject = one.subject.replace("\0", "")[:SUBJECT_LENGTH]
        row: _Row = (
            one.external_id, account_id, contacts.get(one.contact), subject, one.priority, one.opened_at,
            one.closed_at, one.at,
        )  # fmt: skip
        if one.external_id not in newest or _rank(newest[one.external_id]) < _rank(row):
            newest[one.external_id] = row
    return [newest[external_id] for external_id in sorted(newest)]


def _rank(row: _Row) -> tuple[datetime, datetime, datetime, str, str, int, int]:
    """The order of reports, as _UPSERT has it."""
    _, account_id, contact_id, subject, priority, opened_at, closed_at, at = row
    return at, closed_at or _NEVER, opened_at, priority, subject, account_id, contact_id or 0


def _columns(rows: Collection[_Row]) -> dict[str, list[object]]:
    names = ("ids", "accounts", "contacts", "subjects", "priorities", "opened", "closed", "updated")
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}


def _bump_revisions(rows: Collection[_Row], now: datetime) -> None:
    critical = {
        row[1]
        for row in rows
        if row[4] in SupportTicket.CRITICAL and row[5] <= now and (row[6] is None or row[6] > now)
    }
    if critical:
        with connection.cursor() as cursor:
            cursor.execute(_BUMP, [sorted(critical)])


def _ranked(alias: str) -> str:
    return (
        f"({alias}.updated_at, COALESCE({alias}.closed_at, '0001-01-01Z'::timestamptz), {alias}.opened_at,"
        f' {alias}.priority COLLATE "C", {alias}.subject COLLATE "C", {alias}.account_id,'
        f" COALESCE({alias}.contact_id, 0))"
    )


def _told(alias: str) -> str:
    names = ("account_id", "contact_id", "subject", "priority", "opened_at", "closed_at")
    return f"({', '.join(f'{alias}.{name}' for name in names)})"


_UPSERT = f"""
    WITH given AS (
        SELECT * FROM unnest(%(ids)s::text[], %(accounts)s::bigint[], %(contacts)s::bigint[], %(subjects)s::text[],
                             %(priorities)s::text[], %(opened)s::timestamptz[], %(closed)s::timestamptz[],
                             %(updated)s::timestamptz[])
            AS t(external_id, account_id, contact_id, subject, priority, opened_at, closed_at, updated_at)),
    before AS (
        SELECT kept.* FROM profiles_supportticket kept JOIN given ON given.external_id = kept.external_id
         WHERE kept.source = %(source)s),
    written AS (
        INSERT INTO profiles_supportticket AS ticket
               (source, external_id, account_id, contact_id, subject, priority, opened_at, closed_at, updated_at)
        SELECT %(source)s, given.* FROM given ORDER BY external_id
        ON CONFLICT (source, external_id) DO UPDATE
           SET account_id = EXCLUDED.account_id, contact_id = EXCLUDED.contact_id, subject = EXCLUDED.subject,
               priority = EXCLUDED.priority, opened_at = EXCLUDED.opened_at, closed_at = EXCLUDED.closed_at,
               updated_at = EXCLUDED.updated_at, xid = pg_current_xact_id()
         WHERE {_ranked("EXCLUDED")} > {_ranked("ticket")}
        RETURNING ticket.*, (ticket.xmax = 0) AS is_new)
    SELECT written.external_id, written.is_new,
           written.is_new OR {_told("written")} IS DISTINCT FROM {_told("before")}, before.account_id
      FROM written LEFT JOIN before ON before.external_id = written.external_id
"""  # noqa: S608  (made of constants)

_CLOSE = """
    UPDATE profiles_supportticket ticket
       SET closed_at = GREATEST(given.at, ticket.opened_at), updated_at = GREATEST(given.at, ticket.updated_at),
           xid = pg_current_xact_id()
      FROM (SELECT * FROM unnest(%s::text[], %s::timestamptz[]) AS t(external_id, at)) given
     WHERE ticket.source = %s AND ticket.external_id = given.external_id AND ticket.closed_at IS NULL
    RETURNING ticket.account_id
"""

_BUMP = """
    UPDATE profiles_account a SET revision = revision + 1
      FROM (SELECT id FROM profiles_account WHERE id = ANY(%s) ORDER BY external_id FOR NO KEY UPDATE) locked
     WHERE a.id = locked.id
"""
