from __future__ import annotations

from typing import Any

import pytest

from campaigns.usage import catalog
from campaigns.usage.models import Meter
from orchestrator.sandbox import catalogue

pytestmark = pytest.mark.django_db


def test_the_demo_companys_meters_can_be_applied_and_exported() -> None:
    meters = [dict(meter) for meter in catalogue.METERS]
    assert catalog.apply_meters(meters=meters) == 5
    exported = {meter["code"]: meter for meter in catalog.export_meters()}
    assert exported == {meter["code"]: meter for meter in meters}


def test_applying_again_updates_and_keeps_what_is_left_out() -> None:
    catalog.apply_meters(meters=[{"code": "seats", "kind": "REPORTED"}, {"code": "projects", "kind": "REPORTED"}])
    catalog.apply_meters(meters=[{"code": "seats", "kind": "REPORTED", "name": "Seats", "aggregation": "LAST"}])
    assert Meter.objects.get(code="seats").name == "Seats"
    assert Meter.objects.count() == 2


@pytest.mark.parametrize(
    ("meters", "path"),
    [
        ([3], "meters[0]"),
        ([{"kind": "REPORTED"}], "meters[0].code"),
        ([{"code": "a b", "kind": "REPORTED"}], "meters[0].code"),
        ([{"code": "a", "kind": "GUESSED"}], "meters[0].kind"),
        ([{"code": "a", "kind": "REPORTED", "aggregation": "MEDIAN"}], "meters[0].aggregation"),
        ([{"code": "a", "kind": "EVENT"}], "meters[0].event_name"),
        ([{"code": "a", "kind": "REPORTED", "colour": 1}], "meters[0].colour"),
        ([{"code": "a", "kind": "REPORTED"}, {"code": "a", "kind": "REPORTED"}], "meters[1].code"),
    ],
)
def test_a_wrong_meter_is_told_with_its_path_and_nothing_is_written(meters: list[Any], path: str) -> None:
    with pytest.raises(catalog.MeterError) as caught:
        catalog.apply_meters(meters=meters)
    assert caught.value.path == path
    assert not Meter.objects.exists()
