"""A message quotes the figures of the day on which it goes, not of the day on which the account came in."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from campaigns.delivery import claim, dispatch, freshness, stalled, switch
from campaigns.delivery.models import DeliveryAttempt, Message
from campaigns.offers import quote
from campaigns.offers.models import Quote
from campaigns.profiles.models import Account
from campaigns.segments.models import SegmentVersion
from campaigns.sequences import figures, lifecycle, planning_apart, replan
from campaigns.sequences.models import Campaign, Entry
from campaigns.usage.models import Meter, UsageDaily
from orchestrator import clock
from orchestrator.channels import registry
from tests.campaigns.sequences import scenes
from tests.factories import sequences as make

pytestmark = [pytest.mark.usefixtures("scene"), pytest.mark.django_db]
NOW = make.NOW
DAY = timedelta(days=1)
MAIL, WAIT, _, BANNER, _ = make.document()["steps"]
LONG = WAIT | {"for": "20d"}
TOLD = {
    "subject": "{{ evidence.value }} / {{ offer.seats }}",
    "mjml": make.MJML.format("{{ links.unsubscribe }}"),
}

PLAIN = {"variants": {"a": {"content": {"en": TOLD | {"subject": "{{ evidence.value }}"}}}}}
mail_wait_banner = scenes.of(scenes.campaign(MAIL, LONG, BANNER))
wait_mail = scenes.of(scenes.campaign(LONG, MAIL))
wait_plain_mail = scenes.of(scenes.campaign(LONG, MAIL | PLAIN, offer=None))
mail_within_two_weeks = scenes.of(
    scenes.campaign(MAIL | {"variants": {"a": {"weight": 100, "content": {"en": TOLD}}}}, limits={"send_by_hours": 336})
)
plain_mail_within_two_weeks = scenes.of(scenes.campaign(MAIL | PLAIN, offer=None, limits={"send_by_hours": 336}))


@pytest.fixture(autouse=True)
def outbox(settings):
    settings.COMPLIANCE_QUIET_HOURS = False
    registry.outbox("email").clear()


@pytest.fixture
def account(scene, db) -> Account:
    return Account.objects.latest("pk")


def send(now) -> None:
    claim.make_ready(now=now, wall_now=clock.wall_now())
    dispatch.dispatch_due(channel="email", now=now, worker="tests")


def uses(account: Account, value: int, at) -> None:
    meter = Meter.objects.get(code="seats_used")
    UsageDaily.objects.create(account=account, meter=meter, day=at.date(), value=Decimal(value), last_at=at)


def figures_of(account: Account) -> tuple[object, bool]:
    """What is said, and whether as of a later day than that of the entry."""
    context = Message.objects.get(account=account).context
    return context["evidence"]["value"], context["figures_at"] > (NOW + DAY).isoformat()


def quoted(step: str) -> object:
    return Message.objects.filter(origin_step=step).latest("pk").context["evidence"].get("value")


@mail_wait_banner
def test_a_later_step_quotes_the_day_on_which_it_is_planned(account):
    uses(account, 10, NOW + 19 * DAY)
    make.go_on(now=NOW + 20 * DAY)
    assert (quoted("mail-1"), quoted("banner")) == (9, 10)


@mail_wait_banner
def test_what_is_planned_anew_quotes_today(account):
    Message.objects.update(state="SKIPPED", reason="FACTS_CHANGED", ended_at=NOW)
    uses(account, 10, NOW + DAY)
    replan.plan_anew(now=NOW + DAY)
    assert quoted("mail-1") == 10


@mail_wait_banner
def test_where_today_tells_nothing_of_it_the_entry_does():
    UsageDaily.objects.all().delete()
    make.go_on(now=NOW + 20 * DAY)
    assert quoted("banner") == 9


@mail_wait_banner
def test_an_audience_that_cannot_be_read_any_more_stops_no_message():
    SegmentVersion.objects.update(definition={"event": "used", "window": "9000d"})
    make.go_on(now=NOW + 20 * DAY)
    assert quoted("banner") == Entry.objects.get().evidence["value"]


@wait_mail
def test_a_first_message_after_a_wait_gets_the_figures_of_today_once_before_it_goes(account):
    uses(account, 10, NOW + 19 * DAY)
    assert figures.renew_waiting(now=NOW + 19 * DAY) == 0
    soon = NOW + 20 * DAY - timedelta(minutes=5)
    assert (figures.renew_waiting(now=soon), figures.renew_waiting(now=soon)) == (1, 0)
    due = Message.objects.get().due_at
    assert replan.plan_anew(now=soon) == 1
    message = Message.objects.latest("pk")
    assert (message.context["evidence"]["value"], message.context["offer"]["seats"]) == (10, 10)
    assert (message.due_at, Quote.objects.count()) == (due, 2)


@wait_mail
def test_where_the_quote_would_say_the_same_the_message_stays_and_its_figures_are_of_today(account):
    uses(account, 9, NOW + 19 * DAY)
    assert figures.renew_waiting(now=NOW + 20 * DAY) == 1
    message = Message.objects.get()
    assert (message.state, message.context["evidence"]["day"]) == ("PLANNED", "2026-03-21")
    assert Quote.objects.count() == 1


@wait_mail
def test_what_may_have_gone_once_stays_as_it_was(account):
    """Its successor would not see the evidence that it did."""
    uses(account, 10, NOW + 19 * DAY)
    DeliveryAttempt.objects.create(message=Message.objects.get(), number=1, started_at=NOW, outcome="UNCLEAR")
    assert (figures.renew_waiting(now=NOW + 20 * DAY), figures.renew_waiting(now=NOW + 20 * DAY)) == (1, 0)
    message = Message.objects.get()
    assert (message.state, message.context["evidence"]["value"], message.context["offer"]["seats"]) == ("PLANNED", 9, 9)


@wait_mail
@pytest.mark.parametrize("state", ["READY", "SKIPPED"])
def test_what_is_on_its_way_or_over_keeps_its_figures(state):
    Message.objects.update(state=state, reason="CAPPED" if state == "SKIPPED" else "")
    assert figures.renew_waiting(now=NOW + 20 * DAY) == 0


@wait_plain_mail
@pytest.mark.parametrize("what", ["tried before", "sent again", "a receipt"])
def test_what_may_have_gone_and_a_receipt_keep_their_figures_where_the_quote_stays_the_same(account, what):
    uses(account, 10, NOW + 19 * DAY)
    if what == "tried before":
        DeliveryAttempt.objects.create(message=Message.objects.get(), number=1, started_at=NOW, outcome="UNCLEAR")
    if what == "sent again":
        Message.objects.update(decided_at=NOW)
    if what == "a receipt":
        Message.objects.update(purpose="TRANSACTIONAL")
    figures.renew_waiting(now=NOW + 20 * DAY)
    assert figures_of(account) == (9, True)


@scenes.of(scenes.campaign(LONG, MAIL), accounts=2)
def test_figures_that_cannot_be_made_anew_stop_neither_their_message_nor_others(account, monkeypatch):
    other = Account.objects.exclude(pk=account.pk).get()
    for one in (account, other):
        uses(one, 10, NOW + 19 * DAY)
    real = quote.price_accounts

    def fails_for_one(*, account_ids, **given):
        if other.pk in account_ids:
            raise ArithmeticError
        return real(account_ids=account_ids, **given)

    monkeypatch.setattr(quote, "price_accounts", fails_for_one)
    assert (figures.renew_waiting(now=NOW + 20 * DAY), figures.renew_waiting(now=NOW + 20 * DAY)) == (2, 0)
    figures.renew_again(now=NOW + 20 * DAY)
    assert Message.objects.get(account=account).reason == "FACTS_CHANGED"
    assert Message.objects.get(account=other).context["evidence"]["value"] == 9


@scenes.of(scenes.campaign(LONG, MAIL | PLAIN, offer=None), accounts=2)
def test_what_failed_in_company_has_figures_of_today_or_failed_alone(account, monkeypatch):
    """After a time-out of all together nobody goes with old figures that are said to be of today."""
    other = Account.objects.exclude(pk=account.pk).get()
    for one in (account, other):
        uses(one, 10, NOW + 19 * DAY)
    real, soon = figures.gather_today, NOW + 20 * DAY

    def times_out_for_many(*, enrolments, **given):
        if len(enrolments) > 1 or enrolments[0].account_id == other.pk:
            raise ArithmeticError
        return real(enrolments=enrolments, **given)

    monkeypatch.setattr(figures, "gather_today", times_out_for_many)
    monkeypatch.setattr(planning_apart, "IN_A_ROW", 0)  # nobody is come to alone
    assert (figures.renew_waiting(now=soon), figures.renew_waiting(now=soon)) == (2, 0)
    assert (figures_of(account), figures_of(other)) == ((9, False), (9, False))
    figures.renew_again(now=soon)
    assert (figures_of(account), figures_of(other)) == ((10, True), (9, True))
    assert figures._waiting(soon).count() == 0
    assert not Message.objects.filter(context__has_key=figures._ALONE).exists()


@scenes.of(*(scenes.campaign(LONG, MAIL | PLAIN, offer=None, slug=slug, name=slug) for slug in "ab"), accounts=2)
def test_of_figures_that_failed_those_of_each_campaign_are_tried(monkeypatch):
    for row in Message.objects.all():
        Message.objects.filter(pk=row.pk).update(context=row.context | {figures._ALONE: True})
    monkeypatch.setattr(figures, "BATCH", 2)
    figures.renew_again(now=NOW + 20 * DAY)
    left = Message.objects.filter(context__has_key=figures._ALONE)
    assert sorted(left.values_list("origin_campaign", flat=True)) == ["a", "b"]


@mail_within_two_weeks
@pytest.mark.parametrize("held_by", ["pause", "switch", "nobody"])
def test_what_waited_for_days_when_it_could_have_gone_goes_with_the_figures_of_the_day(account, held_by):
    """In a pause, with sending off, or because all machines stood still."""
    campaign = Campaign.objects.get()
    claim.make_ready(now=NOW, wall_now=clock.wall_now())
    if held_by == "pause":
        lifecycle.pause(campaign=campaign, by="dana", now=NOW)
    back = NOW + 5 * DAY
    uses(account, 2, NOW + 4 * DAY)
    if held_by == "pause":
        lifecycle.resume(campaign=campaign, by="dana", now=back)
    if held_by == "switch":
        switch.set_switch(is_on=True, by="dana", now=back)
    assert Message.objects.get().state == ("READY" if held_by == "nobody" else "PLANNED")
    send(back)
    assert (Message.objects.get().state, registry.outbox("email").sent) == ("PLANNED", [])
    figures.renew_waiting(now=back)
    replan.plan_anew(now=back)
    send(back)
    assert [one.subject for one in registry.outbox("email").sent] == ["2 / 2"]


@plain_mail_within_two_weeks
@pytest.mark.parametrize("is_able", [True, False])
def test_what_a_provider_wants_later_is_not_tried_sooner_for_its_figures(monkeypatch, is_able):
    claim.make_ready(now=NOW, wall_now=clock.wall_now())
    wish = clock.wall_now() + timedelta(hours=2)
    Message.objects.update(next_at=wish)
    freshness.put_back(now=NOW + 5 * DAY, wall_now=clock.wall_now())
    assert (Message.objects.get().state, Message.objects.get().next_at) == ("PLANNED", wish)
    if not is_able:
        monkeypatch.setattr(figures, "_renew", fails)
    figures.renew_waiting(now=NOW + 5 * DAY)
    figures.renew_again(now=NOW + 5 * DAY)
    assert (Message.objects.get().next_at, figures._waiting(NOW + 5 * DAY).count()) == (wish, 0)


def fails(*_given):
    raise ArithmeticError


@scenes.of(scenes.campaign(MAIL, limits={"send_by_hours": 336}))
def test_what_nobody_renews_does_not_go_and_is_told_to_be_late():
    for days in (0, 5):
        Message.objects.update(next_at=None)
        send(NOW + days * DAY) if days else claim.make_ready(now=NOW, wall_now=clock.wall_now())
    assert registry.outbox("email").sent == []
    found = stalled.find_stalled(now=NOW + 5 * DAY, wall_now=clock.wall_now())
    assert [one.number for one in found] == [1]


@scenes.of(scenes.campaign(MAIL))
def test_what_waited_a_night_goes_as_it_is():
    claim.make_ready(now=NOW, wall_now=clock.wall_now())
    send(NOW + DAY)
    assert Message.objects.get().state == "ACCEPTED"


def test_attempts_that_have_left_the_window_since_the_entry_are_told_as_they_were_then():
    tried = {"event": "premium_feature_attempted", "attempts": 3, "feature": "sso"}
    then = {**tried, "first_at": "2026-11-20T09:00:00+00:00", "last_at": "2026-11-22T09:00:00+00:00"}
    after = {**tried, "first_at": "2026-11-22T09:00:00+00:00", "last_at": "2026-11-22T09:00:00+00:00", "plan": "team"}

    fewer, more = ({**after, "attempts": number} for number in (1, 4))

    assert figures.as_told(entered=then, today=fewer) == {**then, "plan": "team"}
    assert figures.as_told(entered=then, today=more) == more
