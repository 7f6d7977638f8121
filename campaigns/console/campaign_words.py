"""Campaigns in words: states, channels, steps, who is meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.console.templatetags.console import count as count_text
from campaigns.console.templatetags.console import percent
from campaigns.delivery.models import Message
from campaigns.offers.models import Offer
from campaigns.segments import words as words_of_conditions
from campaigns.segments.errors import DefinitionError
from campaigns.segments.parse import read_definition
from campaigns.sequences import part_words, places
from campaigns.sequences.models import Campaign, Entry

CHANNEL_ICONS = {"email": "mail", "in_app": "inapp", "sms": "sms", "csm_task": "csm", "webhook": "code"}
STATE_MARKS = {
    "DRAFT": ("is-quiet", "draft"),
    "LIVE": ("is-ok", "live"),
    "PAUSED": ("is-warn", "pause"),
    "STOPPED": ("is-quiet", "stop"),
    "FINISHED": ("is-quiet", "archive"),
}


# How the offer that we make ourselves is stored.
OWN_NAMES = ("The next plan up", "Next plan up")


def state_name(status: str) -> str:
    names = {
        "DRAFT": _("Draft"),
        "LIVE": _("Live"),
        "PAUSED": _("Paused"),
        "STOPPED": _("Stopped"),
        "FINISHED": _("Finished"),
    }
    return names.get(status, status)


def badge(campaign: Campaign) -> dict[str, str]:
    """{"tone", "icon", "name"} of the header's badge."""
    tone, icon = STATE_MARKS[campaign.status]
    version = campaign.draft_version if campaign.status == Campaign.Status.DRAFT else campaign.live_version
    name = state_name(campaign.status)
    if version is not None:
        name = _("%(state)s, version %(number)s") % {"state": name, "number": version.number}
    return {"tone": tone, "icon": icon, "name": name}


def channel_name(channel: str) -> str:
    names = {
        "email": _("E-mail"),
        "in_app": _("In-app message"),
        "sms": _("SMS"),
        "csm_task": _("Task for a CSM"),
        "webhook": _("Webhook"),
    }
    return names.get(channel, channel)


def wait_words(duration: str) -> str:
    """`3d` → Wait 3 days."""
    number, unit = int(duration[:-1]), duration[-1]
    words = {
        "h": ngettext("Wait %(n)d hour", "Wait %(n)d hours", number),
        "d": ngettext("Wait %(n)d day", "Wait %(n)d days", number),
        "w": ngettext("Wait %(n)d week", "Wait %(n)d weeks", number),
    }
    return words[unit] % {"n": number}


def duration_words(duration: str) -> str:
    """`3d` → 3 days."""
    number, unit = int(duration[:-1]), duration[-1]
    words = {
        "h": ngettext("%(n)d hour", "%(n)d hours", number),
        "d": ngettext("%(n)d day", "%(n)d days", number),
        "w": ngettext("%(n)d week", "%(n)d weeks", number),
    }
    return words[unit] % {"n": number}


def question_words(step: Mapping[str, Any], channels: Mapping[str, str], numbers: Mapping[str, int]) -> str:
    """The condition as a question. `channels` and `numbers` by key of the message steps."""
    condition = step.get("if", {})
    asked = condition.get("step", "")
    if set(condition) == {"engagement", "step"} and asked in channels:
        words = _reaction_words(condition["engagement"])
        return words % {"what": _what_was_sent(asked, channels, numbers)}
    try:
        node = read_definition(condition, in_branch=True).root
    except DefinitionError:
        return _("A question that can’t be read")
    names = replace(words_of_conditions.Names.load(), steps=step_names(channels, numbers))
    return _("%(condition)s?") % {"condition": words_of_conditions.sentence(node, names=names)}


def step_names(channels: Mapping[str, str], numbers: Mapping[str, int]) -> dict[str, str]:
    """{key: “1. E-mail”} of the message steps."""
    return {key: f"{numbers[key]}. {channel_name(channel)}" for key, channel in channels.items()}


