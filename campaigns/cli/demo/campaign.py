"""The demo's one campaign as a campaign file: 80 % of the seats used → two wordings by mail, three
days' wait, an in-app banner to whoever did not react; 20 % held out. In English, Hebrew, Romanian."""

from __future__ import annotations

from typing import Any

SLUG = "seats-80"

SEGMENT: dict[str, Any] = {
    "all": [
        {"field": "account.plan", "op": "in", "value": ["basic", "team"]},
        {"usage": "seats_used", "agg": "last", "per": "quota", "op": ">=", "value": 0.8},
    ]
}

PLAN = "{{ offer.plan_to }}"
SEATS = "{{ offer.seat_limit_to }}"
# Romanian counts from 20 up with "de".
PLACES = "{{ offer.seat_limit_to | plural: '# loc', '# locuri', '# de locuri' }}"
TAKEN = "{{ evidence.value | number }}"
OF_PLACES = "{{ evidence.quota | plural: '# loc', '# locuri', '# de locuri' }}"
ACCOUNT = "{{ account.name }}"
PRICE = "{{ offer.new_monthly | money: offer.currency }}"
HELLO_NAME = "{{ contact.first_name | default: '' }}"

# Wording A leads with the price, wording B with the account's own numbers.
MAILS: dict[str, dict[str, dict[str, str]]] = {
    "a": {
        "en": {
            "subject": f"{PLAN}: {SEATS} seats for {PRICE} a month",
            "hello": f"Hello {HELLO_NAME},",
            "first": f"{PLAN} gives {ACCOUNT} {SEATS} seats for {PRICE} a month.",
            "second": "Nothing to set up: your team keeps working while the plan changes.",
        },
        "he": {
            "subject": f"פרסומת: {PLAN} – {SEATS} מושבים ב־{PRICE} לחודש",
            "hello": f"שלום {HELLO_NAME},",
            "first": f"{PLAN} נותנת ל־{ACCOUNT} {SEATS} מושבים ב־{PRICE} לחודש.",
            "second": "אין מה להתקין: הצוות ממשיך לעבוד בזמן שהתוכנית מתחלפת.",
        },
        "ro": {
            "subject": f"{PLAN}: {PLACES} la {PRICE} pe lună",
            "hello": f"Bună ziua {HELLO_NAME},",
            "first": f"{PLAN} oferă pentru {ACCOUNT} {PLACES} la {PRICE} pe lună.",
            "second": "Nu e nimic de instalat: echipa lucrează mai departe cât se schimbă planul.",
        },
    },
    "b": {
        "en": {
            "subject": "{{ evidence.value | number }} of your {{ evidence.quota | number }} seats are taken",
            "hello": f"Hello {HELLO_NAME},",
            "first": "{{ account.name }} uses {{ evidence.value | number }} of {{ evidence.quota | number }} seats.",
            "second": f"{PLAN} has {SEATS} seats and costs {PRICE} a month.",
        },
        "he": {
            "subject": "פרסומת: {{ evidence.value | number }} מתוך {{ evidence.quota | number }} המושבים שלכם תפוסים",
            "hello": f"שלום {HELLO_NAME},",
            "first": f"ב־{ACCOUNT} תפוסים {TAKEN} מתוך {{{{ evidence.quota | number }}}} מושבים.",
            "second": f"ב־{PLAN} יש {SEATS} מושבים, והיא עולה {PRICE} לחודש.",
        },
        "ro": {
            "subject": f"{TAKEN} din cele {OF_PLACES} sunt ocupate",
            "hello": f"Bună ziua {HELLO_NAME},",
            "first": f"{ACCOUNT} folosește {TAKEN} din {OF_PLACES}.",
            "second": f"{PLAN} are {PLACES} și costă {PRICE} pe lună.",
        },
    },
}

