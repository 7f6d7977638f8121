from __future__ import annotations

from datetime import UTC, datetime

from campaigns.consent.models import ContactPoint
from campaigns.intake import process
from campaigns.intake.models import Quarantined
from tests.factories.crm import CrmConnectionFactory
from tests.factories.intake import InboundEventFactory, SourceFactory
from tests.factories.profiles import ContactAliasFactory

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def come(source, object_id):
    payload = {"properties": {}, "traits": {}, "context": {}, "objectId": object_id}
    kind = "hubspot.contact.privacyDeletion"
    return InboundEventFactory(source=source, kind=kind, payload=payload, at=NOW, message_id=f"m-{object_id}")


def test_nothing_goes_any_more_to_whom_the_crm_erased_for_privacy(db):
    CrmConnectionFactory()
    alias = ContactAliasFactory(source="hubspot", value="801")
    source = SourceFactory(slug="hubspot", kind="hubspot")
    come(source, 801)
    come(source, 999)

    process.process_inbound(now=NOW)

    points = ContactPoint.objects.filter(contact=alias.contact)
    assert {(one.channel, one.reason) for one in points if one.channel in ("email", "in_app")} == {
        ("email", "ERASED"),
        ("in_app", "ERASED"),
    }
    assert not Quarantined.objects.exists()
