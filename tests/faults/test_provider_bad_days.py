"""A provider's bad days: what each of them leaves behind, that it is found out soon, and that all is well afterwards.

The adapters are the real ones, on real connections to a provider on loopback; so are claim, send, finish and repair.
What the provider holds at the end is the truth.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.test import override_settings

from campaigns.delivery import breaker, dispatch, feedback, reconcile
from campaigns.delivery.models import ChannelHealth, DeliveryAttempt, IntakeWatch, Message
from orchestrator import clock
from orchestrator.channels.events import EventType
from tests.campaigns.delivery.reports import report
from tests.contracts import provider
from tests.contracts.provider import Reply
from tests.factories.delivery import NOW, ReadyMessageFactory, SendGateFactory, TemplateVersionFactory
from tests.faults import tls

pytestmark = [pytest.mark.faults, pytest.mark.django_db]

State = Message.State
# The breaker opens after ten requests; so many messages that some are left.
REQUESTS, BATCH = 14, 4
# Who never answers is waited for shortly; who does, however busy this machine is.
SHORT_S, LONG_S = 0.4, 10.0
RETRY_AFTER_S = 40

SINGLY, BATCHES, TEXTS = "mails one by one", "mails in batches", "texts"
TEXT = {"en": {"text": "{{ account.name }} is close to its limit"}}
TAKEN = {"sid": "SM" + "1" * 32, "status": "accepted", "error_code": None, "error_message": None}
PAGE = Reply(200, {"Content-Type": "text/html"}, b"<!doctype html><title>Sign in to this network</title>")
ELSEWHERE = Reply(302, {"Location": "https://portal.example/", "Content-Type": "text/html"}, b"<p>Moved</p>")


@dataclass(frozen=True)
class BadDay:
    """`answer` to every request. `is_no`: that certainly took nothing, and everything waits. Otherwise nobody knows,
    and `takes` says what the provider really did. `lanes`: whose bad day it is."""

    answer: provider.Answer = provider.CLOSE
    is_no: bool = False
    takes: bool = False
    tls: str = ""
    base: str = ""
    lanes: tuple[str, ...] = (SINGLY, BATCHES, TEXTS)

    @property
    def patience_s(self) -> float:
        return SHORT_S if self.answer is provider.HANG else LONG_S


DAYS = {
    "too many requests": BadDay(Reply(429, {"Retry-After": str(RETRY_AFTER_S)}, b"{}"), is_no=True),
    "too many requests, says a page": BadDay(Reply(429, {"Content-Type": "text/html"}, b"<p>Slow down"), is_no=True),
    "500": BadDay(Reply.of_json({"errors": [{"message": "internal"}], "code": 20500, "status": 500}, 500)),
    "503, says a page": BadDay(Reply(503, {"Content-Type": "text/html"}, b"<h1>503</h1>")),
    "slower than anybody waits": BadDay(provider.HANG, takes=True),
    "no HTTP": BadDay(provider.GARBAGE),
    "a page instead of an answer": BadDay(PAGE),
    "sent elsewhere": BadDay(ELSEWHERE, is_no=True),
    "half an answer": BadDay(provider.CUT, takes=True, lanes=(TEXTS,)),
    "reset after the request": BadDay(provider.RESET, takes=True),
    "closed after the request": BadDay(provider.CLOSE),
    "a certificate that nobody vouches for": BadDay(is_no=True, tls="unknown"),
    "a certificate for another host": BadDay(is_no=True, tls="other"),
    "no TLS behind the address": BadDay(is_no=True, tls="none"),
    "TLS closed after the request": BadDay(provider.CLOSE, takes=True, tls="good"),
    "connection refused": BadDay(is_no=True, base="http://127.0.0.1:{closed}"),
    "the name is not known": BadDay(is_no=True, base="http://provider.invalid"),
    "the name is none": BadDay(is_no=True, base=f"http://{'x' * 70}.example"),
}


@dataclass
class Lane:
    """A channel's messages, and how its provider says yes."""

    name: str
    messages: list[Message]

    @property
    def channel(self) -> str:
        return "sms" if self.name == TEXTS else "email"

    @property
    def yes(self) -> Reply:
        return Reply.of_json(TAKEN, 201) if self.name == TEXTS else Reply(202, {"X-Message-Id": "mid"})

    def uuids(self, requests: list[provider.Received]) -> list[str]:
        """Which messages these requests carry, one entry for each time."""
        if self.name == TEXTS:
            forms = (parse_qs(request.body.decode()) for request in requests)
            return [form["StatusCallback"][0].rpartition("/")[2] for form in forms]
        rows = [row for request in requests for row in request.json["personalizations"]]
        return [row["custom_args"]["crescendo_message"] for row in rows]

    def send(self) -> None:
        dispatch.dispatch_due(channel=self.channel, now=NOW, worker="tests")

    def states(self) -> Counter[str]:
        return Counter(Message.objects.values_list("state", flat=True))

    @property
    def rests(self) -> bool:
        """The breaker is open, or the provider's wish to be left alone is kept."""
        standing = breaker.read(channel=self.channel, wall_now=clock.wall_now())
        return standing.is_open or standing.paused_until is not None


def lane_of(name: str) -> Lane:
    """Messages that are due, of both policies by turns."""
    made: dict[str, Any] = {"gate": SendGateFactory(), "channel": "sms" if name == TEXTS else "email"}
    content = {"content": TEXT} if name == TEXTS else {}
    made["template_version"] = TemplateVersionFactory(template__channel=made["channel"], **content)
    messages: list[Message] = []
    for number in range(REQUESTS * (BATCH if name == BATCHES else 1)):
        policy = ("AT_MOST_ONCE", "AT_LEAST_ONCE")[number % 2]
        extra = {"contact__phone": f"+44770090{number:04}"} if name == TEXTS else {}
        messages.append(ReadyMessageFactory(policy=policy, point__topics={"offers": "GRANTED"}, **made, **extra))
    return Lane(name, messages)


