"""What the plain admin pages are headed and labelled with is in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets, label_for_field
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Field, Model
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from campaigns.api import keys
from campaigns.consent import hold, opt_out
from campaigns.consent.models import ContactPoint, ListEntry
from campaigns.crm.models import SyncRun
from campaigns.delivery.models import (
    AttentionBudget,
    ChannelHealth,
    DailySpend,
    InAppMessage,
    ProviderEvent,
    SendRate,
)
from campaigns.experiments.models import Snapshot
from campaigns.offers.models import Refusal
from campaigns.segments.models import Segment, SegmentMembership, SegmentRefresh
from campaigns.sequences import snippets
from tests.factories import billing, consent, crm, delivery, intake, offers, profiles, results, usage
from tests.factories.delivery import NOW
from tests.factories.results import Arm

# Names that are the same in every language, and values of other systems that are shown as they are.
SAME = {"MRR", "SMS", "CRM", "HTML", "URL", "Stripe", "HubSpot", "Django-RQ", "Django_Rq"}
# Words of code: event names, sources and patterns that the texts quote.
QUOTED = re.compile(r"^[a-zA-Z_.:, …]+$")
HEBREW = re.compile(r"[א-ת]")

OURS = [
    (model, site_admin) for model, site_admin in admin.site._registry.items() if model._meta.app_label in settings.ROOMS
]


def is_untranslated(text: Any) -> bool:
    """The same in Hebrew as in English, although it has words."""
    with override("en"):
        english = str(text)
    with override("he"):
        return bool(english) and str(text) == english and english not in SAME


def test_names_of_models_and_shown_fields_are_translated(request_of_admin):
    english = [f"model {one._meta.label}" for _, a in OURS for one in _models(request_of_admin, a) if _is_english(one)]
    english += [
        f"field {owner.model._meta.label}.{name}"
        for owner, name in _all_shown(request_of_admin)
        if is_untranslated(_lazy_label(owner, name) or label_for_field(name, owner.model, model_admin=owner))
    ]
    assert english == []


def test_help_of_shown_fields_is_translated(request_of_admin):
    english = [
        f"{owner.model._meta.label}.{name}: {field.help_text}"
        for owner, name in _all_shown(request_of_admin)
        if (field := _field(owner.model, name)) is not None
        if is_untranslated(field.help_text) and not QUOTED.match(str(field.help_text))
    ]
    assert english == []


def test_choices_that_people_see_are_translated(request_of_admin):
    english = {
        f"{owner.model._meta.label}.{name}: {label}"
        for owner, name in _all_shown(request_of_admin)
        if (field := _field(owner.model, name)) is not None and not field.is_relation
        for _, label in field.flatchoices
        if is_untranslated(label)
    }
    assert english == set()


def test_rooms_are_named_in_the_readers_language():
    assert [room for room in settings.ROOMS if is_untranslated(apps.get_app_config(room).verbose_name)] == []


@pytest.mark.django_db
def test_headings_columns_and_labels_of_every_page_are_hebrew(admin_client, one_of_each):
    admin_client.cookies[settings.LANGUAGE_COOKIE_NAME] = "he"
    english = [
        f"{path}: {text}"
        for path in _pages(one_of_each)
        for text in _names(admin_client, path)
        if not HEBREW.search(text) and text not in SAME
    ]
    assert english == []


@pytest.mark.django_db
def test_a_filter_link_for_an_empty_value_has_a_name(admin_client):
    profiles.AccountFactory(country="")
    profiles.AccountFactory(country="IL")
    page = admin_client.get(reverse("admin:profiles_account_changelist")).content.decode()

    assert '<a href="?country=">not known</a>' in " ".join(page.split())


@pytest.mark.django_db
def test_the_search_box_is_labelled_in_the_readers_language(admin_client):
    admin_client.cookies[settings.LANGUAGE_COOKIE_NAME] = "he"
    page = admin_client.get(reverse("admin:profiles_account_changelist")).content.decode()

    assert re.search(r'<label for="searchbar"><img src="[^"]+" alt="חיפוש"></label>', page)


@pytest.fixture
def one_of_each() -> dict[type[Model], Model]:
    """A row of every registered model."""
    arms = {"a": Arm(1, upgraded=1, sent=1, delivered=1, clicked=1), "holdout": Arm(1)}
    campaign = results.campaign_with_results(arms=arms, last_entry_day=1)
    assert campaign.experiment is not None
    Snapshot.objects.create(experiment=campaign.experiment, at=NOW, results={})
    keys.create_key(name="crm", role="MARKETER", by="maria", now=NOW)
    snippets.save(slug="sign-off", name="Sign-off", content={"en": "Yours"}, by="maria", now=NOW)
    _offers_and_billing()
    _messages()
    _events()
    ListEntry.objects.create(point=ContactPoint.objects.latest("pk"), is_wanted=True, next_at=NOW, changed_at=NOW)
    hold.hold(
        point_id=ContactPoint.objects.latest("pk").pk, message=None, text="fed up", rule="en", source="twilio", at=NOW
    )
    _stays()
    found = {model: model._default_manager.order_by("-pk").first() for model, _ in OURS}
    assert [model._meta.label for model, row in found.items() if row is None] == []
    return {model: row for model, row in found.items() if row is not None}


def _offers_and_billing() -> None:
    billing.PlanPriceFactory()
    billing.QuotaFactory(limit=None)
    billing.PlanFeatureFactory()
    billing.MrrMovementFactory()
    profiles.MembershipFactory()
    profiles.AccountAliasFactory()
    profiles.SupportTicketFactory()
    quote = offers.QuoteFactory()
    Refusal.objects.create(
        quote=quote, offer=quote.offer, account=quote.account, reason="OTHER", at=NOW, until=NOW + timedelta(days=60)
    )


def _messages() -> None:
    consent.ConsentTopicFactory()
    message = delivery.CsmTaskFactory().message
    opt_out.opt_out(point_id=message.point_id, source="test", evidence={"ip": "x"}, at=NOW, now=NOW)
    message.attempts.create(number=1, started_at=NOW)
    message.links.create(kind="offer", target="https://crescendo.example/o/token")
    ProviderEvent.objects.create(received_at=NOW, provider="sendgrid", key=b"k" * 16, type="DELIVERED", at=NOW)
    AttentionBudget.objects.get_or_create(account=message.account)
    ChannelHealth.objects.create(channel="email", answered_at=NOW)
    DailySpend.objects.create(channel="sms", day=NOW.date())
    SendRate.objects.create(sender="twilio:1", free_at=NOW)
    banner = delivery.MessageFactory(channel="in_app")
    InAppMessage.objects.create(message=banner, contact=banner.contact, shown_from=NOW, expires_at=NOW, html="<p></p>")


def _events() -> None:
    usage.UsageEventFactory()
    usage.UsageDailyFactory()
    usage.ThresholdCrossingFactory()
    source = intake.SourceFactory()
    for make in (intake.InboundEventFactory, intake.ParkedFactory, intake.QuarantinedFactory):
        make(source=source)
    mapping = crm.FieldMappingFactory()
    crm.WriteBackFactory()
    SyncRun.objects.create(connection=mapping.connection, started_at=NOW)


def _stays() -> None:
    segment = Segment.objects.first()
    assert segment is not None
    SegmentMembership.objects.create(segment=segment, account=profiles.AccountFactory(), entered_at=NOW)
    SegmentRefresh.objects.create(segment=segment, started_at=NOW)


@pytest.fixture
def request_of_admin(rf, admin_user) -> HttpRequest:
    request = rf.get("/")
    request.user = admin_user
    return request


def _is_english(model: type[Model]) -> bool:
    return is_untranslated(model._meta.verbose_name) or is_untranslated(model._meta.verbose_name_plural)


def _models(request: HttpRequest, model_admin: Any) -> list[type[Model]]:
    return [model_admin.model, *(one.model for one in model_admin.get_inline_instances(request))]


def _all_shown(request: HttpRequest) -> Iterator[tuple[Any, str]]:
    for _, model_admin in OURS:
        yield from _shown(request, model_admin)


def _shown(request: HttpRequest, model_admin: Any) -> Iterator[tuple[Any, str]]:
    """Each (admin or inline, name) that a column, a filter or a form shows."""
    names = [*model_admin.get_list_display(request), *flatten_fieldsets(model_admin.get_fieldsets(request))]
    for one in model_admin.get_list_filter(request):
        if isinstance(one, tuple):
            names.append(one[0])
        elif isinstance(one, str):
            names.append(one)
    yield from ((model_admin, name) for name in dict.fromkeys(names) if name != "__str__")
    for inline in model_admin.get_inline_instances(request):
        yield from ((inline, name) for name in flatten_fieldsets(inline.get_fieldsets(request)))


def _field(model: type[Model], name: str) -> Field[Any, Any] | None:
    try:
        found = model._meta.get_field(name)
    except FieldDoesNotExist:
        return None
    return found if isinstance(found, Field) else None


def _lazy_label(owner: Any, name: str) -> Any:
    """Unevaluated, so that it can be read in two languages; a form's own label goes first."""
    declared = getattr(owner.form, "declared_fields", {}).get(name)
    field = _field(owner.model, name)
    if declared is not None and declared.label:
        return declared.label
    return field.verbose_name if field is not None else getattr(getattr(owner, name, None), "short_description", "")