def _reaction_words(fact: str) -> str:
    words = {
        "sent": _("Was %(what)s sent?"),
        "delivered": _("Did %(what)s arrive?"),
        "opened": _("Opened %(what)s?"),
        "clicked": _("Clicked %(what)s?"),
        "replied": _("Answered %(what)s?"),
        "dismissed": _("Closed %(what)s?"),
        "unsubscribed": _("Unsubscribed through %(what)s?"),
        "complained": _("Marked %(what)s as spam?"),
        "converted": _("Upgraded after %(what)s?"),
    }
    return words[fact]


def _what_was_sent(key: str, channels: Mapping[str, str], numbers: Mapping[str, int]) -> str:
    channel = channels[key]
    if sum(one == channel for one in channels.values()) > 1:
        return _("the message of step %(number)s") % {"number": numbers[key]}
    names = {
        "email": _("the e-mail"),
        "sms": _("the SMS"),
        "in_app": _("the in-app message"),
        "csm_task": _("the call"),
        "webhook": _("the webhook"),
    }
    return names.get(channel, _("the message"))


def exit_name() -> str:
    return _("Leaves the campaign")


def offer_name(document: Mapping[str, Any]) -> str:
    """Empty without an offer."""
    offer = document.get("offer")
    if not offer:
        return ""
    slug = offer["slug"] if isinstance(offer, dict) else offer
    name = Offer.objects.filter(slug=slug).values_list("name", flat=True).first()
    return own_offer_name(slug, str(name or (offer.get("name") if isinstance(offer, dict) else slug)))


def own_offer_name(slug: str, name: str) -> str:
    """The offer that campaigns start from is made by us, so its name is in the reader's language until somebody
    gives it another."""
    return _("The next plan up") if slug == "next-plan-up" and name in OWN_NAMES else name


def entry_words(document: Mapping[str, Any]) -> str:
    entry = document.get("entry", {})
    told = [_way_in_words(entry), _again_words(entry)]
    if "at_most" in entry:
        most = entry["at_most"]
        words = ngettext("At most %(n)d time in all.", "At most %(n)d times in all.", most)
        told.append(words % {"n": most})
    return " ".join(one for one in told if one)


def _way_in_words(entry: Mapping[str, Any]) -> str:
    if "event" in entry:
        words = _("Who is in it enters when the event %(event)s happens.")
        if "where" in entry["event"]:
            words = _("Who is in it enters when the event %(event)s happens as the campaign file wants it.")
        return words % {"event": entry["event"]["name"]}
    if entry.get("by") == "HAND":
        return _("Only who is named in a file or by another system enters.")
    return ""


def _again_words(entry: Mapping[str, Any]) -> str:
    if entry.get("reentry") == "ALWAYS":
        if "event" in entry or entry.get("by") == "HAND":
            return _("An account may enter again once it has left.")
        return _("An account enters each time it comes into the segment.")
    if entry.get("reentry") == "AFTER_COOLDOWN":
        days = entry.get("cooldown_days", 90)
        words = ngettext(
            "An account may enter again %(n)d day after it left.",
            "An account may enter again %(n)d days after it left.",
            days,
        )
        return words % {"n": days}
    return _("Each account enters once.")


def people_words(document: Mapping[str, Any]) -> str:
    people = document.get("recipients", {})
    most, roles = people.get("per_account", 1), people.get("roles", [])
    names = {
        "OWNER": _("owners"),
        "ADMIN": _("admins"),
        "BILLING": _("billing people"),
        "MEMBER": _("members"),
    }
    who = ", ".join(names.get(role, role.lower()) for role in roles) or _("anybody")
    words = ngettext(
        "Written to: at most %(n)d person per account (%(who)s).",
        "Written to: at most %(n)d people per account (%(who)s).",
        most,
    )
    return words % {"n": most, "who": who}


def holdout_words(document: Mapping[str, Any]) -> tuple[str, str]:
    """The share and the rest of its sentence; an empty share where nobody is held out."""
    share = float(document.get("holdout_percent", 0))
    if not share:
        return "", _("Nobody is held out, so what it earns can’t be proven.")
    return percent(share / 100, 0 if share == int(share) else 1), _("are held out and get nothing.")


def accounts_words(number: int) -> str:
    return ngettext("%(n)s account", "%(n)s accounts", number) % {"n": count_text(number)}


