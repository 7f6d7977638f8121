"""The people behind the addresses: what each does with a mail, decided by seed, done in business time."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from orchestrator import clock
from orchestrator.sandbox.agenda import Agenda
from orchestrator.sandbox.company import Company
from orchestrator.sandbox.people import Contact
from orchestrator.sandbox.postman import Product
from orchestrator.sandbox.sendgrid import Mail
from orchestrator.sandbox.sendgrid_events import EventDesk
from orchestrator.sandbox.truth import AccountTruth, Truth
from orchestrator.sandbox.visitor import BROWSERS, GOOD_RESULTS, MAILBOX_PROVIDER, SCANNERS, Visitor
from orchestrator.sandbox.world import World

UpgradeAlone = Callable[[str], bool]
Delivered = Callable[[Contact, datetime], None]
DROP_REASONS = {
    "bounce": "Bounced Address",
    "spamreport": "Spam Reporting Address",
    "unsubscribe": "Unsubscribed Address",
}
BOUNCE = {"type": "bounce", "reason": "550 5.1.1 mailbox unavailable", "status": "5.1.1"}
BLOCK = {"type": "blocked", "reason": "421 4.7.0 try again later", "status": "4.7.0"}


def later(at: datetime, seconds: float) -> datetime:
    return at + timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class Reader:
    """One delivered mail and the person at it; `rng` is this mail's own stream."""

    mail: Mail
    contact: Contact | None
    state: AccountTruth | None
    rng: random.Random
    browser: str

    @property
    def language(self) -> str:
        return self.contact.language if self.contact else "en"


@dataclass(slots=True)
class Outcomes:
    """How visits to the product's pages ended, by kind: for the control page and for tests."""

    counts: dict[str, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, name: str) -> None:
        with self.lock:
            self.counts[name] = self.counts.get(name, 0) + 1


