"""Contacts as a support person meets them: found, kept from the curious, opted out on the phone."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from campaigns.consent import opt_out, points, selectors
from campaigns.consent.models import ConsentRecord, ConsentTopic, ContactPoint
from campaigns.operations.models import AuditEntry
from campaigns.profiles.models import Contact
from tests.campaigns.console.contacts import LIST, account_of, dana, page_of, say, topic
from tests.campaigns.console.reading import words_of
from tests.factories.consent import ConsentTopicFactory
from tests.factories.offers import basic_subscription
from tests.factories.profiles import ContactFactory, MembershipFactory
from tests.factories.usage import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_november")]
__all__ = ["dana", "topic"]


# --- the list


def test_the_list_shows_names_accounts_and_what_may_be_written(marketer, dana):
    say(dana)
    words = words_of(marketer.get(LIST))

    assert "1 contact" in words
    assert "Dana Levi dana@galil.example Galil Software Hebrew Yes Not asked Yes" in words


@pytest.mark.parametrize(
    "search",
    ["dana", "levi", "dana levi", "galil.example", "Galil", "+972502345678", "DANA@GALIL"],
)
def test_a_contact_is_found_by_name_address_and_account(marketer, dana, search):
    ContactFactory(first_name="Radu", last_name="Pop", email="radu@moga.example")

    words = words_of(marketer.get(LIST, {"q": search}))

    assert "1 of 2 contacts" in words
    assert "Dana Levi" in words


def test_a_contact_is_found_by_its_id(marketer, dana):
    assert "Dana Levi" in words_of(marketer.get(LIST, {"q": dana.external_id}))


@pytest.mark.parametrize("search", ["nobody", "a\x00b", "%", "x" * 500])
def test_a_search_that_finds_nobody_says_so(marketer, dana, search):
    assert "Nothing here matches" in words_of(marketer.get(LIST, {"q": search}))


def test_the_list_narrows_to_who_can_be_reached(marketer, dana):
    say(dana)
    radu = ContactFactory(first_name="Radu", last_name="Pop")
    opt_out.opt_out(
        point_id=points.ensure_points(contacts=[radu], channel="in_app")[radu.pk].pk,
        source="staff", at=NOW, now=NOW, all_channels=True,
    )  # fmt: skip

    def found(**asked):
        words = words_of(marketer.get(LIST, asked))
        return {name for name in ("Dana Levi", "Radu Pop") if name in words}

    assert found(reach="email") == {"Dana Levi"}
    assert found(reach="sms") == set()
    assert found(reach="in_app") == {"Dana Levi"}
    assert found(reach="nowhere") == {"Radu Pop"}
    assert found(said="no") == {"Radu Pop"}
    assert found(said="never") == set()
    assert found(said="bounced") == set()
    assert found(locale="he") == {"Dana Levi"}
    assert found(locale="he", said="no") == set()
    assert found(reach="pigeon", locale="xx") == {"Dana Levi", "Radu Pop"}


def test_the_list_keeps_to_the_rule_that_sending_keeps_to(topic):
    """Every mixture of record, block and channel: the list's condition says what `permission` says."""
    for number, (state, reason) in enumerate((s, r) for s in (None, "GRANTED", "WITHDRAWN") for r in ("", "BOUNCED")):
        contact = ContactFactory(phone=f"+97250234567{number}")
        for channel in points.CHANNELS:
            point = points.ensure_points(contacts=[contact], channel=channel)[contact.pk]
            point.topics = {"offers": state} if state else {}
            point.is_blocked, point.reason = bool(reason), reason
            point.save()
    ContactFactory(phone="", email="")
    ConsentTopicFactory(slug="account", is_marketing=False)
    for rule in ConsentTopic.objects.all():
        for channel in points.CHANNELS:
            listed = set(
                Contact.objects.filter(selectors.reaches(channel=channel, topic=rule)).values_list("pk", flat=True)
            )
            everyone = list(Contact.objects.values_list("pk", flat=True))
            assert listed == selectors.reachable_contacts(contact_ids=everyone, channel=channel, topic=rule.slug)


def test_the_list_takes_as_many_queries_for_many_contacts_as_for_one(marketer, dana):
    marketer.get(LIST)
    with CaptureQueriesContext(connection) as one:
        marketer.get(LIST)
    for _ in range(30):
        MembershipFactory()
    with CaptureQueriesContext(connection) as many:
        marketer.get(LIST)
    assert len(many) == len(one)


def test_pages_keep_what_was_asked(marketer, dana):
    for _ in range(60):
        ContactFactory(locale="he")

    html = marketer.get(LIST, {"locale": "he", "reach": "in_app"}).content.decode()

    assert 'href="?reach=in_app&amp;locale=he&amp;page=2"' in html


