from __future__ import annotations

from collections.abc import Collection

from campaigns.profiles.models import Membership


def members_of(*, account_ids: Collection[int]) -> dict[int, list[Membership]]:
    """Memberships with their contacts (neither merged nor erased), by account, in contact order. One query."""
    rows = (
        Membership.objects.filter(
            account_id__in=account_ids, contact__merged_into__isnull=True, contact__erased_at__isnull=True
        )
        .select_related("contact")
        .order_by("contact_id")
    )
    members: dict[int, list[Membership]] = {}
    for row in rows:
        members.setdefault(row.account_id, []).append(row)
    return members
