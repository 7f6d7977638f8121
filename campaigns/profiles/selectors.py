from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal

from django.db.models import Q

from campaigns.profiles.models import Membership, SupportTicket

# The published band 0-35 of a health score from 0 to 100: nobody sells to an account in the red.
HEALTHY_FROM = Decimal(36)


def members_of(*, account_ids: Collection[int]) -> dict[int, list[Membership]]:
    """Memberships with their contacts (neither merged nor erased), by account, in contact order. One query."""
    rows = (
        Membership.objects.filter(
            account_id__any=account_ids, contact__merged_into__isnull=True, contact__erased_at__isnull=True
        )
        .select_related("contact")
        .order_by("contact_id")
    )
    members: dict[int, list[Membership]] = {}
    for row in rows:
        members.setdefault(row.account_id, []).append(row)
    return members


def accounts_in_trouble(*, account_ids: Collection[int], now: datetime) -> set[int]:
    """Those with an open ticket of priority HIGH or URGENT: nobody sells to them until it is closed."""
    rows = SupportTicket.objects.filter(
        Q(closed_at__isnull=True) | Q(closed_at__gt=now),
        account_id__any=account_ids,
        priority__in=SupportTicket.CRITICAL,
        opened_at__lte=now,
    )
    return set(rows.values_list("account_id", flat=True))


def is_red_sql(*, account: str) -> str:
    """Whether the newest health score of a row of accounts, as of %(now)s, is one that nobody sells to."""
    return f"""coalesce((
    SELECT score.value FROM profiles_score score
    WHERE score.account_id = {account}.id AND score.kind = 'health' AND score.at <= %(now)s
    ORDER BY score.at DESC, score.id DESC LIMIT 1
) < {HEALTHY_FROM}, false)"""  # noqa: S608  (a table's alias and a constant)
