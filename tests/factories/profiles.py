from __future__ import annotations

from datetime import UTC, datetime

import factory

from campaigns.profiles.addresses import hash_address
from campaigns.profiles.models import Account, AccountAlias, Contact, ContactAlias, Membership, SupportTicket

ADDED_AT = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


class AccountFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Account

    external_id = factory.Sequence(lambda n: f"acc-{n}")
    name = factory.LazyAttribute(lambda account: f"Company {account.external_id}")
    domain = factory.LazyAttribute(lambda account: f"{account.external_id}.example")
    country = "IL"
    created_at = ADDED_AT
    added_at = ADDED_AT


class ContactFactory(factory.django.DjangoModelFactory):
    """With an e-mail address, without a phone; the lookup hashes follow the addresses."""

    class Meta:
        model = Contact

    external_id = factory.Sequence(lambda n: f"con-{n}")
    email = factory.LazyAttribute(lambda contact: f"{contact.external_id}@customer.example")
    phone = ""
    email_hash = factory.LazyAttribute(lambda contact: hash_address(contact.email) if contact.email else None)
    phone_hash = factory.LazyAttribute(lambda contact: hash_address(contact.phone) if contact.phone else None)
    first_name = "Noa"
    last_name = factory.Sequence(lambda n: f"Levi {n}")
    locale = "en"
    time_zone = "Asia/Jerusalem"
    country = "IL"
    created_at = ADDED_AT
    added_at = ADDED_AT


class MembershipFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Membership

    account = factory.SubFactory(AccountFactory)
    contact = factory.SubFactory(ContactFactory)
    role = Membership.Role.OWNER


class AccountAliasFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = AccountAlias

    source = "billing"
    value = factory.Sequence(lambda n: f"cus_{n}")
    account = factory.SubFactory(AccountFactory)


class ContactAliasFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ContactAlias

    source = "hubspot"
    value = factory.Sequence(lambda n: f"hs-{n}")
    contact = factory.SubFactory(ContactFactory)


class SupportTicketFactory(factory.django.DjangoModelFactory):
    """Open and urgent, as the CRM tells it."""

    class Meta:
        model = SupportTicket

    source = "hubspot"
    external_id = factory.Sequence(lambda n: f"t-{n}")
    account = factory.SubFactory(AccountFactory)
    subject = "Nobody can log in"
    priority = SupportTicket.Priority.URGENT
    opened_at = ADDED_AT
    updated_at = factory.SelfAttribute("opened_at")