def reason_words(reason: str) -> str:
    """Why an account does not start."""
    names = {
        Entry.Reason.OPTED_OUT: _("opted out"),
        Entry.Reason.NO_REACHABLE_CONTACT: _("nobody there may be written to"),
        Entry.Reason.NOT_ELIGIBLE: _("no higher plan to offer"),
        Entry.Reason.NO_PRICE: _("no price in their currency"),
        Entry.Reason.RECENT_REFUSAL: _("said no in the last 60 days"),
        Entry.Reason.PAYMENT_FAILED: _("failed payment"),
        Entry.Reason.CANCELLING: _("cancellation announced"),
        Entry.Reason.HEALTH_RED: _("health in the red"),
        Entry.Reason.CRITICAL_TICKET: _("an urgent support ticket is open"),
        Entry.Reason.CSM_TASK_OPEN: _("in talks with an account manager"),
        Entry.Reason.ALREADY_IN_CAMPAIGN: _("the same people are reached through another account"),
        Entry.Reason.FAULT: _("a fault of our own, tried again every hour"),
        places.NOT_YET: _("about to be looked at"),
        places.NO_ACCOUNT: _("belongs to no account"),
        places.NOT_CHOSEN: _("somebody else of the account was chosen"),
        places.SAME_ADDRESS: _("another contact with the same address was chosen"),
        places.HELD_OUT: _("held out"),
    }
    return str(names.get(reason, reason))


def unsent_words(reason: str) -> str:
    """Why an account got no message, after its number: a message's reason or DUE, EXPIRED, UNDETERMINED, FAILED,
    NONE."""
    reasons = Message.Reason
    names = {
        "DUE": _("not due yet"),
        "EXPIRED": _("came too late: not sent within the campaign’s limit"),
        "UNDETERMINED": _("whose provider never said whether it went out"),
        "FAILED": _("could not be handed over for sending"),
        "NONE": _("left before the first message"),
        reasons.OPTED_OUT: _("opted out"),
        reasons.HELD: _("may have said no: their reply waits for a person"),
        reasons.NO_CONSENT: _("without consent"),
        reasons.SUPPRESSED: _("on the suppression list"),
        reasons.CAMPAIGN_STOPPED: _("campaign stopped before"),
        reasons.CONVERTED: _("upgraded before"),
        reasons.REFUSED: _("said no before"),
        reasons.LEFT_SEGMENT: _("left the segment before"),
        reasons.CAPPED: _("at the limit of messages per person or account"),
        reasons.LOST_ARBITRATION: _("got another campaign’s message instead"),
        reasons.FACTS_CHANGED: _("changed so that the text was no longer true"),
        reasons.CSM_TASK_OPEN: _("in talks with an account manager"),
        reasons.GATE_CLOSED: _("kept back because sending was stopped"),
        reasons.NO_ADDRESS: _("without an address"),
        reasons.RENDER_ERROR: _("with a text that could not be filled in"),
        reasons.BUDGET_SPENT: _("when the day’s SMS budget was spent"),
        reasons.COUNTRY_RULES: _("with a text that lacks what their country asks for"),
        reasons.OFFER_WITHDRAWN: _("when the offer was no longer made"),
    }
    return str(names.get(reason, reason))


def language_name(locale: str) -> str:
    return part_words.language_name(locale)


def own_name(locale: str) -> str:
    """The language's name in the language itself."""
    return dict(settings.LANGUAGES).get(locale, locale)


def lock_words(status: str) -> str:
    """Why a campaign can be read but not changed; empty for a draft."""
    words = {
        "LIVE": _(
            "It runs, so it can be read but not changed: everybody inside gets what was launched. "
            "“Edit” makes a draft beside it."
        ),
        "PAUSED": _(
            "It is paused: nobody gets anything until it is resumed, and then what was launched. It can be read but "
            "not changed; “Edit” makes a draft beside it."
        ),
        "STOPPED": _("It was stopped for good and is kept as it was. To run it again, copy it as a new draft."),
        "FINISHED": _("It is over and kept as it was. To run it again, copy it as a new draft."),
    }
    return words.get(status, "")
