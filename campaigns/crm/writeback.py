"""Tell the CRM what we won and whom we call. Every write is an upsert: one whose answer was lost is simply repeated.

`next_at` is wall time and doubles as the lease of a claim: a worker that dies leaves its rows due again.

Of one record at most one request is under way: a word waits for as long as another about the same record is being
written, or has had no answer and may still be carried out. So no older word comes to stand over a newer one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection as database
from django.db import transaction
from django.db.models import F, Func, JSONField, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce

from campaigns.crm.models import CrmConnection, WriteBack
from campaigns.profiles.models import AccountAlias, ContactAlias
from orchestrator import clock
from orchestrator.connectors import registry
from orchestrator.connectors.contract import (
    NOT_ASKED,
    ConnectorError,
    ConnectorMisconfigured,
    ConnectorRefusal,
    Crm,
    DealUpsert,
    PropertyPatch,
    TaskUpsert,
)

BATCH = 100
# Longer than a batch of slow requests takes (contract.LONGEST_WRITE and an answer); what a killed worker held is taken
# up once it is settled after it.
LEASE = timedelta(seconds=45)
# A round takes no rows after that; what is left is the next one's.
LONGEST_ROUND = timedelta(seconds=30)
FIRST_RETRY_S = 30
LONGEST_RETRY_S = 3600
# About three days of hourly tries once the first hour is over.
MAX_ATTEMPTS = 75
# In the payload of what was tried and may have been written, though nobody said so: when we ceased to wait for an
# answer, in seconds of wall time.
UNANSWERED = "unanswered"
# What has had no answer for so long is carried out by now, or never will be: it is tried again no sooner.
SETTLED = timedelta(seconds=FIRST_RETRY_S)
_AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)  # due by any clock
_NO_TIME = ConnectorRefusal("Not asked: others of its batch took all the time.")
_ABOUT = Coalesce(KeyTextTransform("external_id", "payload"), KeyTextTransform("task_id", "payload"))

# What is asked for is named, so that it is asked once: inside a join PostgreSQL might ask for it again and again.
_CLAIM = """
WITH under_way AS MATERIALIZED (
    SELECT DISTINCT COALESCE(payload ->> 'external_id', payload ->> 'task_id') AS about FROM crm_writeback
    WHERE state = 'PENDING' AND connection_id = %(connection)s AND kind = %(kind)s AND (
        (attempts > 0 AND last_error = '' AND next_at > %(settled)s)
        -- What is no time that can be waited for, such as the true of an earlier version, is long ago.
        OR (payload -> 'unanswered' > to_jsonb(extract(epoch FROM %(settled)s::timestamptz))
            AND payload -> 'unanswered' <= to_jsonb(extract(epoch FROM %(lease)s::timestamptz)))
    )
), due AS MATERIALIZED (
    SELECT due.id FROM crm_writeback due
    WHERE due.state = 'PENDING' AND due.connection_id = %(connection)s AND due.kind = %(kind)s
        AND due.next_at <= %(due_by)s
        -- Looked up in a table made once, and not in a join, however few PostgreSQL believes them to be.
        AND (COALESCE(due.payload ->> 'external_id', due.payload ->> 'task_id') IN (SELECT about FROM under_way))
            IS NOT TRUE
    ORDER BY due.id LIMIT %(limit)s
    FOR UPDATE OF due SKIP LOCKED
)
UPDATE crm_writeback AS row
-- What the last try met is no news of this one, which may be written although nobody says so any more.
SET next_at = %(lease)s, attempts = row.attempts + 1, last_error = '',
    -- A lease that ran out is a try without an answer.
    payload = CASE WHEN row.attempts > 0 AND row.last_error = ''
        THEN row.payload || jsonb_build_object('unanswered', extract(epoch FROM row.next_at)) ELSE row.payload END
