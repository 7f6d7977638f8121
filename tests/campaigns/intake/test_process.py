from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection

from campaigns.billing import catalog, reconcile
from campaigns.billing.models import MrrMovement, PlanPrice, Subscription
from campaigns.crm.models import SyncCursor
from campaigns.intake import process, product_events, replay
from campaigns.intake.models import InboundEvent, Parked, Quarantined
from campaigns.profiles import lookup
from campaigns.profiles.models import Account, Contact, Membership
from campaigns.usage import catalog as usage_catalog
from campaigns.usage.models import UsageDaily, UsageEvent
from orchestrator.sandbox import billing_objects, catalogue, company
from tests.factories.crm import CrmConnectionFactory
from tests.factories.intake import InboundEventFactory, SourceFactory
from tests.factories.profiles import AccountFactory, ContactFactory, MembershipFactory

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
_count = itertools.count()


@pytest.fixture
def source(db):
    return SourceFactory()


def come(source, kind, at=AT, **payload):
    filled = {"properties": {}, "traits": {}, "context": {}, **payload}
    return InboundEventFactory(source=source, kind=kind, payload=filled, at=at, message_id=f"m-{next(_count)}")


def run(limit=5000):
    return process.process_inbound(now=NOW, limit=limit)


def state_of(row):
    return InboundEvent.objects.get(id=row.id).state


def test_group_identify_and_track_make_profiles_and_usage_in_one_batch_in_any_order(source):
    usage_catalog.apply_meters(meters=catalogue.METERS)
    come(source, "track", event="usage_reported", userId="c1", context={"groupId": "a1"}, properties={"seats_used": 7})
    come(source, "identify", userId="c1", traits={"email": "noa@customer.example"}, context={"groupId": "a1"})
    come(source, "group", userId="c1", groupId="a1", traits={"name": "Acme", "plan": "gold"})

    processed = run()

    account, contact = Account.objects.get(), Contact.objects.get()
    assert (account.name, contact.email) == ("Acme", "noa@customer.example")
    assert Membership.objects.get().role == "MEMBER"
    event = UsageEvent.objects.get()
    assert (event.account, event.contact, event.at, event.source) == (account, contact, AT, source.slug)
    assert UsageDaily.objects.get().value == 7
    assert (processed.claimed, processed.has_usage, processed.has_introductions) == (3, True, True)
    assert contact.last_active_at == AT
    assert set(InboundEvent.objects.values_list("state", flat=True)) == {"DONE"}


def test_processing_again_does_nothing(source):
    come(source, "group", anonymousId="x", groupId="a1")
    run()

    assert run().claimed == 0


def test_a_group_by_an_anonymous_visitor_makes_the_account_alone(source):
    come(source, "group", anonymousId="x", groupId="a1")
    run()

    assert (Account.objects.count(), Contact.objects.count()) == (1, 0)


@pytest.mark.parametrize(
    ("payload", "waiting_for"),
    [
        ({"userId": "c1", "context": {"groupId": "nobody"}}, "account:nobody"),
        ({"userId": "c1", "properties": {"groupId": 42}}, "account:42"),
        ({"userId": "stranger"}, "contact:stranger"),
    ],
)
def test_an_event_that_names_a_stranger_waits_for_them(source, payload, waiting_for):
    ContactFactory(external_id="c1")
    row = come(source, "track", event="e", **payload)

    assert run().parked == 1
    assert (state_of(row), Parked.objects.get().waiting_for) == ("PARKED", waiting_for)
    assert not UsageEvent.objects.exists()


def test_an_identify_that_names_an_unknown_account_waits_for_it(source):
    come(source, "identify", userId="c1", context={"groupId": "a1"})
    run()

    assert not Contact.objects.exists()
    assert Parked.objects.get().waiting_for == "account:a1"


def test_a_parked_event_is_replayed_when_its_owners_arrive_and_counts_once(source):
    row = come(source, "track", event="e", userId="c1", context={"groupId": "a1"})
    run()
    too_early = replay.replay_parked(now=NOW)
    AccountFactory(external_id="a1")
    first = replay.replay_parked(now=NOW)
    run()
    ContactFactory(external_id="c1")
    second = replay.replay_parked(now=NOW)
    run()

    assert (too_early.events, first.events, second.events) == (0, 1, 1)
    assert (UsageEvent.objects.count(), Parked.objects.count(), state_of(row)) == (1, 0, "DONE")
    assert InboundEvent.objects.count() == 1


def test_a_parked_event_whose_stored_row_was_cleared_is_stored_anew(source):
    come(source, "track", event="e", anonymousId="x", context={"groupId": "a1"})
    run()
    InboundEvent.objects.all().delete()
    AccountFactory(external_id="a1")
    replay.replay_parked(now=NOW)
    run()

    assert UsageEvent.objects.get(account__external_id="a1")


