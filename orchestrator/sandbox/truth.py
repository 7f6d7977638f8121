"""What was really going on: each account's latent number, what reached it, what it did, what that was worth.

Two sums are reported. `incremental_mrr` is the model's expectation given who was exposed: uplift ×
ΔMRR, where an account that had not yet upgraded by itself counts with the chance it then had.
`incremental_mrr_realised` counts the accounts that upgraded and would not have without the
message. Both are per month, in the reporting currency.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from orchestrator.sandbox.catalogue import PLAN_ABOVE, PRICE_OF, Price
from orchestrator.sandbox.company import Account
from orchestrator.sandbox.world import COLD, GATED, GROWING, SEGMENTS_OF_CAMPAIGN, Wording, World

SMALLEST_SEAT_CONTRACT = 30


@dataclass(slots=True)
class AccountTruth:
    """`delta` is what the next plan adds per month, in the reporting currency."""

    account_id: str
    segment: str
    u: float
    organic_chance: float
    organic_after: timedelta
    organic_through_link: bool
    next_price: Price | None
    delta: Decimal
    wording: str | None = None
    mail_uplift: float = 0.0
    exposed_at: datetime | None = None
    banner_uplift: float = 0.0
    banner_at: datetime | None = None
    sms_uplift: float = 0.0
    sms_at: datetime | None = None
    accepted_at: datetime | None = None
    upgraded_at: datetime | None = None
    upgraded_by: str | None = None
    realised_delta: Decimal = Decimal(0)

    @property
    def upgrades_unasked(self) -> bool:
        return self.u < self.organic_chance

    @property
    def cause(self) -> str | None:
        """organic, mail, banner, sms or None: what makes this account upgrade, given what reached it so far."""
        edge = self.organic_chance
        if self.u < edge:
            return "organic"
        if self.u < edge + self.mail_uplift:
            return "mail"
        if self.u < edge + self.mail_uplift + self.banner_uplift:
            return "banner"
        return "sms" if self.u < edge + self.mail_uplift + self.banner_uplift + self.sms_uplift else None


class Truth:
    """The book of latent data and events; safe from any thread."""

    def __init__(self, *, world: World, accounts: Iterable[Account]) -> None:
        self.world = world
        self.started_at: datetime | None = None
        self._lock = threading.RLock()
        self.accounts = {account.external_id: _latent(account, world) for account in accounts}

    def begin(self, *, at: datetime) -> bool:
        """False when the world had begun before."""
        with self._lock:
            if self.started_at is not None:
                return False
            self.started_at = at
            return True

    def record_mail(self, *, account_id: str, wording: Wording | None, at: datetime) -> bool:
        """The first recognised wording counts, unless the account has upgraded. True if this was it."""
        with self._lock:
            state = self.accounts.get(account_id)
            if state is None or wording is None or state.wording or state.upgraded_at:
                return False
            state.wording, state.exposed_at = wording.name, at
            state.mail_uplift = wording.uplift.get(state.segment, 0.0) if state.next_price else 0.0
            return True

    def record_banner(self, *, account_id: str, at: datetime) -> bool:
        with self._lock:
            state = self.accounts.get(account_id)
            if state is None or state.banner_at or state.upgraded_at:
                return False
            state.banner_at = at
            state.banner_uplift = self.world.banner_uplift.get(state.segment, 0.0) if state.next_price else 0.0
            return True

    def record_sms(self, *, account_id: str, at: datetime) -> bool:
        """The first text message that arrives counts, unless the account has upgraded. True if this was it."""
        with self._lock:
            state = self.accounts.get(account_id)
            if state is None or state.sms_at or state.upgraded_at:
                return False
            state.sms_at = at
            state.sms_uplift = self.world.sms_uplift.get(state.segment, 0.0) if state.next_price else 0.0
            return True

    def record_acceptance(self, *, account_id: str, at: datetime) -> None:
        with self._lock:
            self.accounts[account_id].accepted_at = at

    def record_change(self, *, account_id: str, native_delta: Decimal, currency: str, at: datetime, by: str) -> None:
        """A subscription's MRR moved; `by` is product or customer. Only the first rise is the upgrade."""
        with self._lock:
            state = self.accounts.get(account_id)
            if state is None or native_delta <= 0 or state.upgraded_at:
                return
            state.upgraded_at, state.upgraded_by = at, by
            state.realised_delta = native_delta * self.world.rates[currency]

    def report(self, *, with_accounts: bool = True) -> dict[str, Any]:
        """JSON-ready; money as numbers of two decimals."""
        with self._lock:
            states = list(self.accounts.values())
            document: dict[str, Any] = {
                "currency": self.world.reporting_currency,
                "started_at": self.started_at.isoformat() if self.started_at else None,
                "wordings": {each.name: dict(each.uplift) for each in self.world.wordings},
                "total": self._sums(states),
                "by_wording": {
                    each.name: self._sums([s for s in states if s.wording == each.name]) for each in self.world.wordings
                },
                "by_segment": {
                    name: self._sums([s for s in states if s.segment == name])
                    for name in sorted({s.segment for s in states})
                },
                "by_campaign": {
                    slug: self._sums([s for s in states if s.segment in segments])
                    for slug, segments in SEGMENTS_OF_CAMPAIGN.items()
                },
            }
            if with_accounts:
                document["accounts"] = {state.account_id: self._line(state) for state in states}
            return document

    def _sums(self, states: list[AccountTruth]) -> dict[str, Any]:
        upgraded = [state for state in states if state.upgraded_at]
        caused = [state for state in upgraded if state.cause in {"mail", "banner", "sms"}]
        return {
            "accounts": len(states),
            "exposed": sum(1 for state in states if state.exposed_at or state.banner_at or state.sms_at),
            "upgraded": len(upgraded),
            "upgraded_unasked": len(upgraded) - len(caused),
            "upgraded_because_asked": len(caused),
            "accepted_but_not_changed": sum(1 for s in states if s.accepted_at and not s.upgraded_at),
            "expansion_mrr": _money(sum((s.realised_delta for s in upgraded), Decimal(0))),
            "incremental_upgrades": round(sum(self._added_chance(state) for state in states), 4),
            "incremental_mrr": round(sum(self._added_chance(state) * float(state.delta) for state in states), 2),
            "incremental_mrr_realised": _money(sum((s.realised_delta for s in caused), Decimal(0))),
        }

    def _added_chance(self, state: AccountTruth) -> float:
        added = 0.0
        if state.exposed_at:
            added += state.mail_uplift / self._undecided(state, at=state.exposed_at, decided=0.0)
        if state.banner_at:
            added += state.banner_uplift / self._undecided(state, at=state.banner_at, decided=state.mail_uplift)
        if state.sms_at:
            decided = state.mail_uplift + state.banner_uplift
            added += state.sms_uplift / self._undecided(state, at=state.sms_at, decided=decided)
        return added

    def _undecided(self, state: AccountTruth, *, at: datetime, decided: float) -> float:
        """The share of accounts like this one that had not yet upgraded at that moment."""
        if self.started_at is None:
            return 1.0
        elapsed = min(1.0, max(0.0, (at - self.started_at) / timedelta(days=self.world.organic_days)))
        return 1.0 - state.organic_chance * elapsed - decided

    def _line(self, state: AccountTruth) -> dict[str, Any]:
        return {
            "segment": state.segment,
            "u": state.u,
            "organic_chance": state.organic_chance,
            "organic_after_days": state.organic_after / timedelta(days=1) if state.upgrades_unasked else None,
            "delta_mrr": _money(state.delta),
            "wording": state.wording,
            "mail_uplift": state.mail_uplift,
            "exposed_at": _iso(state.exposed_at),
            "banner_uplift": state.banner_uplift,
            "banner_at": _iso(state.banner_at),
            "sms_uplift": state.sms_uplift,
            "sms_at": _iso(state.sms_at),
            "cause": state.cause,
            "accepted_at": _iso(state.accepted_at),
            "upgraded_at": _iso(state.upgraded_at),
            "upgraded_by": state.upgraded_by,
            "realised_delta_mrr": _money(state.realised_delta),
        }


