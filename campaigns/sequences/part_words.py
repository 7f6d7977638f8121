"""The parts of a wording as a reader names them: its languages, fields and words from data."""

from __future__ import annotations

from django.utils.translation import gettext as _


def language_name(locale: str) -> str:
    return {"en": _("English"), "he": _("Hebrew"), "ro": _("Romanian")}.get(locale, locale)


def field_name(field: str) -> str:
    names = {
        "subject": _("subject"),
        "title": _("title"),
        "button": _("button"),
        "mjml": _("message"),
        "html": _("message"),
        "text": _("message"),
    }
    return names.get(field, field)


def variable_names() -> dict[str, str]:
    """{dotted name: how it is called} of those that the picker offers."""
    return {
        "contact.first_name": _("First name"),
        "contact.last_name": _("Last name"),
        "account.name": _("Account’s name"),
        "evidence.value": _("Used so far"),
        "evidence.quota": _("The plan’s limit"),
        "evidence.percent": _("Used, in percent"),
        "evidence.meter_name": _("What is counted"),
        "evidence.unit": _("Unit"),
        "evidence.added_28d": _("Added in four weeks"),
        "evidence.projected_hit_date": _("Day the limit is reached"),
        "evidence.plan_name": _("Plan now"),
        "evidence.added": _("Added lately"),
        "evidence.added_since": _("Added since this day"),
        "evidence.growth_percent": _("Growth, in percent"),
        "evidence.value_before": _("Used in the period before"),
        "evidence.window_days": _("Days of the period"),
        "evidence.attempts": _("Attempts"),
        "evidence.feature": _("Feature that was tried"),
        "evidence.first_at": _("First attempt"),
        "offer.new_features": _("Features the plan adds"),
        "evidence.currency": _("Currency of the subscription"),
        "evidence.monthly": _("Price a month, by subscription"),
        "evidence.renews_on": _("Day the plan renews"),
        "evidence.trial_ends_on": _("Day the trial ends"),
        "offer.plan_to": _("Plan offered"),
        "offer.new_monthly": _("Price a month, offered"),
        "offer.old_monthly": _("Price a month, now"),
        "offer.difference": _("Difference a month"),
        "offer.seat_limit_to": _("Seats in the plan offered"),
        "offer.extra_seats": _("Extra seats compared"),
        "offer.extra_seats_cost": _("What they would cost"),
        "offer.extra_seat_price": _("Price of one extra seat"),
        "offer.saves_against_extra_seats": _("Saved against extra seats"),
        "offer.cheaper_than_extra_seats": _("Cheaper than so many extra seats"),
        "offer.valid_until": _("Price valid until"),
        "links.offer": _("Link to the offer"),
    }
