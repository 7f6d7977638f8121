from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256

import factory

from campaigns.intake.models import InboundEvent, Parked, Quarantined, Source

WRITE_KEY = "wk_test"
SIGNING_SECRET = "whsec_MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw"
RECEIVED_AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class SourceFactory(factory.django.DjangoModelFactory):
    """`write_key` (in clear) is stored hashed, as the front door compares it."""

    class Meta:
        model = Source

    class Params:
        write_key = WRITE_KEY

    slug = factory.Sequence(lambda n: f"product-{n}")
    name = factory.LazyAttribute(lambda source: source.slug.title())
    write_key_hash = factory.LazyAttribute(lambda source: sha256(source.write_key.encode()).digest())
    signing_secret = SIGNING_SECRET
    created_at = RECEIVED_AT


class InboundEventFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = InboundEvent

    source = factory.SubFactory(SourceFactory)
    received_at = RECEIVED_AT
    kind = "track"
    message_id = factory.Sequence(lambda n: f"m-{n}")
    payload = factory.LazyFunction(dict)
    at = RECEIVED_AT


class ParkedFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Parked

    source = factory.SubFactory(SourceFactory)
    inbound_id = factory.Sequence(lambda n: n)
    waiting_for = "account:nobody"
    kind = "track"
    message_id = factory.Sequence(lambda n: f"p-{n}")
    payload = factory.LazyFunction(dict)
    at = RECEIVED_AT
    received_at = RECEIVED_AT


class QuarantinedFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Quarantined

    source = factory.SubFactory(SourceFactory)
    kind = "track"
    message_id = factory.Sequence(lambda n: f"q-{n}")
    payload = factory.LazyFunction(dict)
    error = "The event has no name."
    received_at = RECEIVED_AT
