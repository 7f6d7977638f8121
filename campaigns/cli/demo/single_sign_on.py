"""The demo's third campaign: three attempts at single sign-on → a modal the next time somebody tries, five days' wait,
a task for the customer success manager where nobody opened the offer; 20 % held out. In English, Hebrew, Romanian."""

from __future__ import annotations

from typing import Any

SLUG = "sso-attempts"
FEATURE = "sso"
NEEDED_DAYS = 14

SEGMENT: dict[str, Any] = {
    "all": [
        {"field": "account.plan", "op": "=", "value": "team"},
        {
            "event": "premium_feature_attempted",
            "window": "14d",
            "where": [{"property": "feature", "op": "=", "value": FEATURE}],
            "count": {"op": ">=", "value": 3},
        },
    ]
}

PLAN = "{{ offer.plan_to }}"
PRICE = "{{ offer.new_monthly | money: offer.currency }}"
TIMES = {
    "en": '{{ evidence.attempts | plural: "# time", "# times" }}',
    "he": '{{ evidence.attempts | plural: "פעם אחת", "פעמיים", "# פעמים" }}',
    "ro": '{{ evidence.attempts | plural: "o dată", "de # ori", "de # de ori" }}',
}
# The window of the rule as it was when the last of them was counted: by the time somebody reads this, it is past.
UP_TO = '{{ evidence.last_at | date: "long" }}'

MODAL = {
    "en": {
        "kind": "modal",
        "feature": FEATURE,
        "title": f"Single sign-on is part of {PLAN}",
        "body": f"Your team tried it {TIMES['en']} in two weeks. {PLAN} has it and costs {PRICE} a month.",
        "button": f"See {PLAN}",
    },
    "he": {
        "kind": "modal",
        "feature": FEATURE,
        "title": f"כניסה אחידה (SSO) כלולה ב־{PLAN}",
        "body": f"הצוות ניסה אותה {TIMES['he']} בשבועיים. היא כלולה ב־{PLAN}, שעולה {PRICE} לחודש.",
        "button": f"לצפייה ב־{PLAN}",
    },
    "ro": {
        "kind": "modal",
        "feature": FEATURE,
        "title": f"Autentificarea unică (SSO) face parte din {PLAN}",
        "body": f"Echipa a încercat-o {TIMES['ro']} în două săptămâni. {PLAN} o cuprinde și costă {PRICE} pe lună.",
        "button": f"Vedeți {PLAN}",
    },
}

TASK = {
    "en": {
        "title": "Call {{ account.name }} about single sign-on",
        "text": f"They tried single sign-on {TIMES['en']} in the two weeks up to {UP_TO} and did not open the offer. "
        f"Ask who wants it and why. {PLAN} has it: {PRICE} a month, {{{{ offer.difference | money: offer.currency }}}} "
        "more than today.",
    },
    "he": {
        "title": "שיחה עם {{ account.name }} על כניסה אחידה (SSO)",
        "text": f"ניסו את הכניסה האחידה {TIMES['he']} בשבועיים שעד {UP_TO} ולא פתחו את ההצעה. "
        f"כדאי לברר מי צריך אותה ולמה. היא כלולה ב־{PLAN}: {PRICE} לחודש.",
    },
    "ro": {
        "title": "Sunați la {{ account.name }} despre autentificarea unică (SSO)",
        "text": f"Au încercat autentificarea unică {TIMES['ro']} în cele două săptămâni până la {UP_TO} "
        f"și nu au deschis oferta. Întrebați cine o dorește și de ce. {PLAN} o cuprinde: {PRICE} pe lună.",
    },
}


def campaign_file() -> dict[str, Any]:
    return {
        "slug": SLUG,
        "name": "Single sign-on tried",
        "purpose": "MARKETING",
        "topic": "offers",
        "audience": {"segment": SEGMENT},
        "entry": {"reentry": "NEVER"},
        "recipients": {"roles": ["OWNER", "ADMIN"], "per_account": 1},
        "exit_on": ["CONVERTED", "OPTED_OUT", "REFUSED", "GATE_CLOSED"],
        "goal": {"kind": "UPGRADE", "window_days": 14},
        "holdout_percent": 20,
        "offer": {"slug": "next-plan-up", "name": "The next plan up"},
        "limits": {"send_by_hours": 168, "priority": 60},
        "steps": [
            {"key": "modal-1", "kind": "MESSAGE", "channel": "in_app", "variants": {"a": {"content": MODAL}}},
            {"key": "wait-1", "kind": "WAIT", "for": "5d"},
            {
                "key": "looked",
                "kind": "BRANCH",
                "if": {"engagement": "clicked", "step": "modal-1"},
                "then": "end",
                "else": "call",
            },
            {"key": "call", "kind": "MESSAGE", "channel": "csm_task", "variants": {"a": {"content": TASK}}},
            {"key": "end", "kind": "EXIT"},
        ],
    }
