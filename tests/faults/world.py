"""A small company with one of everything that pages show, and the real words that addresses are made of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import Group

from campaigns.api import keys
from campaigns.consent import hold
from campaigns.delivery import content, links
from campaigns.delivery.models import Message
from campaigns.experiments.models import Experiment
from campaigns.offers import links as offer_links
from campaigns.segments import refresh
from campaigns.sequences import snippets
from tests.factories import sequences as make
from tests.factories.consent import ConsentTopicFactory
from tests.factories.delivery import BANNER, MAIL, NOW, CsmTaskFactory, MessageFactory
from tests.factories.intake import SourceFactory
from tests.factories.offers import quote_with_reader
from tests.factories.segments import make_segment

CAMPAIGN = "seats-80"
SECRET = "a-long-secret"


def furnish() -> Mapping[str, Sequence[str]]:
    """Make it, and give the real values of the URLconf's parameters: by the word before, else by the name."""
    make.launched()
    make.drafted(slug="drafted")
    for _ in range(3):
        make.ready_account()
    ConsentTopicFactory()
    Group.objects.create(name="marketers")
    segment = make_segment(slug="close")
    refresh.refresh_segment(segment=segment, now=NOW)
    snippets.save(slug="footer", name="Footer", content={"en": "Bye"}, by="tests", now=NOW)
    content.store_version(slug="welcome", name="Welcome", channel="email", content=MAIL, now=NOW)
    content.store_version(slug="welcome-banner", name="Welcome", channel="in_app", content=BANNER, now=NOW)
    SourceFactory(slug="crm-sync")
    keys.create_key(name="caller", role="ADMIN", by="tests", now=NOW)
    task = CsmTaskFactory()
    message = MessageFactory(state=Message.State.ACCEPTED, accepted_at=NOW)
    hold.hold(point_id=message.point_id, message=message.uuid, text="not now", rule="x", source="sms", at=NOW)
    return _known(message, task.pk)


def _known(message: Message, task: int) -> Mapping[str, Sequence[str]]:
    quote, _reader = quote_with_reader()
    offer = offer_links.offer_url(quote_uuid=quote.uuid, contact_id=message.contact_id)
    tests = list(Experiment.objects.values_list("slug", flat=True))
    known: dict[str, Sequence[str]] = defaultdict(tuple) | {
        "campaigns": [CAMPAIGN, "drafted"], "segments": ["close"], "consent": ["offers"], "tests": tests,
        "templates": ["welcome", "welcome-banner"], "undo": ["welcome"], "snippets": ["footer"],
        "parts": ["goal", "audience", "steps", "limits"], "steps": ["mail-1", "wait-1", "reacted", "banner", "end"],
        "preview": ["mail-1", "banner", "email", "in_app"], "letter": ["a", "b"], "start": ["blank"],
        "state": ["pause", "resume", "stop", "drop"], "decide": ["a", "b", "holdout"], "sending": ["email", "sms"],
        "contacts": [str(message.contact_id)], "tasks": [str(task)], "replies": _first("consent.DoubtfulReply"),
        "u": [_token(links.unsubscribe_url(message_uuid=message.uuid))], "o": [_token(offer)],
        "p": [_token(links.preferences_url(message_uuid=message.uuid))],
        "v": [_token(links.view_url(message_uuid=message.uuid))], "c": [str(message.uuid)],
        "status": [message.uuid.hex], "inbound": [SECRET], "usage": ["crm-sync"], "route": ["track", "batch"],
        "app_label": ["sequences", "profiles"], "queues": ["0"], "workers": ["0"], "schedulers": ["0"],
        "user": _first("auth.User"), "confirm-action": ["0"], "actions": ["0"], "cron-schedulers": ["0"],
    }  # fmt: skip
    for model in (one for one in apps.get_models() if one._meta.managed):
        known[model._meta.model_name or ""] = _first(model._meta.label)
    return known


def _first(label: str) -> list[str]:
    model = apps.get_model(label)
    return [str(pk) for pk in model._default_manager.order_by("pk").values_list("pk", flat=True)[:2]]


def _token(url: str) -> str:
    return url.removeprefix(settings.PUBLIC_BASE_URL)[3:]
