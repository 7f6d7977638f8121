from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
import time_machine
from django.urls import reverse
from django.utils import translation

from campaigns.consent.models import ConsentRecord, ContactPoint
from campaigns.console import dry_run, launch_review
from campaigns.delivery import content as contents
from campaigns.delivery.models import LinkTarget, Message
from campaigns.offers.models import Offer
from campaigns.segments import store
from campaigns.sequences import cast, rehearse, snippets
from campaigns.sequences.models import Campaign, Entry
from campaigns.sequences.rehearse import Rehearsal, Sending
from orchestrator.templating.errors import TemplateError
from tests.campaigns.console.reading import words_of
from tests.factories import sequences as make

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def ten_accounts(shared_rows):
    """Six ready, one past due, one that said no to offers, one with nobody, one far from its limit."""
    make.market()
    for _ in range(6):
        make.ready_account()
    make.reader(make.account_near_limit(subscription={"status": "PAST_DUE"}))
    make.reader(make.account_near_limit(), topics={"offers": "WITHDRAWN"})
    make.account_near_limit()
    make.reader(make.account_near_limit(seats=2))


@pytest.fixture(autouse=True)
def at_launch_day(ten_accounts, settings):
    settings.SENDGRID_API_KEY = "SG.test"
    with time_machine.travel(make.NOW, tick=False):
        yield


def review_of(client, campaign):
    return client.get(reverse("admin:studio-campaign-launch", args=[campaign.slug]))


def launch(client, campaign):
    """Of the draft as it stands; without one, as a page that was left open has it."""
    campaign.refresh_from_db()
    seen = make.looked_at(campaign) if campaign.draft_version else {}
    return client.post(reverse("admin:studio-campaign-launch", args=[campaign.slug]), seen, follow=True)


def post(client, seen):
    return client.post(reverse("admin:studio-campaign-launch", args=["seats-80"]), seen, follow=True)


def test_the_sum_says_where_everybody_went(marketer):
    words = words_of(review_of(marketer, make.drafted(holdout_percent=50)))
    assert (
        "In the audience 9 Not started 3 failed payment 1 opted out 1 nobody there may be written to 1 "
        "Held out to compare with, about 3 Start, about 3"
    ) in words
    assert "Starts for 3 accounts" in words


def test_what_only_an_administrator_can_mend_is_said_in_words_and_named_beside(marketer, settings):
    settings.SENDGRID_API_KEY = settings.SENDGRID_FROM_EMAIL = settings.SENDER_POSTAL_ADDRESS = ""
    settings.SENDER_NAME = settings.SENDGRID_FROM_NAME = ""
    text = {"channel": "sms", "key": "text-1", "variants": {"a": {"content": {"en": {"text": "Hi"}}}}}
    steps = [*make.document()["steps"][:1], make.document()["steps"][0] | text]
    words = words_of(review_of(marketer, make.drafted(steps=steps)))
    missing = "Mail has no address that it comes from. An administrator can set it."
    assert f"{missing} For the administrator: SENDGRID_FROM_EMAIL" in words
    told = re.sub(r"For the administrator: [A-Z_]+( , [A-Z_]+)*", "", words)
    assert not re.findall(r"[A-Z]+_[A-Z_]+", told)


def test_the_sum_closes():
    made = rehearse.rehearse(campaign=make.drafted(holdout_percent=20), now=make.NOW)
    assert made.matched == sum(made.not_enrolled.values()) + made.held_out + made.start
    assert made.not_enrolled == {"payment_failed": 1, "opted_out": 1, "no_reachable_contact": 1}


def test_of_a_next_version_the_numbers_add_up_to_the_audience(marketer):
    campaign = make.drafted(holdout_percent=0)
    launch(marketer, campaign)
    campaign.refresh_from_db()

    made = rehearse.rehearse(campaign=campaign, now=make.NOW)

    assert (made.audience, made.before, made.start) == (9, 6, 0)
    assert made.audience == made.before + sum(made.not_enrolled.values()) + made.held_out + made.start


