from __future__ import annotations

import pytest


@pytest.fixture
def marketer(client, django_user_model):
    """A logged-in client that may do everything in the studio."""
    client.force_login(django_user_model.objects.create_superuser("maria", "maria@acme.example", "pw"))
    return client


@pytest.fixture
def onlooker(client, django_user_model):
    """A logged-in client that may open the studio and change nothing."""
    client.force_login(django_user_model.objects.create_user("guy", password="pw", is_staff=True))
    return client
