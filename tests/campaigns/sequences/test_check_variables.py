"""How many of the readers lack a word that a text uses, and what they would read."""

from __future__ import annotations

import pytest
import time_machine

from campaigns.profiles.models import Contact
from campaigns.sequences import check, lacking
from tests.factories import sequences as make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def at_launch_day():
    with time_machine.travel(make.NOW, tick=False):
        make.market()
        yield


def found(text, channel="sms", **content):
    step = {"key": "one", "kind": "MESSAGE", "channel": channel}
    campaign = make.drafted(steps=[step | {"variants": {"a": {"content": content or {"en": {"text": text}}}}}])
    codes = {"missing_values", "names"}
    return [
        (one.level, one.message) for one in check.check_campaign(campaign=campaign, now=make.NOW) if one.code in codes
    ]


def people(*names, locale="en"):
    for name in names:
        account = make.ready_account()
        Contact.objects.filter(memberships__account=account).update(first_name=name, locale=locale)


def test_those_without_a_first_name_are_counted_with_what_they_would_read():
    people("Noa", "", "")
    told = "SMS, English: 2 of 3 in the audience have no first name; they would read “Hello ,”."
    assert found("Hello {{ contact.first_name | default: '' }},\nMore") == [("WARNING", told)]


def test_without_a_fallback_they_would_get_nothing():
    people("Noa", "")
    told = "SMS, English: 1 of 2 in the audience has no first name; they would not get it. Give the word a fallback."
    assert found("Hello {{ contact.first_name }}") == [("WARNING", told)]


def test_only_the_readers_of_a_language_count_for_its_text():
    people("Noa", "", locale="he-IL")
    people("Dan", locale="en")
    text = {"text": "{{ contact.first_name | default: '' }}!"}
    [(_level, words)] = found("", en=text, he=text)
    assert "1 of 2 in the audience has no first name; they would read “!”" in words


def test_where_nobody_lacks_anything_it_says_so():
    people("Noa")
    assert [level for level, _words in found("Hello {{ contact.first_name }}")] == ["PASSED"]


def test_a_text_without_names_is_not_counted(django_assert_num_queries):
    people("")
    assert found("Hello") == []


def test_a_mails_line_is_told_without_its_tags():
    people("")
    mjml = (
        "<mjml><mj-body><mj-section><mj-column>\n"
        "<mj-text>Dear <b>{{ contact.first_name | default: '' }}</b>,</mj-text>\n"
        "</mj-column></mj-section></mj-body></mjml>"
    )
    [(_level, words)] = found("", "email", en={"subject": "Hi", "mjml": mjml})
    assert "they would read “Dear ,”" in words.replace("Dear  ,", "Dear ,")


@pytest.mark.parametrize(
    "text",
    [
        "{{ contact.first_name | default: 'there' }}",
        "{% if contact.first_name %}{{ contact.first_name }}{% endif %}",
        "{{ evidence.feature | default: 'it' }}",
        "{% if evidence.feature %}{{ evidence.feature }}{% endif %}",
        "{{ evidence.unit | default: '' }}",
    ],
)
def test_a_word_with_another_in_its_place_or_only_where_it_is_known_is_in_order(text):
    people("Noa", "")
    assert found(text) == [("PASSED", "Nobody in the audience lacks a word that the texts need.")]


def test_nothing_is_in_order_while_a_text_names_a_word_that_there_is_not():
    people("Noa")
    assert found("{{ contact.first_name }}, {{ contact.frist_name }}") == []


def test_what_is_told_of_accounts_is_counted_too():
    people("Noa", "Dan")
    told = "SMS, English: 2 of 2 in the audience have no value for “Feature that was tried”; they would not get it."
    [(level, words)] = found("{{ evidence.value }} of {{ evidence.quota }}: {{ evidence.feature }}")
    assert (level, words) == ("WARNING", f"{told} Give the word a fallback.")


def test_what_the_offer_cannot_say_of_somebody_is_counted():
    people("Noa")
    [(level, words)] = found("{{ offer.plan_to }} {{ offer.saves_against_extra_seats }}")
    assert level == "WARNING"
    assert "1 of 1 in the audience has no value for “Saved against extra seats”" in words


def test_the_words_of_a_webhook_are_counted():
    people("Noa")
    body = {"text": "{{ account.name }}", "more": [{"of": "{{ evidence.feature }}"}]}
    [(_level, words)] = found("", "webhook", en={"url": "https://hooks.example/x", "body": body})
    assert "1 of 1 in the audience has no value for “Feature that was tried”" in words


def test_of_a_large_audience_the_first_are_looked_at(monkeypatch):
    monkeypatch.setattr(lacking, "LOOKED_AT", 1)
    people("Noa", "Dan")
    [(_level, words)] = found("{{ evidence.feature }}")
    assert "1 of 1 in the audience has no value" in words
    assert "Looked at: the first 1 of the audience." in words


def test_the_blockers_alone_count_nobody():
    people("")
    step = {"key": "one", "kind": "MESSAGE", "channel": "sms"}
    texts = {"en": {"text": "{{ contact.first_name }} {{ evidence.feature }}"}}
    campaign = make.drafted(steps=[step | {"variants": {"a": {"content": texts}}}])
    codes = {one.code for one in check.find_blockers(campaign=campaign, now=make.NOW)}
    assert "missing_values" not in codes
    every = {one.code for one in check.check_campaign(campaign=campaign, now=make.NOW) if one.level == check.BLOCKER}
    assert codes == every
