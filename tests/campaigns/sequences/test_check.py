from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.consent.models import ContactPoint
from campaigns.offers.models import Offer
from campaigns.operations.models import SendSwitch
from campaigns.profiles.models import Contact
from campaigns.segments.models import Segment
from campaigns.sequences import check
from tests.factories import sequences as make
from tests.factories.consent import ConsentRecordFactory
from tests.factories.profiles import AccountFactory

pytestmark = pytest.mark.django_db
NOW = make.NOW


@pytest.fixture(scope="module")
def scene(shared_rows):
    make.market()
    make.ready_account()
    AccountFactory.create_batch(3)
    Contact.objects.update(country="RO", time_zone="Europe/Bucharest")


@pytest.fixture(autouse=True)
def market(scene, settings):
    settings.SENDGRID_API_KEY = "SG.test"


def found(level=None, now=NOW, **changes):
    findings = check.check_campaign(campaign=make.drafted(**changes), now=now)
    return {finding.code: finding for finding in findings if level in (None, finding.level)}


def with_mail(**content):
    steps = make.document()["steps"]
    for variant in steps[0]["variants"].values():
        variant["content"]["en"] |= content
    return {"steps": steps}


def test_a_good_draft_has_nothing_in_its_way():
    ConsentRecordFactory(point=ContactPoint.objects.get())
    assert found(check.BLOCKER) == {}
    assert found(check.WARNING) == {}
    assert set(found(check.PASSED)) >= {"goal", "offer", "audience", "holdout", "contents", "sender", "languages"}


@pytest.mark.parametrize(
    ("code", "level", "changes"),
    [
        ("no_goal", check.BLOCKER, {"goal": None}),
        ("no_holdout", check.WARNING, {"holdout_percent": 0}),
        ("empty_audience", check.WARNING, {"audience": {"segment": {"any": []}}}),
        ("large_audience", check.WARNING, {"audience": {"segment": {"all": []}}}),
    ],
)
def test_what_deserves_a_look_is_found(code, level, changes):
    assert found()[code].level == check.PASSED if code in found() else True
    assert found(**changes)[code].level == level


def test_shares_that_are_no_hundred_block():
    steps = make.document()["steps"]
    steps[0]["variants"]["b"]["weight"] = 40
    finding = found(steps=steps)["weights"]
    assert (finding.level, finding.step, finding.where) == (check.BLOCKER, "mail-1", "steps[0].variants")


def test_a_template_error_is_found_where_it_stands():
    finding = found(**with_mail(subject="Hello {{ contact.first_name"))
    blockers = [one for one in finding.values() if one.level == check.BLOCKER]
    assert blockers[0].where == "steps[0].variants.a.content.en.subject" or blockers[0].where.endswith(
        "b.content.en.subject"
    )
    assert blockers[0].step == "mail-1"


def test_a_variable_that_does_not_exist_blocks():
    assert "content:UNKNOWN_VARIABLE" in found(check.BLOCKER, **with_mail(subject="{{ contact.shoe_size }}"))


def test_offer_figures_without_an_offer_block():
    assert "content:UNKNOWN_VARIABLE" in found(check.BLOCKER, offer=None)


def test_an_inactive_offer_blocks():
    campaign = make.drafted()
    Offer.objects.update(is_active=False)
    campaign.refresh_from_db()
    codes = [finding.code for finding in check.check_campaign(campaign=campaign, now=NOW)]
    assert codes[0] == "offer_inactive"


def test_marketing_mail_without_a_postal_address_blocks(settings):
    settings.SENDER_POSTAL_ADDRESS = ""
    assert "postal_address_missing" in found(check.BLOCKER)
    assert "postal_address_missing" not in found(purpose="TRANSACTIONAL")


def test_mail_without_a_sender_blocks(settings):
    settings.SENDGRID_FROM_EMAIL = ""
    assert "sender_missing" in found(check.BLOCKER)


def test_a_provider_without_a_key_is_a_warning(settings):
    settings.SENDGRID_API_KEY = ""
    assert "outbox" in found(check.WARNING)


def test_a_channel_that_is_not_installed_blocks(settings):
    settings.CHANNELS = {kind: path for kind, path in settings.CHANNELS.items() if kind != "sms"}
    steps = [*make.document()["steps"][:1], make.document()["steps"][0] | {"key": "text-1", "channel": "sms"}]
    steps[1]["variants"] = {"a": {"content": {"en": {"text": "Hi"}}}}
    assert found(steps=steps)["channel_missing"].step == "text-1"


@pytest.mark.parametrize(("segments", "is_told"), [(0, True), (500, False)])
def test_text_messages_without_a_daily_budget_are_a_warning(settings, segments, is_told):
    settings.SMS_DAILY_SEGMENTS = segments
    text = {"key": "text-1", "channel": "sms", "variants": {"a": {"content": {"en": {"text": "Hi"}}}}}
    steps = [*make.document()["steps"][:1], make.document()["steps"][0] | text]
    assert ("sms_budget_missing" in found(check.WARNING, steps=steps)) == is_told