def _pages(rows: dict[type[Model], Model]) -> Iterator[str]:
    """The list and the form of each, and the empty form where there is one."""
    for model, row in rows.items():
        names = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{names}_changelist")
        yield reverse(f"{names}_change", args=[row.pk])
    yield from (reverse(f"admin:{name}_add") for name in ("offers_offer", "intake_source", "usage_meter"))
    yield reverse("admin:data")


def _names(client: Client, path: str) -> list[str]:
    answer = client.get(path)
    assert answer.status_code == 200, path
    reader = _Names()
    reader.feed(answer.content.decode())
    return [
        text for text in (" ".join(one.split()).rstrip(":") for one in reader.found) if re.search(r"[A-Za-z]", text)
    ]


class _Names(HTMLParser):
    """Labels, column heads, filter titles and headings; what a row is called is left out."""

    TAGS = frozenset({"label", "th", "summary", "h1", "h2", "h3", "caption", "legend"})

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.open: list[str] = []
        self.skipped = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in self.TAGS:
            # a row's first cell and its heading tell the row's own name
            self.skipped = (given.get("class") or "").startswith("field-") or (tag == "h2" and not given)
            self.open.append(tag)
            self.found.append("")

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()
            self.skipped = False

    def handle_data(self, data: str) -> None:
        if self.open and not self.skipped:
            self.found[-1] += data