def test_an_event_belongs_to_its_contacts_only_account(source):
    lonely, busy = MembershipFactory(), MembershipFactory()
    MembershipFactory(contact=busy.contact)
    come(source, "track", event="e", userId=lonely.contact.external_id)
    come(source, "track", event="e", userId=busy.contact.external_id)
    come(source, "track", event="e", anonymousId="x")
    run()

    assert list(UsageEvent.objects.order_by("id").values_list("account_id", flat=True)) == [
        lonely.account_id,
        None,
        None,
    ]


def test_pages_and_screens_are_events_of_that_name(source):
    come(source, "page", anonymousId="x", name="Pricing")
    run()

    assert UsageEvent.objects.values_list("name", "properties").get() == ("page", {"name": "Pricing"})


def test_an_alias_makes_the_earlier_id_lead_to_the_contact(source):
    contact = ContactFactory(external_id="c1")
    come(source, "alias", userId="c1", previousId="visitor-9")
    assert run().has_introductions
    come(source, "track", event="e", userId="visitor-9")
    run()

    assert UsageEvent.objects.get().contact == contact


def test_two_known_contacts_are_not_merged_by_an_alias(source):
    ContactFactory(external_id="c1"), ContactFactory(external_id="c2")
    come(source, "alias", userId="c1", previousId="c2")
    run()

    assert "a person must merge" in Quarantined.objects.get().error


def test_one_event_that_breaks_its_batch_is_set_aside_and_its_neighbours_go_on(source, monkeypatch):
    original = product_events._event

    def break_on_poison(row, *rest):
        if row.payload["event"] == "poison":
            raise KeyError("boom")
        return original(row, *rest)

    monkeypatch.setattr(product_events, "_event", break_on_poison)
    for number in range(9):
        come(source, "track", event="poison" if number == 4 else "fine", anonymousId="x")
    processed = run()

    assert UsageEvent.objects.count() == 8
    assert (processed.claimed, processed.quarantined) == (9, 1)
    assert "KeyError" in Quarantined.objects.get().error


def _run_beside_others(_worker):
    while run(limit=8).claimed:
        pass
    connection.close()


@pytest.mark.django_db(transaction=True)
def test_workers_that_meet_the_same_broken_event_set_it_aside_once_and_nothing_else(stripe_source, firm):
    account = firm.accounts[0]
    AccountFactory(external_id=account.external_id)
    for number in range(6):
        carried = {**subscription_of(account), "metadata": {"account_external_id": account.external_id}}
        bill(stripe_source, "customer.subscription.updated", {**carried, "id": f"sub_{number}" + "x" * 500}, CREATED)
    for _ in range(12):
        bill(stripe_source, "customer.created", billing_objects.customer_object(account), CREATED)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(_run_beside_others, range(3)))

    assert set(Quarantined.objects.values_list("kind", flat=True)) == {"stripe.customer.subscription.updated"}
    assert Quarantined.objects.count() == 6
    assert InboundEvent.objects.filter(state="DONE").count() == 12


def test_a_meter_the_catalogue_does_not_have_is_told_of_once_and_the_event_is_kept(source):
    AccountFactory(external_id="a1")
    for _ in range(2):
        come(
            source, "track", event="usage_reported", anonymousId="x", context={"groupId": "a1"}, properties={"warp": 9}
        )
        run()

    assert UsageEvent.objects.count() == 2
    assert "meter warp" in Quarantined.objects.get().error


@pytest.fixture
def stripe_source(db):
    catalog.apply_catalog(document=catalogue.catalog(), now=NOW)
    return SourceFactory(slug="stripe", kind="stripe", write_key_hash=None)


@pytest.fixture
def firm():
    return company.generate(seed=7, accounts=3, days=30, until=date(2026, 3, 1))


def bill(source, kind, obj, created, number=None):
    number = next(_count) if number is None else number
    payload = {"id": f"evt_{number}", "object": "event", "type": kind, "created": created, "data": {"object": obj}}
    return InboundEventFactory(source=source, kind=f"stripe.{kind}", message_id=payload["id"], payload=payload, at=AT)


def subscription_of(account):
    return billing_objects.subscription_object(account, now=NOW)


CREATED = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp())


def test_customers_and_subscriptions_reach_billing_with_their_movements(stripe_source, firm):
    for account in firm.accounts:
        AccountFactory(external_id=account.external_id)
        bill(stripe_source, "customer.subscription.created", subscription_of(account), CREATED)
        bill(stripe_source, "customer.created", billing_objects.customer_object(account), CREATED)

    processed = run()

    assert (processed.parked, processed.quarantined, Subscription.objects.count()) == (0, 0, 3)
    paying = [account for account in firm.accounts if account.status != "trialing"]
    assert MrrMovement.objects.count() == len(paying)
    assert processed.has_movements
    assert reconcile.list_mismatches() == []
    first = firm.accounts[0]
    assert lookup.account_by_billing(customer_id=f"cus_{first.external_id}") is not None


