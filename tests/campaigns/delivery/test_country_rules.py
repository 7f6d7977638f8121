"""Who reads in a country that the launch review never saw is kept from a text that lacks what the country asks for."""

from __future__ import annotations

import contextlib

import pytest

from campaigns.delivery import claim, country_rules, dispatch, links
from campaigns.delivery.models import Message
from orchestrator import clock
from orchestrator.channels import registry
from orchestrator.engine.country_packs.pack import Demand
from tests.factories.delivery import NOW, ReadyMessageFactory, TemplateVersionFactory

pytestmark = pytest.mark.django_db

MJML = "<mjml><mj-body><mj-section><mj-column><mj-text>{}</mj-text></mj-column></mj-section></mj-body></mjml>"
GREETING = MJML.format("שלום {{ contact.first_name }}")


@pytest.fixture(autouse=True)
def at_any_hour(settings):
    settings.COMPLIANCE_QUIET_HOURS = False
    settings.SENDGRID_FROM_EMAIL = "maria@acme.example"
    country_rules._judge.cache_clear()
    registry.outbox("email").clear()


def wording(subject, mjml=GREETING):
    return TemplateVersionFactory(content={"he": {"subject": subject, "mjml": mjml}})


def send(country, version, **fields):
    message = ReadyMessageFactory(
        contact__country=country, contact__time_zone="", locale="he", template_version=version, **fields
    )
    dispatch.dispatch_due(channel="email", now=NOW, worker="tests")
    message.refresh_from_db()
    return message


def test_a_text_without_the_mark_reaches_nobody_in_israel_and_says_why():
    message = send("IL", wording("Room for more"))

    assert (message.state, message.reason) == ("SKIPPED", "COUNTRY_RULES")
    attempt = message.attempts.get()
    assert (attempt.outcome, attempt.code) == ("REFUSED", "country_rules")
    assert country_rules.read_words(said=attempt.detail) == ("IL", [Demand.MARK])
    assert registry.outbox("email").sent == []


@pytest.mark.parametrize(
    ("country", "subject", "fields"),
    [
        ("IL", "פרסומת: מקום לעוד", {}),
        ("FR", "מקום לעוד", {}),
        ("", "מקום לעוד", {"account__country": "", "account__time_zone": ""}),
        ("IL", "מקום לעוד", {"purpose": "TRANSACTIONAL", "policy": "AT_LEAST_ONCE"}),
    ],
)
def test_what_the_readers_country_does_not_ask_for_goes(country, subject, fields):
    assert send(country, wording(subject), **fields).state == Message.State.ACCEPTED


def test_only_what_blocks_a_launch_there_keeps_it_back():
    """Of a text in another language a person decides, and has seen the warning."""
    english = TemplateVersionFactory(content={"en": {"subject": "Room for more", "mjml": MJML.format("Hello")}})

    assert send("IL", english).state == Message.State.ACCEPTED


def test_an_answer_that_nobody_reads_keeps_it_from_israel_alone(settings):
    settings.SENDGRID_FROM_EMAIL = "noreply@acme.example"
    version = wording("פרסומת: מקום לעוד")

    assert send("IL", version).reason == "COUNTRY_RULES"
    assert send("RO", version).state == Message.State.ACCEPTED


def test_it_is_judged_once_for_a_wording_a_language_and_a_pack():
    version = wording("מקום לעוד")
    for country in ("IL", "IL", "FR", "DE"):
        send(country, version)

    assert country_rules._judge.cache_info().misses == 2


@pytest.mark.parametrize(("subject", "state"), [("מקום לעוד", "SKIPPED"), ("פרסומת: מקום לעוד", "ACCEPTED")])
def test_what_the_samples_cannot_fill_in_is_judged_as_its_reader_gets_it(subject, state):
    version = wording(subject + " {{ told.only_here }}")

    assert send("IL", version, context={"told": {"only_here": "12"}}).state == state


def test_the_others_of_the_slice_go():
    version = wording("מקום לעוד")
    here = ReadyMessageFactory(contact__country="RO", contact__time_zone="", locale="he", template_version=version)

    assert send("IL", version).state == Message.State.SKIPPED
    here.refresh_from_db()
    assert here.state == Message.State.ACCEPTED


MARK = "פרסומת"
EVENT = {"evidence": {"event": "sso"}}
SEATS = {"offer": {"seats": 5}}


@pytest.mark.parametrize(
    ("subject", "group", "name"),
    [
        ("{{ told.mark }}: מקום", "told", "mark"),
        ("{% if told.plan == 'פרסומת' %}פרסומת: {% endif %}מקום {{ told.plan }}", "told", "plan"),
        ("{% if evidence.unit == 'פרסומת' %}פרסומת: {% endif %}מקום", "evidence", "unit"),
        (
            "{% assign it = evidence.unit %}{% case it %}{% when 'פרסומת' %}פרסומת: {% endcase %}מקום",
            "evidence",
            "unit",
        ),
        ("{% if told.mark %}{{ told.mark }}{% endif %} {{ told.mark }} מקום", "told", "mark"),
    ],
)
def test_where_a_value_decides_what_is_said_the_next_reader_is_judged_by_theirs(subject, group, name):
    version = wording(subject)

    said = [send("IL", version, context={group: {name: value}}).state for value in (MARK, "seats", MARK)]

    assert said == ["ACCEPTED", "SKIPPED", "ACCEPTED"]


