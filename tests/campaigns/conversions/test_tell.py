from __future__ import annotations

import pytest

from campaigns.consent import opt_out, record
from campaigns.conversions import tell
from campaigns.crm.models import WriteBack
from campaigns.offers import decline
from tests.factories.consent import ConsentTopicFactory, ContactPointFactory
from tests.factories.crm import CrmConnectionFactory
from tests.factories.offers import NOW, quote_with_reader
from tests.settled import wait_until_settled

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_refusal_is_told_once():
    CrmConnectionFactory()
    quote, contact_id = quote_with_reader()
    decline.decline_quote(quote_uuid=quote.uuid, contact_id=contact_id, reason="OTHER", now=NOW)
    wait_until_settled()
    assert (tell.tell_refusals(now=NOW), tell.tell_refusals(now=NOW)) == (1, 0)
    row = WriteBack.objects.get()
    assert row.kind == WriteBack.Kind.ACCOUNT_STATUS
    assert row.payload == {
        "external_id": quote.account.external_id,
        "properties": {"upsell_status": "refused"},
    }


def test_an_opt_out_is_told_but_not_what_the_crm_told_us():
    CrmConnectionFactory()
    ConsentTopicFactory()
    ours, theirs = ContactPointFactory(), ContactPointFactory()
    opt_out.opt_out(point_id=ours.pk, source="unsubscribe_page", at=NOW, now=NOW)
    item = record.ConsentItem(theirs.contact_id, "email", "offers", "WITHDRAWN", "explicit", "crm", NOW)
    record.record_consents(items=[item], now=NOW)
    wait_until_settled()
    assert tell.tell_opt_outs(now=NOW) == 1
    row = WriteBack.objects.get()
    assert (row.kind, row.payload["external_id"]) == (WriteBack.Kind.CONTACT_STATUS, ours.contact.external_id)
