"""What a stand needs done inside the product: a process of its own with the stand's settings, asked by JSON lines.

    python -m tests.faults.inside

A line {"do": "pause", "campaign": "x"} is answered by {"ok": …}. Only use cases of the product change anything
that a run then counts.
"""

from __future__ import annotations

import json
import os
import random
import sys
import threading
import time
from datetime import datetime, timedelta
from itertools import batched
from typing import Any

import django

if __name__ == "__main__":
    django.setup()

from django.db import InterfaceError, InternalError, OperationalError, connection, transaction

from campaigns.consent import opt_out, points
from campaigns.consent.models import ConsentTopic, ContactPoint
from campaigns.delivery import content, gates, plan
from campaigns.delivery.models import Message, SendGate, TemplateVersion
from campaigns.profiles.addresses import hash_address
from campaigns.profiles.models import Account, Contact
from campaigns.segments.models import Segment
from campaigns.sequences import selectors
from campaigns.sequences.models import Campaign, CampaignVersion
from orchestrator import clock
from tests.faults import addresses

OFFLINE = (OperationalError, InterfaceError, InternalError)
SOURCE = "fault_suite"
MAIL = {
    "en": {
        "subject": "{{ account.name }} is close to its limit",
        "mjml": (
            "<mjml><mj-body><mj-section><mj-column><mj-text>Hello {{ contact.first_name }}, {{ account.name }} uses"
            " most of its seats.</mj-text></mj-column></mj-section></mj-body></mjml>"
        ),
    }
}
TEXT = {"en": {"text": "Hello {{ contact.first_name }}, {{ account.name }} uses most of its seats."}}
WORDINGS = {"email": MAIL, "sms": TEXT}
CHUNK = 1000


def make(*, campaign: str, messages: int, channel: str = "email", policy: str = "both", per_account: int = 1) -> int:
    """READY messages at a paused gate: `messages` of them, to people who said yes, by turns of both policies."""
    now = clock.utcnow()
    ConsentTopic.objects.get_or_create(slug="offers", defaults={"name": "Offers"})
    gate = gates.set_gate(slug=campaign, now=now)
    _campaign(campaign, gate)
    version = content.store_version(slug=campaign, name=campaign, channel=channel, content=WORDINGS[channel], now=now)
    made = 0
    for numbers in batched(range(messages), CHUNK):
        with transaction.atomic():
            made += _make_some(gate, version, numbers, policy, per_account)
    Message.objects.filter(gate=gate).update(state=Message.State.READY, next_at=clock.wall_now())
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return made


