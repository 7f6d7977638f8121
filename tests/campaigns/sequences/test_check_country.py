"""Marketing as the countries of its readers want it: every rule of a pack, with a text that keeps it and one that
breaks it."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from campaigns.profiles.models import Account, Contact
from campaigns.sequences import check
from tests.campaigns.console.reading import words_of
from tests.campaigns.sequences.countries import PHONES, found, mail, mails, somebody, subjects, text
from tests.factories import sequences as make
from tests.factories.consent import ConsentTopicFactory
from tests.factories.profiles import AccountFactory

pytestmark = pytest.mark.django_db
MARK = "פרסומת: "
ADDRESS = "1 Test Street, Haifa"
OWN = "{{ offer.plan_to }}. Acme Cloud, " + ADDRESS + '. <a href="{{ links.unsubscribe }}">Bye</a>'


@pytest.fixture(autouse=True)
def market(settings):
    settings.SENDGRID_API_KEY = "SG.test"
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN, settings.TWILIO_FROM = "AC1", "token", "+15005550006"
    settings.COMPLIANCE_QUIET_HOURS = True
    settings.SENDER_POSTAL_ADDRESS = ADDRESS
    make.market()
    account = make.account_near_limit()
    AccountFactory.create_batch(3)
    return account


@pytest.fixture
def reader(market):
    """given one reader in Israel who reads Hebrew"""
    return somebody(market, "IL", "he")


# פרסומת


def test_a_hebrew_subject_without_the_word_blocks_and_says_what_where_for_how_many_and_what_to_do(reader):
    finding = found(**subjects(en="Room for more", he="מקום לעוד"))["mark_missing"]
    assert finding.level == check.BLOCKER
    assert finding.where == "steps[0].variants.a.content.he.subject"
    assert finding.message == (
        "E-mail, Hebrew, subject: it must begin with “פרסומת”. Put the word first. "
        "1 person in the audience could get it: Israel."
    )


def test_of_several_wordings_the_letter_says_which_one_is_meant(reader):
    step = subjects(he="מקום לעוד")["steps"][0]
    variants = {"a": step["variants"]["a"], "b": step["variants"]["a"]}
    findings = check.check_campaign(campaign=make.drafted(steps=[{**step, "variants": variants}]), now=make.NOW)
    said = [finding.message[:2] for finding in findings if finding.code == "mark_missing"]
    assert said == ["A,", "B,"]


def test_with_the_word_it_is_in_order(reader):
    findings = found(**subjects(en="Room for more", he=MARK + "מקום לעוד"))
    assert "mark_missing" not in findings
    assert findings["marked"].level == check.PASSED
    assert findings["marked"].message == "What marketing must show is there: Israel."


def test_the_word_must_be_there_for_everybody(reader):
    subject = "{% if evidence.growth_percent %}" + MARK + "{% endif %}מקום לעוד"
    assert found(**subjects(he=subject))["mark_missing"].level == check.BLOCKER


def test_another_language_that_somebody_in_israel_reads_deserves_a_look(reader):
    Contact.objects.update(locale="en")
    finding = found(**subjects(en="Room for more", he=MARK + "מקום לעוד"))["mark_missing"]
    assert (finding.level, finding.where) == (check.WARNING, "steps[0].variants.a.content.en.subject")


def test_a_reader_without_a_text_of_their_own_counts_for_the_one_they_get(reader):
    assert found(**subjects(en="Room for more"))["mark_missing"].where == "steps[0].variants.a.content.en.subject"


def test_a_text_message_begins_with_the_word_and_names_its_sender(reader):
    blank = found(**text(he="מקום לעוד"))
    assert (blank["mark_missing"].level, blank["sender_not_named"].level) == (check.BLOCKER, check.WARNING)
    full = found(**text(he=MARK + "Acme Cloud: מקום לעוד"))
    assert not {"mark_missing", "sender_not_named"} & set(full)


def test_receipts_and_other_countries_need_no_word(reader):
    written = subjects(he="מקום לעוד")
    assert "mark_missing" not in found(purpose="TRANSACTIONAL", **written)
    Contact.objects.update(country="RO", time_zone="Europe/Bucharest")
    assert "mark_missing" not in found(slug="another", **written)


def test_whoever_names_no_country_is_where_their_clock_or_their_account_is(reader):
    Contact.objects.update(country="", time_zone="")
    Account.objects.update(country="Israel")
    assert "mark_missing" in found(**subjects(he="מקום לעוד"))


# the sender, the address, the way out


@pytest.mark.parametrize(("country", "locale"), [("IL", "he"), ("RO", "ro"), ("DE", "en")])
def test_without_a_sender_name_nothing_goes_where_it_must_be_there(settings, market, country, locale):
    somebody(market, country, locale)
    written = subjects(**{locale: MARK + "x"})
    assert "sender_name_missing" not in found(**written)
    settings.SENDER_NAME = ""
    finding = found(slug="another", **written)["sender_name_missing"]
    assert finding.level == check.BLOCKER
    assert {"IL": "Israel", "RO": "Romania", "DE": "Germany"}[country] in finding.message


@pytest.mark.parametrize(
    ("country", "locale", "level"), [("IL", "he", "WARNING"), ("RO", "ro", "WARNING"), ("DE", "en", "WARNING")]
)
def test_a_mail_with_a_footer_of_its_own_names_its_sender_in_it(market, country, locale, level):
    somebody(market, country, locale)
    assert "sender_not_named" not in found(**mails(**{locale: mail(MARK, OWN)}))
    finding = found(slug="another", **mails(**{locale: mail(MARK, OWN.replace("Acme Cloud, ", ""))}))
    assert (finding["sender_not_named"].level, finding["sender_not_named"].where) == (
        level,
        f"steps[0].variants.a.content.{locale}.mjml",
    )


@pytest.mark.parametrize(
    ("country", "locale", "subject"), [("IL", "he", MARK), ("US", "en", "Room for more"), ("US", "ro", "Loc")]
)
@pytest.mark.parametrize("style", ["display:none", "color:#ffffff", "font-size:1px", "opacity:0"])
def test_a_postal_address_that_nobody_can_see_blocks(market, country, locale, subject, style):
    somebody(market, country, locale)
    shown = OWN.replace(ADDRESS, f'<span style="color:#111111">{ADDRESS}</span>')
    hidden = OWN.replace(ADDRESS, f'<span style="{style}">{ADDRESS}</span>')
    plain = {"text": f"Acme Cloud, {ADDRESS} {{{{ links.unsubscribe }}}}"}
    assert "address_not_shown" not in found(**mails(**{locale: mail(subject, shown, **plain)}))
    finding = found(slug="another", **mails(**{locale: mail(subject, hidden, **plain)}))["address_not_shown"]
    assert (finding.level, finding.where) == ("BLOCKER", f"steps[0].variants.a.content.{locale}.mjml")


@pytest.mark.parametrize(("country", "locale"), [("IL", "he"), ("US", "en"), ("RO", "ro"), ("DE", "en"), ("JP", "en")])
@pytest.mark.parametrize(
    "way_out",
    [
        '<a href="{{ links.unsubscribe }}" style="display:none">Bye</a>',
        '<a href="{{ links.unsubscribe }}" style="color:#fff;background:white">Bye</a>',
        '<a href="{{ links.unsubscribe }}"></a>',
        '{% if evidence.added %}<a href="{{ links.unsubscribe }}">Bye</a>{% endif %}',
    ],
)
def test_a_way_out_that_not_everybody_sees_blocks(market, country, locale, way_out):
    somebody(market, country, locale)
    assert "way_out_not_shown" not in found(**mails(**{locale: mail(MARK, OWN)}))
    body = f"Acme Cloud, {ADDRESS}. {way_out}"
    finding = found(slug="another", **mails(**{locale: mail(MARK, body)}))["way_out_not_shown"]
    assert (finding.level, finding.step) == (check.BLOCKER, "mail-1")


def test_a_plain_part_of_its_own_needs_the_way_out_too(market):
    somebody(market, "US", "en")
    conditional = "{% if evidence.added %}{{ links.unsubscribe }}{% endif %}"
    finding = found(**mails(en=mail(text=f"Hello. Acme Cloud, {ADDRESS} {conditional}")))["way_out_not_shown"]
    assert finding.where == "steps[0].variants.a.content.en.text"


@pytest.mark.parametrize(("country", "locale"), [("IL", "he"), ("US", "en"), ("RO", "ro"), ("JP", "en")])
def test_a_text_message_tells_everybody_how_to_get_no_more(market, country, locale):
    somebody(market, country, locale)
    begin = MARK + "Acme Cloud: x. "
    assert "way_out_not_shown" not in found(**text(**{locale: begin}))
    sometimes = begin + "{% if evidence.added %}{{ links.unsubscribe }}{% endif %}"
    finding = found(slug="another", **text(**{locale: sometimes}))["way_out_not_shown"]
    assert finding.level == check.BLOCKER
    assert "how to get no more" in finding.message


@pytest.mark.parametrize(
    ("country", "locale", "kept", "broken"),
    [
        ("IL", "he", "השיבו הסר", "Reply STOP"),
        ("US", "en", "Reply STOP", "השיבו הסר"),
        ("RO", "ro", "Răspunde STOP", "השיבו הסר"),
    ],
)
def test_the_word_to_answer_with_is_of_the_language_of_the_text(market, country, locale, kept, broken):
    somebody(market, country, locale)
    begin = MARK + "Acme Cloud: x. "
    assert "way_out_language" not in found(**text(**{locale: begin + kept}))
    assert found(slug="another", **text(**{locale: begin + broken}))["way_out_language"].level == check.WARNING


def test_a_link_is_understood_in_every_language(reader, settings):
    settings.TWILIO_FROM = "Acme"
    assert "way_out_language" not in found(**text(he=MARK + "Acme Cloud: STOP {{ links.unsubscribe }}"))


@pytest.mark.parametrize(("country", "locale"), [("US", "en"), ("RO", "ro"), ("DE", "en"), ("IL", "en")])
def test_a_text_message_says_who_sends_it(market, country, locale):
    somebody(market, country, locale)
    assert "sender_not_named" not in found(**text(**{locale: "ACME CLOUD: x"}))
    assert found(slug="another", **text(**{locale: "x"}))["sender_not_named"].level == check.WARNING


@pytest.mark.parametrize(
    ("country", "locale", "subject", "level"),
    [
        ("US", "en", "Re: your account", check.BLOCKER),
        ("RO", "ro", "RĂSP: contul", check.BLOCKER),
        ("DE", "en", "FWD: offer", check.BLOCKER),
        ("JP", "en", "Re[2]: offer", check.WARNING),
    ],
)
def test_a_subject_that_looks_like_an_answer_misleads(market, country, locale, subject, level):
    somebody(market, country, locale)
    assert "subject_pretends" not in found(**subjects(**{locale: "Reports: room for more"}))
    assert found(slug="another", **subjects(**{locale: subject}))["subject_pretends"].level == level


@pytest.mark.parametrize(
    ("country", "locale", "level"), [("IL", "he", check.BLOCKER), ("RO", "ro", check.WARNING), ("US", "en", None)]
)
def test_a_sender_whose_mail_nobody_reads(market, settings, country, locale, level):
    somebody(market, country, locale)
    written = subjects(**{locale: MARK})
    assert "reply_address" not in found(**written)
    settings.SENDGRID_FROM_EMAIL = "no-reply@acme.example"
    finding = found(slug="another", **written).get("reply_address")
    assert (finding.level if finding else None) == level
    settings.INBOUND_MAIL_DOMAIN = "in.acme.example"
    assert "reply_address" not in found(slug="a-third", **written)


# why they may be written to


@pytest.mark.parametrize(
    ("country", "channel", "kept", "broken"),
    [
        ("RO", "email", "SOFT_OPT_IN", ""),
        ("DE", "email", "EXPLICIT", "LEGITIMATE_INTEREST"),
        ("IL", "email", "explicit", "LEGITIMATE_INTEREST"),
        ("US", "sms", "EXPLICIT", "SOFT_OPT_IN"),
    ],
)
def test_a_yes_without_a_basis_that_counts_there_deserves_a_look(market, country, channel, kept, broken):
    written = text(en="Acme Cloud: x") if channel == "sms" else mails(en=mail())
    somebody(market, country, "en", basis=kept)
    assert "basis_not_recorded" not in found(**written)
    somebody(market, country, "en", basis=broken, phone=PHONES[country] + "1")
    finding = found(slug="another", **written)["basis_not_recorded"]
    assert (finding.level, finding.where) == (check.WARNING, "recipients")
    assert "1 person in the audience could get it" in finding.message


def test_mail_to_the_united_states_needs_no_recorded_basis(market):
    somebody(market, "US", "en", basis="")
    assert "basis_not_recorded" not in found(**mails(en=mail()))


@pytest.mark.parametrize(("country", "is_blocked"), [("RO", True), ("IL", True), ("US", False)])
def test_a_topic_that_asks_nobody_blocks_where_a_yes_must_be_recorded(market, country, is_blocked):
    topic = ConsentTopicFactory()
    somebody(market, country, "en")
    make.reader(market, country=country, time_zone="", locale="en", topics={})
    assert "consent_not_recorded" not in found(**mails(en=mail(MARK)))
    topic.permitted_without_record = ["email", "in_app"]
    topic.save()
    finding = found(slug="another", **mails(en=mail(MARK))).get("consent_not_recorded")
    assert (finding is not None and finding.level == check.BLOCKER) is is_blocked
    assert finding is None or "1 person in the audience could get it" in finding.message


# quiet hours, the command line, parts


def test_a_window_inside_quiet_hours_blocks(reader):
    limits = {"window": {"from": "21:00", "to": "23:00"}}
    finding = found(limits=limits, **subjects(he=MARK + "מקום לעוד"))["window_is_quiet"]
    assert (finding.level, finding.where) == (check.BLOCKER, "limits.window")
    assert "window_is_quiet" not in found(slug="another", **subjects(he=MARK + "מקום לעוד"))


def test_the_command_line_says_what_the_review_says(market, reader, client, admin_user):
    campaign = make.drafted(**mails(he=mail("Re: x", OWN.replace("Acme Cloud, ", ""))))
    out = StringIO()
    with pytest.raises((SystemExit, CommandError)):
        call_command("campaign", "check", campaign.slug, stdout=out)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    told = [one["message"] for one in lines if one["code"] in ("mark_missing", "sender_not_named")]
    assert len(told) == 2
    client.force_login(admin_user)
    review = words_of(client.get(reverse("admin:studio-campaign-launch", args=[campaign.slug])))
    assert all(one in review for one in told)


@pytest.mark.parametrize("text_of", ["Acme Cloud: " + "x" * 140, "Acme Cloud: " + "x" * 100 + " {{ links.offer }}"])
def test_the_parts_of_a_text_message_are_counted_with_the_way_out_that_is_added(market, text_of):
    somebody(market, "US", "en")
    finding = found(**text(en=text_of))["content:SEVERAL_SEGMENTS"]
    assert (finding.level, "takes 2 parts" in finding.message) == (check.WARNING, True)
