"""Marketing as the countries of its readers want it."""

from __future__ import annotations

import pytest

from campaigns.profiles.models import Account, Contact
from campaigns.sequences import check, check_country
from tests.factories import sequences as make
from tests.factories.profiles import AccountFactory

pytestmark = pytest.mark.django_db
NOW = make.NOW
MARK = "פרסומת: "


@pytest.fixture(autouse=True)
def reader(settings):
    """given one reader in Israel who reads Hebrew"""
    settings.SENDGRID_API_KEY = "SG.test"
    settings.COMPLIANCE_QUIET_HOURS = True
    make.market()
    account = make.account_near_limit()
    AccountFactory.create_batch(3)
    return make.reader(account, locale="he")


def mails(**subjects: str) -> dict:
    content = {
        locale: {"subject": subject, "mjml": make.MJML.format(make.GREETING)} for locale, subject in subjects.items()
    }
    return {"steps": [{**make.document()["steps"][0], "variants": {"a": {"content": content}}}]}


def text(**texts: str) -> dict:
    content = {locale: {"text": words} for locale, words in texts.items()}
    step = {"key": "text-1", "kind": "MESSAGE", "channel": "sms", "variants": {"a": {"content": content}}}
    return {"steps": [step]}


def found(**changes) -> dict[str, check.Finding]:
    findings = check.check_campaign(campaign=make.drafted(**changes), now=NOW)
    return {finding.code: finding for finding in findings}


def test_a_hebrew_subject_without_the_word_blocks_and_leads_to_it():
    finding = found(**mails(en="Room for more", he="מקום לעוד"))["mark_missing"]
    assert finding.level == check.BLOCKER
    assert finding.where == "steps[0].variants.a.content.he.subject"
    assert finding.message == "E-mail, Hebrew, subject: people in Israel get it, so it must begin with “פרסומת”."


def test_of_several_wordings_the_letter_says_which_one_is_meant():
    step = mails(he="מקום לעוד")["steps"][0]
    variants = {"a": step["variants"]["a"], "b": step["variants"]["a"]}
    findings = check.check_campaign(campaign=make.drafted(steps=[{**step, "variants": variants}]), now=NOW)
    said = [finding.message[:2] for finding in findings if finding.code == "mark_missing"]
    assert said == ["A,", "B,"]


def test_with_the_word_it_is_in_order():
    findings = found(**mails(en="Room for more", he=MARK + "מקום לעוד"))
    assert "mark_missing" not in findings
    assert findings["marked"].level == check.PASSED


def test_another_language_that_somebody_in_israel_reads_deserves_a_look():
    Contact.objects.update(locale="en")
    finding = found(**mails(en="Room for more", he=MARK + "מקום לעוד"))["mark_missing"]
    assert (finding.level, finding.where) == (check.WARNING, "steps[0].variants.a.content.en.subject")


def test_a_reader_without_a_text_of_their_own_counts_for_the_one_they_get():
    assert found(**mails(en="Room for more"))["mark_missing"].where == "steps[0].variants.a.content.en.subject"


def test_a_text_message_begins_with_the_word_and_names_its_sender():
    blank = found(**text(he="מקום לעוד"))
    assert (blank["mark_missing"].level, blank["sender_not_named"].level) == (check.BLOCKER, check.WARNING)
    full = found(**text(he=MARK + "Acme Cloud: מקום לעוד"))
    assert not {"mark_missing", "sender_not_named"} & set(full)


def test_receipts_and_other_countries_need_no_word():
    subjects = mails(he="מקום לעוד")
    assert "mark_missing" not in found(purpose="TRANSACTIONAL", **subjects)
    Contact.objects.update(country="RO", time_zone="Europe/Bucharest")
    assert not {"mark_missing", "marked"} & set(found(slug="another", **subjects))


def test_whoever_names_no_country_is_where_their_clock_or_their_account_is():
    Contact.objects.update(country="", time_zone="")
    Account.objects.update(country="Israel")
    assert "mark_missing" in found(**mails(he="מקום לעוד"))


def test_without_a_sender_name_nothing_goes_to_israel(settings):
    settings.SENDER_NAME = ""
    finding = found(**mails(he=MARK + "מקום לעוד"))["sender_name_missing"]
    assert finding.level == check.BLOCKER
    assert "Israel" in finding.message


def test_a_window_inside_quiet_hours_blocks():
    limits = {"window": {"from": "21:00", "to": "23:00"}}
    finding = found(limits=limits, **mails(he=MARK + "מקום לעוד"))["window_is_quiet"]
    assert (finding.level, finding.where) == (check.BLOCKER, "limits.window")
    assert "window_is_quiet" not in found(slug="another", **mails(he=MARK + "מקום לעוד"))


def test_who_reads_what_is_told_by_language(reader):
    campaign = make.drafted()
    make.reader(make.account_near_limit(), locale="en-US", country="", time_zone="America/New_York")
    assert campaign.segment is not None
    countries = check_country.countries_by_language(segment=campaign.segment, roles=())
    assert countries == {"he": {"IL"}, "en": {"US"}}