FROM due WHERE row.id = due.id
RETURNING row.id
"""


@dataclass(slots=True)
class Pushed:
    done: int = 0
    retried: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class _Claimed:
    id: int
    kind: str
    payload: Mapping[str, Any]
    attempts: int


def queue_write_backs(*, items: Sequence[tuple[str, str, Mapping[str, Any]]], now: datetime) -> int:
    """(kind, key, payload) for every active connection; a key that was queued before is passed over.

    Returns how many rows are new. Ring `writebacks_due` after the commit.
    """
    connections = list(CrmConnection.objects.filter(is_active=True))
    rows = [
        WriteBack(connection=one, kind=kind, key=key, payload=dict(payload), next_at=_AT_ONCE, queued_at=now)
        for one in connections
        for kind, key, payload in items
    ]
    known = set(
        WriteBack.objects.filter(connection__in=connections, key__in={key for _, key, _ in items}).values_list(
            "connection_id", "kind", "key"
        )
    )
    fresh = [row for row in rows if (row.connection_id, row.kind, row.key) not in known]
    WriteBack.objects.bulk_create(fresh, ignore_conflicts=True)
    return len(fresh)


def push_due(*, now: datetime, wall_now: datetime) -> Pushed:
    """Write what is due when this begins, at `wall_now`, at most a hundred rows a request: each row once a round, and
    opt-outs first. Each claim has its own whole lease. Never raises ConnectorError."""
    pushed, wall = Pushed(), clock.going_on(wall_now)
    connections = list(CrmConnection.objects.filter(is_active=True).order_by("id"))
    for kind, send in _SENDERS.items():
        for one in connections:
            while wall() - wall_now <= LONGEST_ROUND and (claimed := _claim(one, kind, wall_now, wall())):
                if not _push(one, claimed, send, pushed, now, wall):
                    break
    return pushed


def retry_failed(*, write_back_ids: Sequence[int]) -> int:
    """A person has mended what was wrong: FAILED rows are tried again from the start. Returns how many."""
    failed = WriteBack.objects.filter(pk__in=write_back_ids, state=WriteBack.State.FAILED)
    return failed.update(state=WriteBack.State.PENDING, attempts=0, next_at=_AT_ONCE)


def _claim(one: CrmConnection, kind: str, due_by: datetime, wall_now: datetime) -> list[_Claimed]:
    params: dict[str, Any] = {
        "connection": one.pk,
        "kind": kind,
        "due_by": due_by,
        "settled": wall_now - SETTLED,
        "lease": wall_now + LEASE,
        "limit": BATCH,
    }
    with transaction.atomic():
        # One claim at a time: two at once would not see that each takes a row about the same record.
        CrmConnection.objects.select_for_update(no_key=True).get(pk=one.pk)
        with database.cursor() as cursor:
            cursor.execute(_CLAIM, params)
            ids = [row[0] for row in cursor.fetchall()]
    rows = WriteBack.objects.filter(pk__in=ids).order_by("id")
    return [_Claimed(row.pk, row.kind, row.payload, row.attempts) for row in rows]


type _Sender = Callable[[Crm, CrmConnection, Sequence[_Claimed]], Mapping[int, str]]


def _push(
    one: CrmConnection,
    claimed: Sequence[_Claimed],
    send: _Sender,
    pushed: Pushed,
    now: datetime,
    wall: Callable[[], datetime],
) -> bool:
    """Whether the connection works: one that refuses our key would refuse the next hundred as well."""
    try:
        refused = send(registry.crm(one.kind), one, claimed)
    except ConnectorError as error:
        _put_off(one, claimed, error, pushed, wall())
        return not isinstance(error, ConnectorMisconfigured)
    _put_off(one, [row for row in claimed if refused.get(row.id) == NOT_ASKED], _NO_TIME, pushed, wall())
    _finish(one, [row for row in claimed if refused.get(row.id) != NOT_ASKED], refused, pushed, now)
    return True


@transaction.atomic
def _finish(
    one: CrmConnection, told: Sequence[_Claimed], refused: Mapping[int, str], pushed: Pushed, now: datetime
) -> None:
    held = _held(one, told, _AT_ONCE)
    unmarked = Func(F("payload"), Value(UNANSWERED), template="(%(expressions)s)", arg_joiner=" - ")
    for pk in held & refused.keys():
        row = WriteBack.objects.filter(pk=pk)
        row.update(state=WriteBack.State.FAILED, last_error=refused[pk], payload=unmarked)
        pushed.failed += 1
    done = WriteBack.objects.filter(pk__in=held - refused.keys())
    pushed.done += done.update(state=WriteBack.State.DONE, done_at=now, last_error="")


def _held(one: CrmConnection, claimed: Sequence[_Claimed], since: datetime) -> set[int]:
    """Those that are still ours. Whose lease ran out meanwhile is another's: newer words that were written since may
    have been there before ours, and are put over it, once what had no answer by `since` is settled."""
    claims = {row.id: row.attempts for row in claimed}
    rows = WriteBack.objects.filter(pk__in=claims, state=WriteBack.State.PENDING).order_by("pk").select_for_update()
    held = {pk for pk, attempts in rows.values_list("pk", "attempts") if claims[pk] == attempts}
    for row in claimed:
        about = row.payload.get("external_id") or row.payload.get("task_id")
        if row.id in held or about is None:  # of a deal there is one word only
            continue
        written = WriteBack.objects.alias(about=_ABOUT).filter(
            connection=one, kind=row.kind, about=about, pk__gt=row.id, state=WriteBack.State.DONE
        )
        # They stand there until then, as far as anybody knows.
        written.update(state=WriteBack.State.PENDING, attempts=0, next_at=since + SETTLED, payload=_marked(since))
    return held


def _marked(since: datetime) -> Func:
    """The rest of the content may have changed since we read it: somebody was forgotten."""
    mark = Value({UNANSWERED: since.timestamp()}, JSONField())
    return Func(F("payload"), mark, template="(%(expressions)s)", arg_joiner=" || ")


@transaction.atomic
def _put_off(
    one: CrmConnection, claimed: Sequence[_Claimed], error: ConnectorError, pushed: Pushed, wall_now: datetime
) -> None:
    """The CRM took none of them: busy, or a refusal that concerns the connection (a wrong key), not one row. That one
    is ours to mend, so it gives up none of them, however long it takes. What had no answer may stand there all the
    same, and is marked so."""
    held = _held(one, claimed, wall_now)
    payload = F("payload") if error.permanent else _marked(wall_now)
    for row in claimed:
        if row.id not in held:
            continue
        wait = _wait_s(row.attempts, error)
        is_over = row.attempts >= MAX_ATTEMPTS and not isinstance(error, ConnectorMisconfigured)
        WriteBack.objects.filter(pk=row.id).update(
            state=WriteBack.State.FAILED if is_over else WriteBack.State.PENDING,
            next_at=wall_now + timedelta(seconds=wait),
            last_error=str(error),
            payload=payload,
        )
        pushed.failed += is_over
        pushed.retried += not is_over


def _wait_s(attempts: int, error: ConnectorError) -> float:
    doubled = FIRST_RETRY_S * 2 ** min(max(attempts - 1, 0), 10)
    return float(max(min(doubled, LONGEST_RETRY_S), error.retry_after_s or 0))


def _send_deals(crm: Crm, one: CrmConnection, rows: Sequence[_Claimed]) -> Mapping[int, str]:
    companies = _crm_ids(AccountAlias, one, {row.payload["account"] for row in rows})
    contacts = _crm_ids(ContactAlias, one, {row.payload["contact"] for row in rows if row.payload.get("contact")})
    deals = {
        row.id: DealUpsert(
            conversion_id=row.payload["conversion_id"],
            name=row.payload["name"],
            amount=Decimal(row.payload["amount"]),
            currency=row.payload["currency"],
            closed_at=datetime.fromisoformat(row.payload["closed_at"]),
            company_id=companies[row.payload["account"]],
            contact_id=contacts.get(row.payload.get("contact") or ""),
            properties=row.payload.get("properties", {}),
        )
        for row in rows
        if row.payload["account"] in companies
    }
    reasons = crm.upsert_deals(list(deals.values())) if deals else {}
    refused = {key: reasons[deal.conversion_id] for key, deal in deals.items() if deal.conversion_id in reasons}
    return refused | _strangers(rows, deals)


def _send_tasks(crm: Crm, one: CrmConnection, rows: Sequence[_Claimed]) -> Mapping[int, str]:
    rows = _not_replaced(one, rows)
    companies = _crm_ids(AccountAlias, one, {row.payload["account"] for row in rows})
    contacts = _crm_ids(ContactAlias, one, {row.payload["contact"] for row in rows if row.payload.get("contact")})
    tasks = {
        row.id: TaskUpsert(
            task_id=row.payload["task_id"],
            title=row.payload["title"],
            body=row.payload["body"],
            due_at=datetime.fromisoformat(row.payload["due_at"]),
            state=row.payload["state"],
            outcome=row.payload["outcome"],
            company_id=companies[row.payload["account"]],
            contact_id=contacts.get(row.payload.get("contact") or ""),
        )
        for row in rows
        if row.payload["account"] in companies
    }
    reasons = crm.upsert_tasks(list(tasks.values())) if tasks else {}
    refused = {key: reasons[task.task_id] for key, task in tasks.items() if task.task_id in reasons}
    return refused | _strangers(rows, tasks)


def _not_replaced(one: CrmConnection, rows: Sequence[_Claimed]) -> list[_Claimed]:
    """A try that comes late must not open a task again that a newer write-back has closed."""
    later = WriteBack.objects.filter(
        connection=one,
        kind=WriteBack.Kind.TASK,
        pk__gte=min(row.id for row in rows),
        payload__task_id__in=[row.payload["task_id"] for row in rows],
    )
    newest = dict(later.order_by("pk").values_list("payload__task_id", "pk"))
    return [row for row in rows if newest.get(row.payload["task_id"], row.id) == row.id]


def _send_properties(kind: str, alias: type[AccountAlias] | type[ContactAlias]) -> _Sender:
    def send(crm: Crm, one: CrmConnection, rows: Sequence[_Claimed]) -> Mapping[int, str]:
        crm_ids = _crm_ids(alias, one, {row.payload["external_id"] for row in rows})
        later = _said_later(one, kind, rows)
        known = {row.id: row for row in rows if row.payload["external_id"] in crm_ids}
        patches = {}
        for row in known.values():
            said = {name: word for name, word in row.payload["properties"].items() if name not in later[row.id]}
            if said:
                patches[row.id] = PropertyPatch(kind=kind, crm_id=crm_ids[row.payload["external_id"]], properties=said)
        reasons = crm.patch_properties(list(patches.values())) if patches else {}
        refused = {key: reasons[patch.crm_id] for key, patch in patches.items() if patch.crm_id in reasons}
        return refused | _strangers(rows, known)

    return send


def _said_later(one: CrmConnection, kind: str, rows: Sequence[_Claimed]) -> Mapping[int, set[str]]:
    """Names of the properties that a newer write-back of the same record has written: a try that comes late must not
    put its older word over them. One that is still to be written comes after this one: see `_CLAIM`."""
    newer = WriteBack.objects.filter(
        connection=one,
        kind=WriteBack.Kind.ACCOUNT_STATUS if kind == "account" else WriteBack.Kind.CONTACT_STATUS,
        pk__gt=min(row.id for row in rows),
        payload__external_id__in={row.payload["external_id"] for row in rows},
        state=WriteBack.State.DONE,
    )
    said = list(newer.values_list("pk", "payload__external_id", "payload__properties"))
    return {
        row.id: {
            name for pk, owner, words in said if pk > row.id and owner == row.payload["external_id"] for name in words
        }
        for row in rows
    }


def _crm_ids(
    alias: type[AccountAlias] | type[ContactAlias], one: CrmConnection, external_ids: set[str]
) -> dict[str, str]:
    """The connection's id of each of our external ids that it knows; the first linked of several."""
    owner = "account" if alias is AccountAlias else "contact"
    rows = alias.objects.filter(source=one.slug, **{f"{owner}__external_id__in": external_ids}).order_by("-id")
    return dict(rows.values_list(f"{owner}__external_id", "value"))


def _strangers(rows: Sequence[_Claimed], known: Mapping[int, object]) -> dict[int, str]:
    words = "The CRM has no record of this account or contact that we know of: sync it, then try again."
    return {row.id: words for row in rows if row.id not in known}


# An opt-out goes before everything else.
_SENDERS: Mapping[str, _Sender] = {
    WriteBack.Kind.CONTACT_STATUS: _send_properties("contact", ContactAlias),
    WriteBack.Kind.DEAL: _send_deals,
    WriteBack.Kind.ACCOUNT_STATUS: _send_properties("account", AccountAlias),
    WriteBack.Kind.TASK: _send_tasks,
}