def test_a_rehearsal_writes_nothing():
    """Not even the rows that enrolling would make for addresses it meets."""
    campaign = make.drafted()
    make.reader(make.account_near_limit(), topics={}, email="new@customer.example")
    ContactPoint.objects.all().delete()
    rehearse.rehearse(campaign=campaign, now=make.NOW)
    assert (ContactPoint.objects.count(), Entry.objects.count(), Message.objects.count()) == (0, 0, 0)


def test_a_rehearsal_and_the_launch_agree(marketer):
    campaign = make.drafted(holdout_percent=0)
    made = rehearse.rehearse(campaign=campaign, now=make.NOW)
    launch(marketer, campaign)
    outcomes = Entry.objects.values_list("outcome", flat=True)
    assert made.start == list(outcomes).count("ENROLLED")
    assert made.matched == len(outcomes)


def test_first_messages_stand_on_their_day_and_later_ones_as_at_most():
    limits = {"window": {"from": "09:00", "to": "20:00"}, "send_by_hours": 48}
    made = rehearse.rehearse(campaign=make.drafted(holdout_percent=0, limits=limits), now=make.NOW)
    told = [(one.day.isoformat(), one.step, one.messages, one.is_first) for one in made.sendings]
    assert told == [("2026-03-02", "mail-1", 6, True), ("2026-03-05", "banner", 6, False)]


def test_first_messages_of_two_days_are_told_by_day():
    firsts = [
        Sending(day=date(2026, 12, 10), step="mail-1", channel="email", messages=34, is_first=True),
        Sending(day=date(2026, 12, 11), step="mail-1", channel="email", messages=128, is_first=True),
        Sending(day=date(2026, 12, 18), step="banner", channel="in_app", messages=162, is_first=False),
    ]
    made = Rehearsal(162, {}, 0, 162, 162, firsts)
    today = date(2026, 12, 10)
    told = dry_run.first_words(made, today=today)
    assert told == "First message: 34 e-mails on Thursday 10 December, 128 on Friday"
    with translation.override("he"):
        assert "חמישי, 10 בדצמבר" in dry_run.first_words(made, today=today)


def test_where_it_is_still_the_day_before_that_day_is_said_to_be_today():
    first = Sending(day=date(2026, 12, 10), step="mail-1", channel="email", messages=34, is_first=True)
    made = Rehearsal(34, {}, 0, 34, 34, [first])
    told = dry_run.first_words(made, today=date(2026, 12, 11))
    assert told == "First message: 34 e-mails on Thursday 10 December (today where they live)"


def test_a_closed_window_moves_the_first_messages_to_the_next_morning():
    limits = {"window": {"from": "08:00", "to": "10:00"}, "send_by_hours": 48}
    made = rehearse.rehearse(campaign=make.drafted(limits=limits), now=make.NOW)
    assert made.sendings[0].day.isoformat() == "2026-03-03"


def test_what_will_not_go_is_warned_of_and_told_beside_the_first_messages(marketer):
    make.reader(make.account_near_limit(), time_zone="Asia/Tokyo")
    limits = {"window": {"from": "08:00", "to": "17:00"}, "send_by_hours": 4}
    steps = make.document()["steps"][:1]
    review = review_of(marketer, make.drafted(holdout_percent=0, limits=limits, steps=steps)).context["review"]
    told = "They may not be sent before Tuesday 3 March, and must go out within 4 hours."
    assert [one.line for one in review.left_out] == [f"Step 1: 1 message would come too late. {told}"]
    assert "Step 1: 1 message would come too late" in [one.title for one in review.warnings]
    assert review.first == "First message: 6 e-mails on Monday 2 March"


