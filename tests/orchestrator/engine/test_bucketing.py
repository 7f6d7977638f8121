from __future__ import annotations

import hashlib
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.engine import bucketing

ARMS = [("a", 50), ("b", 50)]


def test_a_bucket_is_the_documented_hash():
    digest = hashlib.sha256(b"seats-80.v1:acme").digest()
    assert bucketing.bucket(salt="seats-80.v1", key="acme") == int.from_bytes(digest[:8], "big") / 2**64


def test_a_segment_bucket_hashes_its_name_and_the_external_id():
    digest = hashlib.sha256("bucket:2026-q4:חברה-7".encode()).digest()
    expected = int.from_bytes(digest[:8], "big") / 2**64 * 100
    assert bucketing.segment_bucket(name="2026-q4", external_id="חברה-7") == expected


@given(salt=st.text(), key=st.text())
def test_a_bucket_lies_in_zero_to_one_and_never_changes(salt, key):
    x = bucketing.bucket(salt=salt, key=key)
    assert 0 <= x < 1
    assert x == bucketing.bucket(salt=salt, key=key)


@given(
    key=st.text(max_size=20),
    holdout=st.integers(0, 100),
    weights=st.lists(st.integers(0, 1000), min_size=1, max_size=6).filter(any),
)
def test_every_account_lands_in_the_holdout_or_in_an_arm_with_weight(key, holdout, weights):
    arms = [(f"arm-{place}", weight) for place, weight in enumerate(weights)]
    draw = bucketing.draw_arm(salt="s", key=key, holdout_percent=holdout, weights=arms)
    assert (draw.arm is None) == (draw.x < holdout / 100)
    assert draw.arm is None or dict(arms)[draw.arm] > 0


def test_shares_follow_holdout_and_weights():
    draws = [
        bucketing.draw_arm(salt="s", key=str(i), holdout_percent=Decimal(20), weights=[("a", 1), ("b", 3)]).arm
        for i in range(20_000)
    ]
    seen = Counter(draws)
    assert abs(seen[None] - 4000) < 200
    assert abs(seen["a"] - 4000) < 200
    assert abs(seen["b"] - 12000) < 260


def test_of_a_hundred_thousand_accounts_each_arm_gets_its_share_within_one_percent():
    draws = [
        bucketing.draw_arm(salt="seats-80.v1", key=f"acme-{i}", holdout_percent=Decimal(10), weights=ARMS).arm
        for i in range(100_000)
    ]
    seen = Counter(draws)
    assert abs(seen[None] - 10_000) < 1000
    assert abs(seen["a"] - 45_000) < 1000
    assert abs(seen["b"] - 45_000) < 1000


def test_a_restarted_process_draws_the_same_arms():
    """Python's own hash differs from process to process; ours must not."""
    program = (
        "from orchestrator.engine import bucketing\n"
        "for i in range(500):\n"
        "    draw = bucketing.draw_arm(salt='s', key=f'חברה-{i}', holdout_percent=10, weights=[('a', 1), ('b', 2)])\n"
        "    print(draw.arm, draw.x.hex())\n"
    )
    root = Path(bucketing.__file__).parents[2]
    answers = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=root,
            env={"PYTHONHASHSEED": seed, "PYTHONUTF8": "1"},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    here = [
        bucketing.draw_arm(salt="s", key=f"חברה-{i}", holdout_percent=10, weights=[("a", 1), ("b", 2)])
        for i in range(500)
    ]
    assert answers == {"".join(f"{draw.arm} {draw.x.hex()}\n" for draw in here).encode()}


def test_salts_are_independent():
    agree = sum(
        bucketing.draw_arm(salt="one", key=str(i), holdout_percent=0, weights=ARMS).arm
        == bucketing.draw_arm(salt="two", key=str(i), holdout_percent=0, weights=ARMS).arm
        for i in range(4000)
    )
    assert abs(agree - 2000) < 160


@pytest.mark.parametrize(
    ("holdout", "weights", "words"),
    [(101, ARMS, "between 0 and 100"), (-1, ARMS, "between 0 and 100"), (0, [("a", 0)], "No arm"), (0, [], "No arm")],
)
def test_a_wrong_split_is_refused(holdout, weights, words):
    with pytest.raises(ValueError, match=words):
        bucketing.draw_arm(salt="s", key="k", holdout_percent=holdout, weights=weights)


def test_a_negative_weight_is_refused():
    with pytest.raises(ValueError, match="negative"):
        bucketing.draw_arm(salt="s", key="k", holdout_percent=0, weights=[("a", -1), ("b", 2)])
