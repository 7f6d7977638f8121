"""How the simulated people behave: every number of the model, with its name, in one place.

The model. Each account draws one latent number u in [0, 1). It upgrades by itself if u < p, where
p is the segment's `base_upgrade` stretched from the window to all `organic_days`. Mail whose
wording is recognised widens that interval by the wording's uplift, a displayed in-app banner
by `banner_uplift`. So what every message truly caused is known exactly, account by account.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

COLD = "cold"


@dataclass(frozen=True, slots=True)
class Wording:
    """A way of putting it, known by any of `marks` in the subject (case and accents' coding ignored).

    `uplift` maps an account segment (a plan's code, or `cold`) to the added chance of an upgrade.
    """

    name: str
    marks: tuple[str, ...]
    uplift: Mapping[str, float]

    def matches(self, subject: str) -> bool:
        seen = fold(subject)
        return any(fold(mark) in seen for mark in self.marks)


def fold(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


# The demo campaign's two subjects: the next plan's price, and the account's own numbers.
WORDING_A = Wording(
    name="a",
    marks=("seats for", "מושבים ב", "locuri la"),
    uplift={"basic": 0.04, "team": 0.06},
)
WORDING_B = Wording(
    name="b",
    marks=("seats are taken", "המושבים שלכם תפוסים", "locuri sunt ocupate"),
    uplift={"basic": 0.10, "team": 0.14},
)


@dataclass(frozen=True, slots=True)
class Habits:
    """What people do with a mail that does not make them upgrade: shares of delivered mails."""

    bad_addresses: float = 0.015
    bounces_without_message_id: float = 0.3
    bounces_without_arguments: float = 0.1
    blocked: float = 0.008
    deferred: float = 0.03
    opens: float = 0.45
    machine_opens: float = 0.25
    curious_clicks: float = 0.06
    declines: float = 0.04
    one_click_unsubscribes: float = 0.008
    page_unsubscribes: float = 0.008
    provider_unsubscribes: float = 0.003
    complaints: float = 0.0007
    scanned_domains: float = 0.12
    banner_clicks: float = 0.06
    banner_dismissals: float = 0.15


@dataclass(frozen=True, slots=True)
class EventNoise:
    """How untidy the provider's events are. `processed` is never late: it is evidence of acceptance."""

    repeated: float = 0.04
    repeated_with_new_id: float = 0.5
    late: float = 0.03
    latest_hours: float = 6.0
    billing_repeated: float = 0.05
    billing_out_of_order: float = 0.05


@dataclass(frozen=True, slots=True)
class World:
    """All knobs. `rates` turn a currency into the reporting currency; days are days of business time.

    `base_upgrade` is the chance to upgrade unasked within `window_days`; upgrades unasked are spread
    evenly over `organic_days` from the moment the world begins.
    """

    seed: int = 1
    wordings: tuple[Wording, ...] = (WORDING_A, WORDING_B)
    base_upgrade: Mapping[str, float] = field(default_factory=lambda: {"basic": 0.20, "team": 0.23, COLD: 0.01})
    banner_uplift: Mapping[str, float] = field(default_factory=lambda: {"basic": 0.02, "team": 0.02})
    window_days: int = 14
    organic_days: int = 20
    organic_through_link: float = 0.5
    persuaded_within_days: float = 3.0
    logins_after_days: tuple[tuple[float, float], ...] = ((0.5, 2.0), (4.3, 6.0), (6.5, 9.0))
    logins_of_others: float = 0.1
    habits: Habits = Habits()
    noise: EventNoise = EventNoise()
    reporting_currency: str = "USD"
    rates: Mapping[str, Decimal] = field(
        default_factory=lambda: {
            "USD": Decimal("1"),
            "EUR": Decimal("1.10"),
            "ILS": Decimal("0.27"),
            "RON": Decimal("0.22"),
        }
    )

    def __post_init__(self) -> None:
        worst = max((self.organic_chance(segment) for segment in self.base_upgrade), default=0.0)
        added = max((max(w.uplift.values(), default=0.0) for w in self.wordings), default=0.0)
        if worst + added + max(self.banner_uplift.values(), default=0.0) > 1:
            raise ValueError("Base chance and uplifts of a segment add up to more than 1.")

    def rng(self, *names: str) -> random.Random:
        """A stream of its own for every purpose, so that one draw never shifts another."""
        return random.Random(":".join((str(self.seed), *names)))  # noqa: S311 - a simulation

    def wording_of(self, subject: str) -> Wording | None:
        return next((wording for wording in self.wordings if wording.matches(subject)), None)

    def organic_chance(self, segment: str) -> float:
        """The chance to upgrade unasked within all `organic_days`."""
        return self.base_upgrade.get(segment, 0.0) * self.organic_days / self.window_days
