"""As whom a campaign's messages can be seen: those who would get them, told what planning would tell them."""

from __future__ import annotations

import pytest

from campaigns.consent.models import ContactPoint
from campaigns.offers.models import Quote
from campaigns.profiles.models import Contact
from campaigns.sequences import cast
from campaigns.sequences.models import Campaign, Entry
from tests.factories import sequences as make
from tests.factories.offers import QuoteFactory
from tests.factories.profiles import ContactFactory, MembershipFactory
from tests.factories.usage import ThresholdCrossingFactory

pytestmark = [pytest.mark.usefixtures("scene"), pytest.mark.django_db]

NOW = make.NOW


@pytest.fixture(scope="module")
def scene(shared_rows) -> None:
    make.market()


def listed(campaign, **asked):
    return [one.contact for one in cast.list_members(campaign=campaign, now=NOW, **asked).members]


def test_only_those_are_listed_who_would_be_written_to():
    account = make.account_near_limit()
    reached = make.reader(account, first_name="Dana")
    make.reader(account, topics={"offers": "WITHDRAWN"})
    MembershipFactory(account=make.account_near_limit(seats=3))
    assert listed(make.drafted()) == [reached]


def found(campaign: Campaign, contact: Contact) -> cast.Person:
    person = cast.find_person(campaign=campaign, contact_id=contact.pk, now=NOW)
    assert person is not None
    return person


def test_a_second_contact_of_the_account_is_nobody_who_would_get_it():
    account = make.account_near_limit()
    first, second = make.reader(account), make.reader(account)
    campaign = make.drafted()
    assert found(campaign, first).contact == first
    assert cast.find_person(campaign=campaign, contact_id=second.pk, now=NOW) is None


def test_those_asked_for_are_found_wherever_they_stand(monkeypatch):
    people = [make.reader(make.account_near_limit(name=f"Account {number}")) for number in range(3)]
    campaign = make.drafted()
    monkeypatch.setattr(cast, "LISTED_ACCOUNTS", 2)
    listing = cast.list_members(campaign=campaign, now=NOW)
    assert ([one.contact for one in listing.members], listing.is_whole) == (people[:2], False)
    assert listed(campaign, contacts=Contact.objects.filter(pk=people[2].pk)) == people[2:]
    assert found(campaign, people[2]).account.name == "Account 2"


def test_a_campaign_about_contacts_lists_the_contacts_meant():
    account = make.account_near_limit()
    make.reader(account, first_name="Dana")
    noa = make.reader(account, first_name="Noa", role="MEMBER")
    about_noa = {"subject": "contact", "field": "contact.first_name", "op": "=", "value": "Noa"}
    campaign = make.drafted(audience={"segment": about_noa})
    assert listed(campaign) == [noa]
    assert listed(campaign, contacts=Contact.objects.filter(first_name="Dana")) == []


def test_the_facts_are_those_that_enrolling_stores():
    account = make.account_near_limit()
    person = make.reader(account)
    ThresholdCrossingFactory(account=account, meter__code="seats_used", evidence={"value": 9, "limit": 10})
    seen = found(make.drafted(), person).facts
    campaign = make.launched(holdout_percent=None)
    entry = Entry.objects.get(campaign=campaign)
    assert seen["evidence"] == entry.evidence
    assert seen["offer"] == Quote.objects.get().figures


def test_an_open_quote_is_told_again_instead_of_a_new_one():
    account = make.account_near_limit()
    person = make.reader(account)
    make.launched(holdout_percent=None)
    told = Quote.objects.get().figures | {"valid_until": "2026-03-05"}
    Quote.objects.update(figures=told)
    campaign = make.drafted(slug="another")
    assert found(campaign, person).facts["offer"] == told


def test_looking_writes_nothing():
    make.reader(make.account_near_limit(), phone="+972525551234")
    campaign = make.drafted()
    ContactPoint.objects.all().delete()
    person = ContactFactory(phone="+972525551235")
    cast.find_people(campaign=campaign, now=NOW)
    assert cast.why_unreachable(campaign=campaign, contact=person, channel="sms") == "NO_CONSENT"
    assert not ContactPoint.objects.exists()
    assert not Quote.objects.exists()


def test_who_has_no_phone_is_skipped_at_a_text_message():
    person = make.reader(make.account_near_limit(), phone="")
    campaign = make.drafted()
    assert cast.why_unreachable(campaign=campaign, contact=person, channel="sms") == "NO_ADDRESS"
    assert cast.why_unreachable(campaign=campaign, contact=person, channel="email") == ""


def test_of_a_launched_campaign_those_inside_are_seen_with_what_they_were_told():
    person = make.reader(make.account_near_limit())
    campaign = make.launched(holdout_percent=None)
    QuoteFactory()
    Quote.objects.update(figures={"new_monthly": "1.00"})
    (seen,) = cast.find_people(campaign=campaign, now=NOW)
    assert (seen.contact, seen.facts["offer"]) == (person, {"new_monthly": "1.00"})
    assert listed(campaign, contacts=Contact.objects.exclude(pk=person.pk)) == []
