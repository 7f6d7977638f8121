from __future__ import annotations

from datetime import UTC, datetime, timedelta

import factory

from campaigns.delivery import content
from campaigns.delivery.models import Message, SendGate, Template, TemplateVersion
from tests.factories.consent import ConsentTopicFactory, ContactPointFactory
from tests.factories.profiles import AccountFactory, ContactFactory

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)

MAIL = {
    "en": {
        "subject": "{{ account.name }} is close to its limit",
        "mjml": (
            "<mjml><mj-body><mj-section><mj-column><mj-text>Hello {{ contact.first_name }}."
            "</mj-text></mj-column></mj-section></mj-body></mjml>"
        ),
    }
}
BANNER = {
    "en": {
        "title": "{{ account.name }} is close to its limit",
        "body": "Hello {{ contact.first_name }}.",
        "button": "See the plan",
    }
}


class SendGateFactory(factory.django.DjangoModelFactory):
    """Open, without a send window; makes sure that its topic exists."""

    class Meta:
        model = SendGate
        django_get_or_create = ("slug",)

    slug = factory.Sequence(lambda n: f"campaign-{n}")
    state = SendGate.State.OPEN
    topic = factory.LazyFunction(lambda: ConsentTopicFactory().slug)
    changed_at = NOW


class TemplateFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Template

    slug = factory.Sequence(lambda n: f"template-{n}")
    name = "Close to the limit"
    channel = "email"


class TemplateVersionFactory(factory.django.DjangoModelFactory):
    """Compiled the way the product does it. `template__channel="in_app"` gives a banner."""

    class Meta:
        model = TemplateVersion

    template = factory.SubFactory(TemplateFactory)
    number = 1
    content = factory.LazyAttribute(lambda new: MAIL if new.template.channel == "email" else BANNER)
    compiled = factory.LazyAttribute(
        lambda new: content.compile_content(channel=new.template.channel, content=new.content)
    )
    created_at = NOW


class MessageFactory(factory.django.DjangoModelFactory):
    """A marketing e-mail that is due at NOW to a contact who may be written to."""

    class Meta:
        model = Message

    gate = factory.SubFactory(SendGateFactory)
    contact = factory.SubFactory(ContactFactory)
    account = factory.SubFactory(AccountFactory)
    channel = "email"
    point = factory.SubFactory(
        ContactPointFactory, contact=factory.SelfAttribute("..contact"), channel=factory.SelfAttribute("..channel")
    )
    template_version = factory.SubFactory(TemplateVersionFactory, template__channel=factory.SelfAttribute("...channel"))
    locale = "en"
    context = factory.LazyAttribute(lambda new: {"account": {"name": new.account.name if new.account else ""}})
    origin_campaign = factory.LazyAttribute(lambda new: new.gate.slug)
    origin_step = "mail-1"
    account_revision = factory.LazyAttribute(lambda new: new.account.revision if new.account else 0)
    dedupe_key = factory.Sequence(lambda n: f"message-{n}")
    planned_at = NOW
    due_at = NOW
    send_by = NOW + timedelta(days=2)


class ReadyMessageFactory(MessageFactory):
    """The same, already made ready: a dispatch at NOW claims it."""

    state = Message.State.READY
    next_at = datetime(2020, 1, 1, tzinfo=UTC)
