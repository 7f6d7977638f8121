"""Support tickets as the CRM keeps them: whose they are, how urgent, open or closed."""

from __future__ import annotations

from datetime import datetime

from campaigns.crm import problems
from campaigns.crm.models import SyncRun
from campaigns.profiles import tickets as profile_tickets
from campaigns.profiles.models import SupportTicket
from campaigns.usage import tickets as usage_tickets
from orchestrator.connectors import mapping
from orchestrator.connectors.contract import CrmPage, CrmRecord


def take_tickets(
    *, run: SyncRun, page: CrmPage, columns: mapping.ColumnMapping, counts: dict[str, int], now: datetime
) -> None:
    """One page, in the caller's transaction. A ticket without a company that we know is left out and counted.

    One that was archived in the CRM counts as closed.
    """
    records = []
    archived: dict[str, datetime] = {}
    for one in page.records:
        mapped = mapping.apply_mapping(columns, one.properties)
        name = str(mapped.fields.get("external_id") or one.id)
        if one.archived:
            archived[name] = one.updated_at
            continue
        problems.count_problems(run=run, mapped=mapped)
        record = _record(one, name, mapped)
        if record is None:
            problems.count_problem(run=run, words="opened_at: is missing, so the ticket is left out")
        else:
            records.append(record)
    source = run.connection.slug
    outcome = profile_tickets.upsert_tickets(source=source, records=records, now=now)
    profile_tickets.close_tickets(source=source, closed=archived, now=now)
    usage_tickets.announce_tickets(opened=outcome.opened, now=now)
    for word in ("created", "updated", "unchanged", "without_account"):
        counts[word] = counts.get(word, 0) + getattr(outcome, word)
    counts["archived"] += len(archived)


def _record(one: CrmRecord, name: str, mapped: mapping.MappedRecord) -> profile_tickets.TicketRecord | None:
    fields = mapped.fields
    if "opened_at" not in fields:
        return None
    return profile_tickets.TicketRecord(
        external_id=name,
        at=one.updated_at,
        account=str(fields.get("account") or next(iter(one.associations), "")),
        contact=next(iter(one.contacts), ""),
        opened_at=fields["opened_at"],
        closed_at=fields.get("closed_at"),
        priority=fields.get("priority", SupportTicket.Priority.NORMAL),
        subject=fields.get("subject", ""),
    )
