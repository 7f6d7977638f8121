"""Opt-outs between the CRM and us, in both directions.

A no in the CRM is believed for as long as it stands there. What we know stands in one property of the CRM's contact:
the channels on which the person wants no marketing, or nothing. Where that names one that we do not know of, as after a
restore, it is believed like any other no, unless we have said so ourselves: a value of ours that waits to be replaced
is no word of theirs, whatever else of the record has changed meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Max

from campaigns.consent import opt_out, points
from campaigns.consent import selectors as consent
from campaigns.consent.models import ConsentRecord, ContactPoint
from campaigns.crm import payloads, told, writeback
from campaigns.crm.models import CrmConnection, WriteBack
from campaigns.profiles.models import Contact, ContactAlias
from orchestrator.connectors import registry
from orchestrator.connectors.contract import CrmRecord

PROPERTY = "upsell_opt_out"
SOURCE = "crm"
# Of somebody erased the addresses are gone, and what they stood for is not.
_EVERYTHING = "email;in_app;sms"


@dataclass(frozen=True, slots=True)
class CrmNo:
    """The CRM says that the contact gets nothing on the channel any more. `at`: when the record last changed."""

    contact_id: int
    channel: str
    record: str
    at: datetime


@dataclass(slots=True)
class Compared:
    read: int = 0
    taken: int = 0
    told_again: int = 0


def take_opt_outs(*, connection: CrmConnection, noes: Sequence[CrmNo], now: datetime) -> int:
    """Each is in force when this returns; returns how many were new. A yes that the person gave here after the CRM's
    record last changed stands. Of a dead address it is kept too: the person may get another."""
    contacts = Contact.objects.in_bulk({one.contact_id for one in noes})
    taken = 0
    for channel in sorted({one.channel for one in noes}):
        owners = [contacts[pk] for pk in sorted({one.contact_id for one in noes if one.channel == channel})]
        made = points.ensure_points(contacts=owners, channel=channel)
        yeses = _newest_yeses([point.pk for point in made.values()])
        wanted = [(one, made[one.contact_id]) for one in noes if one.channel == channel and one.contact_id in made]
        opt_out.lock_reached(point_ids=[point.pk for _, point in wanted if not _has_said_no(point)])
        for one, point in wanted:
            said_yes = yeses.get(point.pk)
            if _has_said_no(point) or (said_yes is not None and said_yes > one.at):
                continue
            opt_out.opt_out(
                point_id=point.pk,
                source=SOURCE,
                evidence={"connection": connection.slug, "record": one.record},
                at=min(one.at, now),
                now=now,
            )
            taken += 1
    return taken


def _has_said_no(point: ContactPoint) -> bool:
    return point.is_blocked and point.reason != ContactPoint.Reason.BOUNCED


def standing(*, contact_ids: Sequence[int]) -> dict[int, str]:
    """What the CRM is to say of each: the channels without any marketing, `email;sms`, or empty. Not that an address is
    dead: that is no will of theirs, and would outlive the address there."""
    contacts = list(Contact.objects.filter(pk__in=contact_ids))
    found = consent.points_of(contacts=contacts)
    said = {pk: ";".join(sorted({one.channel for one in rows if _has_said_no(one)})) for pk, rows in found.items()}
    return said | {one.pk: _EVERYTHING for one in contacts if one.erased_at}


def compare_opt_outs(*, connection: CrmConnection, now: datetime) -> Compared:
    """Read what the CRM says of every contact that it knows as ours; take the noes that we lack, and queue a
    write-back where it still is not what we say. Raises ConnectorError."""
    compared = Compared()
    since = told.remember(connection=connection)
    for page in registry.crm(connection.kind).pull(kind="contact", properties=[PROPERTY], since=None):
        compared.read += len(page.records)
        _compare(connection, {one.id: one for one in page.records if not one.archived}, since, now, compared)
        since = told.remember(connection=connection)  # before the next is read
    return compared


def _compare(
    connection: CrmConnection, records: Mapping[str, CrmRecord], since: told.Moment, now: datetime, compared: Compared
) -> None:
    aliases = ContactAlias.objects.filter(source=connection.slug, value__in=list(records))
    linked = list(aliases.values_list("value", "contact_id", "contact__external_id").order_by("pk"))
    ids = [contact_id for _, contact_id, _ in linked]
    ours = standing(contact_ids=ids)
    lacking = _noes_of_theirs(connection, records, linked, ours, since)
    if lacking:
        with transaction.atomic():
            compared.taken += take_opt_outs(connection=connection, noes=lacking, now=now)
        ours = standing(contact_ids=ids)
    wrong = [
        (external_id, ours[contact_id])
        for crm_id, contact_id, external_id in linked
        if contact_id in ours and _said(records[crm_id]) != ours[contact_id]
    ]
    items = [
        (
            WriteBack.Kind.CONTACT_STATUS,
            f"compare:{external_id[:80]}:{now:%Y%m%d}",
            payloads.status_payload(external_id=external_id, properties={PROPERTY: said}),
        )
        for external_id, said in wrong
    ]
    compared.told_again += writeback.queue_write_backs(items=items, now=now) if items else 0


def _noes_of_theirs(
    connection: CrmConnection,
    records: Mapping[str, CrmRecord],
    linked: Sequence[tuple[str, int, str]],
    ours: Mapping[int, str],
    since: told.Moment,
) -> list[CrmNo]:
    """What the CRM says, we lack, and did not say ourselves."""
    lacking = {
        crm_id: _channels(_said(records[crm_id])) - _channels(ours.get(contact_id, _EVERYTHING))
        for crm_id, contact_id, _ in linked
    }
    asked = {external_id for crm_id, _, external_id in linked if lacking[crm_id]}
    own = told.values_told(connection=connection, external_ids=asked, name=PROPERTY, since=since) if asked else {}
    return [
        CrmNo(contact_id, channel, crm_id, records[crm_id].updated_at)
        for crm_id, contact_id, external_id in linked
        for channel in sorted(lacking[crm_id] - _channels(";".join(own.get(external_id, ()))))
    ]


def _said(record: CrmRecord) -> str:
    return record.properties.get(PROPERTY) or ""


def _channels(said: str) -> set[str]:
    """Whatever else somebody wrote into the property names no channel."""
    return set(said.split(";")) & set(_EVERYTHING.split(";"))


def _newest_yeses(point_ids: Sequence[int]) -> Mapping[int, datetime]:
    own = ConsentRecord.objects.filter(point_id__in=point_ids, state=ConsentRecord.State.GRANTED).exclude(source=SOURCE)
    return dict(own.values_list("point_id").annotate(newest=Max("at")))
