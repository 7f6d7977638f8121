from __future__ import annotations

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.urls import reverse

from campaigns.delivery import switch
from campaigns.delivery.models import Message
from campaigns.profiles.models import Contact
from campaigns.sequences import lifecycle, try_out
from tests.campaigns.console.reading import words_of
from tests.factories import sequences as make
from tests.factories.profiles import ContactFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def market(shared_rows):
    make.market()
    account = make.account_near_limit(name="Galil Software")
    make.reader(account, first_name="Dana", last_name="Levi")


@pytest.fixture(autouse=True)
def at_launch_day(market):
    with time_machine.travel(make.NOW, tick=False):
        yield


@pytest.fixture
def person(settings, db):
    settings.SENDGRID_API_KEY = ""
    return Contact.objects.get()


@pytest.fixture
def draft(person):
    return make.drafted()


def page(slug="seats-80", key="mail-1", letter="a", **query):
    return reverse("admin:studio-campaign-test", args=[slug, key, letter], query=query or None)


def answers(person, **changes):
    return {"address": "joe@acme.example", "contact": person.pk, "language": "en", "confirmed": "on"} | changes


def test_the_form_offers_ones_own_address_and_the_person_of_the_preview(draft, person, marketer):
    response = marketer.get(page(contact=person.pk))
    assert response.context["form"]["address"].value() == "maria@acme.example"
    assert "Dana Levi, Galil Software" in response.content.decode()
    assert "nothing leaves this machine" in words_of(response)


def test_the_wording_page_leads_here(draft, marketer):
    wording = reverse("admin:studio-campaign-wording", args=["seats-80", "mail-1", "a"])
    assert page() in marketer.get(wording).content.decode()


def test_a_confirmed_test_is_planned_and_one_is_back_at_the_wording(draft, person, marketer):
    response = marketer.post(page(), answers(person), follow=True)
    assert response.redirect_chain == [
        (
            reverse(
                "admin:studio-campaign-wording",
                args=["seats-80", "mail-1", "a"],
                query={"language": "en", "contact": person.pk},
            ),
            302,
        )
    ]
    assert "The test is on its way to joe@acme.example." in words_of(response)
    message = Message.objects.get()
    assert (message.purpose, message.state, message.variant) == ("TEST", "READY", "a")


def test_with_sending_off_it_says_that_the_test_waits(draft, person, marketer):
    switch.set_switch(is_on=False, by="avi", reason="a look first", now=make.NOW)
    words = words_of(marketer.post(page(), answers(person), follow=True))
    assert "Sending is off: the test to joe@acme.example waits." in words
    assert "on its way to" not in words


def test_without_the_confirmation_nothing_goes(draft, person, marketer):
    response = marketer.post(page(), answers(person, confirmed=""))
    assert response.status_code == 422
    assert "Tests go to colleagues only" in words_of(response)
    assert not Message.objects.exists()


def test_a_customers_address_is_refused_in_words(draft, person, marketer):
    ContactFactory(email="noa@customer.example")
    response = marketer.post(page(), answers(person, address="noa@customer.example"))
    assert "This is a customer’s address" in words_of(response)
    assert not Message.objects.exists()


def test_what_is_no_address_is_said_beside_the_field(draft, person, marketer):
    assert "This is no e-mail address." in words_of(marketer.post(page(), answers(person, address="joe")))


def test_a_stranger_to_the_audience_lends_no_facts(draft, person, marketer):
    response = marketer.post(page(), answers(person, contact=ContactFactory().pk))
    assert response.status_code == 422


def test_an_empty_audience_says_why_nothing_can_be_sent(person, marketer):
    make.drafted(audience={"segment": {"field": "account.name", "op": "=", "value": "Nobody"}})
    assert "there are no facts to fill it in with" in words_of(marketer.get(page()))


def test_a_text_that_cannot_be_filled_in_says_why(person, marketer):
    texts = {"en": {"subject": "{{ evidence.nothing_like_it }}", "mjml": make.MJML.format("Hi")}}
    steps = [{"key": "mail-1", "kind": "MESSAGE", "channel": "email", "variants": {"a": {"content": texts}}}]
    make.drafted(steps=steps)
    response = marketer.post(page(), answers(person))
    assert "It can’t be filled in for this person" in words_of(response)


def test_a_running_campaign_can_be_tried_too(person, marketer):
    campaign = make.launched(holdout_percent=None)
    lifecycle.pause(campaign=campaign, by="tests", now=make.NOW)
    marketer.post(page(), answers(person))
    assert Message.objects.filter(purpose="TEST").count() == 1


def test_a_banner_cannot_be_sent_to_anybody(draft, marketer):
    assert marketer.get(page(key="banner")).status_code == 404


def test_who_may_not_change_a_campaign_sends_no_test(draft, person, onlooker):
    assert onlooker.post(page(), answers(person)).status_code == 403
    assert not Message.objects.exists()


def test_after_many_tests_to_one_address_the_next_is_refused_in_words(draft, person, marketer):
    for _ in range(try_out.MOST_PER_ADDRESS):
        marketer.post(page(), answers(person))

    response = marketer.post(page(), answers(person))

    assert response.status_code == 422
    assert "Many tests went within the last hour." in words_of(response)


def test_who_may_not_see_people_fills_in_no_test_with_their_facts(draft, person, onlooker, django_user_model):
    guy = django_user_model.objects.get(username="guy")
    guy.user_permissions.add(Permission.objects.get(codename="change_campaign"))

    assert onlooker.get(page()).status_code == 403
