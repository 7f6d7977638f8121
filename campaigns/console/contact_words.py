"""What happened with one contact, in words: titles of the timeline, where a consent came from, why nothing was sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

from babel.dates import format_date
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from campaigns.consent.models import ConsentRecord, ContactPoint
from campaigns.consent.on_behalf import How
from campaigns.console import campaign_words, capped_words, country_words, failed_words
from campaigns.console.templatetags.console import count as count_text
from campaigns.console.templatetags.console import percent as percent_text
from campaigns.console.unsent import Unsent
from campaigns.delivery.models import Message
from campaigns.delivery.timeline import Kind
from campaigns.offers.models import Refusal
from campaigns.sequences import replan
from campaigns.sequences.models import Enrolment, Entry
from orchestrator.engine import planner

State, Reason = Message.State, Message.Reason


def channel(kind: str) -> str:
    """As a heading of its own."""
    names = {
        "email": _("E-mail"),
        "sms": _("SMS"),
        "in_app": _("In-app"),
        "csm_task": _("CSM task"),
        "webhook": _("Webhook"),
    }
    return names.get(kind, kind)


def by_channel(kind: str) -> str:
    """Inside a sentence: by …"""
    names = {
        "email": _("e-mail"),
        "sms": _("SMS"),
        "in_app": _("in-app messages"),
        "csm_task": _("calls"),
        "webhook": _("webhooks"),
    }
    return names.get(kind, kind)


def moment_title(kind: str, channel_kind: str, *, was_kept: bool = False) -> str:
    """What happened to a message. `was_kept`: its channel is not connected, so the outbox has it."""
    if was_kept and kind == Kind.SENT:
        return _("%(channel)s: kept in the outbox") % {"channel": channel(channel_kind)}
    mail, sms, in_app = channel_kind == "email", channel_kind == "sms", channel_kind == "in_app"
    if kind == Kind.UNSENT:
        return unsent_title(channel_kind)
    if channel_kind == "webhook":
        return _("Webhook planned") if kind == Kind.WAITING else _("Webhook called")
    words = {
        Kind.SENT: _("E-mail sent") if mail else _("SMS sent") if sms else _("In-app message put up"),
        Kind.DELIVERED: _("E-mail delivered") if mail else _("SMS delivered") if sms else _("In-app message put up"),
        Kind.SEEN: _("In-app message seen"),
        Kind.SCANNED: _("Link opened by a scanner"),
        Kind.CLICKED: _("E-mail clicked") if mail else _("SMS clicked") if sms else _("In-app message clicked"),
        Kind.REPLIED: _("Replied to the e-mail") if mail else _("Replied to the SMS") if sms else _("Replied"),
        Kind.DISMISSED: _("In-app message closed"),
        Kind.BOUNCED: _("E-mail came back") if mail else _("SMS came back") if sms else _("Message came back"),
        Kind.COMPLAINED: _("E-mail reported as unwanted"),
        Kind.WAITING: _("E-mail planned")
        if mail
        else _("SMS planned")
        if sms
        else _("In-app message planned")
        if in_app
        else _("CSM task planned"),
    }
    return words.get(Kind(kind), kind)


def unsent_title(channel_kind: str) -> str:
    names = {
        "email": _("E-mail not sent"),
        "sms": _("SMS not sent"),
        "in_app": _("In-app message not shown"),
        "csm_task": _("CSM task not made"),
        "webhook": _("Webhook not called"),
    }
    return names.get(channel_kind, _("Message not sent"))


def day(at: datetime, zone: tzinfo) -> str:
    """19 November, in the reader's language."""
    language = get_language() or "en"
    pattern = "d בMMMM" if language.startswith("he") else "d MMMM"
    return str(format_date(at.astimezone(zone).date(), pattern, locale=language))


def day_and_year(at: datetime, zone: tzinfo) -> str:
    language = get_language() or "en"
    locale = "en_GB" if language == "en" else language
    return str(format_date(at.astimezone(zone).date(), "long", locale=locale))


def clock(at: datetime, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%H:%M}"


