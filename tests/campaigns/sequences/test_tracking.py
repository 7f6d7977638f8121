"""UTM parameters and open tracking: what a campaign says is on its links and in its requests, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from urllib.parse import parse_qsl, urlsplit

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from campaigns.delivery import links, render
from campaigns.delivery.models import LinkTarget, Message, TrackedLink
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
    [
        "{{ links.offer }}", "https://a.example/{{ account.name }}", "mailto:a@b.example", "tel:+4912", "#", "/here",
        "ftp://a.example/", "https://a.example/&#10;b", "https://[a/", "https://a.example/{% if a %}b{% endif %}",
    ],
)  # fmt: skip
def test_only_addresses_that_are_written_out_are_changed(href):
    texts = {"mjml": f'<a href="{href}">x</a>', "text": href if "&" not in href else ""}
    assert tracking.tag_links(texts, UTM) == texts


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Read https://a.example/x, or (http://b.example).", ["https://a.example/x", "http://b.example"]),
        ('{{ links.offer | default: "https://a.example/x" }}', []),
        ("{% assign a = 'https://a.example/' %}{{ a }}", []),
        ("https://a.example/{{ account.external_id }} https://a.example/?id={{ account.external_id }}", []),
        ("{% if account.name %}https://a.example/{% else %}http://b.example/.{% endif %}", ["https://a.example/",
                                                                                       "http://b.example/"]),
        ("https://a.example/{% if account.name %}x{% endif %}", []),
        ("{% if account.name %}https://a.example/{% endif %}x", []),
        ("{% capture a %}https://a.example/{% endcapture %}{{ a }}?b=1", []),
        ("https://a.example/ {{ never closed", []),
        ("HTTPS://a.example/", ["HTTPS://a.example/"]),
    ],
)  # fmt: skip
@pytest.mark.django_db
def test_a_plain_text_has_the_links_that_are_written_out_in_it(text, found):
    """One that Liquid has a part in stays, and so does one that is a value inside a tag."""
    made = tracking.by_way_of_us(channel="email", content={"en": {"text": text}})["en"]["text"]
    assert sorted(LinkTarget.objects.values_list("url", flat=True)) == sorted(found)
    for number, url in LinkTarget.objects.values_list("pk", "url"):
        made = made.replace(f"{{{{ links.to_{number} }}}}", url)
    assert made == text


def test_an_edited_plain_text_carries_them_too():
    content = {"en": {"subject": "s", "mjml": "x", "text": "Read https://a.example/docs?x=1."}}
    made = wording.delivery_content(channel="email", content=content, has_offer=False, utm=UTM)
    assert made["en"]["text"] == f"Read https://a.example/docs?x=1&{TAIL}."


@pytest.mark.parametrize(
    ("href", "target"),
    [
        ("https://x.example/?q=it&#39;s&amp;b=2", "https://x.example/?q=it's&b=2"),
        ("https://x.example/?a=1&#38;b=2", "https://x.example/?a=1&b=2"),
        ("https://x.example/?a=1&#x26;b=2", "https://x.example/?a=1&b=2"),
        ("https://x.example/?q=&quot;a&quot;", 'https://x.example/?q="a"'),
        ("https://x.example/?a=b&amp;copy=1&region=eu", "https://x.example/?a=b&copy=1&region=eu"),
        ("https://x.example/?a=it's", "https://x.example/?a=it's"),
        ("https://x.example/?a=&eacute;&nothing;", "https://x.example/?a=é&nothing;"),
        ("https://שלום.example/א", "https://שלום.example/א"),
        ("http://x.example/a", "http://x.example/a"),
    ],
)
@pytest.mark.django_db
def test_an_address_is_stored_as_its_reader_would_have_read_it(href, target):
    tagged = tracking.tag_links({"mjml": f'<mj-button href="{href}">x</mj-button>'}, UTM)
    tracking.by_way_of_us(channel="email", content={"en": tagged})
    joint = "&" if "?" in target else "?"
    assert LinkTarget.objects.get().url == f"{target}{joint}{TAIL}"


PIECES = st.text(alphabet="ab1אבé'\"&;=%+/.~#?-", max_size=12)
HOSTS = st.sampled_from(["x.example", "שלום.example", "x.example:8443", "me@x.example"])
QUERIES = st.lists(st.sampled_from(["a=1", "b=it's", 'c="d"', "copy=1", "amp;e=2", "utm_x=own", "ש=ל", ""]), max_size=4)


@given(
    scheme=st.sampled_from(["http", "https"]),
    host=HOSTS,
    path=PIECES,
    query=QUERIES,
    fragment=PIECES,
    quote=st.booleans(),
)
def test_the_target_is_what_was_written_and_the_parameters(scheme, host, path, query, fragment, quote):
    url = f"{scheme}://{host}/{path}?{'&'.join(query)}#{fragment}"
    mark = '"' if quote else "'"
    tagged = tracking.tag_links({"mjml": f"<a href={mark}{escape(url)}{mark}>x</a>"}, UTM)
    _numbered, own = tracking.try_by_way_of_us(channel="email", content={"en": tagged})
    [(_start, _end, target)] = tracking.find_links("mjml", tagged["mjml"])
    before, after = urlsplit(url), urlsplit(target)
    has_own = any(name.startswith("utm_") for name, _ in parse_qsl(before.query, keep_blank_values=True))
    wanted = parse_qsl(before.query, keep_blank_values=True) + ([] if has_own else parse_qsl(TAIL))
    assert len(own) == 1
    assert parse_qsl(after.query, keep_blank_values=True) == wanted
    assert (after.scheme, after.netloc, after.path, after.fragment) == (
        before.scheme, before.netloc, before.path, before.fragment)  # fmt: skip


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


@pytest.fixture(scope="module")
def scene(shared_rows) -> None:
    with time_machine.travel(make.NOW, tick=False):
        make.market()
        for country in ("US", "RO"):
            account = make.ready_account(name=country)
            Contact.objects.filter(memberships__account=account).update(country=country, time_zone="")
        campaign = make.drafted(holdout_percent=0, tracking={"opens": "OUTSIDE_EU", "utm": UTM})
        launch.launch(campaign=campaign, by="maria", now=make.NOW)
        enrol.enrol_due(now=make.NOW)


@pytest.fixture
def launched(scene, db) -> Iterator[None]:
    with time_machine.travel(make.NOW, tick=False):
        yield


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