def test_who_is_held_out_of_another_running_test_is_told(marketer):
    launch(marketer, make.drafted(holdout_percent=99, name="Seats first"))
    held = Entry.objects.filter(outcome="HOLDOUT").count()
    review = review_of(marketer, make.drafted(slug="other", holdout_percent=0)).context["review"]
    assert review.rehearsal.held_elsewhere == {"Seats first": held}
    assert f"{held} of the accounts that start are held out of “Seats first”" in [one.title for one in review.warnings]


def test_blockers_lead_to_their_field_and_keep_the_button_closed(marketer):
    steps = make.document()["steps"]
    steps[0]["variants"]["b"]["content"]["en"]["subject"] = "{{ account.nam }}"
    campaign = make.drafted(steps=steps)
    response = review_of(marketer, campaign)
    words, content = words_of(response), response.content.decode()
    assert "Must be fixed first 1 blocker B, English, subject: line 1: There is no variable account.nam." in words
    assert f"/admin/studio/campaigns/{campaign.slug}/steps/mail-1/b/?language=en#id_subject" in content
    assert 'aria-disabled="true" aria-describedby="why"' in content
    assert "Not yet: 1 thing must be fixed first." in words


def test_a_blocked_campaign_is_not_launched_by_a_post_either(marketer):
    steps = make.document()["steps"]
    steps[0]["variants"]["b"]["content"]["en"]["subject"] = "{{ account.nam }}"
    response = launch(marketer, make.drafted(steps=steps))
    assert "Not launched: B, English, subject: line 1: There is no variable account.nam." in words_of(response)
    assert Campaign.objects.get().status == "DRAFT"


def test_every_kind_of_blocker_has_a_way_to_its_field(marketer):
    campaign = make.drafted(goal=None)
    Offer.objects.update(is_active=False)
    items = review_of(marketer, campaign).context["review"].blockers
    base = f"/admin/studio/campaigns/{campaign.slug}/"
    assert [item.url for item in items] == [f"{base}?edit=goal#goal", f"{base}?edit=goal#goal"]


def test_what_is_set_elsewhere_leads_to_no_part_where_it_cannot_be_changed():
    make.reader(make.account_near_limit(), country="RO", locale="en", email="maria@customer.example")
    ConsentRecord.objects.update(basis="")

    made = launch_review.review(campaign=make.drafted(), now=make.NOW)

    told = [one for one in made.warnings if "names no legal basis" in one.title]
    assert all("who keeps the CRM can record it there" in one.title for one in told)
    assert {(one.url, one.action) for one in told} == {("", "")}


def test_a_missing_language_is_a_warning_that_leads_to_its_text(marketer):
    make.reader(make.account_near_limit(), locale="ro")
    review = review_of(marketer, make.drafted()).context["review"]
    item = next(one for one in review.warnings if "has no text in Romanian" in one.title)
    assert item.action == "Write it"
    assert "/steps/mail-1/a/?language=" in item.url


def test_footers_are_no_warnings(marketer):
    review = review_of(marketer, make.drafted(steps=with_text("Hello."))).context["review"]
    assert not any("unsubscribe" in item.title for item in review.warnings)
    assert "Every e-mail gets a footer with your address and a link to unsubscribe" in review.passed


def test_words_that_have_no_value_for_real_people_are_a_warning(marketer):
    words = words_of(
        review_of(marketer, make.drafted(steps=with_text("{{ evidence.projected_hit_date }} {{ links.unsubscribe }}")))
    )
    assert (
        "Wording A of step 1 can’t be filled in for 6 of 6 people tried evidence.projected_hit_date has no value here."
        in words
    )


def test_a_wording_that_is_not_right_is_named_once(marketer):
    steps = with_text("{{ evidence.projected_hit_date }} {{ links.unsubscribe }}")
    steps[0]["variants"]["a"]["content"]["en"]["subject"] = "{{ account.nam }}"
    review = review_of(marketer, make.drafted(steps=steps)).context["review"]
    assert len(review.blockers) == 1
    assert not any("can’t be filled in" in item.title for item in review.warnings)


