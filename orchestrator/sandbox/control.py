"""`/_sandbox/…`: how a driver or a test steers the simulated world and reads what really happened."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from orchestrator import clock
from orchestrator.sandbox.faults import FaultPlan, FaultSettingError
from orchestrator.sandbox.wire import Answer, Request

if TYPE_CHECKING:
    from orchestrator.sandbox.server import Sandbox

PAGE = 10_000


class Control:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._routes: dict[tuple[str, str], Callable[[Request], Answer]] = {
            ("GET", "/idle"): self._idle,
            ("GET", "/keys"): self._keys,
            ("GET", "/truth"): self._truth,
            ("GET", "/log"): self._log,
            ("GET", "/mail"): self._mail,
            ("GET", "/agents"): self._agents,
            ("GET", "/state"): self._state,
            ("POST", "/announce"): self._announce,
            ("POST", "/begin"): self._begin,
            ("POST", "/faults"): self._set_faults,
            ("POST", "/sink"): self._set_sink,
        }

    def answer(self, request: Request) -> Answer:
        route = self._routes.get((request.method, request.path.rstrip("/")))
        if route is None:
            known = ", ".join(f"{method} /_sandbox{path}" for method, path in self._routes)
            return Answer(404, {"message": f"Known here: {known}."})
        try:
            return route(request)
        except ValueError as error:
            return Answer(400, {"message": str(error)})

    def _idle(self, request: Request) -> Answer:
        """`?within=10` also counts what happens within ten seconds: deliveries and scanners right after a send."""
        return Answer(200, self._sandbox.idle(within_s=float(request.parameter("within", "0"))))

    def _keys(self, request: Request) -> Answer:
        secrets = self._sandbox.secrets
        return Answer(
            200,
            {
                "sendgrid_public_key": secrets.sendgrid_key.public_key,
                "sendgrid_private_key": secrets.sendgrid_key.pem,
                "twilio_auth_token": secrets.twilio_auth_token,
            },
        )

    def _truth(self, request: Request) -> Answer:
        with_accounts = request.parameter("accounts", "1") != "0"
        return Answer(200, self._sandbox.truth.report(with_accounts=with_accounts))

    def _log(self, request: Request) -> Answer:
        """Accepted messages of the e-mail and the SMS provider; of the other vendors, their requests. `after` pages."""
        vendor = request.parameter("vendor", "sendgrid")
        after, limit = int(request.parameter("after", "0")), int(request.parameter("limit", str(PAGE)))
        lines: list[dict[str, Any]]
        if vendor in ("sendgrid", "twilio"):
            box = self._sandbox
            accepted = box.sendgrid.accepted if vendor == "sendgrid" else box.twilio.accepted
            lines = [each.line() for each in accepted[after : after + limit]]
            total = len(accepted)
        elif vendor in self._sandbox.faults:
            matching = [line for line in list(self._sandbox.requests) if line["vendor"] == vendor]
            lines, total = matching[after : after + limit], len(matching)
        else:
            raise ValueError(f"Unknown vendor {vendor!r}.")
        return Answer(200, {"total": total, "items": lines})

    def _mail(self, request: Request) -> Answer:
        """`?number=` of the log: the content as it arrived, by MIME type; of the newest mails only."""
        return Answer(200, self._sandbox.sendgrid.content(int(request.parameter("number", "0"))))

    def _agents(self, request: Request) -> Answer:
        return Answer(200, {name: dict(counts) for name, counts in self._sandbox.agents.items()})

    def _state(self, request: Request) -> Answer:
        """Counters that explain why a run is not idle, or what came of it."""
        box = self._sandbox
        return Answer(
            200,
            {
                "now": clock.utcnow().isoformat(),
                "sink": box.sink,
                "agenda": {"waiting": box.agenda.size(), "done": box.agenda.done, "failed": box.agenda.failed},
                "webhooks": dict(box.postman.counts),
                "last_webhook_answer": dict(box.postman.last_status),
                "visits": dict(box.crowd.outcomes.counts),
                "in_app": dict(box.host_app.counts),
                "faults": {name: {"seen": each.seen, **each.injected} for name, each in box.faults.items()},
                "accepted_mails": len(box.sendgrid.accepted),
                "accepted_texts": len(box.twilio.accepted),
                "texts": dict(box.texters.outcomes.counts),
                "texts_stopped_at_the_provider": box.twilio.stopped(),
            },
        )

    def _announce(self, request: Request) -> Answer:
        return Answer(202, {"events": self._sandbox.stripe.announce()})

    def _begin(self, request: Request) -> Answer:
        """`{"at": ISO 8601}`, default now in business time."""
        document = request.json() if request.body else {}
        at = datetime.fromisoformat(document["at"]) if document.get("at") else clock.utcnow()
        if at.tzinfo is None:
            raise ValueError("'at' needs a UTC offset.")
        return Answer(200, {"begun": self._sandbox.begin(at=at)})

    def _set_faults(self, request: Request) -> Answer:
        document = dict(request.json())
        vendor = document.pop("vendor", "sendgrid")
        if vendor not in self._sandbox.faults:
            raise FaultSettingError(f"Unknown vendor {vendor!r}.")
        self._sandbox.faults[vendor].set(FaultPlan.parse(document))
        return Answer(200, {"vendor": vendor})

    def _set_sink(self, request: Request) -> Answer:
        """`{"on": true}`: answers only, no events and no reactions from here on."""
        self._sandbox.sink = self._sandbox.events.sink = bool(request.json()["on"])
        if self._sandbox.sink:
            self._sandbox.agenda.forget()
        return Answer(200, {"sink": self._sandbox.sink})
