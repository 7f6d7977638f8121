"""Why a message that is planned has not gone yet, or why it will not go."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from campaigns.consent import selectors as consent
from campaigns.consent.selectors import ChannelState
from campaigns.console import country_words
from campaigns.console.contact_words import block_words, clock, day
from campaigns.delivery import windows
from campaigns.delivery.models import Message
from campaigns.delivery.windows import Place

State = Message.State
# Not under way yet: what is asked before a send is still to be asked.
_TO_BE_ASKED = (State.PLANNED, State.READY, State.CLAIMED)


def why_never(message: Message, *, state: ChannelState | None) -> str:
    """Of one that waits and is skipped when it is due, as `state` (of its contact and channel) is now; empty where it
    may go, and where that cannot be told: it is under way, no marketing, or to an address that is another by now."""
    if message.state not in _TO_BE_ASKED or message.purpose != Message.Purpose.MARKETING:
        return ""
    if state is None or state.point.pk != message.point_id:
        return ""
    said = next((one.permission for one in state.topics if one.topic.slug == message.gate.topic), consent.GRANTED)
    if said == consent.GRANTED:
        return ""
    if state.is_dead:
        return _("Nothing more is sent to this address: %(why)s.") % {"why": block_words(state.point.reason)}
    if said == consent.NO_CONSENT:
        return _("It will not be sent unless they agree: without a yes nothing is.")
    if said == consent.HELD:
        return _("It will not be sent while their reply, which may be a no, waits for somebody to read it.")
    return _("It will not be sent: they said no.")


def why_not_yet(message: Message, *, now: datetime, is_sending_on: bool = True) -> str:
    if message.state == State.UNKNOWN:
        return _("It was handed over; the provider has not said yet whether it went out.")
    if message.gate.state == "PAUSED":
        return _("The campaign is paused: it waits until somebody resumes it.")
    if message.due_at <= now:
        if is_sending_on:
            return _("It is due and goes out in a moment.")
        return _("It is due and waits: sending is off.")
    start, end = message.window_start, message.window_end
    place = windows.place_for(contact=message.contact, account=message.account)
    theirs = ZoneInfo(place.zones[0])
    if _is_kept_by_quiet_hours(message, place, now):
        until = {"day": day(message.due_at, theirs), "time": clock(message.due_at, theirs)}
        rests = windows.rests_between(at=now, until=message.due_at, place=place, channel=message.channel)
        if rests:
            words = _("It waits until %(day)s, %(time)s in their own time because of %(rest)s.")
            return words % (until | {"rest": country_words.rests(rests)})
        return _("It waits until %(day)s, %(time)s in their own time because of quiet hours.") % until
    if start is not None and end is not None and message.due_at.astimezone(theirs).time() == start:
        return _("This campaign sends from %(start)s to %(end)s in their own time.") % {
            "start": f"{start:%H:%M}",
            "end": f"{end:%H:%M}",
        }
    return ""


def _is_kept_by_quiet_hours(message: Message, place: Place, now: datetime) -> bool:
    """Whether it would be due now but for them; a limit on the number of messages may put it off for longer."""
    opens = windows.next_sendable(
        at=now,
        start=message.window_start,
        end=message.window_end,
        place=place,
        channel=message.channel,
        purpose=message.purpose,
    )
    is_quiet = windows.is_quiet(at=now, place=place, channel=message.channel, purpose=message.purpose)
    return is_quiet and message.due_at <= opens
