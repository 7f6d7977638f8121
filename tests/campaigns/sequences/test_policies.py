"""How often a message may go when nobody knows whether it went: by what it is for."""

from __future__ import annotations

import pytest

from campaigns.delivery.models import Message
from tests.factories import sequences as make

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("purpose", "policy"), [("MARKETING", "AT_MOST_ONCE"), ("TRANSACTIONAL", "AT_LEAST_ONCE")])
def test_an_offer_goes_at_most_once_and_a_notice_at_least_once(purpose, policy):
    make.market()
    make.ready_account()
    make.launched(holdout_percent=None, purpose=purpose, steps=make.document()["steps"][:1])
    assert Message.objects.values_list("purpose", "policy").get() == (purpose, policy)
