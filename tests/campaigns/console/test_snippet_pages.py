"""The pages of snippets, and where the studio offers them; links and opens; the plain-text part."""

from __future__ import annotations

import pytest
import time_machine
from django.urls import reverse

from campaigns.console import variables
from campaigns.sequences import snippets
from campaigns.sequences.models import Campaign, Snippet
from tests.campaigns.console.reading import words_of
from tests.factories import sequences as make

pytestmark = pytest.mark.django_db
LIST, NEW = reverse("admin:studio-snippets"), reverse("admin:studio-snippet-new")
ONE = reverse("admin:studio-snippet", args=["sign-off"])


@pytest.fixture(scope="module")
def market(shared_rows):
    make.market()
    make.ready_account(name="Galil Software")


@pytest.fixture(autouse=True)
def at_launch_day(market):
    with time_machine.travel(make.NOW, tick=False):
        yield


@pytest.fixture
def draft():
    return make.drafted()


@pytest.fixture
def mail(draft, marketer):
    """A mail of blocks, behind the first one."""
    marketer.post(reverse("admin:studio-campaign-steps", args=[draft.slug]), {"do": "add email mail-1"})


def post(marketer, url=NEW, **texts):
    return marketer.post(url, {"name": "Sign-off", "en": "", "he": "", "ro": "", **texts})


def texts_of():
    return snippets.load(slugs=["sign-off"])["sign-off"]


def test_a_snippet_is_made_changed_and_brought_back(marketer):
    assert "no snippets yet" in words_of(marketer.get(LIST))
    assert post(marketer, en="Yours, Maria", he="שלכם")["Location"] == ONE
    post(marketer, ONE, en="Yours, Dana")
    assert texts_of() == {"en": "Yours, Dana"}
    assert "Version 2" in words_of(marketer.get(ONE))
    marketer.post(ONE, {"do": "back 1"})
    assert texts_of() == {"en": "Yours, Maria", "he": "שלכם"}
    assert Snippet.objects.get().versions.count() == 3
    assert "Nothing yet" in words_of(marketer.get(LIST))


@pytest.mark.parametrize(
    ("texts", "why"),
    [
        ({"en": ""}, "Fill this in"),
        ({"en": "{{ nobody }}"}, "There is no variable nobody"),
        ({"en": "{% include 'other' %}"}, "includes no other snippet"),
        ({"en": "{% if %}"}, "Line 1"),
        ({"en": "x", "name": "שלום"}, "letters a to z"),
        ({"en": "x", "name": "new"}, "letters a to z"),
    ],
)
def test_a_snippet_that_would_break_texts_is_not_saved(marketer, texts, why):
    response = post(marketer, **texts)
    assert response.status_code == 422
    assert why in words_of(response)
    assert not Snippet.objects.exists()


def test_two_snippets_have_two_names(marketer):
    post(marketer, en="x")
    assert "of this name already" in words_of(post(marketer, en="y"))


def test_an_onlooker_reads_them_and_changes_none(marketer, client, django_user_model):
    post(marketer, en="x")
    client.force_login(django_user_model.objects.create_user("guy", password="pw", is_staff=True))
    assert client.get(LIST).status_code == 200
    assert client.get(NEW).status_code == 403
    assert post(client, ONE, en="y").status_code == 403


def test_a_wording_offers_shows_and_uses_it(draft, mail, marketer):
    post(marketer, en="Yours, {{ account.name }}")
    page = reverse("admin:studio-campaign-wording", args=[draft.slug, "mail-2", "a"])
    html = marketer.get(page).content.decode()
    assert 'data-insert="{% include &#x27;sign-off&#x27; %}"' in html
    saved = marketer.post(page, {"subject": "{% include 'sign-off' %}", "body": "{% include 'sign-off' %}"})
    assert saved.status_code == 302
    assert "things to mend" not in words_of(marketer.get(page))
    preview = reverse("admin:studio-campaign-preview", args=[draft.slug, "mail-2", "a"])
    assert "Galil Software" in marketer.get(preview).content.decode()
    assert draft.name in words_of(marketer.get(LIST))
    marketer.post(ONE, {"name": "Sign-off", "en": "Best, {{ account.name }}", "he": "", "ro": ""})
    assert "Best, " in marketer.get(preview).content.decode()


