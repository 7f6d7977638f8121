"""The simulated outside world in one process: e-mail, SMS, CRM, billing, and the people behind them.

`/sendgrid`, `/twilio`, `/hubspot` and `/stripe` are the vendors' API bases, `/_sandbox` is for whoever drives
the simulation, `/app/` is the customer's own application, for people to look at. Loopback only;
everything is kept in memory and gone with the process.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from orchestrator import clock
from orchestrator.sandbox import truth as truths
from orchestrator.sandbox.agenda import Agenda
from orchestrator.sandbox.company import Company
from orchestrator.sandbox.control import Control
from orchestrator.sandbox.faults import Fault, FaultyVendor
from orchestrator.sandbox.host_app import HostApp
from orchestrator.sandbox.host_app_pages import HostAppPages
from orchestrator.sandbox.hubspot import HubSpot
from orchestrator.sandbox.hubspot_store import CrmStore
from orchestrator.sandbox.people import Contact
from orchestrator.sandbox.postman import Postman, Product
from orchestrator.sandbox.recipients import Crowd
from orchestrator.sandbox.sendgrid import Mail, SendGrid
from orchestrator.sandbox.sendgrid_events import EventDesk, SigningKey
from orchestrator.sandbox.sendgrid_lists import SuppressionLists
from orchestrator.sandbox.stripe import BillingRefusal, Stripe
from orchestrator.sandbox.stripe_webhooks import BillingEvents
from orchestrator.sandbox.truth import Truth
from orchestrator.sandbox.twilio import Text, Twilio
from orchestrator.sandbox.twilio_callbacks import StatusDesk
from orchestrator.sandbox.twilio_people import Texters
from orchestrator.sandbox.wire import Answer, LoopbackServer, Request
from orchestrator.sandbox.world import World

KEPT_REQUESTS = 50_000
VENDORS = ("sendgrid", "twilio", "hubspot", "stripe")


class Vendor(Protocol):
    def answer(self, request: Request) -> Answer: ...
    def rate_limited(self, *, retry_after_s: int) -> Answer: ...
    def broken(self) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Secrets:
    """What the product's settings must know before it starts."""

    stripe_webhook_secret: str
    in_app_secret: str
    sendgrid_key: SigningKey
    twilio_auth_token: str