def test_billing_events_are_applied_in_the_order_they_happened(stripe_source, firm):
    account = firm.accounts[0]
    AccountFactory(external_id=account.external_id)
    later, earlier = subscription_of(account), subscription_of(account)
    later["status"], earlier["status"] = "canceled", "active"
    for carried, created in ((later, CREATED + 60), (earlier, CREATED)):
        bill(
            stripe_source,
            "customer.subscription.updated",
            {**carried, "metadata": {"account_external_id": account.external_id}},
            created,
        )
    run()

    assert list(MrrMovement.objects.order_by("id").values_list("kind", flat=True)) == ["NEW", "CHURN"]


def test_a_subscription_of_an_unknown_customer_waits_and_is_applied_when_the_customer_is_linked(stripe_source, firm):
    account = firm.accounts[0]
    bill(stripe_source, "customer.subscription.created", {**subscription_of(account), "metadata": {}}, CREATED)
    run()
    waits_for = Parked.objects.get().waiting_for
    AccountFactory(external_id=account.external_id)
    bill(stripe_source, "customer.created", billing_objects.customer_object(account), CREATED)
    run()
    replay.replay_parked(now=NOW)
    run()

    assert waits_for == f"billing:cus_{account.external_id}"
    assert Subscription.objects.get().account.external_id == account.external_id


def test_an_unknown_plan_waits_for_the_catalogue(stripe_source, firm):
    account = firm.accounts[0]
    AccountFactory(external_id=account.external_id)
    carried = {**subscription_of(account), "metadata": {"account_external_id": account.external_id}}
    carried["items"]["data"][0]["price"]["metadata"] = {"plan": "platinum"}
    bill(stripe_source, "customer.subscription.created", carried, CREATED)
    run()
    waits_for = Parked.objects.get().waiting_for
    document = catalogue.catalog()
    document["plans"] = [{"code": "platinum", "name": "Platinum", "rank": 50}]
    catalog.apply_catalog(document=document, now=NOW)
    replay.replay_parked(now=NOW)
    run()

    assert (waits_for, Subscription.objects.get().plan.code) == ("plan:platinum", "platinum")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"status": "dreaming"}, "status"),
        ({"items": {"data": []}}, "items"),
    ],
)
def test_a_subscription_that_cannot_be_read_is_quarantined_with_words(stripe_source, firm, change, words):
    account = firm.accounts[0]
    AccountFactory(external_id=account.external_id)
    carried = {**subscription_of(account), "metadata": {"account_external_id": account.external_id}, **change}
    bill(stripe_source, "customer.subscription.updated", carried, CREATED)
    run()

    assert words in Quarantined.objects.get().error
    assert not Subscription.objects.exists()


def test_a_price_that_billing_announces_is_learnt(stripe_source):
    price = billing_objects.price_object(catalogue.PRICES[0])
    bill(stripe_source, "price.created", price, CREATED)
    run()

    assert PlanPrice.objects.get(billing_price_id=price["id"]).lookup_key == price["lookup_key"]


def test_a_failed_payment_is_an_event_of_the_account(stripe_source, firm):
    account = firm.accounts[0]
    AccountFactory(external_id=account.external_id)
    bill(stripe_source, "customer.created", billing_objects.customer_object(account), CREATED)
    bill(
        stripe_source,
        "invoice.payment_failed",
        {"object": "invoice", "id": "in_1", "customer": f"cus_{account.external_id}"},
        CREATED,
    )
    run()

    assert UsageEvent.objects.get().name == "crescendo.payment_failed"


def test_a_change_in_the_crm_makes_the_next_pull_read_it_again(db):
    connection = CrmConnectionFactory()
    cursor = SyncCursor.objects.create(connection=connection, kind="contact", watermark=NOW)
    source = SourceFactory(slug="hubspot", kind="hubspot")
    come(source, "hubspot.contact.propertyChange", at=AT)
    processed = run()

    cursor.refresh_from_db()
    assert (cursor.watermark, processed.has_crm_changes) == (AT, True)


def test_a_batch_of_usage_takes_a_fixed_number_of_statements(source, django_assert_max_num_queries):
    account = AccountFactory(external_id="a1")
    usage_catalog.apply_meters(meters=catalogue.METERS)
    for number in range(40):
        at = AT + timedelta(minutes=number)
        come(
            source,
            "track",
            at=at,
            event="usage_reported",
            anonymousId="x",
            context={"groupId": "a1"},
            properties={"seats_used": number},
        )

    with django_assert_max_num_queries(16):
        run()

    assert UsageDaily.objects.get(account=account).value == Decimal(39)


def test_billing_events_are_taken_in_smaller_batches(stripe_source, firm, monkeypatch):
    monkeypatch.setattr(process, "BILLING_BATCH", 2)
    for account in firm.accounts:
        AccountFactory(external_id=account.external_id)
        bill(stripe_source, "customer.subscription.created", subscription_of(account), CREATED)

    assert [run().claimed for _ in range(3)] == [2, 1, 0]
    assert Subscription.objects.count() == 3
