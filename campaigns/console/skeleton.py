"""What a new campaign starts from: two wordings in three languages, a wait, a banner for those who did not click."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from campaigns.console.mail_blocks import Blocks, build_mjml
from campaigns.sequences import wording

# What marketing to people in Israel begins with.
MARK = "פרסומת"
VALUE, QUOTA = "{{ evidence.value | number }}", "{{ evidence.quota | number }}"
PRICE = "{{ offer.new_monthly | money: offer.currency }}"
NAME = "{{ contact.first_name | default: '' }}"

_PRICE_FIRST: Mapping[str, tuple[str, Blocks]] = {
    "en": (
        f"{{{{ offer.plan_to }}}} for {PRICE} a month",
        Blocks(
            f"Hello {NAME},",
            f"{{{{ offer.plan_to }}}} costs {PRICE} a month for {{{{ account.name }}}}.\n\n"
            "Nothing to set up: your team keeps working while the plan changes.",
            "See {{ offer.plan_to }}",
            "Price without tax. Change back or cancel at any time.",
        ),
    ),
    "he": (
        f"פרסומת: {{{{ offer.plan_to }}}} ב־{PRICE} לחודש",
        Blocks(
            f"שלום {NAME},",
            f"{{{{ offer.plan_to }}}} עולה {PRICE} לחודש עבור {{{{ account.name }}}}.\n\n"
            "אין מה להתקין: הצוות ממשיך לעבוד בזמן שהתוכנית מתחלפת.",
            "לצפייה ב־{{ offer.plan_to }}",
            "המחיר ללא מע״מ. אפשר לחזור אחורה או לבטל בכל רגע.",
        ),
    ),
    "ro": (
        f"{{{{ offer.plan_to }}}} la {PRICE} pe lună",
        Blocks(
            f"Bună ziua {NAME},",
            f"{{{{ offer.plan_to }}}} costă {PRICE} pe lună pentru {{{{ account.name }}}}.\n\n"
            "Nu e nimic de instalat: echipa lucrează mai departe cât se schimbă planul.",
            "Vedeți {{ offer.plan_to }}",
            "Preț fără TVA. Puteți reveni sau anula oricând.",
        ),
    ),
}

# How a unit of the catalogue is called to the reader: in English within the sentence, elsewhere before the figures,
# where a number does not bend it. A unit not listed is shown as the catalogue has it.
_UNITS: Mapping[str, Mapping[str, str]] = {
    "seats": {"en": "seats", "he": "מושבים", "ro": "Locuri"},
    "users": {"en": "users", "he": "משתמשים", "ro": "Utilizatori"},
    "people": {"en": "people", "he": "אנשים", "ro": "Persoane"},
    "projects": {"en": "projects", "he": "פרויקטים", "ro": "Proiecte"},
    "calls": {"en": "calls", "he": "קריאות", "ro": "Apeluri"},
    "contacts": {"en": "contacts", "he": "אנשי קשר", "ro": "Contacte"},
    "e-mails": {"en": "e-mails", "he": "הודעות דוא״ל", "ro": "E-mailuri"},
    "emails": {"en": "e-mails", "he": "הודעות דוא״ל", "ro": "E-mailuri"},
    "SMS": {"en": "SMS", "he": "הודעות SMS", "ro": "SMS-uri"},
    "GB": {"en": "GB", "he": "GB", "ro": "GB"},
}
_ANY_UNIT = "{{ evidence.unit | default: evidence.meter_name }}"


def _own_numbers(unit: str) -> Mapping[str, tuple[str, Blocks]]:
    """`unit` as the catalogue names it, e.g. seats; it may be empty."""
    noun = _UNITS.get(unit) or dict.fromkeys(("en", "he", "ro"), _ANY_UNIT)
    verb = "taken" if unit == "seats" else "used"
    return {
        "en": (
            f"{VALUE} of your {QUOTA} {noun['en']} are {verb}",
            Blocks(
                f"Hello {NAME},",
                f"{{{{ account.name }}}} uses {VALUE} of its {QUOTA} {noun['en']}."
                f"\n\n{{{{ offer.plan_to }}}} leaves room to grow and costs {PRICE} a month.",
                "See {{ offer.plan_to }}",
                "Price without tax. Change back or cancel at any time.",
            ),
        ),
        "he": (
            f"פרסומת: {noun['he']}: {VALUE} מתוך {QUOTA} כבר בשימוש",
            Blocks(
                f"שלום {NAME},",
                # A Hebrew word stands between a name and a number: after Latin letters the number would run with them.
                f"{noun['he']} של {{{{ account.name }}}} שכבר בשימוש: {VALUE} מתוך "
                f"{QUOTA}.\n\n{{{{ offer.plan_to }}}} משאירה מקום לצמוח ועולה {PRICE} לחודש.",
                "לצפייה ב־{{ offer.plan_to }}",
                "המחיר ללא מע״מ. אפשר לחזור אחורה או לבטל בכל רגע.",
            ),
        ),
        "ro": (
            f"{noun['ro']}: {VALUE} din {QUOTA} în folosință",
            Blocks(
                f"Bună ziua {NAME},",
                f"{noun['ro']} la {{{{ account.name }}}}: {VALUE} din {QUOTA} în "
                f"folosință.\n\n{{{{ offer.plan_to }}}} lasă loc de creștere și costă {PRICE} pe lună.",
                "Vedeți {{ offer.plan_to }}",
                "Preț fără TVA. Puteți reveni sau anula oricând.",
            ),
        ),
    }


# Where the audience is not about a meter there are no own numbers to show: the difference leads instead.
_DIFFERENCE: Mapping[str, tuple[str, Blocks]] = {
    "en": (
        "Room to grow for {{ account.name }}",
        Blocks(
            f"Hello {NAME},",
            "{{ account.name }} is on {{ offer.plan_from }}. {{ offer.plan_to }} costs "
            "{{ offer.difference | money: offer.currency }} more a month.",
            "See {{ offer.plan_to }}",
            "Price without tax. Change back or cancel at any time.",
        ),
    ),
    "he": (
        "פרסומת: מקום לצמוח עבור {{ account.name }}",
        Blocks(
            f"שלום {NAME},",
            "{{ account.name }} בתוכנית {{ offer.plan_from }}. {{ offer.plan_to }} עולה "
            "{{ offer.difference | money: offer.currency }} יותר לחודש.",
            "לצפייה ב־{{ offer.plan_to }}",
            "המחיר ללא מע״מ. אפשר לחזור אחורה או לבטל בכל רגע.",
        ),
    ),
    "ro": (
        "Loc de creștere pentru {{ account.name }}",
        Blocks(
            f"Bună ziua {NAME},",
            "{{ account.name }} are planul {{ offer.plan_from }}. {{ offer.plan_to }} costă cu "
            "{{ offer.difference | money: offer.currency }} mai mult pe lună.",
            "Vedeți {{ offer.plan_to }}",
            "Preț fără TVA. Puteți reveni sau anula oricând.",
        ),
    ),
}

BANNER: Mapping[str, Mapping[str, str]] = {
    "en": {
        "title": "Your offer is waiting",
        "body": f"{{{{ offer.plan_to }}}} for {PRICE} a month.",
        "button": "See the offer",
    },
    "he": {
        "title": "ההצעה שלכם מחכה",
        "body": f"{{{{ offer.plan_to }}}} ב־{PRICE} לחודש.",
        "button": "לצפייה בהצעה",
    },
    "ro": {
        "title": "Oferta vă așteaptă",
        "body": f"{{{{ offer.plan_to }}}} la {PRICE} pe lună.",
        "button": "Vedeți oferta",
    },
}

# Without diacritics where that is understood: one of them halves what a part of an SMS holds.
SMS: Mapping[str, str] = {
    "en": f"{{{{ offer.plan_to }}}} for {PRICE} a month. {{{{ links.offer }}}}",
    "he": f"{{{{ offer.plan_to }}}} ב־{PRICE} לחודש. {{{{ links.offer }}}}",
    "ro": f"{{{{ offer.plan_to }}}} la {PRICE} pe luna. {{{{ links.offer }}}}",
}

TASK: Mapping[str, Mapping[str, str]] = {
    "en": {
        "title": "Call {{ account.name }} about {{ offer.plan_to }}",
        "text": "{{ account.name }} is on {{ offer.plan_from }}. "
        f"{{{{ offer.plan_to }}}} costs {PRICE} a month."
        "\n\nAsk what they need next, and tell what changes with the plan.",
    },
    "he": {
        "title": "להתקשר אל {{ account.name }} בעניין {{ offer.plan_to }}",
        "text": f"{{{{ account.name }}}} בתוכנית {{{{ offer.plan_from }}}}. {{{{ offer.plan_to }}}} עולה {PRICE} לחודש."
        "\n\nכדאי לשאול מה יידרש להם בהמשך, ולספר מה משתנה עם התוכנית.",
    },
    "ro": {
        "title": "De sunat {{ account.name }} despre {{ offer.plan_to }}",
        "text": f"{{{{ account.name }}}} are {{{{ offer.plan_from }}}}. {{{{ offer.plan_to }}}} costă {PRICE} pe lună."
        "\n\nÎntrebați de ce au nevoie mai departe și spuneți ce se schimbă odată cu planul.",
    },
}


def new_document(
    *, slug: str, name: str, segment: str, offer: str | Mapping[str, str], has_meter: bool, unit: str = ""
) -> dict[str, Any]:
    """A campaign file that can be launched as it stands, once its texts say what the marketer means.

    `unit` is that of the meter which the audience is about.
    """
    return {
        "slug": slug,
        "name": name,
        "purpose": "MARKETING",
        "topic": "offers",
        "audience": {"segment": segment},
        "entry": {"reentry": "NEVER"},
        "recipients": {"roles": ["OWNER", "ADMIN", "BILLING"], "per_account": 1},
        "exit_on": ["CONVERTED", "OPTED_OUT", "LEFT_SEGMENT", "REFUSED", "GATE_CLOSED"],
        "goal": {"kind": "UPGRADE", "window_days": 14},
        "holdout_percent": 10,
        "offer": offer,
        "limits": {"window": {"from": "09:00", "to": "20:00"}, "send_by_hours": 48, "priority": 50},
        "steps": [
            new_mail(key="mail-1", has_meter=has_meter, unit=unit),
            {"key": "wait-1", "kind": "WAIT", "for": "3d"},
            {
                "key": "clicked-1",
                "kind": "BRANCH",
                "if": {"engagement": "clicked", "step": "mail-1"},
                "then": "end",
                "else": "banner-1",
            },
            new_banner(key="banner-1"),
            {"key": "end", "kind": "EXIT"},
        ],
    }


def new_mail(*, key: str, has_meter: bool, unit: str = "", wordings: int = 2) -> dict[str, Any]:
    second = _own_numbers(unit) if has_meter else _DIFFERENCE
    texts = {"a": _PRICE_FIRST, "b": second} if wordings > 1 else {"a": second}
    return {
        "key": key,
        "kind": "MESSAGE",
        "channel": "email",
        "variants": {
            letter: {"weight": 100 // len(texts), "content": _mail_content(mails)} for letter, mails in texts.items()
        },
    }


def new_banner(*, key: str) -> dict[str, Any]:
    return _single(key, "in_app", BANNER)


def sender_name() -> str:
    """The company's name as messages begin with it; empty where nobody has set one."""
    return str(settings.SENDGRID_FROM_NAME or settings.SENDER_NAME)