def definition_of_the_draft():
    version = Campaign.objects.get().draft_version
    assert version is not None
    return version.definition


def test_the_plain_text_part_is_written_by_hand_or_made(draft, mail, marketer):
    page = reverse("admin:studio-campaign-wording", args=[draft.slug, "mail-2", "a"])
    given = {"subject": "s", "body": "The mail"}
    marketer.post(page, {**given, "text": "By hand for {{ account.name }}"})
    content = definition_of_the_draft()["steps"][1]["variants"]["a"]["content"]["en"]
    assert content["text"] == "By hand for {{ account.name }}"
    preview = reverse("admin:studio-campaign-preview", args=[draft.slug, "mail-2", "a"])
    assert "By hand for" in marketer.get(preview, {"screen": "text"}).content.decode()
    assert marketer.get(page).context["form"].initial["text"] == "By hand for {{ account.name }}"
    marketer.post(page, {**given, "text": ""})
    assert "The mail" in marketer.get(preview, {"screen": "text"}).content.decode()


def part(marketer, **data):
    empty = {"opens": "NEVER", "source": "", "medium": "", "campaign": "", "content": ""}
    return marketer.post(reverse("admin:studio-campaign-part", args=["seats-80", "tracking"]), {**empty, **data})


def test_clicks_on_own_links_are_counted_unless_somebody_says_not(draft, marketer):
    assert part(marketer, clicks="NEVER").status_code == 302
    assert definition_of_the_draft()["tracking"] == {"clicks": "NEVER"}

    assert part(marketer, clicks="COUNTED").status_code == 302
    assert "tracking" not in definition_of_the_draft()


def test_links_and_opens_are_set_and_undone(draft, marketer):
    assert part(marketer, opens="OUTSIDE_EU", source="a", medium="email", campaign="c").status_code == 302
    told = {"opens": "OUTSIDE_EU", "utm": {"source": "a", "medium": "email", "campaign": "c"}}
    assert definition_of_the_draft()["tracking"] == told
    marketer.post(reverse("admin:studio-campaign-version", args=["seats-80"]), {"do": "undo"})
    assert "tracking" not in definition_of_the_draft()


@pytest.mark.parametrize(
    ("data", "field"), [({"source": "a b"}, "source"), ({"source": "a", "medium": "m"}, "campaign")]
)
def test_parameters_that_no_link_can_carry_are_refused_beside_their_field(draft, marketer, data, field):
    response = part(marketer, **data)
    assert response.status_code == 422
    assert field in response.context["tracking_form"].errors


def test_what_runs_is_previewed_as_it_was_launched_and_its_draft_as_snippets_are_now(draft, marketer, settings):
    settings.SENDGRID_API_KEY = "SG.test"
    post(marketer, en="Yours, Maria")
    steps = make.document()["steps"]
    for variant in steps[0]["variants"].values():
        variant["content"]["en"]["subject"] = "Room {% include 'sign-off' %}"
    campaign = make.launched(steps=steps, holdout_percent=0)
    page = reverse("admin:studio-campaign", args=[campaign.slug])
    with time_machine.travel(make.NOW + make.days(0.1), tick=False):
        post(marketer, ONE, en="Yours, Dana")
        assert "Dana" not in words_of(marketer.get(page))
        assert "Maria" in words_of(marketer.get(page))
        marketer.post(reverse("admin:studio-campaign-edit", args=[campaign.slug]))
        assert "Dana" in words_of(marketer.get(page))
        assert "Maria" not in words_of(marketer.get(page))


def test_samples_of_money_have_their_currency(draft):
    samples = {one.name: one.sample for one in variables.list_variables(has_offer=True, facts={})}
    assert samples["offer.new_monthly"] == "$99.00"
    assert samples["evidence.monthly"] == "$29.00"
    facts = {"offer": {"new_monthly": "449.00", "currency": "EUR"}}
    told = {one.name: one.sample for one in variables.list_variables(has_offer=True, facts=facts)}
    assert told["offer.new_monthly"] == "€449.00"
