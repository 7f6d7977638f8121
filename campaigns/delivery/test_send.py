"""A message to a colleague, as a customer would get it. It takes the way of all messages, but asks nobody's consent,
takes nobody's attention budget, waits for no window and counts nowhere: `MessageQuerySet.counted` leaves it out.

It is filled in from a customer's facts, so its links lead to the message itself: a colleague who tries them must not
accept that customer's offer or change their preferences.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from campaigns.consent import points
from campaigns.delivery import render
from campaigns.delivery.models import Message, SendGate, TemplateVersion
from campaigns.profiles import addresses
from campaigns.profiles.models import Account, Contact

CHANNELS = ("email", "sms")
# Whoever asked for a test is waiting for it; later it only puzzles.
SEND_WITHIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class TestMessage:
    """`address` is normalised: a lower-case e-mail or an E.164 number. `contact` and `account` lend their facts and
    get nothing; `context` holds account, evidence and offer as a planned message does."""

    gate: SendGate
    template_version: TemplateVersion
    channel: str
    locale: str
    variant: str
    origin_step: str
    address: str = field(repr=False)
    contact: Contact
    account: Account
    context: Mapping[str, Any] = field(repr=False)


def plan_test(*, test: TestMessage, now: datetime, wall_now: datetime) -> Message:
    """Ready to be sent by the next dispatch. Raises TemplateError where the text can't be filled in, and ValueError
    for a channel that reaches no colleague."""
    if test.channel not in CHANNELS:
        raise ValueError(f"A test goes by {' or '.join(CHANNELS)}, not by {test.channel!r}.")
    point = points.ensure_point_of_address(channel=test.channel, address_hash=addresses.hash_address(test.address))
    message = Message(
        gate=test.gate,
        contact=test.contact,
        account=test.account,
        point=point,
        template_version=test.template_version,
        channel=test.channel,
        locale=test.locale,
        variant=test.variant,
        purpose=Message.Purpose.TEST,
        policy=Message.Policy.AT_MOST_ONCE,
        context={**test.context, render.TEST_ADDRESS: test.address},
        origin_campaign=test.gate.slug,
        origin_step=test.origin_step,
        account_revision=test.account.revision,
        dedupe_key=f"test:{uuid4()}",
        state=Message.State.READY,
        planned_at=now,
        due_at=now,
        next_at=wall_now,
        send_by=now + SEND_WITHIN,
    )
    render.try_rendering(message=message)
    message.save()
    return message
