"""How the simulated people behave: every number of the model, with its name, in one place.

The model. Each account draws one latent number u in [0, 1). It upgrades by itself if u < p, where
p is the segment's `base_upgrade` stretched from the window to all `organic_days`. Mail whose
wording is recognised widens that interval by the wording's uplift, a displayed in-app message
by `banner_uplift`, a text message by `sms_uplift`. So what every message truly caused is known
exactly, account by account.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

COLD, GROWING, GATED = "cold", "growing", "gated"
# Which of the demo's campaigns addresses which accounts: no account is in two, so that each truth stands alone.
SEGMENTS_OF_CAMPAIGN = {"seats-80": ("basic", "team"), "api-growth": (GROWING,), "sso-attempts": (GATED,)}


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


# The growth campaign's two subjects: what grew, and the next plan's price.
WORDING_GROWTH_A = Wording(
    name="growth-a",
    marks=("more API calls than", "יותר קריאות API", "mai multe apeluri API"),
    uplift={GROWING: 0.16},
)
WORDING_GROWTH_B = Wording(
    name="growth-b",
    marks=("room for your API calls", "מקום לקריאות ה־API", "loc pentru apelurile API"),
    uplift={GROWING: 0.08},
)


@dataclass(frozen=True, slots=True)
class Habits:
    """What people do with a message that does not make them upgrade: shares of delivered mails, banners, texts."""

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
    sms_landlines: float = 0.008
    sms_dead_numbers: float = 0.012
    sms_unreachable: float = 0.015
    sms_blocked: float = 0.004
    sms_filtered: float = 0.004
    sms_stops: float = 0.06
    sms_starts_again: float = 0.15
    sms_helps: float = 0.03
    sms_replies: float = 0.08
    sms_looks: float = 0.08
    sms_page_unsubscribes: float = 0.006
    tries_gated_feature: float = 0.7


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
    wordings: tuple[Wording, ...] = (WORDING_A, WORDING_B, WORDING_GROWTH_A, WORDING_GROWTH_B)
    base_upgrade: Mapping[str, float] = field(
        default_factory=lambda: {"basic": 0.20, "team": 0.23, GROWING: 0.12, GATED: 0.12, COLD: 0.01}
    )
    banner_uplift: Mapping[str, float] = field(default_factory=lambda: {"basic": 0.02, "team": 0.02, GATED: 0.15})
    sms_uplift: Mapping[str, float] = field(default_factory=lambda: {GROWING: 0.05})
    window_days: int = 14
    organic_days: int = 20
    organic_through_link: float = 0.5
    persuaded_within_days: float = 3.0
    logins_after_days: tuple[tuple[float, float], ...] = ((0.5, 2.0), (4.3, 6.0), (6.5, 9.0))
    logins_of_others: float = 0.1
    logins_of_keen: float = 1.0
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
        segments = {*self.base_upgrade, *self.banner_uplift, *self.sms_uplift}
        segments |= {segment for wording in self.wordings for segment in wording.uplift}
        for segment in segments:
            mail = max((wording.uplift.get(segment, 0.0) for wording in self.wordings), default=0.0)
            added = mail + self.banner_uplift.get(segment, 0.0) + self.sms_uplift.get(segment, 0.0)
            if self.organic_chance(segment) + added > 1:
                raise ValueError(f"Base chance and uplifts of the segment {segment!r} add up to more than 1.")

    def rng(self, *names: str) -> random.Random:
        """A stream of its own for every purpose, so that one draw never shifts another."""
        return random.Random(":".join((str(self.seed), *names)))  # noqa: S311 - a simulation

    def wording_of(self, subject: str) -> Wording | None:
        return next((wording for wording in self.wordings if wording.matches(subject)), None)

    def organic_chance(self, segment: str) -> float:
        """The chance to upgrade unasked within all `organic_days`."""
        return self.base_upgrade.get(segment, 0.0) * self.organic_days / self.window_days
