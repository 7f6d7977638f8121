"""The sum of an account's movements is its MRR, to the cent. Here is who breaks that."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.db import connection

_MISMATCHES = """
    SELECT account_id, currency, COALESCE(m.total, 0), COALESCE(s.total, 0)
      FROM (SELECT account_id, currency, sum(delta) AS total FROM billing_mrrmovement GROUP BY 1, 2) m
      FULL JOIN (
           SELECT account_id, currency, sum(mrr) AS total FROM billing_subscription
            WHERE status IN ('ACTIVE', 'PAST_DUE') AND (ended_at IS NULL OR ended_at > as_of)
            GROUP BY 1, 2) s USING (account_id, currency)
     WHERE COALESCE(m.total, 0) <> COALESCE(s.total, 0)
     ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Mismatch:
    account_id: int
    currency: str
    movements: Decimal
    mrr: Decimal


def list_mismatches() -> list[Mismatch]:
    """Accounts whose ledger does not add up; always empty unless rows were changed behind our back."""
    with connection.cursor() as cursor:
        cursor.execute(_MISMATCHES)
        return [Mismatch(*row) for row in cursor.fetchall()]
