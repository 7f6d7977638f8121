"""A generated world in the database."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from campaigns.billing.models import Plan, Quota, Subscription
from campaigns.consent.models import ConsentRecord, ContactPoint
from campaigns.delivery.models import Message
from campaigns.profiles.models import Account, Contact, Membership, Score
from campaigns.usage.models import Meter, ThresholdCrossing, UsageDaily, UsageEvent
from tests.campaigns.segments.reference import World
from tests.campaigns.segments.worlds import NOW


class Stored:
    """Its accounts and contacts stand in the order of the world's, so that an index leads to a primary key."""

    def __init__(self, world: World, template_version_id: int, gate_id: int) -> None:
        self.world = world
        self.accounts = Account.objects.bulk_create(Account(**_columns(row), added_at=NOW) for row in world.accounts)
        self.contacts = Contact.objects.bulk_create(Contact(**_columns(row), added_at=NOW) for row in world.contacts)
        Membership.objects.bulk_create(
            Membership(account=self.accounts[a], contact=self.contacts[c], role=role) for a, c, role in world.members
        )
        self._store_billing()
        self._store_usage()
        self._store_consents()
        self._store_messages(template_version_id, gate_id)

    def _account(self, index: int | None) -> Any:
        return None if index is None else self.accounts[index].pk

    def _contact(self, index: int | None) -> Any:
        return None if index is None else self.contacts[index].pk

    def _store_billing(self) -> None:
        plans = {plan.code: plan for plan in Plan.objects.all()}
        Quota.objects.bulk_create(
            Quota(plan=plans[plan], meter=meter, limit=limit) for (plan, meter), limit in self.world.quotas.items()
        )
        Subscription.objects.bulk_create(
            Subscription(
                **_without(row, ("account", "plan")),
                account_id=self._account(row["account"]),
                plan=plans[row["plan"]],
                currency="USD",
                as_of=NOW,
            )
            for row in self.world.subscriptions
        )
        Score.objects.bulk_create(
            Score(**_without(row, ("account",)), account_id=self._account(row["account"])) for row in self.world.scores
        )

    def _store_usage(self) -> None:
        meters = {meter.code: meter for meter in Meter.objects.all()}
        UsageDaily.objects.bulk_create(
            UsageDaily(account_id=self._account(a), meter=meters[meter], day=day, value=value, last_at=NOW)
            for (a, meter, day), value in self.world.daily.items()
        )
        UsageEvent.objects.bulk_create(
            UsageEvent(
                **_without(row, ("account", "contact")),
                account_id=self._account(row["account"]),
                contact_id=self._contact(row["contact"]),
                source="test",
                message_id=str(index),
                received_at=NOW,
            )
            for index, row in enumerate(self.world.events)
        )
        ThresholdCrossing.objects.bulk_create(
            ThresholdCrossing(
                **_without(row, ("account", "meter")),
                account_id=self._account(row["account"]),
                meter=meters[row["meter"]],
                period_start=NOW.date(),
            )
            for row in self.world.crossings
        )

    def _store_consents(self) -> None:
        self.points = ContactPoint.objects.bulk_create(
            ContactPoint(channel="email", address_hash=str(one.pk).encode(), contact=one) for one in self.contacts
        )
        ConsentRecord.objects.bulk_create(
            ConsentRecord(
                **_without(row, ("contact",)),
                point=self.points[row["contact"]],
                contact_id=self._contact(row["contact"]),
                source="test",
                recorded_at=NOW,
            )
            for row in self.world.consents
        )

    def _store_messages(self, template_version_id: int, gate_id: int) -> None:
        columns = {"sent": "accepted_at"}
        Message.objects.bulk_create(
            Message(
                gate_id=gate_id,
                contact_id=self._contact(row["contact"]),
                account_id=self._account(row["account"]),
                point=self.points[row["contact"]],
                template_version_id=template_version_id,
                channel=row["channel"],
                locale="en",
                purpose=row["purpose"],
                origin_campaign=row["campaign"],
                origin_step=row["step"],
                dedupe_key=f"m{index}",
                planned_at=NOW,
                due_at=NOW,
                **{columns.get(fact, f"{fact}_at"): at for fact, at in row["facts"].items()},
            )
            for index, row in enumerate(self.world.messages)
        )


def _without(row: dict[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in keys}


def _columns(row: dict[str, Any]) -> dict[str, Any]:
    columns = _without(row, ("gone", "timezone"))
    if "timezone" in row:
        columns["time_zone"] = row["timezone"]
    return {**columns, "erased_at": NOW if row["gone"] else None}
