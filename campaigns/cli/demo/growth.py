"""The demo's second campaign: API calls grown by 30 % in four weeks → two wordings by mail, four days' wait, a text
message to whoever did not open the offer; 20 % held out. In English, Hebrew, Romanian."""

from __future__ import annotations

from typing import Any

from campaigns.cli.demo.campaign import mail_content

SLUG = "api-growth"
# Two windows of four weeks must lie in the history.
NEEDED_DAYS = 56

SEGMENT: dict[str, Any] = {
    "all": [
        {"field": "account.plan", "op": "in", "value": ["basic", "team"]},
        {"usage": "api_calls", "agg": "sum", "window": "28d", "per": "previous", "op": ">=", "value": 1.3},
    ]
}

COMPANY = "Harbourline"
PLAN = "{{ offer.plan_to }}"
ACCOUNT = "{{ account.name }}"
PRICE = "{{ offer.new_monthly | money: offer.currency }}"
GROWTH = "{{ evidence.growth_percent }}"
HELLO_NAME = "{{ contact.first_name | default: '' }}"

# Wording A leads with what grew, wording B with the room in the next plan.
MAILS: dict[str, dict[str, dict[str, str]]] = {
    "a": {
        "en": {
            "subject": f"{GROWTH} % more API calls than four weeks before",
            "hello": f"Hello {HELLO_NAME},",
            "first": f"{ACCOUNT} made {GROWTH} % more API calls in the last four weeks than in the four before.",
            "second": f"{PLAN} holds more of them and costs {PRICE} a month. "
            "If this was a one-off, stay where you are.",
        },
        "he": {
            "subject": f"פרסומת: {GROWTH}% יותר קריאות API לעומת ארבעת השבועות הקודמים",
            "hello": f"שלום {HELLO_NAME},",
            "first": f"בארבעת השבועות האחרונים היו ב־{ACCOUNT} {GROWTH}% יותר קריאות API מאשר בארבעה שלפניהם.",
            "second": f"ב־{PLAN} יש מקום ליותר, והיא עולה {PRICE} לחודש. אם זה היה חד־פעמי, אין צורך לשנות דבר.",
        },
        "ro": {
            "subject": f"Cu {GROWTH} % mai multe apeluri API decât în cele patru săptămâni dinainte",
            "hello": f"Bună ziua {HELLO_NAME},",
            "first": f"În ultimele patru săptămâni, {ACCOUNT} a făcut cu {GROWTH} % mai multe apeluri API "
            "decât în cele patru dinainte.",
            "second": f"{PLAN} cuprinde mai multe și costă {PRICE} pe lună. Dacă a fost ceva trecător, "
            "nu schimbați nimic.",
        },
    },
    "b": {
        "en": {
            "subject": f"{PLAN} has room for your API calls: {PRICE} a month",
            "hello": f"Hello {HELLO_NAME},",
            "first": f"{PLAN} costs {PRICE} a month and has a larger volume of API calls.",
            "second": f"The last four weeks brought {GROWTH} % more of them at {ACCOUNT}.",
        },
        "he": {
            "subject": f"פרסומת: ב־{PLAN} יש מקום לקריאות ה־API שלכם, ב־{PRICE} לחודש",
            "hello": f"שלום {HELLO_NAME},",
            "first": f"{PLAN} עולה {PRICE} לחודש, ויש בה נפח גדול יותר של קריאות API.",
            "second": f"ארבעת השבועות האחרונים הביאו ל־{ACCOUNT} {GROWTH}% יותר קריאות.",
        },
        "ro": {
            "subject": f"{PLAN} are loc pentru apelurile API: {PRICE} pe lună",
            "hello": f"Bună ziua {HELLO_NAME},",
            "first": f"{PLAN} costă {PRICE} pe lună și are un volum mai mare de apeluri API.",
            "second": f"Ultimele patru săptămâni au adus la {ACCOUNT} cu {GROWTH} % mai multe apeluri.",
        },
    },
}

# Nobody knows our number: a text message says who writes, in Hebrew also that it is an advertisement.
TEXTS = {
    "en": {"text": f"{COMPANY}: API calls grew {GROWTH}%. {PLAN} is {PRICE} a month: {{{{ links.offer }}}}"},
    "he": {"text": f"פרסומת, {COMPANY}: קריאות ה־API גדלו ב־{GROWTH}%. {PLAN} ב־{PRICE} לחודש: {{{{ links.offer }}}}"},
    "ro": {"text": f"{COMPANY}: Apelurile API au crescut cu {GROWTH}%. {PLAN}: {PRICE} pe luna: {{{{ links.offer }}}}"},
}


def campaign_file() -> dict[str, Any]:
    return {
        "slug": SLUG,
        "name": "API calls grow",
        "purpose": "MARKETING",
        "topic": "offers",
        "audience": {"segment": SEGMENT},
        "entry": {"reentry": "NEVER"},
        "recipients": {"roles": ["OWNER", "ADMIN", "BILLING"], "per_account": 1},
        "exit_on": ["CONVERTED", "OPTED_OUT", "REFUSED", "GATE_CLOSED"],
        "goal": {"kind": "UPGRADE", "window_days": 14},
        "holdout_percent": 20,
        "offer": {"slug": "next-plan-up", "name": "The next plan up"},
        "limits": {"window": {"from": "08:00", "to": "20:00"}, "send_by_hours": 72, "priority": 45},
        "steps": [
            {
                "key": "mail-1",
                "kind": "MESSAGE",
                "channel": "email",
                "variants": {name: {"weight": 50, "content": mail_content(MAILS[name])} for name in ("a", "b")},
            },
            {"key": "wait-1", "kind": "WAIT", "for": "4d"},
            {
                "key": "looked",
                "kind": "BRANCH",
                "if": {"engagement": "clicked", "step": "mail-1"},
                "then": "end",
                "else": "sms-1",
            },
            {"key": "sms-1", "kind": "MESSAGE", "channel": "sms", "variants": {"a": {"content": TEXTS}}},
            {"key": "end", "kind": "EXIT"},
        ],
    }
