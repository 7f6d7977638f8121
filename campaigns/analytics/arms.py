"""Figures of an experiment's arms: accounts as drawn, what became of their messages, what their MRR did."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from campaigns.experiments import selectors as experiments
from campaigns.experiments.models import Experiment

HOLDOUT = experiments.HOLDOUT

# One row per arm. An account counts once, from its first entry; its expansions within the goal's window add up
# before they are squared. Who was drawn after a decision was not drawn at random.
_ACCOUNTS = """
WITH drawn AS (
    SELECT assignment.account_id, assignment.variant_id, min(entry.at) AS entered_at,
           NOT %(matured_only)s OR min(entry.at) + %(window)s <= %(now)s AS is_counted
      FROM experiments_assignment assignment
      JOIN sequences_entry entry ON entry.assignment_id = assignment.id AND entry.outcome <> 'NOT_ENROLLED'
     WHERE assignment.experiment_id = %(experiment)s
       AND (%(decided_at)s::timestamptz IS NULL OR assignment.at < %(decided_at)s)
     GROUP BY assignment.account_id, assignment.variant_id
), gained AS (
    SELECT conversion.account_id, sum(conversion.reporting_delta) AS mrr,
           sum(conversion.reporting_delta) FILTER (WHERE EXISTS (
               SELECT 1 FROM conversions_attributioncredit credit WHERE credit.conversion_id = conversion.id
           )) AS attributed
      FROM conversions_conversion conversion
      JOIN sequences_entry entry ON entry.id = conversion.entry_id
     WHERE entry.campaign_id = %(campaign)s AND conversion.converted_at <= %(now)s
     GROUP BY conversion.account_id
)
SELECT coalesce(variant.key, %(holdout)s),
       count(*) FILTER (WHERE drawn.is_counted),
       count(*) FILTER (WHERE drawn.entered_at + %(window)s > %(now)s),
       count(gained.mrr) FILTER (WHERE drawn.is_counted),
       coalesce(sum(gained.mrr) FILTER (WHERE drawn.is_counted), 0),
       coalesce(sum(gained.mrr * gained.mrr) FILTER (WHERE drawn.is_counted), 0),
       coalesce(sum(gained.attributed) FILTER (WHERE drawn.is_counted), 0)
  FROM drawn
  LEFT JOIN gained ON gained.account_id = drawn.account_id
  LEFT JOIN experiments_variant variant ON variant.id = drawn.variant_id
 GROUP BY variant.key
"""

_MESSAGES = """
SELECT enrolment.arm,
       count(*) FILTER (WHERE message.accepted_at IS NOT NULL OR run.past -> 'facts' ? 'sent'),
       count(*) FILTER (WHERE message.delivered_at IS NOT NULL OR run.past -> 'facts' ? 'delivered'),
       count(*) FILTER (WHERE message.clicked_at IS NOT NULL OR run.past -> 'facts' ? 'clicked'),
       count(DISTINCT enrolment.contact_id) FILTER (
           WHERE message.unsubscribed_at IS NOT NULL OR message.complained_at IS NOT NULL
              OR run.past -> 'facts' ? 'opted_out')
  FROM sequences_enrolment enrolment
  JOIN sequences_entry entry ON entry.id = enrolment.entry_id
  JOIN sequences_steprun run ON run.enrolment_id = enrolment.id
  LEFT JOIN delivery_message message ON message.id = run.message_id
 WHERE enrolment.campaign_id = %(campaign)s AND (run.message_id IS NOT NULL OR run.past IS NOT NULL)
   AND (NOT %(matured_only)s OR entry.at + %(window)s <= %(now)s)
 GROUP BY enrolment.arm
"""


@dataclass(slots=True)
class ArmFigures:
    """One arm by intention to treat: `assigned` are all accounts drawn, written to or not.

    `sent`, `delivered`, `clicked` count messages (clicks graded human only), `opted_out` contacts. Money is in the
    reporting currency: `mrr` is expansion MRR, `mrr_squares` the sum of the accounts' squares, `attributed_mrr` the
    part that followed a click. `waiting` accounts are still inside the goal's window; where only finished windows
    count they are not among the `assigned`.
    """

    key: str
    name: str = ""
    weight: int = 0
    assigned: int = 0
    waiting: int = 0
    upgraded: int = 0
    mrr: Decimal = Decimal(0)
    mrr_squares: Decimal = Decimal(0)
    attributed_mrr: Decimal = Decimal(0)
    sent: int = 0
    delivered: int = 0
    clicked: int = 0
    opted_out: int = 0

    @property
    def rate(self) -> float | None:
        """Upgraded of assigned; None without anybody assigned."""
        return self.upgraded / self.assigned if self.assigned else None

    @property
    def mrr_per_account(self) -> Decimal | None:
        return self.mrr / self.assigned if self.assigned else None


@dataclass(slots=True)
class Figures:
    """`arms` in the order of the design, the first is compared with; `holdout` apart."""

    holdout: ArmFigures
    arms: list[ArmFigures] = field(default_factory=list)

    def all_arms(self) -> list[ArmFigures]:
        return [*self.arms, self.holdout]


def read_figures(*, experiment: Experiment, campaign_id: int, now: datetime, matured_only: bool) -> Figures:
    """`matured_only` leaves out accounts whose goal window is not over: delayed upgrades then bias nothing."""
    variants = experiments.arms(experiment=experiment)
    figures = Figures(
        holdout=ArmFigures(HOLDOUT),
        arms=[ArmFigures(variant.key, variant.name, variant.weight) for variant in variants],
    )
    by_key = {arm.key: arm for arm in figures.all_arms()}
    params: dict[str, Any] = {
        "experiment": experiment.pk,
        "campaign": campaign_id,
        "decided_at": experiment.decided_at,
        "now": now,
        "window": timedelta(days=experiment.goal_window_days),
        "holdout": HOLDOUT,
        "matured_only": matured_only,
    }
    with connection.cursor() as cursor:
        cursor.execute(_ACCOUNTS, params)
        for key, *values in cursor.fetchall():
            _fill(by_key[key], ("assigned", "waiting", "upgraded", "mrr", "mrr_squares", "attributed_mrr"), values)
        cursor.execute(_MESSAGES, params)
        for key, *values in cursor.fetchall():
            if key in by_key:
                _fill(by_key[key], ("sent", "delivered", "clicked", "opted_out"), values)
    return figures


def _fill(arm: ArmFigures, names: tuple[str, ...], values: list[Any]) -> None:
    for name, value in zip(names, values, strict=True):
        setattr(arm, name, value)