@contextlib.contextmanager
def reaching(base: str, lane: Lane, patience_s: float = LONG_S) -> Iterator[None]:
    """Both adapters built anew, with the provider at this address."""
    with override_settings(
        SENDGRID_API_KEY="SG.test",
        SENDGRID_API_BASE=base,
        SENDGRID_BATCH_SIZE=BATCH if lane.name == BATCHES else 1,
        SENDGRID_IN_FLIGHT=5,
        TWILIO_ACCOUNT_SID="AC" + "0" * 32,
        TWILIO_AUTH_TOKEN="token",
        TWILIO_FROM="+15005550006",
        TWILIO_API_BASE=base,
        TWILIO_IN_FLIGHT=5,
        PROVIDER_TIMEOUT_S=patience_s,
        ARBITRATION_WINDOW_MIN=0,
    ):
        yield


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """given one for this machine and one for another, each signing itself"""
    folder = tmp_path_factory.mktemp("certificates")
    hosts = {"good": "127.0.0.1", "other": "127.0.0.9"}
    return {name: tls.self_signed(folder / name, address=host) for name, host in hosts.items()}


@contextlib.contextmanager
def suffering(day: BadDay, lane: Lane, certificates, monkeypatch) -> Iterator[provider.Provider]:
    with provider.running(day.answer) as service:
        base = day.base.format(closed=provider.closed_port()) or service.url
        if day.tls:
            base = base.replace("http://", "https://")
        if day.tls not in ("", "none"):
            service.tls = tls.serving(certificates["other" if day.tls == "other" else "good"])
        if day.tls in ("good", "other"):
            monkeypatch.setenv("SSL_CERT_FILE", str(certificates[day.tls]))
        with reaching(base, lane, day.patience_s):
            yield service


def recover(lane: Lane, taken: list[str]) -> list[str]:
    """What happens by itself when the provider is well again; returns what it was handed then."""
    wall = clock.wall_now() + timedelta(seconds=60)
    reconcile.reconcile(now=NOW, wall_now=wall)
    events = [report(EventType.PROCESSED, message=one) for one in lane.messages if str(one.uuid) in taken]
    feedback.store_events(events=events, now=NOW, wall_now=wall)
    reconcile.reconcile(now=NOW, wall_now=wall)
    IntakeWatch.objects.update(since=wall, seen_at=wall + timedelta(hours=2))
    reconcile.reconcile(now=NOW, wall_now=wall + timedelta(hours=2))
    with provider.running(lane.yes) as service, reaching(service.url, lane):
        for _ in range(3):
            Message.objects.filter(state=State.READY).update(next_at=clock.wall_now())
            ChannelHealth.objects.update(probe_at=clock.wall_now(), paused_until=None)
            lane.send()
        return lane.uuids(service.requests)


@pytest.mark.parametrize(("name", "on"), [(name, lane) for name, day in DAYS.items() for lane in day.lanes])
def test_on_a_bad_day_nothing_is_lost_or_doubled_and_afterwards_all_goes(name, on, certificates, monkeypatch):
    day, lane = DAYS[name], lane_of(on)
    count = len(lane.messages)

    with suffering(day, lane, certificates, monkeypatch) as service:
        lane.send()
        lane.send()
        states, called = lane.states(), len(service.requests)
        assert called <= 20
        assert lane.rests
        taken = lane.uuids(service.requests) if day.takes else []
    numbers = DeliveryAttempt.objects.values_list("number", flat=True)
    assert set(numbers) == {1}, "Nothing is tried twice on the spot."
    if day.is_no:
        assert states == {State.READY: count}
    else:
        begun = called * (BATCH if lane.name == BATCHES else 1)
        assert states == {State.UNKNOWN: begun, State.READY: count - begun}
        assert begun > 0

    afterwards = recover(lane, taken)

    arrived = Counter(taken) + Counter(afterwards)
    silent = {str(one.uuid) for one in Message.objects.filter(state=State.UNDETERMINED, policy="AT_MOST_ONCE")}
    assert set(arrived.values()) == {1}
    assert set(arrived) | silent == {str(one.uuid) for one in lane.messages}
    assert not set(arrived) & silent
    assert len(silent) == (0 if day.is_no or day.takes else states[State.UNKNOWN] // 2)
    assert lane.states() == +Counter({State.ACCEPTED: count - len(silent), State.UNDETERMINED: len(silent)})
    assert not lane.rests


@pytest.mark.parametrize("on", [SINGLY, BATCHES, TEXTS])
def test_no_request_leaves_before_the_time_that_the_provider_asked_for(on):
    lane, before = lane_of(on), clock.wall_now()

    with provider.running(DAYS["too many requests"].answer) as service, reaching(service.url, lane):
        lane.send()
        called = len(service.requests)
        Message.objects.update(next_at=clock.wall_now())
        lane.send()

    paused_until = ChannelHealth.objects.get().paused_until
    assert paused_until is not None
    assert paused_until >= before + timedelta(seconds=RETRY_AFTER_S)
    assert len(service.requests) == called <= 5


def test_a_mail_whose_answer_broke_off_after_the_yes_has_gone():
    lane = lane_of(SINGLY)

    with provider.running(provider.CUT) as service, reaching(service.url, lane):
        lane.send()

    assert lane.states() == {State.ACCEPTED: REQUESTS}
    assert set(Counter(lane.uuids(service.requests)).values()) == {1}
