from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from campaigns.billing.models import Subscription
from campaigns.delivery.models import Message
from campaigns.offers import links
from campaigns.offers.models import Offer, Quote, Refusal
from campaigns.profiles.models import Contact, Membership
from campaigns.public import price_page
from orchestrator import clock
from tests.campaigns.offers.outside import billing_in_memory
from tests.factories.billing import QuotaFactory
from tests.factories.delivery import MessageFactory
from tests.factories.offers import QuoteFactory, ladder, quote_with_reader

pytestmark = pytest.mark.django_db

FIGURES = {
    "plan_from": "Basic",
    "plan_to": "Team",
    "old_monthly": "29.00",
    "new_monthly": "99.00",
    "difference": "70.00",
    "charged_per_interval": "99.00",
    "pricing_model": "FLAT",
    "seats": 9,
    "seat_limit_from": 10,
    "seat_limit_to": 30,
    "new_features": ["automation"],
}
EVIDENCE = {"meter": "seats_used", "value": 9, "quota": 10, "added_28d": 5}


@pytest.fixture(autouse=True)
def billing():
    with billing_in_memory() as service:
        yield service


@pytest.fixture(scope="module")
def scene(shared_rows):
    """The address of an open offer's page, and the key of its quote."""
    quote, contact_id = quote_with_reader(figures=FIGURES, valid_until=clock.utcnow() + timedelta(days=30))
    url = links.offer_url(quote_uuid=quote.uuid, contact_id=contact_id)
    contact = Contact.objects.get(pk=contact_id)
    message = MessageFactory(contact=contact, account=quote.account, context={"evidence": EVIDENCE})
    message.links.create(kind="offer", target=url)
    return url.removeprefix("http://127.0.0.1:8000"), quote.pk


@pytest.fixture
def offer_page(scene, db):
    """(path of an open offer's page, its quote)."""
    path, quote_id = scene
    return path, Quote.objects.get(pk=quote_id)


def _hidden(response):
    return response.content.decode().partition('name="nonce" value="')[2].partition('"')[0]


def answer(client, path, **form):
    return client.post(path, form, headers={"Accept": "application/json"})


def state_of(quote):
    return Quote.objects.get(pk=quote.pk).state


@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_changes_nothing(client, offer_page, method):
    path, quote = offer_page
    before = Quote.objects.filter(pk=quote.pk).values().get()

    assert getattr(client, method)(path).status_code == 200

    assert Quote.objects.filter(pk=quote.pk).values().get() == before


def test_the_page_says_the_evidence_the_whole_price_and_how_to_say_no(client, offer_page):
    text = client.get(offer_page[0]).content.decode()

    for words in (
        "9 of your 10 seats are taken",
        "added 5 people",
        "Upgrade to Team for $99 a month",
        "Team costs $70 a month more than Basic.",
        "If you stay at 10 people or fewer, Basic is the cheaper plan.",
        "Say no for now",
        "Call me",
    ):
        assert words in text


def test_all_that_the_page_says_of_seats_is_of_the_day_of_its_price(client, offer_page):
    Message.objects.update(context={"evidence": EVIDENCE | {"value": 8}})

    text = client.get(offer_page[0]).content.decode()

    assert "9 of your 10 seats are taken" in text
    assert "10, you use 9" in text


def about_projects(offer_page, **limits):
    """What the page says where the message was about projects, of which the plans include `limits`."""
    path, quote = offer_page
    evidence = {"meter": "projects", "meter_name": "Projects", "value": 15, "quota": 25}
    Message.objects.update(context={"evidence": evidence})
    for plan, limit in limits.items():
        QuotaFactory(plan=quote.from_plan if plan == "old" else quote.to_price.plan, meter="projects", limit=limit)
    page = price_page.describe(quote=quote, contact=Contact.objects.get(), evidence=evidence, language="en")
    return page, Client().get(path).content.decode()


@pytest.mark.parametrize(("limit", "shown"), [(100, "100"), (None, "unlimited")])
def test_the_comparison_names_the_limit_of_what_the_message_was_about(offer_page, limit, shown):
    page, text = about_projects(offer_page, old=25, new=limit)

    assert page.rows[1] == price_page.Row("Projects", "25, you use 15", shown)
    assert "25, you use 15" in text


def test_a_limit_that_the_new_plan_does_not_name_is_not_promised(offer_page):
    page, _text = about_projects(offer_page, old=25)

    assert [row.name for row in page.rows if not row.is_feature] == ["Price a month", "Seats"]


def test_staying_is_the_cheaper_plan_only_where_seats_are_what_it_is_about(offer_page):
    page, text = about_projects(offer_page, old=25, new=100)

    assert page.cheaper_note == ""
    assert "people or fewer" not in text


