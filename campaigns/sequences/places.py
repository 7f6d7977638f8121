"""Where each of a campaign's audience is, in exactly one place; the audience is counted from those who are in it, the
places from what was written about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef

from campaigns.consent import selectors as consent
from campaigns.profiles.models import Contact
from campaigns.segments import parse
from campaigns.sequences import campaign_file, recipients
from campaigns.sequences.campaign_file import BY_SEGMENT
from campaigns.sequences.models import Campaign, Enrolment, Entry

# Behind those of Entry.Reason, in the same list of why somebody does not start.
NOT_YET, NO_ACCOUNT, HELD_OUT, NOT_CHOSEN = "not_yet", "no_account", "holdout", "not_chosen"
# Not chosen because one of the enrolled has the same address: one person reads it, and gets it once.
SAME_ADDRESS = "same_address"

# An account that was taken in stays so when a later entry is kept out by the re-entry rule.
_PLACES = """
best AS (
    SELECT DISTINCT ON (account_id) account_id,
        CASE WHEN outcome = 'NOT_ENROLLED' THEN reason ELSE lower(outcome) END AS place
    FROM sequences_entry WHERE campaign_id = %(campaign)s
    ORDER BY account_id, outcome = 'NOT_ENROLLED', number DESC
)
"""

_ACCOUNTS = f"""
WITH {_PLACES}, audience AS (
    SELECT account_id FROM best
    UNION
    SELECT account_id FROM segments_segmentmembership
    WHERE segment_id = %(segment)s AND left_at IS NULL AND account_id IS NOT NULL
)
SELECT coalesce(place, '{NOT_YET}'), count(*) FROM audience LEFT JOIN best USING (account_id) GROUP BY 1 ORDER BY 1
"""  # noqa: S608

_CONTACTS = f"""
WITH {_PLACES}, faulty AS (
    SELECT stay.contact_id FROM sequences_entry entry
    JOIN segments_segmentmembership stay ON stay.id = entry.stay_id
    WHERE entry.campaign_id = %(campaign)s AND entry.reason = 'fault' AND stay.contact_id IS NOT NULL
        AND NOT EXISTS (SELECT FROM sequences_entry later WHERE later.campaign_id = entry.campaign_id
            AND later.account_id = entry.account_id AND later.stay_id = stay.id AND later.number > entry.number)
), audience AS (
    SELECT contact_id FROM sequences_enrolment WHERE campaign_id = %(campaign)s
    UNION
    SELECT contact_id FROM segments_segmentmembership
    WHERE segment_id = %(segment)s AND left_at IS NULL AND contact_id IS NOT NULL
)
SELECT audience.contact_id, CASE
    WHEN EXISTS (SELECT FROM sequences_enrolment enrolment WHERE enrolment.campaign_id = %(campaign)s
        AND enrolment.contact_id = audience.contact_id) THEN 'enrolled'
    WHEN NOT EXISTS (SELECT FROM profiles_membership home WHERE home.contact_id = audience.contact_id)
        THEN '{NO_ACCOUNT}'
    ELSE coalesce((
        SELECT CASE WHEN best.place <> 'enrolled' THEN best.place
            WHEN audience.contact_id IN (SELECT contact_id FROM faulty) THEN 'fault' ELSE '{NOT_CHOSEN}' END
        FROM profiles_membership home JOIN best USING (account_id) WHERE home.contact_id = audience.contact_id
        ORDER BY best.place <> 'holdout', best.place <> 'enrolled', best.place LIMIT 1
    ), '{NOT_YET}') END
FROM audience
"""  # noqa: S608


def place_accounts(*, campaign: Campaign) -> dict[str, Any]:
    """{"audience", "enrolled", "holdout", "not_enrolled": {reason: n}}: everybody who entered and, while the campaign
    runs over a segment, everybody in it. `not_yet`: in the audience, and nothing is written about them."""
    with connection.cursor() as cursor:
        cursor.execute(_ACCOUNTS, {"campaign": campaign.pk, "segment": _segment(campaign)})
        places = dict(cursor.fetchall())
    return {
        "audience": sum(places.values()),
        "holdout": places.pop("holdout", 0),
        "enrolled": places.pop("enrolled", 0),
        "not_enrolled": places,
    }


def place_contacts(*, campaign: Campaign) -> dict[str, Any]:
    """The same of contacts, where they are the audience; else those who were enrolled and no more."""
    with connection.cursor() as cursor:
        segment = _segment(campaign) if _is_of_contacts(campaign) else None
        cursor.execute(_CONTACTS, {"campaign": campaign.pk, "segment": segment})
        found = cursor.fetchall()
    places: dict[str, int] = {}
    for _contact, place in found:
        places[place] = places.get(place, 0) + 1
    if places.get(NOT_CHOSEN):
        _explain_not_chosen(campaign, sorted(contact for contact, place in found if place == NOT_CHOSEN), places)
    kept_out = {place: number for place, number in sorted(places.items()) if number and place != "enrolled"}
    return {"audience": len(found), "enrolled": places.get("enrolled", 0), "not_enrolled": kept_out}


def _explain_not_chosen(campaign: Campaign, contact_ids: Sequence[int], places: dict[str, int]) -> None:
    """Those among them who may not be written to by the first message's channel now, and those whose address another
    one has who was chosen."""
    assert campaign.live_version is not None, "Only a launched campaign enrols."
    spec = campaign_file.parse(campaign.live_version.definition)
    first = next(iter(spec.message_steps()), None)
    if first is None:
        return
    reached = consent.reachable_contacts(contact_ids=contact_ids, channel=first.channel, topic=spec.topic)
    barred = len(contact_ids) - len(reached)
    doubled = _with_an_address_inside(campaign, first.channel, sorted(reached))
    places[NOT_CHOSEN] -= barred + doubled
    places[Entry.Reason.NO_REACHABLE_CONTACT.value] = places.get(Entry.Reason.NO_REACHABLE_CONTACT, 0) + barred
    places[SAME_ADDRESS] = doubled


def _with_an_address_inside(campaign: Campaign, channel: str, contact_ids: Sequence[int]) -> int:
    column = recipients.HASHES.get(channel)
    if column is None:
        return 0
    chosen = Enrolment.objects.filter(campaign=campaign, **{f"contact__{column}": OuterRef(column)})
    return Contact.objects.filter(Exists(chosen), pk__in=contact_ids).count()


def _segment(campaign: Campaign) -> int | None:
    """The audience that others may still come from; None where nobody comes in by being in it."""
    if campaign.status not in (Campaign.Status.LIVE, Campaign.Status.PAUSED) or campaign.live_version is None:
        return None
    brings_in = campaign_file.read_entry(campaign.live_version.definition).by == BY_SEGMENT
    return campaign.segment_id if brings_in else None


def _is_of_contacts(campaign: Campaign) -> bool:
    if campaign.segment is None or campaign.segment.live_version is None:
        return False
    return parse.as_definition(campaign.segment.live_version.definition).subject == "contact"
