from __future__ import annotations

import pytest
from django.urls import reverse

from campaigns.crm.models import FieldMapping
from tests.factories.crm import CrmConnectionFactory, FieldMappingFactory
from tests.factories.usage import MeterFactory


@pytest.fixture
def page(client, admin_user):
    client.force_login(admin_user)
    connection = CrmConnectionFactory()
    FieldMappingFactory(connection=connection, property="name", target="name")
    MeterFactory()
    MeterFactory(code="logins", kind="EVENT", event_name="login")
    return client, reverse("admin:crm_crmconnection_change", args=[connection.pk])


def post(page, **row):
    """The mapping as it is, and one row more."""
    client, address = page
    kept = FieldMapping.objects.get()
    rows = [
        {"id": kept.pk, "kind": kept.kind, "property": kept.property, "target": kept.target, "type": kept.type},
        {"id": "", "kind": "account", "property": "seats_in_use", "target": "", "type": "", **row},
    ]
    data = {"is_active": "on", "mappings-TOTAL_FORMS": 2, "mappings-INITIAL_FORMS": 1}
    data |= {f"mappings-{place}-{name}": value for place, one in enumerate(rows) for name, value in one.items()}
    data |= {f"mappings-{place}-connection": kept.connection_id for place in range(2)}
    return client.post(address, data)


def test_the_form_offers_fields_and_the_meters_that_can_be_set(page):
    client, address = page
    words = client.get(address).content.decode()
    assert '<option value="domain">' in words
    assert '<option value="usage.seats_used">' in words
    assert "usage.logins" not in words
    assert 'list="crm-targets"' in words


def test_a_meter_is_mapped(page):
    assert post(page, target="usage.seats_used", type="number").status_code == 302
    assert FieldMapping.objects.get(property="seats_in_use").target == "usage.seats_used"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"target": "usage.nothing"}, "There is no meter nothing."),
        ({"target": "usage.logins"}, "counted from events"),
        ({"target": "shoe_size"}, "no target of accounts"),
        ({"target": "name"}, "already has a column"),
        ({"target": "domain", "type": "number"}, "only a trait"),
        ({"target": "usage.seats_used", "kind": "contact"}, "no target of contacts"),
    ],
)
def test_what_cannot_work_is_said_and_nothing_is_saved(page, row, words):
    answer = post(page, **row)
    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert FieldMapping.objects.count() == 1
