"""Who would read a campaign's messages, counted for the launch review: by language and country, on each channel."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db import connection

from campaigns.consent import selectors as consent
from campaigns.consent.models import ConsentTopic
from campaigns.delivery import windows
from campaigns.segments.models import Segment
from campaigns.sequences.check_audience import memberships_meant
from orchestrator.engine.country_packs import quiet_hours
from orchestrator.engine.country_packs.pack import Demand

_HASHES = {"email": "email_hash", "sms": "phone_hash"}
_LANGUAGE = "lower(split_part(replace(contact.locale, '_', '-'), '-', 1))"
_PLACES = """
SELECT DISTINCT contact.time_zone, contact.country, account.time_zone, account.country
FROM ({meant}) meant
JOIN profiles_contact contact ON contact.id = meant.contact_id
JOIN profiles_account account ON account.id = meant.account_id
"""
# Somebody of two accounts may be in two countries, if nothing but the accounts tell: they count in each, once. One key
# for a place: of four columns the planner would expect next to nobody, and look everybody up one by one.
_READERS = """
WITH place AS (
    SELECT * FROM unnest(%(keys)s::text[], %(codes)s::text[], %(asks)s::boolean[]) AS place(key, code, asks)
), person AS MATERIALIZED (
    SELECT contact.id, {language} AS language, contact.{hash} AS hash,
        concat_ws(chr(31), contact.time_zone, contact.country, account.time_zone, account.country) AS key
    FROM ({meant}) meant
    JOIN profiles_contact contact ON contact.id = meant.contact_id
    JOIN profiles_account account ON account.id = meant.account_id
    WHERE contact.erased_at IS NULL AND contact.merged_into_id IS NULL
), reader AS MATERIALIZED (
    SELECT DISTINCT person.id, person.language, place.code, place.asks, person.hash
    FROM person JOIN place ON place.key = person.key
), judged AS MATERIALIZED (
    SELECT reader.language, reader.code, reader.asks, point.id AS point,
        coalesce(point.topics ->> %(topic)s = 'GRANTED', false) AS said_yes,
        CASE WHEN reader.hash IS NULL THEN false
            WHEN point.id IS NULL THEN %(without_point)s ELSE {permitted} END AS reached
    FROM reader
    LEFT JOIN consent_contactpoint point ON point.channel = %(channel)s AND point.address_hash = reader.hash
), said AS (
    SELECT DISTINCT ON (record.point_id) record.point_id AS point, upper(record.basis) AS basis
    FROM consent_consentrecord record JOIN judged ON judged.point = record.point_id
    WHERE judged.asks AND judged.reached AND judged.said_yes AND record.topic = %(topic)s
    ORDER BY record.point_id, record.at DESC, record.state DESC, record.id DESC
)
SELECT judged.language, judged.code, count(*), count(*) FILTER (WHERE judged.reached),
    judged.asks AND judged.reached AS asked, judged.said_yes, coalesce(said.basis, '') AS basis
FROM judged LEFT JOIN said ON said.point = judged.point
GROUP BY 1, 2, 5, 6, 7
"""


@dataclass(frozen=True, slots=True)
class Readers:
    """Of one language in one country, both of two letters, empty where nobody knows. `meant`: who may be written to;
    `reached`: who could be now, by address and consent. Of those, where the country asks: `without_record` never said
    yes, `wrong_basis` did on no basis that counts there."""

    language: str
    country: str
    meant: int
    reached: int
    without_record: int = 0
    wrong_basis: int = 0


def count_readers(*, segment: Segment, roles: tuple[str, ...], channel: str, topic: str) -> list[Readers]:
    """Two statements: the places there are, and everybody by them. `channel` is email or sms."""
    rule = ConsentTopic.objects.get(slug=topic)
    meant, params = _meant(segment, roles)
    with connection.cursor() as cursor:
        cursor.execute(_PLACES.format(meant=meant), params)
        places = cursor.fetchall()
        statement = _READERS.format(
            meant=meant, language=_LANGUAGE, hash=_HASHES[channel], permitted=consent.permitted_sql(point="point")
        )
        cursor.execute(
            statement,
            {
                **params,
                **consent.permitted_params(topic=rule),
                **_as_arrays(places, channel),
                "channel": channel,
                "without_point": not rule.is_marketing or channel in rule.permitted_without_record,
            },
        )
        return _summed(cursor.fetchall(), channel)


def bases_of(*, country: str, channel: str) -> frozenset[str] | None:
    """The legal bases that count there for marketing on the channel; None where none is asked for."""
    rules = quiet_hours.pack_of(country).rules
    return next((one.bases for one in rules if one.demand == Demand.LEGAL_BASIS and channel in one.channels), None)


def _meant(segment: Segment, roles: tuple[str, ...]) -> tuple[str, dict[str, Any]]:
    rows = memberships_meant(segment=segment, roles=roles).order_by().values("contact_id", "account_id")
    sql, given = rows.query.sql_with_params()
    names = [f"meant_{place}" for place in range(len(given))]
    return sql % tuple(f"%({name})s" for name in names), dict(zip(names, given, strict=True))


def _as_arrays(places: Collection[tuple[str, ...]], channel: str) -> dict[str, list[Any]]:
    codes = [
        windows.place_of(
            contact_zone=zone, contact_country=country, account_zone=account_zone, account_country=account_country
        ).country
        for zone, country, account_zone, account_country in places
    ]
    asks = [bases_of(country=code, channel=channel) is not None for code in codes]
    return {"keys": [chr(31).join(place) for place in places], "codes": codes, "asks": asks}


def _summed(rows: Collection[tuple[Any, ...]], channel: str) -> list[Readers]:
    found: dict[tuple[str, str], Readers] = {}
    for language, country, meant, reached, asked, said_yes, basis in rows:
        known = found.get((language, country), Readers(language, country, 0, 0))
        bases = bases_of(country=country, channel=channel) or frozenset()
        found[language, country] = Readers(
            language,
            country,
            known.meant + meant,
            known.reached + reached,
            known.without_record + (reached if asked and not said_yes else 0),
            known.wrong_basis + (reached if asked and said_yes and basis not in bases else 0),
        )
    return [found[key] for key in sorted(found)]
