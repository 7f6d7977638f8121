"""A message that names many facts, and people to see it as."""

from __future__ import annotations

from django.urls import reverse

from tests.factories import sequences as make
from tests.factories.consent import ContactPointFactory
from tests.factories.usage import ThresholdCrossingFactory

FACTS = (
    "{{ contact.first_name }} & {{ account.name }}: {{ evidence.value }}, {{ offer.plan_to }} {{ offer.new_monthly }}"
)
MAIL = make.MJML.format(FACTS + ' <a href="{{ links.offer }}">See</a> <a href="https://acme.example/help">Help</a>')
TEXTS = {
    "email": {"subject": f"About {FACTS}", "mjml": MAIL},
    "sms": {"text": FACTS + " {{ links.offer }}"},
    "in_app": {"title": "{{ account.name }}", "body": FACTS, "button": "See {{ offer.plan_to }}", "kind": "banner"},
}


def reader(first, last, *, account, **fields):
    """Near the limit, with a yes to mail and text messages."""
    near = make.account_near_limit(name=account)
    ThresholdCrossingFactory(account=near, meter__code="seats_used", evidence={"value": 9, "limit": 10})
    person = make.reader(near, first_name=first, last_name=last, **{"phone": f"+9725255512{near.pk:02}"[:13], **fields})
    if person.phone:
        ContactPointFactory(contact=person, channel="sms")
    return person


def drafted(channel="email", *, texts=None, **contents):
    """One message step in one wording; `contents` by language, English where nothing is said. Own links stay as
    written: a preview shows where they lead."""
    content = contents or {"en": texts or TEXTS[channel]}
    step = {"key": "first", "kind": "MESSAGE", "channel": channel, "variants": {"a": {"content": content}}}
    return make.drafted(steps=[step], holdout_percent=None, tracking={"clicks": "NEVER"})


def url(campaign, name="preview", **query):
    args = [campaign.slug] if name == "" else [campaign.slug, "first", "a"]
    return reverse(f"admin:studio-campaign{'-' * bool(name)}{name}", args=args, query=query or None)


def frame(client, campaign, **query):
    return client.get(url(campaign, language="en", **query)).content.decode()
