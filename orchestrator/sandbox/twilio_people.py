"""The people behind the phone numbers: what each does with a text message, decided by seed, done in business time."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from orchestrator.sandbox.agenda import Agenda
from orchestrator.sandbox.company import Company
from orchestrator.sandbox.people import Contact
from orchestrator.sandbox.postman import Product
from orchestrator.sandbox.recipients import Outcomes
from orchestrator.sandbox.truth import Truth
from orchestrator.sandbox.twilio import Text, Twilio
from orchestrator.sandbox.twilio_callbacks import FIRST_STATUS, StatusDesk
from orchestrator.sandbox.visitor import BROWSERS, Visitor
from orchestrator.sandbox.world import World

# account id, the message's links, the person's language
Accept = Callable[[str, Sequence[str], str], None]

STOPS: Mapping[str, tuple[str, ...]] = {
    "en": ("STOP", "Stop", "unsubscribe", "CANCEL", "quit"),
    "he": ("הסר", "הסרה", "STOP", "להסרה", "הסירו"),
    "ro": ("STOP", "DEZABONARE", "dezabonare", "Stop", "opriți"),
}
# What the provider itself acts on: it keeps a list of its own.
STOPS_OF_THE_PROVIDER = frozenset({"STOP", "UNSUBSCRIBE", "END", "QUIT", "STOPALL", "REVOKE", "OPTOUT", "CANCEL"})
HELPS: Mapping[str, tuple[str, ...]] = {"en": ("HELP", "info"), "he": ("עזרה", "HELP"), "ro": ("AJUTOR", "HELP")}
REPLIES: Mapping[str, tuple[str, ...]] = {
    "en": ("Who is this?", "Please call me next week", "Thanks, looks good", "don't stop, just not now"),
    "he": ("מי זה?", "תתקשרו אליי מחר בבקשה", "תודה, נבדוק"),
    "ro": ("Cine sunteți?", "Vă rog să mă sunați mâine", "Mulțumesc, ne gândim"),
}


def later(at: datetime, seconds: float) -> datetime:
    return at + timedelta(seconds=seconds)


class Texters:
    """Takes text messages as the provider accepts them and lets their recipients react."""

    def __init__(
        self,
        *,
        company: Company,
        world: World,
        truth: Truth,
        agenda: Agenda,
        desk: StatusDesk,
        product: Product,
        accept: Accept,
    ) -> None:
        self._world, self._truth, self._agenda, self._desk = world, truth, agenda, desk
        self._product, self._accept = product, accept
        self._contacts = {contact.phone: contact for contact in reversed(company.contacts) if contact.phone}
        self._received: dict[str, int] = {}
        self._lock = threading.Lock()
        self.outcomes = Outcomes()

    def is_mobile(self, number: str) -> bool:
        return self._world.rng("line", number).random() >= self._world.habits.sms_landlines

    def take(self, text: Text, provider: Twilio) -> None:
        """The provider accepted this message: decide everything that follows from it."""
        with self._lock:
            count = self._received[text.to] = self._received.get(text.to, 0) + 1
        rng = self._world.rng("sms", text.to, str(count))
        at = later(text.at, rng.uniform(0.1, 1.0))
        self._desk.happen(text, FIRST_STATUS, at=at, rng=rng)
        self._desk.happen(text, "sent", at=later(at, rng.uniform(0.2, 1.0)), rng=rng)
        arrived_at = later(at, rng.uniform(1.5, 4.0))
        code = self._failure(text, rng)
        if code:
            self._desk.happen(text, "undelivered", at=arrived_at, rng=rng, code=code)
            return
        self._desk.happen(text, "delivered", at=arrived_at, rng=rng)
        self._do(arrived_at, text.to, lambda: self._arrive(text, arrived_at, rng, provider))

    def _failure(self, text: Text, rng: random.Random) -> int:
        """The error code of a message that does not arrive; 0 for one that does. A dead number stays dead."""
        habits = self._world.habits
        if self._world.rng("phone", text.to).random() < habits.sms_dead_numbers:
            return 30005
        draw = rng.random()
        for share, code in ((habits.sms_unreachable, 30003), (habits.sms_blocked, 30004), (habits.sms_filtered, 30007)):
            if draw < share:
                return code
            draw -= share
        return 0

    def _arrive(self, text: Text, at: datetime, rng: random.Random, provider: Twilio) -> None:
        contact = self._contacts.get(text.to)
        if contact is None:
            self.outcomes.add("read_by_a_stranger")
            return
        is_first = self._truth.record_sms(account_id=contact.account_id, at=at)
        state = self._truth.accounts[contact.account_id]
        if is_first and state.cause == "sms":
            decided_at = at + timedelta(days=self._world.persuaded_within_days * rng.uniform(0.02, 1.0))
            accept = partial(self._accept, contact.account_id, text.links, contact.language)
            self._do(decided_at, contact.account_id, accept)
        elif not state.cause:
            self._react(text, contact, at, rng, provider)

    def _react(self, text: Text, contact: Contact, at: datetime, rng: random.Random, provider: Twilio) -> None:
        """Whom the message did not move: at most one of these, most do nothing."""
        habits = self._world.habits
        acted_at = later(at, rng.uniform(60, 6 * 3600))
        acts: Mapping[str, tuple[float, Callable[[], object]]] = {
            "stop": (habits.sms_stops, lambda: self._stop(text, contact, acted_at, rng, provider)),
            "help": (habits.sms_helps, lambda: self._write(text, contact, HELPS, "help", acted_at, rng)),
            "reply": (habits.sms_replies, lambda: self._write(text, contact, REPLIES, "reply", acted_at, rng)),
            "look": (habits.sms_looks, lambda: self._visit(text, contact, acted_at, "look", Visitor.look_at_offer)),
            "unsubscribe": (
                habits.sms_page_unsubscribes,
                lambda: self._visit(text, contact, acted_at, "unsubscribe_page", Visitor.unsubscribe_by_page),
            ),
        }
        draw = rng.random()
        for share, act in acts.values():
            if draw < share:
                act()
                return
            draw -= share

    def _stop(self, text: Text, contact: Contact, at: datetime, rng: random.Random, provider: Twilio) -> None:
        word = self._write(text, contact, STOPS, "stop", at, rng)
        if word.upper() in STOPS_OF_THE_PROVIDER and text.can_be_answered:
            self._do(at, text.to, lambda: provider.stop(text))
        if rng.random() >= self._world.habits.sms_starts_again:
            return
        back_at = at + timedelta(days=rng.uniform(0.5, 2.0))
        self._do(back_at, text.to, lambda: provider.start(text))
        self._write(text, contact, {"en": ("START",)}, "start", back_at, rng)

    def _write(
        self,
        text: Text,
        contact: Contact,
        choices: Mapping[str, Sequence[str]],
        name: str,
        at: datetime,
        rng: random.Random,
    ) -> str:
        """Answer with one of these in the person's language; a sender that is a name cannot be answered."""
        words = rng.choice(choices.get(contact.language) or choices["en"])
        if not text.can_be_answered:
            self.outcomes.add(f"{name}.no_way")
            return words
        self.outcomes.add(name)

        def heard(twiml: bytes) -> None:
            self.outcomes.add(f"{name}.{'answered' if b'<Message>' in twiml else 'taken'}")

        self._desk.write_back(text, words, at=at, rng=rng, answered=heard)
        return words

    def _visit(
        self, text: Text, contact: Contact, at: datetime, name: str, act: Callable[[Visitor, Sequence[str]], bool]
    ) -> None:
        browser = self._world.rng("browser", text.to).choice(BROWSERS)

        def go() -> None:
            try:
                result = str(act(Visitor(self._product, agent=browser, language=contact.language), text.links))
            except OSError:
                result = "unreachable"
            self.outcomes.add(f"{name}.{result}".lower())

        self._do(at, contact.account_id, go)

    def _do(self, at: datetime, lane: str, deed: Callable[[], None]) -> None:
        self._agenda.add(at=at, lane=lane, deed=deed)