def why_unsent(known: Unsent) -> str:
    """One or two sentences that answer a customer's question."""
    message = known.message
    if message.state == State.EXPIRED:
        return _expired(known)
    if message.state == State.FAILED:
        return _failed(known)
    if message.state == State.UNDETERMINED:
        return _undetermined(message)
    return why_skipped(message.reason, known)


def _undetermined(message: Message) -> str:
    if message.attempt > 1 and message.decided_by:
        words = _("The provider never said whether it went out, nor when %(name)s had it sent again.")
        return words % {"name": message.decided_by}
    said = _("The provider never said whether it went out. It was not sent again, so that nobody gets it twice.")
    if not message.decided_by:
        return said
    return f"{said} " + _("%(name)s left it as it is.") % {"name": message.decided_by}


def why_skipped(reason: str, known: Unsent) -> str:
    if reason == Reason.CAPPED:
        return _capped(known)
    if reason in (Reason.OPTED_OUT, Reason.NO_CONSENT, Reason.SUPPRESSED):
        return _not_allowed(reason, known)
    if reason == Reason.RENDER_ERROR:
        said = known.attempt.detail if known.attempt else ""
        return _("Its text could not be filled in for this person. %(said)s") % {"said": said}
    if reason == Reason.COUNTRY_RULES and known.attempt and known.attempt.detail:
        return country_words.why_barred(said=known.attempt.detail)
    winner = f" ({known.winner})" if known.winner else ""
    return reason_sentence(reason, known.message.channel) + winner


def reason_sentence(reason: str, channel_kind: str) -> str:
    """What the reason alone says, also for a step that was passed by without making a message."""
    words: dict[str, str] = {
        Reason.OPTED_OUT: _("They had said no."),
        Reason.HELD: _("They had written what may be a no, and nobody had read it yet."),
        Reason.NO_CONSENT: _("They never agreed to this by %(channel)s, and without a yes nothing is sent."),
        Reason.SUPPRESSED: _("What is sent to this address comes back."),
        Reason.CAPPED: _("The limit of messages was met."),
        Reason.CAMPAIGN_STOPPED: _("The campaign was stopped before it was due."),
        Reason.CONVERTED: _("The account upgraded before it was due, so there was nothing left to offer."),
        Reason.REFUSED: _("Somebody at the account had said no to an offer, and is left in peace."),
        Reason.LEFT_SEGMENT: _("The account was no longer in the audience when it was due."),
        Reason.LOST_ARBITRATION: _("Another campaign had something more worthwhile to say at the time."),
        Reason.FACTS_CHANGED: _("The account or its price changed after it was planned, so it was no longer true."),
        Reason.CSM_TASK_OPEN: _("A colleague is in talks with the account, and nothing automatic interferes."),
        Reason.GATE_CLOSED: _("Sending was stopped for the campaign."),
        Reason.NO_ADDRESS: _("There is no address for %(channel)s, or it changed after the message was planned."),
        Reason.RENDER_ERROR: _("Its text could not be filled in for this person."),
        Reason.BUDGET_SPENT: _("The SMS budget of the day was spent."),
        Reason.COUNTRY_RULES: _("Its text lacks what the country they read it in asks of marketing."),
        Reason.OFFER_WITHDRAWN: _("The offer had been switched off by then, so it was no longer made."),
        replan.MESSAGE_GONE: _(
            "It was to be planned anew, but the version of the campaign they were moved to has no such message."
        ),
        planner.LOOP: _("The steps led in a circle in which no time passes, so it ended there."),
        planner.STEP_GONE: _("The step at which it stood is not in this version of the campaign, so it ended there."),
    }
    if reason in words:
        return words[reason] % {"channel": by_channel(channel_kind)}
    return _("Not possible: %(reason)s.") % {"reason": campaign_words.reason_words(reason)}


