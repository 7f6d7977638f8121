"""The made-up recipient of a preview."""

from __future__ import annotations

import pytest

from campaigns.billing.models import Plan
from campaigns.console import samples, skeleton
from campaigns.sequences import wording
from campaigns.usage.models import Meter
from orchestrator.templating import lint
from tests.factories import sequences as make

pytestmark = pytest.mark.django_db


def test_figures_are_those_of_the_catalogue():
    campaign = make.drafted()
    facts = samples.make_facts(campaign=campaign, has_offer=True, now=make.NOW)
    offer, evidence = facts["offer"], facts["evidence"]
    assert (offer["plan_from"], offer["plan_to"]) == ("Basic", "Team")
    assert (offer["old_monthly"], offer["new_monthly"], offer["seat_limit_to"]) == ("29.00", "99.00", 30)
    assert (evidence["value"], evidence["quota"], evidence["percent"]) == (8, 10, 80)
    assert evidence["plan_name"] == "Basic"


def test_without_a_higher_plan_they_are_the_variables_samples():
    campaign = make.drafted()
    Plan.objects.exclude(code="basic").update(is_on_sale=False)
    facts = samples.make_facts(campaign=campaign, has_offer=True, now=make.NOW)
    assert facts == lint.sample_context(wording.variables(has_offer=True))


def test_a_unit_without_words_of_ours_is_the_catalogues():
    campaign = make.drafted()
    Meter.objects.update(unit="workflows")
    facts = samples.make_facts(campaign=campaign, has_offer=True, now=make.NOW)
    content = skeleton.new_mail(key="m", has_meter=True, unit="workflows")["variants"]["b"]["content"]
    assert "evidence.unit | default: evidence.meter_name" in content["en"]["subject"]
    assert facts["evidence"]["unit"] == "workflows"
