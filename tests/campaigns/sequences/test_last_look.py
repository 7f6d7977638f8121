"""What is planned long before it goes is held against the account, the price and the offer as they are when it goes."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from campaigns.consent import points
from campaigns.delivery import claim, dispatch, in_app
from campaigns.delivery.models import Message
from campaigns.offers.models import Offer, Quote
from campaigns.profiles.models import Account, Contact, Score
from campaigns.sequences import apply, jobs, launch, withdrawn
from campaigns.sequences.models import Campaign, Enrolment, StepRun
from orchestrator import clock
from orchestrator.channels import registry
from tests.campaigns.sequences import scenes
from tests.factories import sequences as make
from tests.factories.offers import OfferFactory

pytestmark = [pytest.mark.usefixtures("scene"), pytest.mark.django_db]
NOW = make.NOW
TEXT = "Until {{ offer.valid_until }}: {{ offer.plan_to }} {{ links.offer }} {{ links.unsubscribe }}"
BANNER = make.document()["steps"][3]


@pytest.fixture(autouse=True)
def outbox():
    box = registry.outbox("email")
    box.clear()
    yield box
    box.clear()


def mail(key):
    content = {"en": {"subject": key, "mjml": make.MJML.format(TEXT)}}
    return {
        "key": key,
        "kind": "MESSAGE",
        "channel": "email",
        "variants": {"a": {"weight": 100, "content": content}},
    }


def wait(days):
    return {"key": f"wait-{days}", "kind": "WAIT", "for": f"{days}d"}


def campaign(*steps):
    return scenes.of(scenes.campaign(*steps))


@pytest.fixture
def account(scene, db) -> Account:
    return Account.objects.get()


mail_at_once = campaign(mail("mail-1"))
mail_tomorrow = campaign(wait(1), mail("mail-1"))
mail_after_its_price = campaign(wait(45), mail("mail-1"))
banner_at_once = campaign(BANNER)


def look(now: datetime, monkeypatch) -> None:
    """One round of the jobs that plan and send."""
    monkeypatch.setattr(clock, "utcnow", lambda: now)
    jobs.advance()
    claim.make_ready(now=now, wall_now=clock.wall_now())
    for channel in ("email", "in_app"):
        dispatch.dispatch_due(channel=channel, now=now, worker="tests")


def turn_red(account: Account, at: datetime, value: int = 5) -> None:
    Score.objects.create(account=account, kind="health", value=Decimal(value), at=at)


def said():
    return list(Message.objects.order_by("pk").values_list("state", "reason"))


@campaign(wait(3), mail("mail-1"))
def test_an_account_that_turned_red_gets_no_mail_and_leaves(account, outbox, monkeypatch):
    turn_red(account, NOW + timedelta(days=1))

    look(NOW + timedelta(days=3), monkeypatch)
    look(NOW + timedelta(days=3, seconds=5), monkeypatch)

    assert (outbox.sent, said()) == ([], [("SKIPPED", "FACTS_CHANGED")])
    assert StepRun.objects.get(visit=2).reason == "GATE_CLOSED"
    assert Enrolment.objects.values_list("state", "exit_reason").get() == ("ENDED", "GATE_CLOSED")


@scenes.of(scenes.campaign(mail("mail-1"), wait(3), mail("mail-2"), exit_on=["CONVERTED", "OPTED_OUT"]))
def test_a_campaign_that_stays_with_red_accounts_sends_them_nothing_while_they_are(account, outbox, monkeypatch):
    turn_red(account, NOW)

    look(NOW, monkeypatch)
    look(NOW + timedelta(seconds=5), monkeypatch)
    assert (outbox.sent, StepRun.objects.get(step_key="mail-1", visit=2).reason) == ([], "health_red")

    turn_red(account, NOW + timedelta(days=2), value=80)
    look(NOW + timedelta(days=3), monkeypatch)
    assert [one.subject for one in outbox.sent] == ["mail-2"]


@mail_at_once
@pytest.mark.parametrize("value", [36, 80])
def test_health_that_is_not_red_keeps_nobody(value, account, outbox, monkeypatch):
    turn_red(account, NOW - timedelta(days=1))
    turn_red(account, NOW, value=value)
    turn_red(account, NOW + timedelta(days=1))

    look(NOW, monkeypatch)

    assert len(outbox.sent) == 1


@mail_after_its_price
def test_a_receipt_goes_to_a_red_account_whatever_its_price(account, outbox, monkeypatch):
    Message.objects.update(purpose="TRANSACTIONAL")
    turn_red(account, NOW)
    Offer.objects.update(is_active=False)

    look(NOW + timedelta(days=45), monkeypatch)

    assert (len(outbox.sent), said()) == (1, [("ACCEPTED", "")])


@mail_after_its_price
def test_a_price_that_ended_while_the_mail_waited_is_made_anew(outbox, monkeypatch):
    later = NOW + timedelta(days=45)

    look(later, monkeypatch)
    assert (outbox.sent, said()) == ([], [("SKIPPED", "FACTS_CHANGED")])
    look(later + timedelta(seconds=5), monkeypatch)

    old, new = Quote.objects.order_by("pk")
    assert old.valid_until <= later < new.valid_until
    [sent] = outbox.sent
    assert sent.text.startswith(f"Until {new.figures['valid_until']}:")


@campaign(wait(30), mail("mail-1"))
def test_on_the_last_day_of_a_price_the_mail_goes(outbox, monkeypatch):
    look(NOW + timedelta(days=30), monkeypatch)

    assert (len(outbox.sent), Quote.objects.count()) == (1, 1)


@mail_tomorrow
@pytest.mark.parametrize("off", ["next-plan-up", "better"])
def test_of_who_was_moved_the_offer_that_the_message_names_counts(off, outbox, monkeypatch):
    OfferFactory(slug="better", name="Better")
    campaign = Campaign.objects.get()
    document = make.document(holdout_percent=None, offer="better", steps=[wait(1), mail("mail-1"), wait(3), BANNER])
    apply.apply_campaign(document=document, by="dana", now=NOW)
    campaign.refresh_from_db()
    launch.launch(campaign=campaign, by="dana", now=NOW)
    campaign.refresh_from_db()
    Enrolment.objects.update(version=campaign.live_version)
    Offer.objects.filter(slug=off).update(is_active=False)

    look(NOW + timedelta(days=1), monkeypatch)

    went = off == "better"
    assert (len(outbox.sent), said()) == (int(went), [("ACCEPTED", "") if went else ("SKIPPED", "OFFER_WITHDRAWN")])


def test_who_speaks_another_language_by_now_is_written_to_in_it(outbox, monkeypatch):
    both = {
        "en": {"subject": "more", "mjml": make.MJML.format(TEXT)},
        "ro": {"subject": "mai mult", "mjml": make.MJML.format(TEXT)},
    }
    steps = [wait(1), mail("mail-1") | {"variants": {"a": {"weight": 100, "content": both}}}]
    make.launched(**scenes.campaign(*steps))
    Contact.objects.update(locale="ro-RO")

    look(NOW + timedelta(days=1), monkeypatch)
    look(NOW + timedelta(days=1, seconds=5), monkeypatch)

    assert ([one.subject for one in outbox.sent], said()) == (
        ["mai mult"],
        [("SKIPPED", "FACTS_CHANGED"), ("ACCEPTED", "")],
    )


@mail_tomorrow
def test_a_language_that_the_text_is_not_in_changes_nothing(outbox, monkeypatch):
    Contact.objects.update(locale="de")

    look(NOW + timedelta(days=1), monkeypatch)

    assert [one.subject for one in outbox.sent] == ["mail-1"]


@campaign(wait(1), mail("mail-1"), wait(2), mail("mail-2"))
def test_an_offer_that_was_switched_off_is_not_sent_and_the_reason_says_so(outbox, monkeypatch):
    Offer.objects.update(is_active=False)

    look(NOW + timedelta(days=1), monkeypatch)
    look(NOW + timedelta(days=3), monkeypatch)

    assert (outbox.sent, said()) == ([], [("SKIPPED", "OFFER_WITHDRAWN")])
    assert StepRun.objects.get(step_key="mail-2").reason == Message.Reason.OFFER_WITHDRAWN == withdrawn.REASON


@mail_at_once
def test_another_offer_switched_off_changes_nothing(outbox, monkeypatch):
    Offer.objects.create(slug="another", name="Another", is_active=False)

    look(NOW, monkeypatch)

    assert len(outbox.sent) == 1


def shown(at: datetime) -> int:
    return len(in_app.feed(contact=Contact.objects.get().external_id, account="", now=at) or [])


def banner_up(monkeypatch, **quoted) -> None:
    points.ensure_points(contacts=list(Contact.objects.all()), channel="in_app")
    if quoted:
        context = Message.objects.get().context
        Message.objects.update(context=context | {"offer": context["offer"] | quoted})
    look(NOW, monkeypatch)


@banner_at_once
def test_a_banner_comes_down_with_its_price(monkeypatch):
    banner_up(monkeypatch, valid_until=(NOW + timedelta(days=2)).date().isoformat())
    ends = (NOW + timedelta(days=3)).replace(hour=12, minute=0, second=0, microsecond=0)
    assert [shown(ends - timedelta(seconds=1)), shown(ends)] == [1, 0]


@banner_at_once
def test_a_banner_is_hidden_while_health_is_red(account, monkeypatch):
    banner_up(monkeypatch)
    turn_red(account, NOW + timedelta(hours=1))
    turn_red(account, NOW + timedelta(hours=3), value=50)
    assert [shown(NOW + timedelta(hours=hours)) for hours in (0, 2, 4)] == [1, 0, 1]
