"""What the outside systems of record tell us and what we tell them, in our own words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Protocol


@dataclass(frozen=True, slots=True)
class CrmRecord:
    """One CRM object as it came. `kind` is account, contact or ticket; property values are text or None.

    `associations` are the ids of the companies of a contact or ticket, `contacts` those of a ticket's people,
    the primary one first. `updated_at` is UTC.
    """

    kind: str
    id: str
    properties: Mapping[str, str | None]
    updated_at: datetime
    archived: bool = False
    associations: Sequence[str] = ()
    contacts: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class CrmPage:
    """One committed step of a pull; `watermark` is what to store once these are committed."""

    records: Sequence[CrmRecord]
    watermark: datetime | None


@dataclass(frozen=True, slots=True)
class PropertyPatch:
    """An idempotent upsert of our own properties on a CRM object found by its CRM id."""

    kind: str
    crm_id: str
    properties: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DealUpsert:
    """A won upsell. `conversion_id` is the unique key in the CRM: writing twice changes nothing."""

    conversion_id: str
    name: str
    amount: Decimal
    currency: str
    closed_at: datetime
    company_id: str
    contact_id: str | None = None
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TaskUpsert:
    """A call that somebody is to make. `task_id` is the unique key in the CRM: writing twice changes nothing.

    `state` OPEN, DONE or CANCELLED; `outcome` is a word of ours where it is DONE. `body` is plain text.
    """

    task_id: str
    title: str
    body: str
    due_at: datetime
    state: str
    outcome: str
    company_id: str
    contact_id: str | None = None


@dataclass(frozen=True, slots=True)
class SubscriptionState:
    """A billing subscription at one moment. `mrr` is in `currency`, two decimals; times are UTC.

    `plan_code` is '' when the price names no plan of ours: the caller parks it and says so.
    """

    external_id: str
    customer_id: str
    account_external_id: str
    plan_code: str
    status: str
    currency: str
    interval: str
    quantity: int
    mrr: Decimal
    started_at: datetime
    ended_at: datetime | None
    renews_at: datetime | None
    trial_ends_at: datetime | None
    cancel_scheduled: bool
    item_id: str
    price_id: str
    as_of: datetime
    # The price's own name, which moves to another when it is raised; '' where the price names its plan.
    price_key: str = ""


@dataclass(frozen=True, slots=True)
class ListPrice:
    """What billing asks, in one currency, for so many units: `monthly` before discounts and tax, two decimals, None
    where it depends on use; charged each MONTH or YEAR, `interval` is empty where it is another time."""

    id: str
    currency: str
    monthly: Decimal | None
    interval: str


@dataclass(frozen=True, slots=True)
class BillingEvent:
    """One verified billing webhook; `subscription` is None for kinds that carry none."""

    id: str
    kind: str
    at: datetime
    subscription: SubscriptionState | None
    raw: Mapping[str, Any]


class ConnectorError(Exception):
    """An outside system of record said no or said nothing."""

    permanent: ClassVar[bool]

    def __init__(self, detail: str, *, code: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code
        self.retry_after_s = retry_after_s


class ConnectorRefusal(ConnectorError):
    """A definite no that a retry will not change: a declined card, an unknown property, a bad request."""

    permanent = True


class ConnectorMisconfigured(ConnectorRefusal):
    """A no that is ours: a wrong key, a permission that lacks, a price that is not there. It would hit everybody, and
    each call is good once a person has mended it: what was asked for waits and is never given up."""


class ConnectorBusy(ConnectorError):
    """Rate limit, time-out, 5xx: try again later. Every write is an upsert, so again is safe."""

    permanent = False


# No request of a write to a CRM begins later after the first.
LONGEST_WRITE = timedelta(seconds=30)
# The reason of those that there was no time left to ask for, or to link. Ask again.
NOT_ASKED = ""


class Crm(Protocol):
    """What is written one by one after all, because one of them was refused, may end before its end: see NOT_ASKED."""

    kind: str

    def pull(self, *, kind: str, properties: Sequence[str], since: datetime | None) -> Iterator[CrmPage]:
        """Oldest change first; `since` None means everything. Raises ConnectorError."""
        ...

    def set_up(self) -> list[str]:
        """Create our own properties where they lack; returns what was created."""
        ...

    def patch_properties(self, patches: Sequence[PropertyPatch]) -> Mapping[str, str]:
        """Returns {crm_id: reason} for those refused one by one; the rest is written."""
        ...

    def upsert_deals(self, deals: Sequence[DealUpsert]) -> Mapping[str, str]:
        """Returns {conversion_id: reason} for those refused one by one; the rest is written."""
        ...

    def upsert_tasks(self, upserts: Sequence[TaskUpsert]) -> Mapping[str, str]:
        """Returns {task_id: reason} for those refused one by one; the rest is written."""
        ...


class Billing(Protocol):
    kind: str

    def change_plan(
        self, *, subscription_id: str, item_id: str, price_id: str, quantity: int, idempotency_key: str
    ) -> SubscriptionState:
        """Change the one item of a subscription, prorated. The same key changes it once."""
        ...

    def fetch_subscription(self, *, subscription_id: str) -> SubscriptionState: ...

    def list_subscriptions(self) -> Iterator[SubscriptionState]:
        """All of them, ended ones too: the nightly reconciliation reads this."""
        ...

    def find_price(self, *, lookup_key: str, currency: str, quantity: int) -> ListPrice | None:
        """The active price with this key; in its own currency where it has none in `currency`. None: there is none."""
        ...

    def read_price(self, *, price_id: str, currency: str, quantity: int) -> ListPrice | None:
        """The price with this id, while it is active."""
        ...
