from __future__ import annotations

import pytest
import time_machine
from django.urls import reverse

from tests.factories import sequences as make

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("pressed", "place"),
    [
        ("add wait mail-1", "#step-wait-2"),
        ("add exit reacted yes", "#step-leave-1"),
        ("add sms banner no", "?step=text-1#step-text-1"),
        ("down mail-1", "#step-mail-1"),
        ("duplicate wait-1", "?step=wait-2#step-wait-2"),
        ("remove banner", "#steps"),
    ],
)
def test_after_a_change_the_page_stands_at_the_changed_step(marketer, pressed, place):
    with time_machine.travel(make.NOW, tick=False):
        campaign = make.drafted()
        response = marketer.post(reverse("admin:studio-campaign-steps", args=[campaign.slug]), {"do": pressed})
    assert response.url == reverse("admin:studio-campaign", args=[campaign.slug]) + place