def test_a_draft_that_was_changed_since_it_was_looked_at_is_not_launched(marketer):
    campaign = make.drafted()
    seen = make.looked_at(campaign)
    make.drafted(holdout_percent=50)
    assert "Not launched: the draft was changed after you looked at it." in words_of(post(marketer, seen))
    assert Campaign.objects.get().status == "DRAFT"


def test_a_snippet_that_was_changed_since_it_was_looked_at_does_not_go_live(marketer):
    snippets.save(slug="sign", name="Sign", content={"en": "Kind regards"}, by="ron", now=make.NOW)
    seen = make.looked_at(make.drafted(steps=with_text("{% include 'sign' %} {{ links.unsubscribe }}")))
    later = make.NOW + timedelta(seconds=1)
    snippets.save(slug="sign", name="Sign", content={"en": "50 % OFF"}, by="ron", now=later)
    words = words_of(post(marketer, seen))
    assert "Not launched: a snippet in its messages was changed after you looked at it." in words
    assert Campaign.objects.get().status == "DRAFT"


@pytest.mark.parametrize("whose", ["near", "below"])
def test_a_segment_that_was_changed_since_it_was_looked_at_takes_nobody_in(marketer, whose):
    """Also one that the audience's own leads to."""
    store.save_segment(slug="below", name="", definition=make.SEATS, by="ron", now=make.NOW)
    store.save_segment(slug="near", name="", definition={"segment": "below"}, by="ron", now=make.NOW)
    seen = make.looked_at(make.drafted(audience={"segment": "near"}))
    everybody = {"field": "account.name", "op": "is_set"}
    store.save_segment(slug=whose, name="", definition=everybody, by="ron", now=make.NOW)
    words = words_of(post(marketer, seen))
    assert "Not launched: a segment of its audience or its conditions was changed after you looked." in words
    assert Campaign.objects.get().status == "DRAFT"


def test_an_offer_that_was_changed_since_it_was_looked_at_is_not_made(marketer):
    seen = make.looked_at(make.drafted())
    Offer.objects.update(valid_days=3)
    assert "Not launched: its offer was changed after you looked at it." in words_of(post(marketer, seen))
    assert Campaign.objects.get().status == "DRAFT"


@pytest.mark.parametrize("lost", ["version", "digest"])
@pytest.mark.parametrize("value", ["", "x"])
def test_a_launch_that_does_not_say_what_was_looked_at_is_refused(marketer, lost, value):
    seen = make.looked_at(make.drafted()) | {lost: value}
    assert "Not launched: your page did not say which draft you looked at." in words_of(post(marketer, seen))
    assert Campaign.objects.get().status == "DRAFT"


def test_an_address_that_is_a_fallback_in_a_tag_is_no_link_and_is_launched(marketer):
    steps = with_text("Hi {{ links.unsubscribe }}")
    text = 'See {{ links.offer | default: "https://acme.example/pricing" }} {{ links.unsubscribe }}'
    steps[0]["variants"]["a"]["content"]["en"]["text"] = text
    assert "Started for" in words_of(launch(marketer, make.drafted(steps=steps)))
    assert not LinkTarget.objects.exists()


def test_a_text_that_cannot_be_made_at_the_last_moment_is_refused_in_words(marketer, monkeypatch):
    """What the check tried is what is stored; should they ever differ, nothing is launched and nobody sees a trace."""
    campaign = make.drafted()

    def broken(**_asked):
        raise TemplateError("There is no variable account.nam.", code="UNKNOWN_VARIABLE")

    monkeypatch.setattr(contents, "store_version", broken)
    assert "Not launched: A: There is no variable account.nam." in words_of(launch(marketer, campaign))
    assert Campaign.objects.get().status == "DRAFT"