def test_merged_and_erased_people_are_not_listed(marketer, dana):
    ContactFactory(first_name="Old", merged_into=dana)
    ContactFactory(first_name="Gone", erased_at=NOW)

    assert "1 contact" in words_of(marketer.get(LIST))


def test_the_list_is_exported_without_formulas(marketer, dana):
    say(dana)
    ContactFactory(first_name="=cmd()", last_name="Z", email="")

    lines = b"".join(marketer.get(f"{LIST}contacts.csv")).decode("utf-8-sig").splitlines()

    assert lines[0] == "external_id,first_name,last_name,email,phone,locale,accounts,reachable_by"
    assert lines[1].split(",")[1:] == [
        "Dana", "Levi", "dana@galil.example", "'+972502345678", "he", "Galil Software", "email in_app",
    ]  # fmt: skip
    assert "'=cmd()" in lines[2]


# --- who may see what


@pytest.mark.parametrize("path", ["", "contacts.csv", "{}/", "{}/opt-out/"])
def test_addresses_are_not_for_everybody(client, onlooker, dana, path):
    assert onlooker.get(LIST + path.format(dana.pk)).status_code == 403
    onlooker.logout()
    assert onlooker.get(LIST + path.format(dana.pk)).status_code == 302


def test_an_unknown_contact_is_not_found(marketer, topic):
    assert marketer.get(f"{LIST}999999/").status_code == 404


# --- a no on their behalf


def test_a_no_told_on_the_phone_is_recorded_with_who_took_it(marketer, dana, empty_redis):
    say(dana)
    page = marketer.get(f"{page_of(dana)}opt-out/")
    assert "Only the person can take it back" in words_of(page)

    answer = {"what": "email", "how": "PHONE", "note": "Too many mails"}
    response = marketer.post(f"{page_of(dana)}opt-out/", answer, follow=True)

    kept = ConsentRecord.objects.get(source="staff")
    assert (kept.state, kept.channel, kept.topic) == ("WITHDRAWN", "email", "")
    told = {"by": "maria", "how": "PHONE", "note": "Too many mails", "reason": "UNSUBSCRIBED"}
    assert kept.evidence.items() >= told.items()
    words = words_of(response)
    assert "Recorded. It holds from now on" in words
    assert "E-mail, everything Unsubscribed, Taken by maria: on the phone, 24 November 2026 No" in words
    assert AuditEntry.objects.get(action="consent.opt_out_on_behalf").actor == "maria"


def test_a_no_to_everything_reaches_every_channel(marketer, dana, empty_redis):
    marketer.post(f"{page_of(dana)}opt-out/", {"what": "all", "how": "EMAIL"})

    states = selectors.channel_states(contact=dana)
    assert {state.point.reason for state in states} == {"OBJECTED"}


def test_a_no_to_one_topic_leaves_the_others(marketer, dana, empty_redis):
    say(dana)
    say(dana, topic="tips")

    marketer.post(f"{page_of(dana)}opt-out/", {"what": "email:tips", "how": "CHAT"})

    point = ContactPoint.objects.get(contact=dana, channel="email")
    assert point.topics == {"offers": "GRANTED", "tips": "WITHDRAWN"}
    assert not point.is_blocked


@pytest.mark.parametrize("answer", [{}, {"what": "pigeon", "how": "PHONE"}, {"what": "all", "how": "DREAM"}])
def test_an_answer_that_is_none_records_nothing(marketer, dana, answer):
    response = marketer.post(f"{page_of(dana)}opt-out/", answer or {"note": "x"})

    assert response.status_code == 422
    assert "Nothing was recorded yet" in words_of(response)
    assert not ConsentRecord.objects.exists()


def test_who_may_only_look_cannot_opt_anybody_out(client, dana, django_user_model):
    from django.contrib.auth.models import Permission

    viewer = django_user_model.objects.create_user("vera", password="pw", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_contact"))
    client.force_login(viewer)

    assert "Record an opt-out" not in words_of(client.get(page_of(dana)))
    assert client.post(f"{page_of(dana)}opt-out/", {"what": "all", "how": "PHONE"}).status_code == 403


def test_the_studio_leads_to_the_contacts(marketer, dana):
    assert f'href="{reverse("admin:studio-contacts")}" aria-current="page"' in marketer.get(LIST).content.decode()


def test_an_account_card_tells_plan_and_health(marketer, dana):
    account = account_of(dana)
    basic_subscription(account=account)
    account.scores.create(kind="health", value=Decimal(78), at=NOW)

    words = words_of(marketer.get(page_of(dana)))

    assert "Health 78" in words
    assert "Basic," in words