class Sandbox:
    """Built whole, then started. `base_url` is known from the beginning (port 0 picks a free one)."""

    def __init__(
        self, *, port: int, product_base: str, company: Company, world: World, secrets: Secrets, sink: bool = False
    ) -> None:
        self.company, self.world, self.secrets, self.sink = company, world, secrets, sink
        self.product = Product(product_base)
        self.agenda = Agenda()
        self.postman = Postman(self.product)
        self.truth = Truth(world=world, accounts=company.accounts)
        self.faults = {name: FaultyVendor() for name in VENDORS}
        self.requests: deque[dict[str, Any]] = deque(maxlen=KEPT_REQUESTS)
        self.agents: dict[str, Counter[str]] = {name: Counter() for name in self.faults}
        self.events = BillingEvents(
            secret=secrets.stripe_webhook_secret, world=world, agenda=self.agenda, postman=self.postman
        )
        self.events.sink = sink
        self.stripe = Stripe(objects=company.stripe_objects(), events=self.events, changed=self._subscription_changed)
        self.hubspot = HubSpot(
            CrmStore(
                companies=company.hubspot_companies(),
                contacts=company.hubspot_contacts(),
                tickets=company.hubspot_tickets(),
            )
        )
        lists = SuppressionLists()
        self.desk = EventDesk(
            world=world,
            agenda=self.agenda,
            postman=self.postman,
            key=secrets.sendgrid_key,
            loses=self.faults["sendgrid"].loses_event,
            lists=lists,
        )
        self.crowd = self._make_crowd()
        self.host_app = HostApp(
            company=company,
            world=world,
            truth=self.truth,
            agenda=self.agenda,
            product=self.product,
            secret=secrets.in_app_secret,
            accept=self._accept,
        )
        self.texters = self._make_texters()
        self.twilio = Twilio(
            auth_token=secrets.twilio_auth_token, take=self._text_accepted, is_mobile=self.texters.is_mobile
        )
        self.sendgrid = SendGrid(public_key=secrets.sendgrid_key.public_key, take=self._mail_accepted, lists=lists)
        self.host_app_pages = HostAppPages(host_app=self.host_app, product_base=product_base)
        self._vendors: dict[str, Vendor] = {
            "sendgrid": self.sendgrid,
            "twilio": self.twilio,
            "hubspot": self.hubspot,
            "stripe": self.stripe,
        }
        self._control = Control(self)
        self._server = LoopbackServer(port=port, answer=self._answer)

    def _make_crowd(self) -> Crowd:
        return Crowd(
            company=self.company,
            world=self.world,
            truth=self.truth,
            agenda=self.agenda,
            desk=self.desk,
            product=self.product,
            upgrade_alone=self.upgrade_alone,
            delivered=self._mail_delivered,
        )

    def _make_texters(self) -> Texters:
        desk = StatusDesk(
            world=self.world,
            agenda=self.agenda,
            postman=self.postman,
            auth_token=self.secrets.twilio_auth_token,
            loses=self.faults["twilio"].loses_event,
        )
        return Texters(
            company=self.company,
            world=self.world,
            truth=self.truth,
            agenda=self.agenda,
            desk=desk,
            product=self.product,
            accept=self._accept,
        )

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> None:
        """The world's clockwork; `run` or a thread of its own answers requests."""
        self.agenda.start()
        self.postman.start()
        self.desk.start()

    def run(self) -> None:
        self._server.serve_forever(poll_interval=0.02)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self.agenda.stop()
        self.desk.stop()
        self.postman.stop()

    def begin(self, *, at: datetime) -> bool:
        """Let the accounts live: unasked upgrades and logins are counted from here. Once."""
        if not self.crowd.begin(at=at):
            return False
        self.host_app.begin(at=at)
        return True

    def idle(self, *, within_s: float = 0.0) -> dict[str, Any]:
        """Read in the order in which work flows, so that nothing is missed between two counts."""
        due = self.agenda.due(within_s=within_s)
        posting = self.desk.pending() + self.postman.pending()
        upcoming = self.agenda.next_at()
        return {"due": due, "posting": posting, "next_at": upcoming.isoformat() if upcoming else None}

    def upgrade_alone(self, account_id: str) -> bool:
        """The customer changes plan in billing, without us. False when there is nothing to change."""
        price = self.truth.accounts[account_id].next_price
        account = next((each for each in self.company.accounts if each.external_id == account_id), None)
        if price is None or account is None:
            return False
        try:
            self.stripe.upgrade(account_id, price_id=price.id, quantity=truths.next_quantity(account, price))
        except BillingRefusal:
            return False
        return True

    def _mail_accepted(self, mail: Mail) -> None:
        if not self.sink:
            if "marketing" in mail.categories:
                self.begin(at=mail.at)
            self.crowd.take(mail)

    def _text_accepted(self, text: Text) -> None:
        if not self.sink:
            self.begin(at=text.at)
            self.texters.take(text, self.twilio)

    def _accept(self, account_id: str, links: Sequence[str], language: str) -> None:
        self.crowd.accept_or_upgrade(account_id, links=links, language=language)

    def _mail_delivered(self, contact: Contact, at: datetime) -> None:
        self.host_app.expect(contact, at)

    def _subscription_changed(self, account_id: str, delta: Decimal, currency: str, at: datetime, by: str) -> None:
        self.truth.record_change(account_id=account_id, native_delta=delta, currency=currency, at=at, by=by)

    def _answer(self, request: Request) -> Answer:
        name, _, rest = request.path.lstrip("/").partition("/")
        inner = replace(request, path=f"/{rest}")
        if name == "_sandbox":
            return self._control.answer(inner)
        if name == "app":
            return self.host_app_pages.answer(inner)
        vendor = self._vendors.get(name)
        if vendor is None:
            return Answer(404, {"message": "Known here: /sendgrid, /twilio, /hubspot, /stripe, /_sandbox."})
        answer, told = self._with_faults(name, vendor, inner)
        answer = replace(answer, wait_s=answer.wait_s + self.faults[name].plan.latency_s)
        agent = request.headers.get("user-agent", "")
        self.agents[name][agent] += 1
        self.requests.append(
            {
                "vendor": name,
                "method": request.method,
                "path": inner.path,
                "told": told,
                "at": clock.utcnow().isoformat(),
                "user_agent": agent,
            }
        )
        return answer

    def _with_faults(self, name: str, vendor: Vendor, request: Request) -> tuple[Answer, str]:
        """The answer to send and the word for it in the log."""
        faulty = self.faults[name]
        fault = faulty.draw()
        if fault is Fault.RATE_LIMIT:
            return vendor.rate_limited(retry_after_s=faulty.plan.retry_after_s), "429"
        if fault is Fault.BROKEN_BEFORE:
            return vendor.broken(), "5xx_before"
        answer = vendor.answer(request)
        if fault is None:
            return answer, str(answer.status)
        if fault is Fault.BROKEN_AFTER:
            spoilt = vendor.broken()
        elif fault is Fault.HANG:
            spoilt = replace(answer, wait_s=faulty.plan.hang_s)
        else:
            spoilt = replace(answer, cut=True)
        if "X-Message-Id" in answer.headers:
            self.sendgrid.mark(answer.headers["X-Message-Id"], answer=fault.value)
        if name == "twilio" and answer.status == 201 and "sid" in answer.body:
            self.twilio.mark(answer.body["sid"], answer=fault.value)
        return spoilt, fault.value