def test_the_draft_that_was_looked_at_is_launched(marketer):
    campaign = make.drafted()
    content = review_of(marketer, campaign).content.decode()
    seen = dict(re.findall(r'<input type="hidden" name="(version|digest)" value="([^"]+)">', content))
    assert seen == make.looked_at(campaign)
    post(marketer, seen)
    assert Campaign.objects.get().status == "LIVE"


def test_a_small_test_is_told_so(marketer):
    words = words_of(review_of(marketer, make.drafted(holdout_percent=0)))
    assert "The test is small: about 3 accounts for each wording" in words


def test_launching_says_the_real_numbers(marketer):
    response = launch(marketer, make.drafted(holdout_percent=0))
    campaign = Campaign.objects.get()
    assert "Started for 6 accounts. Held out: 0. Not started: 3." in words_of(response)
    assert (campaign.status, campaign.launched_by) == ("LIVE", "maria")


def test_a_second_launch_is_refused_in_words(marketer):
    campaign = make.drafted()
    launch(marketer, campaign)
    assert "This campaign was launched already." in words_of(launch(marketer, campaign))


def test_who_may_only_look_cannot_launch(onlooker):
    campaign = make.drafted()
    assert "You may look at this, but not launch it." in words_of(review_of(onlooker, campaign))
    assert launch(onlooker, campaign).status_code == 403
    assert Campaign.objects.get().status == "DRAFT"


def test_people_to_preview_with_come_from_the_audience_with_their_facts():
    people = cast.find_people(campaign=make.drafted(), now=make.NOW)
    assert len(people) == 6
    assert people[0].facts["offer"]["new_monthly"] == "99.00"
    assert set(people[0].facts["links"]) == {"unsubscribe", "preferences", "view", "offer"}


def test_a_launched_campaign_is_previewed_with_those_inside(marketer):
    campaign = make.launched(holdout_percent=0)
    people = cast.find_people(campaign=campaign, now=make.NOW)
    inside = campaign.enrolments.order_by("-enrolled_at", "-pk").values_list("contact_id", flat=True)
    assert [one.contact.pk for one in people] == list(inside)
    assert people[0].facts["offer"]["new_monthly"] == "99.00"


def test_those_who_left_are_still_previewed(marketer):
    campaign = make.launched(holdout_percent=0)
    campaign.enrolments.update(state="ENDED", exit_reason="COMPLETED", ended_at=make.NOW, due_at=None)
    people = cast.find_people(campaign=campaign, now=make.NOW)
    assert len(people) == campaign.enrolments.count()
    words = words_of(marketer.get(reverse("admin:studio-campaign", args=[campaign.slug])))
    assert "made-up values" not in words


def with_text(text):
    steps = make.document()["steps"]
    steps[0]["variants"] = {"a": {"weight": 100, "content": {"en": {"subject": "Hi", "mjml": make.MJML.format(text)}}}}
    return steps


@pytest.mark.parametrize(
    ("entry", "title", "sentence"),
    [
        (
            {"event": {"name": "seat_refused"}},
            "Starts for each account as soon as “seat_refused” happens",
            "whoever is in the audience when it happens, also who comes into it later.",
        ),
        (
            {"event": {"name": "seat_refused", "where": [{"property": "seats", "op": ">=", "value": 3}]}},
            "Starts for each account as soon as “seat_refused” happens",
            "Only where it happens as the campaign file says.",
        ),
        (
            {"by": "HAND"},
            "Starts for each account as soon as it is named",
            "In a file that somebody brings in, or by another system, from the launch on.",
        ),
    ],
)
def test_where_the_launch_brings_nobody_in_it_says_who_enters_and_when(marketer, entry, title, sentence):
    nobody_yet = {"segment": {"field": "account.name", "op": "=", "value": "none of them"}}

    words = words_of(review_of(marketer, make.drafted(entry=entry, audience=nobody_yet)))

    assert title in words
    assert sentence in words
    assert "0 are in the audience now; who is in it by then can enter" in words
    for said in ("Starts for nobody now", "In the audience", "Nobody is in the audience now"):
        assert said not in words
