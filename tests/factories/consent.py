from __future__ import annotations

import factory

from campaigns.consent import points
from campaigns.consent.models import ConsentRecord, ConsentTopic, ContactPoint
from tests.factories.profiles import ADDED_AT, ContactFactory


class ConsentTopicFactory(factory.django.DjangoModelFactory):
    """The topic `offers`: in-app needs no record, e-mail and SMS do."""

    class Meta:
        model = ConsentTopic
        django_get_or_create = ("slug",)

    slug = "offers"
    name = "Offers that fit your usage"
    is_marketing = True
    permitted_without_record = factory.LazyFunction(lambda: ["in_app"])


class ContactPointFactory(factory.django.DjangoModelFactory):
    """The e-mail point of a new contact who said yes to offers; `contact=`, `channel=` and `topics={}` change that."""

    class Meta:
        model = ContactPoint
        django_get_or_create = ("channel", "address_hash")

    contact = factory.SubFactory(ContactFactory)
    channel = "email"
    address_hash = factory.LazyAttribute(lambda new: points.hash_of(contact=new.contact, channel=new.channel))
    topics = factory.LazyFunction(lambda: {"offers": "GRANTED"})


class ConsentRecordFactory(factory.django.DjangoModelFactory):
    """The yes to offers that the CRM told of a point's contact, on an explicit basis."""

    class Meta:
        model = ConsentRecord

    point = factory.SubFactory(ContactPointFactory)
    contact = factory.SelfAttribute("point.contact")
    channel = factory.SelfAttribute("point.channel")
    topic = "offers"
    state = "GRANTED"
    basis = "EXPLICIT"
    source = "crm"
    at = ADDED_AT
    recorded_at = ADDED_AT
