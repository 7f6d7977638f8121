from __future__ import annotations

from datetime import UTC, datetime, timedelta

import factory

from campaigns.delivery import content
from campaigns.delivery.models import CsmTask, Message, SendGate, Template, TemplateVersion
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

TASK = {"en": {"title": "Call {{ account.name }}", "text": "Ask {{ contact.first_name }} about more seats."}}
CONTENT = {"email": MAIL, "in_app": BANNER, "csm_task": TASK}


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
    content = factory.LazyAttribute(lambda new: CONTENT.get(new.template.channel, BANNER))
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
    window_start = factory.SelfAttribute("gate.window_start")
    window_end = factory.SelfAttribute("gate.window_end")
    planned_at = NOW
    due_at = NOW
    send_by = NOW + timedelta(days=2)


class ReadyMessageFactory(MessageFactory):
    """The same, already made ready: a dispatch at NOW claims it."""

    state = Message.State.READY
    next_at = datetime(2020, 1, 1, tzinfo=UTC)


class CsmTaskFactory(factory.django.DjangoModelFactory):
    """Open, made at NOW by a message that was delivered then, due in two days."""

    class Meta:
        model = CsmTask

    message = factory.SubFactory(
        MessageFactory,
        channel="csm_task",
        state=Message.State.ACCEPTED,
        accepted_at=NOW,
        delivered_at=NOW,
        ended_at=NOW,
    )
    account = factory.SelfAttribute("message.account")
    contact = factory.SelfAttribute("message.contact")
    title = factory.LazyAttribute(lambda new: f"Call {new.account.name}")
    body = "Ask about more seats."
    added_at = NOW
    due_at = NOW + timedelta(days=2)
