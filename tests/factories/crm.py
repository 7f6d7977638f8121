from __future__ import annotations

from datetime import UTC, datetime

import factory

from campaigns.crm.models import CrmConnection, FieldMapping, WriteBack


class CrmConnectionFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = CrmConnection
        django_get_or_create = ("slug",)

    slug = "hubspot"
    kind = "hubspot"


class FieldMappingFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = FieldMapping

    connection = factory.SubFactory(CrmConnectionFactory)
    kind = "account"
    property = factory.Sequence(lambda n: f"property_{n}")
    target = factory.LazyAttribute(lambda mapping: f"traits.{mapping.property}")


class WriteBackFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = WriteBack

    connection = factory.SubFactory(CrmConnectionFactory)
    kind = WriteBack.Kind.ACCOUNT_STATUS
    key = factory.Sequence(lambda n: f"fact-{n}")
    payload = factory.LazyFunction(lambda: {"crm_id": "701", "properties": {"upsell_status": "won"}})
    next_at = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
    queued_at = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
