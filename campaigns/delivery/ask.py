"""The message that asks for a second yes: transactional, at least once, outside the caps of marketing."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction

from campaigns.consent import confirm
from campaigns.consent.models import ConsentRecord, ConsentTopic
from campaigns.delivery import content, plan
from campaigns.delivery.models import Message, SendGate, TemplateVersion
from campaigns.operations import pulling
from orchestrator import signing
from orchestrator.signing import Purpose

GATE = "consent-confirmation"
LIMIT = 1000
_CURSOR = "delivery.confirmations"

_MJML = (
    "<mjml><mj-body><mj-section><mj-column><mj-text>{hello}</mj-text>"
    '<mj-button href="{{{{ links.confirm }}}}">{button}</mj-button><mj-text>{else_}</mj-text>'
    "</mj-column></mj-section></mj-body></mjml>"
)
_WORDS = {
    "en": (
        "Please confirm: {{ confirmation.topic }}",
        "Somebody, probably you, asked us to send “{{ confirmation.topic }}” to this address.",
        "Yes, send it to me",
        "If it was not you, do nothing: then nothing comes.",
    ),
    "he": (
        "נא לאשר: {{ confirmation.topic }}",
        "מישהו, כנראה אתם, ביקש שנשלח „{{ confirmation.topic }}” לכתובת הזאת.",
        "כן, שלחו לי",
        "אם זה לא אתם, אין צורך לעשות דבר: לא יישלח כלום.",
    ),
    "ro": (
        "Vă rugăm să confirmați: {{ confirmation.topic }}",
        "Cineva, probabil dumneavoastră, ne-a cerut să trimitem „{{ confirmation.topic }}” la această adresă.",
        "Da, trimiteți-mi",
        "Dacă nu ați fost dumneavoastră, nu faceți nimic: atunci nu vine nimic.",
    ),
}


def ask_pending(*, now: datetime, limit: int = LIMIT) -> int:
    """Plan a question for each yes that waits for one, once for each; returns how many records were read. Who said no
    to the topic before, on whatever way, is not asked again because a file says yes."""
    with transaction.atomic():
        cursor = pulling.lock_cursor(name=_CURSOR)
        records = ConsentRecord.objects.select_related("point", "contact")
        rows = pulling.rows_after(rows=records, cursor=cursor, limit=limit)
        asking = [row for row in rows if row.state == ConsentRecord.State.PENDING and _may_ask(row, now)]
        if asking:
            gate, topics = _gate(now), ConsentTopic.objects.in_bulk({one.topic for one in asking}, field_name="slug")
            items = [_question(row, gate, topics[row.topic], now) for row in asking if row.topic in topics]
            plan.plan_messages(items=items, now=now)
        pulling.advance_cursor(cursor=cursor, rows=rows)
    return len(rows)


def confirm_url(*, record_id: int) -> str:
    return f"{settings.PUBLIC_BASE_URL}/y/{signing.sign_number(Purpose.CONFIRM_CONSENT, record_id)}"


def record_of(*, token: str) -> ConsentRecord | None:
    """The question behind a confirmation link; None for every kind of wrong link."""
    try:
        record_id = signing.unsign_number(Purpose.CONFIRM_CONSENT, token)
    except ValueError:
        return None
    rows = ConsentRecord.objects.select_related("point", "contact")
    return rows.filter(pk=record_id, state=ConsentRecord.State.PENDING).first() if record_id < 2**63 else None


def _may_ask(row: ConsentRecord, now: datetime) -> bool:
    if row.contact is None or confirm.standing(point=row.point, asked=row, now=now) != ConsentRecord.State.PENDING:
        return False
    before = ConsentRecord.objects.filter(point=row.point, pk__lt=row.pk, topic__in=(row.topic, ""))
    was_asked = before.filter(state=ConsentRecord.State.PENDING, recorded_at__gt=now - confirm.OPEN_FOR)
    return not before.filter(state=ConsentRecord.State.WITHDRAWN).exists() and not was_asked.exists()


def _gate(now: datetime) -> SendGate:
    values = {"state": SendGate.State.OPEN, "purpose": SendGate.Purpose.TRANSACTIONAL, "changed_at": now}
    return SendGate.objects.get_or_create(slug=GATE, defaults=values)[0]


def _question(row: ConsentRecord, gate: SendGate, topic: ConsentTopic, now: datetime) -> plan.PlannedMessage:
    assert row.contact is not None, "Only somebody known is asked."
    language = row.contact.locale.replace("_", "-").partition("-")[0].lower()
    return plan.PlannedMessage(
        gate=gate,
        contact=row.contact,
        account=None,
        point=row.point,
        template_version=_wording(row.channel, now),
        channel=row.channel,
        locale=language if language in _WORDS else "en",
        due_at=now,
        dedupe_key=f"confirm:{row.pk}",
        context={
            "links": {"confirm": confirm_url(record_id=row.pk)},
            "confirmation": {"topic": topic.name_in(language)},
        },
        origin_step="confirm",
        send_by=row.recorded_at + confirm.OPEN_FOR,
        purpose=Message.Purpose.TRANSACTIONAL,
        policy=Message.Policy.AT_LEAST_ONCE,
    )


def _wording(channel: str, now: datetime) -> TemplateVersion:
    """A marketer who edits the template finds it there; the words here are its first version."""
    slug = f"{GATE}-{channel}"
    newest = TemplateVersion.objects.filter(template__slug=slug).order_by("-number").first()
    return newest or content.store_version(
        slug=slug,
        name="Confirmation of a yes",
        channel=channel,
        content={locale: _fields(channel, words) for locale, words in _WORDS.items()},
        now=now,
    )


def _fields(channel: str, words: tuple[str, str, str, str]) -> dict[str, str]:
    subject, hello, button, else_ = words
    if channel == "sms":
        return {"text": f"{hello} {button}: {{{{ links.confirm }}}}"}
    return {"subject": subject, "mjml": _MJML.format(hello=hello, button=button, else_=else_)}
