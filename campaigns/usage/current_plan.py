"""Which subscription counts as an account's current one, as SQL on the rows of `billing_subscription`.

TRIALING, ACTIVE or PAST_DUE and running at `now`; of several the highest MRR (a trial counts 0), then the
latest start, then the smallest external id: the rule of `billing.selectors.CURRENT_SUBSCRIPTION_SQL` (a test
holds them against each other) in two shapes that scale. For one account at a time `newest_first` with LIMIT 1;
for all of them `is_best`, which needs no sort and lets the planner filter first.
"""

from __future__ import annotations


def is_running(alias: str) -> str:
    """Binds `now` twice."""
    return (
        f"{alias}.status IN ('TRIALING', 'ACTIVE', 'PAST_DUE') AND {alias}.started_at <= %s::timestamptz"
        f" AND ({alias}.ended_at IS NULL OR {alias}.ended_at > %s::timestamptz)"
    )


def newest_first(alias: str) -> str:
    return f'{_worth(alias)} DESC, {alias}.started_at DESC, {alias}.external_id COLLATE "C"'


def is_best(alias: str, rival: str) -> str:
    """No other running subscription of the account stands above `alias`. Binds `now` twice."""
    return f"""NOT EXISTS (
        SELECT 1 FROM billing_subscription {rival}
         WHERE {rival}.account_id = {alias}.account_id AND {rival}.id <> {alias}.id AND {is_running(rival)}
           AND (({_worth(rival)}, {rival}.started_at) > ({_worth(alias)}, {alias}.started_at)
                OR (({_worth(rival)}, {rival}.started_at) = ({_worth(alias)}, {alias}.started_at)
                    AND {rival}.external_id COLLATE "C" < {alias}.external_id COLLATE "C")))"""  # noqa: S608


def _worth(alias: str) -> str:
    return f"(CASE WHEN {alias}.status = 'TRIALING' THEN 0 ELSE {alias}.mrr END)"