def source_words(record: ConsentRecord) -> str:
    """Where a yes or a no came from, without its day."""
    evidence, source = record.evidence, record.source
    if source == "staff":
        how = How(evidence["how"]).label if evidence.get("how") in How.values else ""
        return _("Taken by %(by)s: %(how)s") % {"by": evidence.get("by", "?"), "how": str(how).lower()}
    if source == "preference_page":
        language = campaign_words.language_name(str(evidence.get("language", "")))
        return _("Preference page in %(language)s") % {"language": language}
    if source == "reply_read":
        return _reply_read(evidence)
    return way_words(source)


def _reply_read(evidence: Mapping[str, Any]) -> str:
    by, written = evidence.get("by", "?"), evidence.get("written_at")
    if not written:
        return _("Wrote to us; %(by)s read it as a no") % {"by": by}
    written_on = day(datetime.fromisoformat(written), timezone.get_current_timezone())
    return _("Wrote to us on %(day)s; %(by)s read it as a no") % {"day": written_on, "by": by}


def way_words(source: str) -> str:
    """By what way a yes or a no came, whoever's it was."""
    names = {
        "staff": _("Told to a colleague"),
        "preference_page": _("Preference page"),
        "reply_read": _("Wrote to us; a colleague read it as a no"),
        "import": _("From a file"),
        "one_click": _("One click in their mail program"),
        "unsubscribe_page": _("Unsubscribe page"),
        "crm": _("From the CRM"),
        "crm:privacy_deletion": _("Erased in the CRM"),
        "sendgrid:list": _("Found on the mail provider’s own list"),
        "double_opt_in": _("Confirmed through a link sent to them"),
        "erasure": _("Erased at their request"),
    }
    if source in names:
        return names[source]
    vendor, _colon, said = source.partition(":")
    if vendor == "sendgrid_inbound":
        return _("Wrote to us by e-mail")
    if vendor == "twilio":
        return _("Reply to an SMS") if "stop" in said or "start" in said else _("Told by the SMS provider")
    if said in ("spamreport", "complained"):
        return _("Reported as unwanted in their mail program")
    if _colon:
        return _("Told by the mail provider")
    return source


def basis_words(record: ConsentRecord) -> str:
    """On what a yes rests; empty where nobody said."""
    names = {
        "explicit": _("they said yes"),
        "soft_opt_in": _("as a customer, for similar products"),
        "legitimate_interest": _("legitimate interest"),
    }
    return names.get(record.basis.lower(), record.basis)


def block_words(reason: str) -> str:
    """Why an address gets no marketing."""
    names = {
        ContactPoint.Reason.UNSUBSCRIBED: _("unsubscribed"),
        ContactPoint.Reason.OBJECTED: _("objected to all marketing"),
        ContactPoint.Reason.COMPLAINED: _("reported us as unwanted"),
        ContactPoint.Reason.BOUNCED: _("what is sent there comes back"),
        ContactPoint.Reason.ERASED: _("erased at their request"),
    }
    return names.get(ContactPoint.Reason(reason), reason) if reason in ContactPoint.Reason.values else reason


def exit_words(enrolment: Enrolment, *, noes: Sequence[ConsentRecord] = (), has_dead_address: bool = False) -> str:
    """`noes`: what the person has said no to, newest first."""
    if enrolment.exit_reason == Enrolment.Exit.OPTED_OUT:
        return _said_no(enrolment, noes, has_dead_address)
    names = {
        Enrolment.Exit.COMPLETED: _("All steps are done."),
        Enrolment.Exit.CONVERTED: _("The account upgraded."),
        Enrolment.Exit.LEFT_SEGMENT: _("The account is no longer in the audience."),
        Enrolment.Exit.REFUSED: _("Somebody at the account said no to the offer."),
        Enrolment.Exit.GATE_CLOSED: _("Sending was stopped for the campaign."),
        Enrolment.Exit.STOPPED: _("The campaign was stopped."),
    }
    return names.get(Enrolment.Exit(enrolment.exit_reason), enrolment.exit_reason)