@pytest.mark.parametrize(("language", "written"), [("en", "50,000"), ("he", "50,000"), ("ro", "50.000")])
def test_quantities_are_written_as_the_pages_language_groups_them(offer_page, language, written):
    evidence = {"meter": "api_calls", "meter_name": "API", "value": 11079, "quota": 50000}
    quote, contact = offer_page[1], Contact.objects.get()
    page = price_page.describe(quote=quote, contact=contact, evidence=evidence, language=language)

    assert written in page.title
    assert written.replace("50", "11").replace("000", "079") in page.title


def test_the_page_holds_under_the_strict_policy(client, offer_page):
    response = client.get(offer_page[0])

    text = response.content.decode()
    assert "style=" not in text
    assert "<script" not in text
    assert response["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(("language", "direction"), [("en", "ltr"), ("he", "rtl"), ("ro", "ltr")])
def test_the_page_speaks_the_language_asked_for(client, offer_page, language, direction):
    text = client.get(f"{offer_page[0]}?lang={language}").content.decode()

    assert f'<html lang="{language}" dir="{direction}">' in text


def test_a_yes_that_waits_for_us_can_be_taken_back_on_the_page(client, offer_page):
    path, quote = offer_page
    Quote.objects.filter(pk=quote.pk).update(state="ACCEPTING", failure="wrong key", answered_at=clock.utcnow())

    text = client.get(path).content.decode()

    assert "We’re on it" in text
    assert "Say no for now" in text
    assert answer(client, path, action="decline", reason="WRONG_TIME").json() == {"result": "declined"}


def test_a_second_offer_of_the_account_is_told_that_its_upgrade_is_under_way(client, offer_page):
    path, quote = offer_page
    QuoteFactory(subscription=quote.subscription, state="ACCEPTING", answered_at=clock.utcnow())

    response = client.post(path, {"action": "accept", "nonce": _hidden(client.get(path))})

    assert response.status_code == 409
    assert "has been upgraded already, or is about to be" in response.content.decode()


def test_a_price_that_was_made_from_another_plan_says_so_and_cannot_be_taken(client, offer_page):
    path, quote = offer_page
    nonce = _hidden(client.get(path))
    Subscription.objects.update(plan=ladder()["enterprise"])

    looked = client.get(path)
    pressed = client.post(path, {"action": "accept", "nonce": nonce})

    assert (looked.status_code, pressed.status_code, state_of(quote)) == (410, 410, Quote.State.EXPIRED)
    for page in (looked, pressed, client.get(path)):
        text = page.content.decode()
        assert "Your plan or your seats changed since this price was made" in text
        assert "you are on Enterprise" in text
        assert "accept" not in text


def test_who_has_the_plan_by_now_is_told_so(client, offer_page):
    Subscription.objects.update(plan=ladder()["team"])

    assert "You are on Team now" in client.get(offer_page[0]).content.decode()


def test_who_left_the_account_is_told_that_nothing_was_changed(client, offer_page):
    path, quote = offer_page
    Membership.objects.all().delete()

    pressed = client.post(path, {"action": "accept", "nonce": _hidden(client.get(path))})

    assert "Nothing was changed: you are not among the people" in pressed.content.decode()
    assert state_of(quote) == Quote.State.OPEN


def test_a_no_beside_a_yes_does_not_say_that_the_plan_stays(client, offer_page):
    path, quote = offer_page
    enterprise = ladder()["enterprise"].prices.get()
    QuoteFactory(subscription=quote.subscription, to_price=enterprise, state="ACCEPTING", answered_at=clock.utcnow())

    text = client.post(path, {"action": "decline"}).content.decode()

    assert state_of(quote) == Quote.State.DECLINED
    assert "was accepted and is on its way" in text
    assert "You stay on" not in text


def test_one_post_with_the_pages_nonce_upgrades(offer_page):
    path, quote = offer_page
    client = Client(enforce_csrf_checks=True)
    nonce = _hidden(client.get(path))

    response = answer(client, path, action="accept", nonce=nonce)

    assert (response.status_code, response.json()) == (200, {"result": "upgraded"})
    assert state_of(quote) == Quote.State.ACCEPTED


def test_a_second_press_says_already_done(client, offer_page, billing):
    path, _ = offer_page
    nonce = _hidden(client.get(path))
    answer(client, path, action="accept", nonce=nonce)

    response = answer(client, path, action="accept", nonce=nonce)

    assert (response.status_code, response.json()) == (409, {"result": "already_done"})
    assert len(billing.changes) == 1


@pytest.mark.parametrize("nonce", ["", "nonsense"])
def test_a_machine_that_posts_without_the_page_buys_nothing(client, offer_page, billing, nonce):
    path, quote = offer_page

    response = answer(client, path, action="accept", nonce=nonce)

    assert response.status_code == 400
    assert state_of(quote) == Quote.State.OPEN
    assert billing.calls == []


def test_the_nonce_of_one_offer_accepts_no_other(client, offer_page):
    path, quote = offer_page
    other, contact_id = quote_with_reader(figures=FIGURES, valid_until=clock.utcnow() + timedelta(days=30))
    foreign = _hidden(client.get(f"/o/{links.offer_token(quote_uuid=other.uuid, contact_id=contact_id)}"))

    assert answer(client, path, action="accept", nonce=foreign).status_code == 400
    assert state_of(quote) == Quote.State.OPEN


def test_a_press_on_the_page_is_answered_by_a_page(client, offer_page):
    path, _ = offer_page

    response = client.post(path, {"action": "accept", "nonce": _hidden(client.get(path))})

    assert response.status_code == 200
    assert "You are on Team now" in response.content.decode()


@pytest.mark.parametrize("reason", ["TOO_EXPENSIVE", "too_expensive"])
def test_a_no_is_kept_with_its_reason(client, offer_page, reason):
    path, quote = offer_page

    response = answer(client, path, action="decline", reason=reason)

    assert (response.status_code, response.json()) == (200, {"result": "declined"})
    assert Refusal.objects.get(quote=quote).reason == "TOO_EXPENSIVE"


def test_a_no_without_a_reason_counts_too(client, offer_page):
    path, quote = offer_page

    assert answer(client, path, action="decline").json() == {"result": "declined"}
    assert Refusal.objects.get(quote=quote).reason == "OTHER"


def test_a_call_is_asked_for_and_the_offer_stays_open(client, offer_page):
    path, quote = offer_page

    assert answer(client, path, action="call").json() == {"result": "call_asked"}
    assert state_of(quote) == Quote.State.CALL_ASKED
    assert "We call you" in client.get(path).content.decode()


def test_an_offer_that_is_over_says_so_and_cannot_be_taken(client, offer_page):
    path, quote = offer_page
    nonce = _hidden(client.get(path))
    Quote.objects.filter(pk=quote.pk).update(valid_until=clock.utcnow() - timedelta(seconds=1))

    shown, answered = client.get(path), answer(client, path, action="accept", nonce=nonce)

    assert shown.status_code == 410
    assert "This price no longer holds" in shown.content.decode()
    assert (answered.status_code, answered.json()) == (410, {"result": "expired"})


def test_an_offer_that_is_no_longer_made_says_so_and_holds_for_whom_it_was_made(client, offer_page):
    path, _quote = offer_page
    assert "no longer made" not in client.get(path).content.decode()
    Offer.objects.update(is_active=False)

    shown = client.get(path)
    answered = answer(client, path, action="accept", nonce=_hidden(shown))

    assert "This offer is no longer made. It was made to you before" in shown.content.decode()
    assert answered.json() == {"result": "upgraded"}


@pytest.mark.parametrize(
    "form", [{}, {"action": "buy"}, {"action": "decline", "reason": "X"}, {"action": "accept", "quantity": "-1"}]
)
def test_an_answer_that_is_none_of_the_pages_changes_nothing(client, offer_page, form):
    path, quote = offer_page

    response = answer(client, path, **form)

    assert response.status_code == 400
    assert response.json()["error"]["message"]
    assert state_of(quote) == Quote.State.OPEN


def test_a_wrong_link_is_answered_in_words(client):
    response = client.get("/o/nonsense")

    assert response.status_code == 404
    assert "leads nowhere" in response.content.decode()


def test_a_price_by_the_year_is_summed_up_by_the_year(client, offer_page):
    path, quote = offer_page
    figures = FIGURES | {"charged_per_interval": "990.00", "charged_now": "290.00"}
    Quote.objects.filter(pk=quote.pk).update(interval="YEAR", figures=figures)

    text = client.get(path).content.decode()

    assert "<dt>Basic, today, each year</dt><dd>$290.00</dd>" in text
    assert "<dt>Difference, each year</dt><dd>$700.00</dd>" in text
    assert '<dt class="is-total">Team, from today, each year</dt><dd class="is-total">$990.00</dd>' in text


@pytest.mark.parametrize("form", [{}, {"action": "decline", "reason": "X"}, {"action": "accept", "nonce": "old"}])
def test_what_was_wrong_is_said_in_the_language_of_the_page(client, offer_page, form):
    path, _ = offer_page
    english = client.post(f"{path}?lang=en", form).content.decode()
    hebrew = client.post(f"{path}?lang=he", form).content.decode()

    said = english.partition('role="alert"')[2].partition("<div>")[2].partition("</div>")[0]

    assert said
    assert said not in hebrew


def test_an_answer_without_the_pages_number_changes_nothing_after_a_no_either(client, offer_page):
    path, quote = offer_page
    answer(client, path, action="decline")

    text = client.post(path, {"action": "accept", "nonce": "old"}).content.decode()

    assert "You said no for now" in text
    assert 'role="alert"' not in text
    assert state_of(quote) == Quote.State.DECLINED


def test_features_are_named_as_people_write_them():
    names = [price_page._feature_name(code) for code in ("sso", "api_export", "guest_access")]
    assert names == ["SSO", "API export", "Guest access"]