def make_sandbox(
    *,
    port: int = 0,
    product_base: str,
    company: Company,
    world: World | None = None,
    stripe_webhook_secret: str,
    sendgrid_private_key: str | None = None,
    twilio_auth_token: str = "sandbox",  # noqa: S107 - of a simulation
    in_app_secret: str = "",
    sink: bool = False,
) -> Sandbox:
    """`sendgrid_private_key` is a PEM on P-256 (None: a new pair, shown at /_sandbox/keys). Without
    `in_app_secret` nobody logs in. Raises ValueError for an unusable key or product address."""
    secrets = Secrets(
        stripe_webhook_secret=stripe_webhook_secret,
        in_app_secret=in_app_secret,
        sendgrid_key=SigningKey(sendgrid_private_key),
        twilio_auth_token=twilio_auth_token,
    )
    return Sandbox(
        port=port, product_base=product_base, company=company, world=world or World(), secrets=secrets, sink=sink
    )


def serve(*, ready: Callable[[str], None] | None = None, **settings: Any) -> None:
    """Run until interrupted (KeyboardInterrupt or SystemExit); settings as for `make_sandbox`.

    `ready` is called with the base address as soon as requests are taken.
    """
    sandbox = make_sandbox(**settings)
    sandbox.start()
    if ready is not None:
        ready(sandbox.base_url)
    worker = threading.Thread(target=sandbox.run, name="sandbox-server", daemon=True)
    worker.start()
    try:
        while worker.is_alive():
            worker.join(1.0)
    finally:
        sandbox.stop()


def start_in_thread(**settings: Any) -> Sandbox:
    """For tests and the demo: already answering when this returns. Call `.stop()` at the end."""
    sandbox = make_sandbox(**settings)
    sandbox.start()
    threading.Thread(target=sandbox.run, name="sandbox-server", daemon=True).start()
    return sandbox
