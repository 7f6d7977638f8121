"""UTM parameters and open tracking: what a campaign says is on its links and in its requests, and nowhere else."""

from __future__ import annotations

import pytest
import time_machine

from campaigns.delivery import links, render
from campaigns.delivery.models import Message, TrackedLink
from campaigns.profiles.models import Contact
from campaigns.sequences import enrol, launch, tracking, wording
from campaigns.sequences.tracking import TrackingSpec
from tests.factories import sequences as make
from tests.factories.profiles import AccountFactory, ContactFactory

UTM = {"source": "crescendo", "medium": "email", "campaign": "seats-80"}
TAIL = "utm_source=crescendo&utm_medium=email&utm_campaign=seats-80"


@pytest.mark.parametrize(
    ("url", "tagged"),
    [
        ("https://a.example/", f"https://a.example/?{TAIL}"),
        ("https://a.example/x?a=1#top", f"https://a.example/x?a=1&{TAIL}#top"),
        ("https://a.example/?utm_source=own", "https://a.example/?utm_source=own"),
    ],
)
def test_the_parameters_follow_those_that_are_there(url, tagged):
    assert tracking.tag_url(url, UTM) == tagged


@pytest.mark.parametrize(
    "href",
    ["{{ links.offer }}", "https://a.example/{{ account.name }}", "mailto:a@b.example", "http://a.example/", "#"],
)
def test_only_addresses_that_are_written_out_are_changed(href):
    markup = f'<a href="{href}">x</a>'
    assert tracking.tag_links(markup, UTM) == markup


def test_a_mails_links_carry_them_as_an_attribute_can():
    content = {"en": {"subject": "s", "mjml": '<mj-button href="https://a.example/?b=1&amp;c=2">x</mj-button>'}}
    made = wording.delivery_content(channel="email", content=content, has_offer=False, utm=UTM)
    href = f"https://a.example/?b=1&amp;c=2&amp;{TAIL.replace('&', '&amp;')}"
    assert made["en"]["mjml"] == f'<mj-button href="{href}">x</mj-button>'


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("opens", "country", "zone", "looks"),
    [
        ("NEVER", "US", "", False),
        ("OUTSIDE_EU", "US", "", True),
        ("OUTSIDE_EU", "RO", "", False),
        ("OUTSIDE_EU", "NO", "", False),
        ("OUTSIDE_EU", "IS", "", False),
        ("OUTSIDE_EU", "LI", "", False),
        ("OUTSIDE_EU", "CH", "", False),
        ("OUTSIDE_EU", "uk", "", False),
        ("OUTSIDE_EU", "Deutschland", "", False),
        ("OUTSIDE_EU", "", "Europe/Bucharest", False),
        ("OUTSIDE_EU", "", "Asia/Jerusalem", True),
        ("OUTSIDE_EU", "", "", False),
        ("ALWAYS", "RO", "", True),
    ],
)
def test_opens_are_looked_for_where_the_campaign_says_and_the_country_is_known(opens, country, zone, looks):
    contact = ContactFactory.build(country=country, time_zone=zone)
    account = AccountFactory.build(country="", time_zone="")
    assert tracking.looks_for_opens(spec=TrackingSpec(opens), contact=contact, account=account) is looks


@pytest.fixture
def launched():
    with time_machine.travel(make.NOW, tick=False):
        make.market()
        for country in ("US", "RO"):
            account = make.ready_account(name=country)
            Contact.objects.filter(memberships__account=account).update(country=country, time_zone="")
        campaign = make.drafted(holdout_percent=0, tracking={"opens": "OUTSIDE_EU", "utm": UTM})
        launch.launch(campaign=campaign, by="maria", now=make.NOW)
        enrol.enrol_due(now=make.NOW)
        yield campaign


@pytest.mark.django_db
def test_each_message_says_whether_its_opens_are_looked_for(launched):
    told = Message.objects.values_list("account__name", "context")
    found = {name: context.get(render.TRACKS_OPENS, False) for name, context in told}
    assert found == {"US": True, "RO": False}


@pytest.mark.django_db
def test_the_offers_link_is_stored_with_them_leads_there_and_is_found_again(launched, client):
    for link in TrackedLink.objects.filter(kind="offer"):
        assert link.target.endswith(f"?{TAIL}")
        answer = client.get(links.click_url(link_id=link.pk).removeprefix("http://127.0.0.1:8000"))
        assert (answer.status_code, answer["Location"]) == (302, link.target)
        path = link.target.removeprefix("http://127.0.0.1:8000").partition("?")[0]
        assert links.message_behind(path=path, contact_id=link.message.contact_id) == link.message