def new_sms(*, key: str, sender: str) -> dict[str, Any]:
    """`sender` is the company's name, which an SMS must begin with to say who writes; it may be empty."""
    begins = {"en": f"{sender}: ", "he": f"{MARK}, {sender}: ", "ro": f"{sender}: "} if sender else {"he": f"{MARK}: "}
    return _single(key, "sms", {locale: {"text": begins.get(locale, "") + text} for locale, text in SMS.items()})


def new_task(*, key: str) -> dict[str, Any]:
    return _single(key, "csm_task", TASK)


def new_webhook(*, key: str) -> dict[str, Any]:
    """To nowhere yet: the launch review blocks until somebody has said where."""
    body = {"text": "{{ account.name }}: {{ evidence.percent | default: '?' }} %"}
    content = {"en": {"url": f"https://{wording.NOWHERE}/", "body": body}}
    return {"key": key, "kind": "MESSAGE", "channel": "webhook", "variants": {"a": {"weight": 100, "content": content}}}


def _single(key: str, channel: str, texts: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    content = {locale: dict(one) for locale, one in texts.items()}
    return {"key": key, "kind": "MESSAGE", "channel": channel, "variants": {"a": {"weight": 100, "content": content}}}


def _mail_content(mails: Mapping[str, tuple[str, Blocks]]) -> dict[str, dict[str, str]]:
    return {
        locale: {"subject": subject, "mjml": build_mjml(blocks=blocks, locale=locale)}
        for locale, (subject, blocks) in mails.items()
    }
