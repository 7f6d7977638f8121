"""Whoever wrote it and whatever it says: who gets marketing sees how to get no more of it."""

from __future__ import annotations

import pytest

from campaigns.delivery import dispatch, in_app, links
from campaigns.delivery.models import InAppMessage
from tests.campaigns.delivery.outside import provider
from tests.factories.delivery import NOW, MessageFactory, ReadyMessageFactory, TemplateVersionFactory

pytestmark = pytest.mark.django_db(transaction=True)

HIDDEN = "{% if false %}<a href='{{ links.unsubscribe }}'>Out</a>{% endif %}"


def written(body, text="", channel="email"):
    page = f"<mjml><mj-body><mj-section><mj-column><mj-text>{body}</mj-text></mj-column></mj-section></mj-body></mjml>"
    fields = {"text": text} if channel == "sms" else {"subject": "Seats", "mjml": page, "text": text}
    return TemplateVersionFactory(template__channel=channel, content={"en": fields})


def sent(message):
    with provider() as outside:
        dispatch.dispatch_due(channel=message.channel, now=NOW, worker="test", seconds=5)
        [mail] = outside.taken
    return mail


@pytest.mark.parametrize("text", ["", "Hello {% if false %}{{ links.unsubscribe }}{% endif %}"])
def test_a_mail_that_hides_its_way_out_goes_with_the_footer(text):
    message = ReadyMessageFactory(template_version=written(f"Hello {HIDDEN}", text))
    # Without the second in which it is signed.
    url = links.unsubscribe_url(message_uuid=message.uuid).rsplit(".", 2)[0]

    mail = sent(message)

    assert f'href="{url}.' in mail.html
    assert f"{url}." in mail.text


def test_a_receipt_needs_no_way_out():
    message = ReadyMessageFactory(template_version=written("Thank you"), purpose="TRANSACTIONAL")

    assert "/u/" not in sent(message).html


def test_a_banner_of_an_earlier_release_is_shown_without_addresses_of_the_page_around_it():
    message = MessageFactory(channel="in_app", state="ACCEPTED", accepted_at=NOW)
    stored = '<div lang="en" dir="ltr"><a href="/logout">x</a><img src="http://a.example/x.png" alt="y"></div>'
    InAppMessage.objects.create(
        message=message, contact=message.contact, kind="banner", html=stored, shown_from=NOW,
        expires_at=NOW + in_app.SHOWN_FOR, place={},
    )  # fmt: skip

    [banner] = in_app.feed(contact=message.contact.external_id, account="", now=NOW) or []

    assert banner.html == '<div lang="en" dir="ltr"><a rel="noopener noreferrer">x</a><img alt="y"></div>'
