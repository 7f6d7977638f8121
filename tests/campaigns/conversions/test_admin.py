"""The admin pages of the campaign's rooms open, list and detail, with something in them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.urls import reverse

from campaigns.analytics import snapshot
from campaigns.billing.models import MrrMovement
from campaigns.conversions import find, goals
from campaigns.conversions.models import Conversion, Goal
from campaigns.experiments.models import Assignment, Experiment, Snapshot
from campaigns.offers import decline
from campaigns.offers.models import Offer, Quote, Refusal
from campaigns.sequences.models import Campaign, CampaignVersion, Enrolment, Entry
from tests.factories import sequences as make
from tests.factories.billing import MrrMovementFactory
from tests.factories.offers import quote_with_reader

MODELS = (
    Assignment, Experiment, Snapshot, Offer, Quote, Refusal, Campaign, CampaignVersion, Enrolment, Entry, Conversion,
    Goal,
)  # fmt: skip


@pytest.fixture(scope="module")
def scene(shared_rows):
    """given one row at least of each"""
    make.market()
    account = make.ready_account()
    make.launched(holdout_percent=None)
    goals.settle_goals()
    movement = MrrMovementFactory(
        subscription=account.subscriptions.get(), kind=MrrMovement.Kind.EXPANSION, delta=Decimal(70), at=make.NOW
    )
    find.convert_movements(movements=[movement], now=make.NOW)
    snapshot.take_snapshots(now=make.NOW + timedelta(days=1))
    quote, contact_id = quote_with_reader()
    decline.decline_quote(quote_uuid=quote.uuid, contact_id=contact_id, reason="OTHER", now=make.NOW)


@pytest.fixture
def client(client, scene, db):
    client.force_login(get_user_model().objects.create_superuser("dana"))
    return client


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_list_and_detail_open(client, model):
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    assert client.get(reverse(f"{name}_changelist")).status_code == 200
    row = model.objects.first()
    assert client.get(reverse(f"{name}_change", args=[row.pk])).status_code == 200


@pytest.mark.parametrize("model", [model for model in MODELS if model is not Offer], ids=lambda model: model.__name__)
def test_facts_cannot_be_edited(rf, admin_user, model):
    request = rf.get("/")
    request.user = admin_user
    page = admin.site._registry[model]
    assert not page.has_add_permission(request)
    assert not page.has_change_permission(request)
    assert not page.has_delete_permission(request)
