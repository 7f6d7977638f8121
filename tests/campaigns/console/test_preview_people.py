"""As whom a message is seen: one walks through those who would get it, or finds one of them."""

from __future__ import annotations

import pytest
import time_machine
from django.urls import reverse

from campaigns.profiles.models import Contact
from campaigns.sequences.models import Campaign
from tests.campaigns.console.previewing import MAIL, drafted, frame, reader, url
from tests.campaigns.console.reading import words_of
from tests.factories import sequences as make

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def scene(shared_rows):
    make.market()
    for first in ("Dana", "Noa", "Zohar"):
        reader(first, "Levi", account=f"{first} Ltd")
    with time_machine.travel(make.NOW, tick=False):
        drafted()


@pytest.fixture
def three(scene, db):
    return list(Contact.objects.order_by("pk"))


@pytest.fixture
def campaign(scene, settings, db):
    settings.SENDGRID_API_KEY = ""
    with time_machine.travel(make.NOW, tick=False):
        yield Campaign.objects.get()


def test_one_walks_through_those_who_would_get_it(campaign, three, marketer):
    panel = marketer.get(url(campaign, "")).context["panel"]
    assert (panel.viewers.position, panel.before, panel.label) == ("1 of 3", None, "Dana Levi, Dana Ltd (9 of 10)")
    panel = marketer.get(panel.after.url).context["panel"]
    assert (panel.viewers.position, panel.person.contact) == ("2 of 3", three[1])
    panel = marketer.get(panel.after.url).context["panel"]
    assert (panel.viewers.position, panel.after) == ("3 of 3", None)
    assert marketer.get(panel.before.url).context["panel"].person.contact == three[1]


def test_somebody_is_found_by_name_and_by_account(campaign, three, marketer):
    for search in ("zohar", "Zohar Ltd", "zohar levi"):
        panel = marketer.get(url(campaign, "", q=search)).context["panel"]
        assert [one.name for one in panel.found] == ["Zohar Levi, Zohar Ltd (9 of 10)"]
    assert marketer.get(panel.found[0].url).context["panel"].person.contact == three[2]


def test_who_is_found_by_nobody_is_told_in_words(campaign, three, marketer):
    words = words_of(marketer.get(url(campaign, "", q="Nobody")))
    assert "Nobody who would get this message is called so." in words


def test_language_and_screen_stay_while_one_walks_through_people(campaign, three, marketer):
    panel = marketer.get(url(campaign, "", language="he", screen="dark")).context["panel"]
    panel = marketer.get(panel.after.url).context["panel"]
    assert (panel.locale, panel.screen, panel.person.contact) == ("he", "dark", three[1])


@pytest.mark.parametrize("contact", ["x", "0", "99999999999999999999", "²"])
def test_an_unknown_person_is_answered_with_the_first(campaign, three, marketer, contact):
    assert marketer.get(url(campaign, "", contact=contact)).context["panel"].person.contact == three[0]
    assert "Dana" in frame(marketer, campaign, contact=contact)


def test_htmx_gets_the_panel_alone(campaign, three, marketer):
    for page in (url(campaign, ""), url(campaign, "wording")):
        body = marketer.get(page, headers={"HX-Request": "true", "HX-Target": "panel"}).content.decode()
        assert body.strip().startswith("<aside")
        assert "2 of 3" not in body
        assert "1 of 3" in body


def test_the_editor_keeps_its_person_after_saving(campaign, three, marketer):
    page = reverse("admin:studio-campaign-wording", args=[campaign.slug, "first", "a"], query={"language": "en"})
    data = {"subject": "Hi", "mjml": MAIL, "contact": three[1].pk, "screen": "dark"}
    for subject in ("Hi", ""):
        panel = marketer.post(page, data | {"subject": subject}, follow=True).context["panel"]
        assert (panel.person.contact, panel.screen) == (three[1], "dark")


def test_the_panel_leads_to_a_test_as_the_person_shown(campaign, three, marketer):
    panel = marketer.get(url(campaign, "", contact=three[1].pk)).context["panel"]
    form = marketer.get(panel.test_url).context["form"]
    assert (form["contact"].value(), form["language"].value()) == (str(three[1].pk), "en")
    assert form["address"].value() == "maria@acme.example"