class Crowd:
    """Takes mails as the provider accepts them and lets their recipients react."""

    def __init__(
        self,
        *,
        company: Company,
        world: World,
        truth: Truth,
        agenda: Agenda,
        desk: EventDesk,
        product: Product,
        upgrade_alone: UpgradeAlone,
        delivered: Delivered,
    ) -> None:
        self._world, self._truth, self._agenda, self._desk = world, truth, agenda, desk
        self._product, self._upgrade_alone, self._delivered = product, upgrade_alone, delivered
        self._contacts = {contact.email: contact for contact in company.contacts if contact.email}
        self._received: dict[str, int] = {}
        self._suppressed: dict[str, str] = {}
        self._links: dict[str, Sequence[str]] = {}
        self._lock = threading.Lock()
        self.outcomes = Outcomes()

    def begin(self, *, at: datetime) -> bool:
        """Start the upgrades that need no message. Once; later calls return False."""
        if not self._truth.begin(at=at):
            return False
        for state in self._truth.accounts.values():
            if state.upgrades_unasked:
                self._do(at + state.organic_after, state.account_id, partial(self._upgrade_unasked, state))
        return True

    def take(self, mail: Mail) -> None:
        """The provider accepted this mail: decide everything that follows from it."""
        with self._lock:
            count = self._received[mail.to] = self._received.get(mail.to, 0) + 1
            suppressed = self._suppressed.get(mail.to)
        rng = self._world.rng("mail", mail.to, str(count))
        self._desk.happen(mail, "processed", at=later(mail.at, rng.uniform(0.1, 1.0)), rng=rng)
        if suppressed and "marketing" in mail.categories:
            at = later(mail.at, rng.uniform(1, 2))
            self._desk.happen(mail, "dropped", at=at, rng=rng, reason=DROP_REASONS[suppressed], status="5.0.0")
            return
        self._transport(mail, rng)

    def _transport(self, mail: Mail, rng: random.Random) -> None:
        habits = self._world.habits
        fate = self._world.rng("address", mail.to).random()
        at = later(mail.at, rng.uniform(1.0, 3.0))
        if fate < habits.bad_addresses:
            without = ["sg_message_id"] if rng.random() < habits.bounces_without_message_id else []
            if rng.random() < habits.bounces_without_arguments:
                without = ["sg_message_id", *mail.arguments]
            self._suppress(mail.to, "bounce")
            self._desk.happen(mail, "bounce", at=at, rng=rng, without=without, **BOUNCE)
            return
        if rng.random() < habits.blocked:
            self._desk.happen(mail, "bounce", at=at, rng=rng, **BLOCK)
            return
        if rng.random() < habits.deferred:
            self._desk.happen(mail, "deferred", at=at, rng=rng, response="450 4.2.1 greylisted", attempt="1")
            at = later(at, rng.uniform(20, 300))
        self._desk.happen(mail, "delivered", at=at, rng=rng, response="250 OK", ip="192.0.2.10")
        self._do(at, mail.to, lambda: self._arrive(mail, at, rng))

    def _arrive(self, mail: Mail, at: datetime, rng: random.Random) -> None:
        contact = self._contacts.get(mail.to)
        state = self._truth.accounts.get(contact.account_id) if contact else None
        reader = Reader(mail, contact, state, rng, browser=self._world.rng("browser", mail.to).choice(BROWSERS))
        self._machines(reader, at)
        if "marketing" not in mail.categories:
            return
        if contact:
            with self._lock:
                self._links[contact.account_id] = mail.links
            self._delivered(contact, at)
        wording = self._world.wording_of(mail.subject)
        is_first = bool(contact) and self._truth.record_mail(
            account_id=contact.account_id if contact else "", wording=wording, at=at
        )
        if state and is_first and state.cause == "mail":
            self._be_persuaded(reader, at)
        elif not (state and state.cause):
            self._react(reader, at)
        elif rng.random() < self._world.habits.opens:
            self._open(reader, later(at, rng.uniform(60, 86_400)))

    def _machines(self, reader: Reader, at: datetime) -> None:
        """Privacy proxies that open everything, and security gateways that fetch every link."""
        rng, mail = reader.rng, reader.mail
        if rng.random() < self._world.habits.machine_opens:
            self._desk.happen(
                mail, "open", at=later(at, rng.uniform(1, 40)), rng=rng, sg_machine_open=True, useragent="Mozilla/5.0"
            )
        domain = self._world.rng("domain", mail.to.partition("@")[2])
        if domain.random() >= self._world.habits.scanned_domains:
            return
        agent = domain.choice(SCANNERS)
        scanned_at = later(at, rng.uniform(1, 6))
        self._do(scanned_at, mail.to, lambda: self._scan(reader, agent))
        for link in mail.links:
            self._desk.happen(mail, "click", at=scanned_at, rng=rng, url=link, useragent=agent, ip="198.51.100.7")

    def _scan(self, reader: Reader, agent: str) -> None:
        rng = self._world.rng("scan", reader.mail.to)
        try:
            Visitor(self._product, agent=agent).fetch_everything(reader.mail.links, rng=rng)
            self.outcomes.add("scanned")
        except OSError:
            self.outcomes.add("scan.unreachable")

    def _be_persuaded(self, reader: Reader, at: datetime) -> None:
        decided_at = at + timedelta(days=self._world.persuaded_within_days * reader.rng.uniform(0.02, 1.0))
        self._open(reader, later(decided_at, -60))
        self._click(reader, later(decided_at, -5))
        account_id = reader.state.account_id if reader.state else ""
        accept = partial(self.accept_or_upgrade, account_id, links=reader.mail.links, language=reader.language)
        self._do(decided_at, account_id, accept)

    def accept_or_upgrade(self, account_id: str, *, links: Sequence[str], language: str) -> None:
        """Take the offer through the link; whoever cannot goes and upgrades without it. Once per account."""
        state = self._truth.accounts[account_id]
        if state.upgraded_at or state.accepted_at:
            return
        rng = self._world.rng("accept", account_id)
        try:
            result = Visitor(self._product, agent=rng.choice(BROWSERS), language=language).accept_offer(links, rng=rng)
        except OSError:
            result = "unreachable"
        self.outcomes.add(f"accept.{result}")
        if result in GOOD_RESULTS or result == "accept_by_form":
            self._truth.record_acceptance(account_id=account_id, at=clock.utcnow())
        elif not state.upgraded_at and self._upgrade_alone(account_id):
            self.outcomes.add("upgraded_without_link")

    def _upgrade_unasked(self, state: AccountTruth) -> None:
        with self._lock:
            links = self._links.get(state.account_id)
        if links and state.organic_through_link:
            self.accept_or_upgrade(state.account_id, links=links, language="en")
        elif not state.upgraded_at and not state.accepted_at and self._upgrade_alone(state.account_id):
            self.outcomes.add("upgraded_unasked")

    def _react(self, reader: Reader, at: datetime) -> None:
        """Everybody whom the mail did not move: at most one of these, most do nothing."""
        habits, rng = self._world.habits, reader.rng
        acted_at = later(at, rng.uniform(120, 2 * 86_400))
        acts: Mapping[str, tuple[float, Callable[[Reader, datetime], None]]] = {
            "decline": (habits.declines, self._decline),
            "one_click": (habits.one_click_unsubscribes, self._unsubscribe_one_click),
            "page": (habits.page_unsubscribes, self._unsubscribe_by_page),
            "provider": (habits.provider_unsubscribes, self._unsubscribe_at_provider),
            "complaint": (habits.complaints, self._complain),
            "curious": (habits.curious_clicks, self._look),
        }
        draw = rng.random()
        for share, act in acts.values():
            if draw < share:
                act(reader, acted_at)
                return
            draw -= share
        if rng.random() < habits.opens:
            self._open(reader, acted_at)

    def _decline(self, reader: Reader, at: datetime) -> None:
        rng = self._world.rng("decline", reader.mail.to)
        self._click(reader, at)
        self._visit(reader, at, "decline", lambda visitor: visitor.decline_offer(reader.mail.links, rng=rng))

    def _look(self, reader: Reader, at: datetime) -> None:
        self._click(reader, at)
        self._visit(reader, at, "look", lambda visitor: visitor.look_at_offer(reader.mail.links))

    def _unsubscribe_one_click(self, reader: Reader, at: datetime) -> None:
        header = next((v for k, v in reader.mail.headers.items() if k.lower() == "list-unsubscribe"), "")
        self._visit(
            reader,
            at,
            "unsubscribe_one_click",
            lambda visitor: visitor.unsubscribe_one_click(header),
            agent=MAILBOX_PROVIDER,
        )

    def _unsubscribe_by_page(self, reader: Reader, at: datetime) -> None:
        self._open(reader, later(at, -20))
        self._visit(reader, at, "unsubscribe_page", lambda visitor: visitor.unsubscribe_by_page(reader.mail.links))

    def _unsubscribe_at_provider(self, reader: Reader, at: datetime) -> None:
        self._suppress(reader.mail.to, "unsubscribe")
        self._desk.happen(reader.mail, "unsubscribe", at=at, rng=reader.rng)

    def _complain(self, reader: Reader, at: datetime) -> None:
        self._suppress(reader.mail.to, "spamreport")
        self._desk.happen(reader.mail, "spamreport", at=at, rng=reader.rng)

    def _visit(
        self,
        reader: Reader,
        at: datetime,
        name: str,
        act: Callable[[Visitor], str | bool],
        *,
        agent: str | None = None,
    ) -> None:
        def go() -> None:
            try:
                result = act(Visitor(self._product, agent=agent or reader.browser, language=reader.language))
            except OSError:
                result = "unreachable"
            self.outcomes.add(f"{name}.{result}".lower())

        self._do(at, reader.contact.account_id if reader.contact else reader.mail.to, go)

    def _open(self, reader: Reader, at: datetime) -> None:
        self._desk.happen(reader.mail, "open", at=at, rng=reader.rng, useragent=reader.browser, sg_machine_open=False)

    def _click(self, reader: Reader, at: datetime) -> None:
        """The provider's own click report, beside the product's."""
        offer = next((link for link in reader.mail.links if "/c/" in link or "/o/" in link), None)
        if offer:
            detail = {"index": 0, "type": "html"}
            self._desk.happen(
                reader.mail, "click", at=at, rng=reader.rng, url=offer, useragent=reader.browser, url_offset=detail
            )

    def _suppress(self, address: str, why: str) -> None:
        with self._lock:
            self._suppressed.setdefault(address, why)

    def _do(self, at: datetime, lane: str, deed: Callable[[], None]) -> None:
        self._agenda.add(at=at, lane=lane, deed=deed)
