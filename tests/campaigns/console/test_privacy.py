from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission

from campaigns.operations.models import AuditEntry
from campaigns.profiles.models import Contact
from tests.factories.consent import ContactPointFactory
from tests.factories.profiles import ContactFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def dana():
    contact = ContactFactory(external_id="u-1", first_name="Dana")
    ContactPointFactory(contact=contact)
    return contact


def page_of(contact, part=""):
    return f"/admin/studio/contacts/{contact.pk}/{part}"


def test_looking_erases_nobody(admin_client, dana):
    page = admin_client.get(page_of(dana, "erase/")).content.decode()

    assert "This cannot be undone." in page
    assert Contact.objects.get().erased_at is None


def test_whoever_types_the_id_erases(admin_client, dana):
    response = admin_client.post(page_of(dana, "erase/"), {"typed": " u-1 "}, follow=True)

    assert "This person was erased at their request." in response.content.decode()
    assert Contact.objects.get().email == ""
    assert AuditEntry.objects.get(action="privacy.erase").actor == "admin"


@pytest.mark.parametrize("typed", ["", "u-2", "Dana"])
def test_another_word_erases_nobody(admin_client, dana, typed):
    response = admin_client.post(page_of(dana, "erase/"), {"typed": typed})

    assert (response.status_code, Contact.objects.get().erased_at) == (422, None)
    assert "Nothing was erased." in response.content.decode()


def test_a_person_is_erased_once(admin_client, dana):
    admin_client.post(page_of(dana, "erase/"), {"typed": "u-1"})

    assert admin_client.get(page_of(dana, "erase/")).status_code == 404
    assert "Erase this person" not in admin_client.get(page_of(dana)).content.decode()


def test_their_data_is_a_file_and_taking_it_leaves_a_trace(admin_client, dana):
    response = admin_client.post(page_of(dana, "data.json"))

    assert response["Content-Disposition"] == f'attachment; filename="contact-{dana.pk}.json"'
    assert response.json()["contact"][0]["email"] == dana.email
    assert AuditEntry.objects.get().action == "privacy.export"
    assert admin_client.get(page_of(dana, "data.json")).status_code == 405


def test_who_may_only_look_can_neither_erase_nor_save(client, django_user_model, dana):
    user = django_user_model.objects.create_user("viewer", password="pw", is_staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename__startswith="view_"))
    client.force_login(user)

    assert client.post(page_of(dana, "erase/"), {"typed": "u-1"}).status_code == 403
    assert client.post(page_of(dana, "data.json")).status_code == 403
    assert "Erase this person" not in client.get(page_of(dana)).content.decode()