def segment_of(account: Account) -> str:
    """Plan of the accounts whose seats run short, else what they do much of, `cold` for the rest."""
    if account.is_hot:
        return account.plan
    if account.wants_sso:
        return GATED
    return GROWING if account.is_growing else COLD


def next_price_of(account: Account) -> Price | None:
    """The next plan up in the account's own currency and interval; None at the top and in a trial."""
    above = None if account.status == "trialing" else PLAN_ABOVE.get(account.plan)
    return PRICE_OF[above.code, account.price.currency, account.price.interval] if above else None


def _latent(account: Account, world: World) -> AccountTruth:
    rng = world.rng("account", account.external_id)
    segment = segment_of(account)
    target = next_price_of(account)
    u, when, link = rng.random(), rng.random(), rng.random()
    gain = Decimal(0)
    if target:
        gain = target.mrr(quantity=next_quantity(account, target)) - account.price.mrr(quantity=account.quantity)
    return AccountTruth(
        account_id=account.external_id,
        segment=segment,
        u=u,
        organic_chance=world.organic_chance(segment) if target else 0.0,
        organic_after=timedelta(days=when * world.organic_days),
        organic_through_link=link < world.organic_through_link,
        next_price=target,
        delta=gain * world.rates[account.price.currency],
    )


def next_quantity(account: Account, target: Price) -> int:
    """Seats to pay for after an upgrade; per-seat plans are sold from 30 seats."""
    return max(account.seats, SMALLEST_SEAT_CONTRACT) if target.model == "PER_SEAT" else 1


def _money(amount: Decimal) -> float:
    return float(round(amount, 2))


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
