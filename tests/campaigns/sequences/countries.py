"""A campaign's texts and their readers in several countries, for the launch review."""

from __future__ import annotations

from campaigns.consent import points
from campaigns.profiles.models import Account, Contact
from campaigns.sequences import check
from tests.factories import sequences as make
from tests.factories.consent import ConsentRecordFactory, ContactPointFactory

PHONES = {"IL": "+972501234567", "RO": "+40721234567", "US": "+12025550123", "DE": "+4915112345678", "JP": "+8190"}
ZONES = {"IL": "Asia/Jerusalem", "RO": "Europe/Bucharest", "US": "America/Chicago", "DE": "Europe/Berlin"}


def somebody(account: Account, country: str, locale: str, *, basis: str = "EXPLICIT", **fields) -> Contact:
    """Who said yes to mail and to text messages."""
    phone = fields.pop("phone", PHONES.get(country, ""))
    known = {"country": country, "time_zone": ZONES.get(country, ""), "phone": phone}
    contact = make.reader(account, locale=locale, **(known | fields))
    for channel in ("email", "sms"):
        if points.hash_of(contact=contact, channel=channel):
            ConsentRecordFactory(point=ContactPointFactory(contact=contact, channel=channel), basis=basis)
    return contact


def mail(subject: str = "Room for more", body: str = make.GREETING, **texts: str) -> dict[str, str]:
    return {"subject": subject, "mjml": make.MJML.format(body), **texts}


def mails(**contents: dict[str, str]) -> dict:
    return {"steps": [{**make.document()["steps"][0], "variants": {"a": {"content": contents}}}]}


def subjects(**written: str) -> dict:
    return mails(**{locale: mail(subject) for locale, subject in written.items()})


def text(**texts: str) -> dict:
    content = {locale: {"text": words} for locale, words in texts.items()}
    step = {"key": "text-1", "kind": "MESSAGE", "channel": "sms", "variants": {"a": {"content": content}}}
    return {"steps": [step]}


def found(**changes) -> dict[str, check.Finding]:
    findings = check.check_campaign(campaign=make.drafted(**changes), now=make.NOW)
    return {finding.code: finding for finding in findings}