def _said_no(enrolment: Enrolment, noes: Sequence[ConsentRecord], has_dead_address: bool) -> str:
    """No more than they said: who wants no SMS may want our mail."""
    before = [one for one in noes if enrolment.ended_at is None or one.at <= enrolment.ended_at]
    if not before and has_dead_address:
        return _("What was sent to an address of theirs came back.")
    last = {one.channel for one in before if (one.at, one.source) == (before[0].at, before[0].source)}
    if len(last) == 1:
        return _("They said no to messages by %(channel)s.") % {"channel": by_channel(last.pop())}
    return _("They said no to such messages.")


def entry_words(entry: Entry) -> str:
    """Why a contact of the account heard nothing."""
    if entry.outcome == Entry.Outcome.HOLDOUT:
        return _("Drawn into the group that gets nothing, so that the effect of the campaign can be measured.")
    if entry.outcome == Entry.Outcome.ENROLLED:
        return _("It goes to somebody else at the account: not everybody there is written to.")
    return _("The reason: %(reason)s.") % {"reason": campaign_words.reason_words(entry.reason)}


def refusal_words(reason: str) -> str:
    names = {
        Refusal.Reason.TOO_EXPENSIVE: _("It costs too much"),
        Refusal.Reason.WRONG_TIME: _("The timing is wrong"),
        Refusal.Reason.MISSING_FEATURE: _("A feature is missing"),
        Refusal.Reason.NOT_NEEDED: _("We don’t need it"),
        Refusal.Reason.OTHER: _("Another reason"),
    }
    return names.get(Refusal.Reason(reason), reason)


def evidence_words(evidence: dict[str, object]) -> str:
    """What made an account enter: Seats used 9 of 10 = 90 %. Empty without figures."""
    value, quota = evidence.get("value"), evidence.get("quota")
    if value is None:
        return ""
    words = {"meter": evidence.get("meter_name") or evidence.get("meter"), "value": _number(value)}
    if not quota:
        return _("%(meter)s: %(value)s.") % words
    share = percent_text(float(str(value)) / float(str(quota)), 0)
    return _("%(meter)s: %(value)s of %(quota)s, that is %(percent)s.") % {
        **words,
        "quota": _number(quota),
        "percent": share,
    }


def _number(value: object) -> str:
    return count_text(int(float(str(value))))


def _expired(known: Unsent) -> str:
    until = known.message.send_by
    if until is None:
        return _("It would have come too late.")
    return _("It had to go out by %(day)s, %(time)s and could not, so it would have come too late.") % {
        "day": day(until, known.zone),
        "time": clock(until, known.zone),
    }


def _failed(known: Unsent) -> str:
    if known.attempt is None:
        return _("It could not be handed over for sending.")
    attempt = known.attempt
    return failed_words.refused(channel=known.message.channel, code=attempt.code, detail=attempt.detail)


def _not_allowed(reason: str, known: Unsent) -> str:
    if reason == Reason.NO_CONSENT:
        words = _("They never agreed to “%(topic)s” by %(channel)s, and without a yes nothing is sent.")
        return words % {"topic": known.topic, "channel": by_channel(known.message.channel)}
    if reason == Reason.SUPPRESSED:
        return _("The address gets nothing: %(why)s.") % {"why": block_words(known.block or "BOUNCED")}
    said = next((one for one in known.noes if one.at <= known.at), None)
    if said is None:
        return _("They had said no.")
    words = _("They had said no on %(day)s. %(source)s.")
    return words % {"day": day_and_year(said.at, known.zone), "source": source_words(said)}


def _capped(known: Unsent) -> str:
    sentences = [capped_words.limit(known=known)]
    last = next(iter(known.spenders), None)
    if last is None or last.accepted_at is None:
        return sentences[0]
    told = {"channel": channel(last.channel), "day": day(last.accepted_at, known.zone)}
    if last.contact_id == known.message.contact_id:
        sentences.append(_("The last one was sent on %(day)s (%(channel)s).") % told)
    else:
        told["name"] = str(last.contact)
        sentences.append(_("The last one went to %(name)s at the same account on %(day)s (%(channel)s).") % told)
    sentences.append(_("Free again on %(day)s.") % {"day": day(capped_words.free_again(known=known), known.zone)})
    return " ".join(sentences)
