"""Accounts that are held out upgrade too: that is what the others are compared with."""

from __future__ import annotations

import pytest

from campaigns.crm.models import WriteBack
from campaigns.sequences.models import Entry
from tests.campaigns.conversions.upgrades import campaign_of, convert, expansion


@pytest.fixture(scope="module")
def scene(shared_rows):
    campaign_of(20, holdout_percent=60)


@pytest.fixture
def held(scene, db):
    return Entry.objects.filter(outcome=Entry.Outcome.HOLDOUT)[0]


def test_the_held_out_convert_too(held):
    (conversion,) = convert(expansion(held.account))
    assert conversion.entry == held


def test_the_crm_hears_nothing_of_the_held_out(held):
    convert(expansion(held.account))
    assert not WriteBack.objects.exists()
