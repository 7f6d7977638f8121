"""Who would get what, counted by language and country for the launch review."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.consent.models import ContactPoint
from campaigns.profiles.addresses import hash_address
from campaigns.profiles.models import Account, Contact
from campaigns.sequences import check, check_readers
from campaigns.sequences.check_readers import Readers
from tests.campaigns.sequences.countries import found, somebody, subjects
from tests.factories import sequences as make
from tests.factories.profiles import AccountFactory, MembershipFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def market():
    make.market()
    AccountFactory.create_batch(3)
    return make.account_near_limit()


@pytest.fixture
def reader(market: Account) -> Contact:
    """given one reader in Israel who reads Hebrew"""
    return somebody(market, "IL", "he")


def counted(channel: str = "email", **changes) -> list[Readers]:
    campaign = make.drafted(**changes)
    assert campaign.segment is not None
    return check_readers.count_readers(segment=campaign.segment, roles=(), channel=channel, topic="offers")


def test_who_reads_what_is_counted_by_language_and_country(market, reader):
    make.reader(make.account_near_limit(), locale="en-US", country="", time_zone="America/New_York")
    make.reader(market, locale="he", topics={"offers": "WITHDRAWN"})
    make.reader(market, locale="he_IL", email="", phone="+972500000009")
    said = {(one.language, one.country): (one.meant, one.reached) for one in counted()}
    assert said == {("he", "IL"): (3, 1), ("en", "US"): (1, 1)}
    assert {(one.language, one.reached) for one in counted("sms")} == {("he", 1), ("en", 0)}


def test_somebody_of_two_accounts_counts_once_in_a_country(market, reader):
    other = make.account_near_limit(country="RO", time_zone="Europe/Bucharest")
    MembershipFactory(account=other, contact=reader)
    assert [(one.country, one.meant) for one in counted()] == [("IL", 1)]


def test_somebody_whom_only_their_accounts_place_counts_in_the_country_of_each(market, reader):
    MembershipFactory(account=make.account_near_limit(country="RO"), contact=reader)
    Contact.objects.update(country="", time_zone="")
    assert [(one.country, one.meant) for one in counted()] == [("IL", 1), ("RO", 1)]


def test_a_blocked_or_erased_reader_is_reached_by_nothing(market, reader):
    ContactPoint.objects.update(is_blocked=True, reason="COMPLAINED")
    assert [(one.meant, one.reached) for one in counted()] == [(1, 0)]
    finding = found(slug="another", **subjects(he="מקום"))["mark_missing"]
    assert finding.level == check.BLOCKER
    assert finding.message.endswith("Nobody can get it yet, somebody may later: Israel.")
    Contact.objects.update(erased_at=make.NOW)
    assert counted(slug="a-third") == []


def test_the_number_is_told_for_everybody_it_is_about(market, reader):
    for place in range(4):
        somebody(market, "IL", "he", phone="", email=f"r{place}@customer.example")
    somebody(market, "RO", "he", phone="")
    finding = found(**subjects(he="מקום לעוד"))["mark_missing"]
    assert finding.message.endswith("5 people in the audience could get it: Israel.")


def test_members_of_the_union_are_told_together(market):
    for country in ("DE", "FR", "IT", "ES"):
        somebody(market, country, "en", phone="")
    finding = found(**subjects(en="Re: hello"))["subject_pretends"]
    assert finding.message.endswith("4 people in the audience could get it: Germany, Spain and 2 more.")


def test_counting_takes_two_statements_however_many_there_are(market, reader):
    campaign = make.drafted()
    assert campaign.segment is not None
    for place in range(5):
        somebody(market, "RO", "ro", phone="", email=f"r{place}@customer.example")
    with CaptureQueriesContext(connection) as queries:
        check_readers.count_readers(segment=campaign.segment, roles=(), channel="email", topic="offers")
    counting = [one for one in queries.captured_queries if "meant" in one["sql"]]
    assert len(counting) == 2


def test_an_address_belongs_to_whoever_has_it(market):
    """given a point that was made for another contact with the same address"""
    contact = make.reader(market, locale="en", country="US", time_zone="")
    twin = make.reader(market, locale="en", country="US", time_zone="", topics={})
    twin.email, twin.email_hash = contact.email, hash_address(contact.email)
    twin.save()
    assert [(one.meant, one.reached) for one in counted()] == [(2, 2)]
