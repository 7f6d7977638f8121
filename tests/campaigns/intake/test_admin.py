from __future__ import annotations

import pytest

from campaigns.intake.models import Source
from tests.factories.billing import MrrMovementFactory, SubscriptionFactory
from tests.factories.crm import CrmConnectionFactory, FieldMappingFactory, WriteBackFactory
from tests.factories.intake import InboundEventFactory, ParkedFactory, QuarantinedFactory
from tests.factories.profiles import AccountFactory, ContactFactory, MembershipFactory


def test_a_source_made_in_the_admin_site_shows_its_keys_once(admin_client):
    answer = admin_client.post("/admin/intake/source/add/", {"name": "Acme App"}, follow=True)

    source = Source.objects.get()
    assert source.slug == "acme-app"
    assert "whsec_" in answer.content.decode()
    assert "whsec_" not in admin_client.get(f"/admin/intake/source/{source.pk}/change/").content.decode()


def test_a_second_source_of_the_same_name_is_refused(admin_client):
    admin_client.post("/admin/intake/source/add/", {"name": "Acme App"})
    answer = admin_client.post("/admin/intake/source/add/", {"name": "Acme app"})

    assert "already a source" in answer.content.decode()
    assert Source.objects.count() == 1


def test_a_parked_event_says_in_words_what_it_waits_for(admin_client):
    ParkedFactory(waiting_for="account:a1")

    assert "the account a1 to be introduced" in admin_client.get("/admin/intake/parked/").content.decode()


@pytest.mark.parametrize(
    ("page", "make"),
    [
        ("intake/inboundevent", InboundEventFactory),
        ("intake/quarantined", QuarantinedFactory),
        ("profiles/account", AccountFactory),
        ("profiles/contact", ContactFactory),
        ("billing/plan", lambda: SubscriptionFactory().plan),
        ("billing/subscription", SubscriptionFactory),
        ("billing/mrrmovement", MrrMovementFactory),
        ("crm/crmconnection", lambda: FieldMappingFactory().connection),
        ("crm/writeback", WriteBackFactory),
    ],
)
def test_lists_and_details_open(admin_client, page, make):
    row = make()

    assert admin_client.get(f"/admin/{page}/", {"q": "a"}).status_code == 200
    assert admin_client.get(f"/admin/{page}/{row.pk}/change/").status_code == 200


def test_addresses_keep_their_direction(admin_client):
    contact = MembershipFactory(contact__phone="+972521234567").contact

    page = admin_client.get("/admin/profiles/contact/").content.decode()
    assert f'<bdi dir="ltr">{contact.email}</bdi>' in page
    assert '<bdi dir="ltr">+972521234567</bdi>' in page


def test_a_connection_can_be_switched_off(admin_client):
    connection = CrmConnectionFactory()
    form = {"mappings-TOTAL_FORMS": "0", "mappings-INITIAL_FORMS": "0"}
    admin_client.post(f"/admin/crm/crmconnection/{connection.pk}/change/", form)

    connection.refresh_from_db()
    assert connection.is_active is False
