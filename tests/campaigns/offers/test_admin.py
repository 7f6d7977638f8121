from __future__ import annotations

from decimal import Decimal

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.urls import reverse

from campaigns.offers import accept
from campaigns.offers.models import Quote
from campaigns.operations.models import AuditEntry
from campaigns.profiles.models import Account
from tests.campaigns.offers.outside import billing_in_memory
from tests.campaigns.offers.test_accept import held_yes, yes
from tests.factories.offers import NOW, quote_with_reader

pytestmark = pytest.mark.django_db


def test_a_person_ends_what_waits_for_a_price_that_nobody_brings_back():
    quote, contact_id = quote_with_reader(new_mrr=Decimal("98.00"))
    with billing_in_memory() as billing:
        assert yes(quote, contact_id).name == "pending"
        revision = Account.objects.get(pk=quote.account_id).revision
        assert accept.end_waiting(quote_ids=[quote.pk], by="dana", now=NOW) == 1
        assert yes(quote, contact_id).name == "failed"
    assert billing.calls == []
    assert Account.objects.get(pk=quote.account_id).revision == revision + 1
    assert AuditEntry.objects.get().actor == "dana"


@pytest.mark.parametrize(
    ("codename", "answer", "states"),
    [("view_quote", {"confirmed": "yes"}, ["ACCEPTING"]), ("change_quote", {"confirmed": "yes"}, ["FAILED"]),
     ("change_quote", {}, ["ACCEPTING"])],
)  # fmt: skip
def test_who_may_change_quotes_ends_a_yes_that_waits_once_they_have_said_that_they_are_sure(
    client, codename, answer, states
):
    quote, _contact = held_yes()
    person = get_user_model().objects.create_user("dana", is_staff=True)
    person.user_permissions.set(Permission.objects.filter(codename__in=["view_quote", codename]))
    client.force_login(person)
    asked = {"action": "end_waiting", "_selected_action": [quote.pk], **answer}
    page = client.post(reverse("admin:offers_quote_changelist"), asked, secure=True)

    assert list(Quote.objects.values_list("state", flat=True)) == states
    assert AuditEntry.objects.filter(actor="dana").exists() is (states == ["FAILED"])
    assert (str(quote.uuid) in page.content.decode()) is not bool(answer)
