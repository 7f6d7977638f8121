"""Every night: does the provider's list say what ours says? Reports get lost; a no may not.

What they have and we have not is a no here. What we have and they have not is told again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched

from campaigns.consent import opt_out, points, push
from campaigns.consent.models import ConsentRecord, ContactPoint, ListEntry
from campaigns.profiles import addresses
from orchestrator.channels import suppressions
from orchestrator.channels.suppressions import Listed, ListedAs, SuppressionList

_BATCH = 500
_REASONS = {
    ListedAs.UNSUBSCRIBED: ContactPoint.Reason.UNSUBSCRIBED,
    ListedAs.COMPLAINED: ContactPoint.Reason.COMPLAINED,
    ListedAs.BAD_ADDRESS: ContactPoint.Reason.BOUNCED,
}
_BY_A_PERSON = frozenset({ListedAs.UNSUBSCRIBED, ListedAs.COMPLAINED})


@dataclass(slots=True)
class Compared:
    """`taken`: a no of theirs that was new to us. `told_again`: a no of ours that was not there. `removed`: one of
    theirs that the person has taken back since, to be taken off there."""

    read: int = 0
    taken: int = 0
    told_again: int = 0
    removed: int = 0


def compare_lists(*, channel: str, now: datetime) -> Compared | None:
    """None where the provider has no list, or one that cannot be read. Raises ChannelError before or between
    batches: what was taken stands, and the next night goes on."""
    outside = suppressions.get(channel)
    if outside is None or not outside.can_be_read:
        return None
    compared = Compared()
    push.note_missing(channel=channel, now=now)
    theirs: set[bytes] = set()
    for some in batched(outside.read(), _BATCH):
        compared.read += len(some)
        theirs |= _take(outside, channel, some, compared, now)
    compared.told_again = _tell_missing(channel, theirs, now)
    return compared


def _take(
    outside: SuppressionList, channel: str, listed: Sequence[Listed], compared: Compared, now: datetime
) -> set[bytes]:
    """The hashes on their list that keep marketing away."""
    by_hash = {value: one for one in listed for value in addresses.hashes_of(one.address)}
    known = ContactPoint.objects.filter(channel=channel, address_hash__in=list(by_hash))
    found = {bytes(point.address_hash): point for point in known.select_related("list_entry")}
    for value, one in by_hash.items():
        point = found.get(value)
        if point is not None and _is_settled(point, one):
            continue
        if point is not None and _is_taken_back(point, one, now):
            compared.removed += _take_off(point, now)
            continue
        compared.taken += _take_no(outside, channel, value, one, now)
    return {value for value, one in by_hash.items() if one.listed_as in _BY_A_PERSON}


def _is_settled(point: ContactPoint, one: Listed) -> bool:
    """We know already, as strong or stronger; or have told them that it is over and they have yet to take it in."""
    if point.is_blocked:
        return opt_out.is_covered(reason=_REASONS[one.listed_as], point=point)
    entry: ListEntry | None = getattr(point, "list_entry", None)
    return (
        one.listed_as is ListedAs.UNSUBSCRIBED
        and entry is not None
        and not entry.is_wanted
        and entry.state != ListEntry.State.DONE
    )


def _is_taken_back(point: ContactPoint, one: Listed, now: datetime) -> bool:
    """Whether the person said yes by their own hand after this entry was made. Nobody gives a dead mailbox back."""
    if one.listed_as not in _BY_A_PERSON:
        return False
    yes = ConsentRecord.objects.filter(point=point, state=ConsentRecord.State.GRANTED, at__gt=one.at or now)
    return yes.exclude(source__in=ConsentRecord.REPORTED).exists()


def _take_off(point: ContactPoint, now: datetime) -> int:
    entry, is_new = ListEntry.objects.get_or_create(
        point=point, defaults={"is_wanted": False, "next_at": push.AT_ONCE, "changed_at": now}
    )
    return 1 if is_new else push.tell_again(point_ids=[entry.point_id], now=now)


def _take_no(outside: SuppressionList, channel: str, value: bytes, one: Listed, now: datetime) -> bool:
    reason = _REASONS[one.listed_as]
    at = min(one.at or now, now)
    point = points.ensure_point_of_address(channel=channel, address_hash=value)
    return opt_out.opt_out(
        point_id=point.pk,
        reason=reason,
        source=f"{outside.provider}:list",
        evidence={"listed_as": one.listed_as.value},
        at=at,
        now=now,
        all_channels=reason == ContactPoint.Reason.COMPLAINED,
        dedupe_key=f"{outside.provider}:list:{one.listed_as.value}:{at:%Y%m%dT%H%M%S}",
    )


def _tell_missing(channel: str, theirs: Iterable[bytes], now: datetime) -> int:
    wanted = ListEntry.objects.filter(
        point__channel=channel, is_wanted=True, state=ListEntry.State.DONE, last_error="", changed_at__lt=now
    )
    on_list = set(theirs)
    rows = wanted.values_list("point_id", "point__address_hash").iterator(chunk_size=5000)
    missing = [point_id for point_id, value in rows if bytes(value) not in on_list]
    return sum(push.tell_again(point_ids=some, now=now) for some in batched(missing, _BATCH))