@pytest.mark.parametrize(
    ("subject", "context"),
    [
        (
            "{% if evidence.event %}{% if evidence.value %}פרסומת: {% endif %}{% else %}פרסומת: {% endif %}מקום",
            {"evidence": {"event": "sso"}},
        ),
        ("{% unless evidence.event %}פרסומת: {% endunless %}{% if offer.seats %}פרסומת: {% endif %}מקום", EVENT),
        ("{% if evidence.event %}פרסומת: {% else %}{{ offer.seats | default: 'פרסומת' }}: {% endif %}מקום", SEATS),
    ],
)
def test_where_a_mixture_of_what_is_known_decides_each_mixture_is_judged(subject, context):
    version = wording(subject)
    everything = SEATS | {"evidence": {"event": "sso", "value": 3}}

    said = [send("IL", version, context=known).state for known in (context, everything, context)]

    assert said == ["SKIPPED", "ACCEPTED", "SKIPPED"]


def test_who_has_no_link_to_an_offer_is_told_from_who_has():
    version = wording("{% if links.offer %}פרסומת: {% endif %}מקום")
    fields = {"contact__country": "IL", "contact__time_zone": "", "locale": "he", "template_version": version}
    offered = ReadyMessageFactory(context={"offer_url": "https://example.com/o"}, **fields)
    links.make_links(messages=[offered])

    assert send("IL", version).state == Message.State.SKIPPED
    offered.refresh_from_db()
    assert offered.state == Message.State.ACCEPTED


def test_an_empty_list_is_told_from_one_that_is_not():
    version = wording("{{ offer.names | default: 'פרסומת' | first }}: מקום")

    said = [send("IL", version, context={"offer": {"names": names}}).state for names in ([MARK], ["x"], [MARK])]

    assert said == ["ACCEPTED", "SKIPPED", "ACCEPTED"]


def test_a_text_that_cannot_even_be_read_is_one_that_cannot_be_made():
    """Its footer made it too much for a launch; what was launched before stops nobody."""
    many = MJML.format(" ".join(["{{ contact.first_name }}"] * 999))
    others = ReadyMessageFactory()

    message = send("IL", TemplateVersionFactory(content={"he": {"subject": "פרסומת: מקום", "mjml": many}}))

    assert (message.state, message.reason) == ("SKIPPED", "RENDER_ERROR")
    others.refresh_from_db()
    assert others.state == Message.State.ACCEPTED


@pytest.fixture
def judged(monkeypatch):
    """The messages that were judged as their reader gets them."""
    country_rules._judged.clear()
    judged = []
    real = country_rules._judge_one

    def counted(one, *rest):
        judged.append(one.id)
        return real(one, *rest)

    monkeypatch.setattr(country_rules, "_judge_one", counted)
    return judged


def test_who_gets_the_same_is_judged_once_where_a_value_decides(judged):
    version = wording("{% if account.name == 'Acme' %}פרסומת: {% endif %}מקום")

    for name in ("Noa", "Dan"):
        send("IL", version, contact__first_name=name, account__name="Acme")

    assert len(judged) == 1


def test_of_a_number_that_picks_a_form_each_form_is_judged_once(judged):
    version = wording("{{ evidence.attempts | plural: 'פרסומת: פעם', 'פעמיים', '# פעמים' }}")

    said = [send("IL", version, context={"evidence": {"attempts": number}}).state for number in (1, 5, 7, 2, 1, 9)]

    assert said == ["ACCEPTED", "SKIPPED", "SKIPPED", "SKIPPED", "ACCEPTED", "SKIPPED"]
    assert len(judged) == 3


@pytest.mark.parametrize(("first_name", "state"), [("Noa", "ACCEPTED"), ("", "SKIPPED")])
def test_where_one_branch_lacks_what_is_asked_for_the_other_branch_goes(first_name, state):
    version = wording("{% if contact.first_name %}פרסומת: {% endif %}מקום", mjml=MJML.format("שלום"))

    assert send("IL", version, contact__first_name=first_name).state == state


def test_what_no_rule_of_the_country_is_about_decides_nothing(judged):
    """Of a mail in Europe the subject does, and no value is in it."""
    body = MJML.format("{% if evidence.value > 3 %}{{ evidence.value }}{% endif %}")
    version = wording("מקום", mjml=body)

    assert send("FR", version, context={"evidence": {"value": 4}}).state == Message.State.ACCEPTED
    assert judged == []


def test_a_way_out_of_its_own_that_a_value_hides_is_missed_by_whom_it_is_hidden_from():
    link = '<a href="{{ links.unsubscribe }}">out</a>'
    body = MJML.format(
        "{% if evidence.value > 3 %}<div style='display:none'>" + link + "</div>{% else %}" + link + "{% endif %}"
    )
    version = wording("מקום", mjml=body)

    said = [send("FR", version, context={"evidence": {"value": value}}).state for value in (4, 2)]

    assert said == ["SKIPPED", "ACCEPTED"]


def test_a_verdict_is_kept_though_another_cannot_be_found(judged, monkeypatch):
    version = wording("{% if evidence.value > 3 %}פרסומת: {% endif %}מקום")
    real = country_rules._judge_one

    def judge_one(one, *rest):
        if one.context["evidence"]["value"] == 2:
            raise ArithmeticError
        return real(one, *rest)

    monkeypatch.setattr(country_rules, "_judge_one", judge_one)
    fields = {"contact__country": "IL", "contact__time_zone": "", "locale": "he", "template_version": version}
    for value in (4, 2):
        ReadyMessageFactory(context={"evidence": {"value": value}}, **fields)
    held = claim.claim_messages(channel="email", size=2, worker="tests", wall_now=clock.wall_now())

    for part in (held, held[:1]):
        with contextlib.suppress(ArithmeticError):
            country_rules.part(held=part)

    assert judged == [held[0].id]