def _make_some(
    gate: SendGate, version: TemplateVersion, numbers: tuple[int, ...], policy: str, per_account: int
) -> int:
    now = clock.utcnow()
    campaign, channel = gate.slug, version.template.channel
    account_numbers = sorted({n // per_account for n in numbers})
    accounts = {n: Account(external_id=f"{campaign}-a{n}", name=f"Company {n}", added_at=now) for n in account_numbers}
    Account.objects.bulk_create(accounts.values(), ignore_conflicts=True)
    stored = Account.objects.in_bulk([one.external_id for one in accounts.values()], field_name="external_id")
    reached = {n: addresses.address(campaign, channel, n) for n in numbers}
    Contact.objects.bulk_create(
        (_contact(address, channel, now) for address in reached.values()), ignore_conflicts=True
    )
    contacts = Contact.objects.in_bulk(list(reached.values()), field_name="external_id")
    found = points.ensure_points(contacts=list(contacts.values()), channel=channel)
    ContactPoint.objects.filter(pk__in=[one.pk for one in found.values()]).update(topics={"offers": "GRANTED"})
    items = []
    for n in numbers:
        account, contact = stored[f"{campaign}-a{n // per_account}"], contacts[reached[n]]
        items.append(
            plan.PlannedMessage(
                gate=gate,
                contact=contact,
                account=account,
                point=found[contact.pk],
                template_version=version,
                channel=channel,
                locale="en",
                due_at=now,
                # Less than a day: what is over a day's cap is skipped then, and does not wait for tomorrow.
                send_by=now + timedelta(hours=6),
                dedupe_key=f"{campaign}-{n}",
                policy=policy if policy != "both" else ("AT_MOST_ONCE", "AT_LEAST_ONCE")[n % 2],
                context={"account": {"name": account.name}},
                account_revision=account.revision,
            )
        )
    return len(plan.plan_messages(items=items, now=now))


def _contact(address: str, channel: str, now: datetime) -> Contact:
    kind = "email" if channel == "email" else "phone"
    made = {kind: address, f"{kind}_hash": hash_address(address)}
    return Contact(external_id=address, first_name="Noa", locale="en", added_at=now, **made)


def _campaign(slug: str, gate: SendGate) -> None:
    """A row that `selectors.is_finished` can be asked about: a closed list of contacts, whom no job enrols."""
    now = clock.utcnow()
    if Campaign.objects.filter(slug=slug).exists():
        return
    segment = Segment.objects.create(slug=slug, name=slug, created_at=now)
    made = Campaign.objects.create(slug=slug, name=slug, gate=gate, segment=segment, created_at=now, changed_at=now)
    version = CampaignVersion.objects.create(
        campaign=made,
        number=1,
        definition={"audience": {"contacts": []}},
        created_at=now,
        went_live_at=now,
        audience_read_at=now,
    )
    made.live_version, made.status = version, Campaign.Status.PAUSED
    made.save()


def open_gate(*, campaign: str) -> None:
    gates.open_gate(slug=campaign, now=clock.utcnow())


def pause_gate(*, campaign: str) -> None:
    gates.pause_gate(slug=campaign, now=clock.utcnow())


def stop_gate(*, campaign: str) -> int:
    return gates.stop_gate(slug=campaign, now=clock.utcnow())


def finished(*, campaign: str) -> dict[str, Any]:
    """What the product says, and how many rows are not final, both of one snapshot."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        row = selectors.by_slug(slug=campaign)
        assert row is not None
        open_rows = Message.objects.filter(gate__slug=campaign).exclude(state__in=_FINAL).count()
        return {"finished": selectors.is_finished(campaign=row), "open": open_rows}


_FINAL = ("ACCEPTED", "FAILED", "UNDETERMINED", "SKIPPED", "EXPIRED")


class OptOuts(threading.Thread):
    """People say no while their mail is about to go: each when the sending has come near to their message."""

    def __init__(self, campaign: str, share: float, seed: int, ahead: int) -> None:
        super().__init__(daemon=True)
        self.campaign, self.random = campaign, random.Random(f"opt-outs:{seed}")
        rows = Message.objects.filter(gate__slug=campaign).order_by("pk").values_list("pk", "point_id")
        chosen = [row for row in rows if self.random.random() < share]
        # From so many messages ahead of the sending to some behind it: before, after, and in the very moment.
        self.left = sorted((number + self.random.randint(-ahead, ahead // 4), point) for number, point in chosen)
        self.wanted, self.done, self.is_over = len(chosen), 0, False

    def run(self) -> None:
        while self.left and not self.is_over:
            try:
                self._say_no_to_those_near()
            except OFFLINE:
                connection.close()
            time.sleep(0.02)
        connection.close()

    def _say_no_to_those_near(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT coalesce(max(message_id), 0) FROM faults_begun")
            frontier = cursor.fetchone()[0]
        while self.left and (self.left[0][0] <= frontier or self.is_over):
            point_id = self.left[0][1]
            now = clock.utcnow()
            opt_out.opt_out(point_id=point_id, source=SOURCE, at=now, now=now, dedupe_key=f"faults-{point_id}")
            self.left.pop(0)
            self.done += 1


class Inside:
    def __init__(self) -> None:
        self.people: dict[str, OptOuts] = {}

    def answer(self, do: str, **given: Any) -> Any:
        if do == "opt_outs":
            people = self.people[given["campaign"]] = OptOuts(**given)
            people.start()
            return people.wanted
        if do == "opt_outs_done":
            people = self.people[given["campaign"]]
            people.is_over = bool(given.get("stop"))
            if people.is_over:
                people.join(timeout=30)
            return {"wanted": people.wanted, "done": people.done}
        return _DEEDS[do](**given)


_DEEDS: dict[str, Any] = {
    "make": make,
    "open": open_gate,
    "pause": pause_gate,
    "stop": stop_gate,
    "finished": finished,
}


def main() -> None:
    inside = Inside()
    print(json.dumps({"ok": os.getpid()}), flush=True)
    for line in sys.stdin:
        for attempt in range(60):
            try:
                print(json.dumps({"ok": inside.answer(**json.loads(line))}), flush=True)
                break
            except OFFLINE:
                connection.close()
                if attempt == 59:
                    raise
                time.sleep(0.5)


if __name__ == "__main__":
    main()