def test_a_language_that_is_read_but_not_written_is_a_warning_with_english_beside_it():
    account = make.account_near_limit()
    make.reader(account, locale="he")
    assert found()["missing_locale"].level == check.WARNING


def test_a_language_that_is_read_blocks_where_there_is_no_english_either():
    account = make.account_near_limit()
    make.reader(account, locale="he")
    steps = make.document()["steps"]
    for step in (steps[0], steps[3]):
        for variant in step["variants"].values():
            variant["content"] = {"ro": variant["content"]["en"]}
    findings = check.check_campaign(campaign=make.drafted(steps=steps), now=NOW)
    assert {one.level for one in findings if one.code == "missing_locale"} == {check.BLOCKER}


def test_an_audience_that_is_no_longer_counted_is_a_warning():
    campaign = make.drafted()
    Segment.objects.update(refreshed_at=NOW - timedelta(days=2))
    campaign.refresh_from_db()
    codes = {one.code: one.level for one in check.check_campaign(campaign=campaign, now=NOW)}
    assert codes["stale_audience"] == check.WARNING


def test_sending_switched_off_is_a_warning():
    SendSwitch.objects.update_or_create(id=1, defaults={"is_on": False, "changed_at": NOW, "changed_by": "ron"})
    assert "sending_off" in found(check.WARNING)


def test_blockers_come_first():
    order = [check.BLOCKER, check.WARNING, check.PASSED]
    levels = [one.level for one in check.check_campaign(campaign=make.drafted(goal=None, holdout_percent=0), now=NOW)]
    assert levels == sorted(levels, key=order.index)


def test_languages_that_show_in_different_places_deserve_a_look():
    texts = {"title": "Hi", "body": "There", "button": "See"}
    content = {"en": texts | {"kind": "banner", "page": "/team"}, "he": texts | {"kind": "banner"}}
    step = {"key": "told", "kind": "MESSAGE", "channel": "in_app", "variants": {"a": {"content": content}}}
    told = found(steps=[step])["places"]
    assert (told.level, told.step) == (check.WARNING, "told")
    content["he"]["page"] = "/team"
    assert "places" not in found(steps=[step])


def leading_back(*, to, wait):
    steps = make.document()["steps"][:1]
    steps += [{"key": "pause", "kind": "WAIT", "for": "1d"}] if wait else []
    return {"steps": [*steps, {"key": "seen", "kind": "BRANCH", "if": {"engagement": "clicked"}, "else": to}]}


@pytest.mark.parametrize("to", ["seen", "mail-1"])
def test_a_question_that_leads_back_without_a_wait_blocks(to):
    assert found(**leading_back(to=to, wait=False))["circle"].level == check.BLOCKER


def test_a_question_that_leads_back_over_a_wait_deserves_a_look():
    findings = found(**leading_back(to="mail-1", wait=True))

    assert findings["leads_back"].level == check.WARNING
    assert "circle" not in findings


def test_a_question_that_leads_back_to_itself_behind_a_wait_blocks():
    assert found(**leading_back(to="seen", wait=True))["circle"].level == check.BLOCKER


def test_a_text_is_tried_with_its_links_as_they_will_be():
    """Each link of ours takes the place of a shorter one: only then is the text too long to be made."""
    text = "http://a.example/1 " * 5_000
    assert len(text) < 100 * 1024
    assert found(level=check.BLOCKER, **with_mail(text=text)).keys() == {"content:TOO_LARGE"}
    as_written = {"tracking": {"clicks": "NEVER"}}
    assert not found(level=check.BLOCKER, **with_mail(text=text), **as_written)


@pytest.mark.parametrize(("tags", "is_too_much"), [(990, False), (999, True)])
def test_a_mail_is_tried_with_the_footer_that_is_added(tags, is_too_much):
    mjml = make.MJML.format("{{ contact.first_name | default: 'you' }} " * tags)
    assert ("content:TOO_MUCH" in found(check.BLOCKER, **with_mail(mjml=mjml))) is is_too_much


def test_a_webhook_has_no_readers_whose_language_it_could_lack():
    make.reader(make.account_near_limit(), locale="he")
    content = {"en": {"url": "https://crm.example/hook", "body": {"id": 1}}}
    told = {"key": "told", "kind": "MESSAGE", "channel": "webhook", "variants": {"a": {"content": content}}}
    steps = [*make.document()["steps"][:1], told]
    findings = check.check_campaign(campaign=make.drafted(steps=steps), now=NOW)
    assert {one.step for one in findings if one.code == "missing_locale"} == {"mail-1"}