FRAME = {
    "en": {
        "button": "See {{ offer.plan_to }}",
        "terms": "Price without tax. Change back or cancel at any time.",
        "font": "Arial",
    },
    "he": {
        "button": "לצפייה ב־{{ offer.plan_to }}",
        "terms": "המחיר ללא מע״מ. אפשר לחזור אחורה או לבטל בכל רגע.",
        "font": "Arial",
    },
    "ro": {
        "button": "Vedeți {{ offer.plan_to }}",
        "terms": "Preț fără TVA. Puteți reveni sau anula oricând.",
        "font": "Arial",
    },
}

BANNER = {
    "en": {
        "kind": "banner",
        "title": "{{ evidence.value | number }} of {{ evidence.quota | number }} seats are taken",
        "body": "{{ offer.plan_to }} has {{ offer.seat_limit_to }} seats.",
        "button": "See the offer",
    },
    "he": {
        "kind": "banner",
        "title": "{{ evidence.value | number }} מתוך {{ evidence.quota | number }} מושבים תפוסים",
        "body": "ב־{{ offer.plan_to }} יש {{ offer.seat_limit_to }} מושבים.",
        "button": "לצפייה בהצעה",
    },
    "ro": {
        "kind": "banner",
        "title": f"{TAKEN} din {OF_PLACES} sunt ocupate",
        "body": f"{PLAN} are {PLACES}.",
        "button": "Vedeți oferta",
    },
}


def build_mjml(*, locale: str, words: dict[str, str]) -> str:
    frame = FRAME[locale]
    align = "right" if locale == "he" else "left"
    direction = "rtl" if locale == "he" else "ltr"
    return f"""<mjml lang="{locale}" dir="{direction}">
  <mj-head>
    <mj-attributes>
      <mj-all font-family="{frame["font"]}, sans-serif" />
      <mj-text align="{align}" font-size="16px" line-height="24px" color="#16202e" />
    </mj-attributes>
  </mj-head>
  <mj-body background-color="#f4f6f9">
    <mj-section background-color="#ffffff" padding="24px" direction="{direction}">
      <mj-column>
        <mj-text>{words["hello"]}</mj-text>
        <mj-text>{words["first"]}</mj-text>
        <mj-text>{words["second"]}</mj-text>
        <mj-button align="{align}" background-color="#2952cc" href="{{{{ links.offer }}}}">{frame["button"]}</mj-button>
        <mj-text font-size="13px" color="#5b6675">{frame["terms"]}</mj-text>
      </mj-column>
    </mj-section>
  </mj-body>
</mjml>"""


def mail_content(words_by_locale: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    return {
        locale: {"subject": words["subject"], "mjml": build_mjml(locale=locale, words=words)}
        for locale, words in words_by_locale.items()
    }


def campaign_file() -> dict[str, Any]:
    return {
        "slug": SLUG,
        "name": "Seats at 80 %",
        "purpose": "MARKETING",
        "topic": "offers",
        "audience": {"segment": SEGMENT},
        "entry": {"reentry": "NEVER"},
        "recipients": {"roles": ["OWNER", "ADMIN", "BILLING"], "per_account": 1},
        "exit_on": ["CONVERTED", "OPTED_OUT", "REFUSED", "GATE_CLOSED"],
        "goal": {"kind": "UPGRADE", "window_days": 14},
        "holdout_percent": 20,
        "offer": {"slug": "next-plan-up", "name": "The next plan up"},
        "limits": {"window": {"from": "08:00", "to": "20:00"}, "send_by_hours": 72, "priority": 50},
        "steps": [
            {
                "key": "mail-1",
                "kind": "MESSAGE",
                "channel": "email",
                "variants": {
                    "a": {"weight": 50, "content": mail_content(MAILS["a"])},
                    "b": {"weight": 50, "content": mail_content(MAILS["b"])},
                },
            },
            {"key": "wait-1", "kind": "WAIT", "for": "3d"},
            {
                "key": "reacted",
                "kind": "BRANCH",
                "if": {"engagement": "clicked", "step": "mail-1"},
                "then": "end",
                "else": "banner",
            },
            {"key": "banner", "kind": "MESSAGE", "channel": "in_app", "variants": {"a": {"content": BANNER}}},
            {"key": "end", "kind": "EXIT"},
        ],
    }
