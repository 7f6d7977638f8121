"""The links that a marketer wrote go by way of us: stored when launched, known when clicked."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.conf import settings as configured

from campaigns.delivery import claim, feedback, links, render, timeline
from campaigns.delivery.models import LinkTarget, Message, ProviderEvent
from campaigns.sequences import tracking
from orchestrator import clock
from orchestrator.channels import registry
from tests.factories import sequences as make
from tests.factories.delivery import NOW as SENT
from tests.factories.delivery import MessageFactory, TemplateVersionFactory

pytestmark = pytest.mark.django_db

NOW = make.NOW
BLOG, DOCS = "https://blog.example/seats?a=1&b=2", "https://docs.example/teams"
BODY = (
    '<mjml><mj-body><mj-section><mj-column><mj-text>Hi <a href="https://blog.example/seats?a=1&amp;b=2">blog</a> '
    '<a href="https://docs.example/teams">docs</a> <a href="{{ links.unsubscribe }}">no</a></mj-text>'
    "</mj-column></mj-section></mj-body></mjml>"
)
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
TOKEN = re.compile(r"/c/([\w.\-]+)")


def steps():
    found = make.document()["steps"]
    for variant in found[0]["variants"].values():
        variant["content"]["en"] |= {"mjml": BODY}
    return found


def launched(**changes):
    make.market()
    for _ in range(3):
        make.ready_account()
    return make.launched(steps=steps(), holdout_percent=None, **changes)


def mail(**changes):
    """Of a wording with both links."""
    made = tracking.by_way_of_us(channel="email", content={"en": {"subject": "Hi", "mjml": BODY}})
    version = changes.pop("template_version", None) or TemplateVersionFactory(content=made)
    return MessageFactory(template_version=version, state="ACCEPTED", accepted_at=SENT, **changes)


def shown():
    """The first mail of the campaign, as its reader sees it."""
    return render.render_for_view(message=Message.objects.filter(channel="email")[0]).html


def own_paths(html):
    """Of the links to our redirect; the offer's, where there is one, is among them."""
    return [f"/c/{token}" for token in TOKEN.findall(html)]


def test_a_launched_mail_leads_to_the_marketers_pages_by_way_of_us(client):
    launched()
    html = shown()

    assert BLOG.replace("&", "&amp;") not in html
    assert "blog.example" not in html
    led = {client.get(path)["Location"] for path in own_paths(html)}
    assert {BLOG, DOCS} <= led
    assert set(LinkTarget.objects.values_list("url", flat=True)) == {BLOG, DOCS}


def test_the_way_out_is_never_redirected():
    html = render.render_for_view(message=mail()).html
    assert f"{configured.PUBLIC_BASE_URL}/u/" in html


def test_a_campaign_may_leave_its_links_as_they_are_written():
    launched(tracking={"clicks": "NEVER"})
    html = shown()
    assert 'href="https://docs.example/teams"' in html
    assert not LinkTarget.objects.exists()


def test_a_click_is_a_fact_of_the_message(client):
    message = mail(delivered_at=SENT)
    path = own_paths(render.render_for_view(message=message).html)[0]

    client.get(path, headers={"User-Agent": BROWSER})

    event = ProviderEvent.objects.get()
    assert (event.type, event.message, event.url) == ("CLICKED", message.uuid, BLOG)
    feedback.apply_feedback(now=clock.utcnow(), wall_now=clock.wall_now())
    assert ProviderEvent.objects.get().applied_at is not None


def test_who_opens_every_link_at_once_is_a_scanner(client):
    again = '<a href="https://third.example/">third</a>'
    made = tracking.by_way_of_us(
        channel="email", content={"en": {"subject": "Hi", "mjml": BODY.replace("Hi ", f"Hi {again} ")}}
    )
    wall_now = clock.wall_now()
    message = mail(template_version=TemplateVersionFactory(content=made), delivered_at=wall_now - timedelta(hours=1))
    for path in own_paths(render.render_for_view(message=message).html):
        client.get(path, headers={"User-Agent": BROWSER})

    feedback.apply_feedback(now=clock.utcnow(), wall_now=wall_now)

    assert list(ProviderEvent.objects.values_list("grade", flat=True)) == ["SCANNER"] * 3
    message.refresh_from_db()
    assert message.clicked_at is None


def test_a_link_of_a_message_that_is_no_longer_kept_still_leads_there(client):
    message = mail()
    path = own_paths(render.render_for_view(message=message).html)[0]
    message.delete()

    assert client.get(path)["Location"] == BLOG
    assert not ProviderEvent.objects.exists()


@pytest.mark.parametrize(
    "spoil", [lambda path: path[:-1], lambda path: path.replace("/c/", "/c/A"), lambda path: "/c/x"]
)
def test_a_link_that_nobody_made_leads_nowhere(client, spoil):
    path = own_paths(render.render_for_view(message=mail()).html)[0]
    assert client.get(spoil(path)).status_code == 404


def test_mails_of_one_wording_still_share_a_request_each_with_links_of_its_own(settings):
    settings.SENDGRID_API_KEY = ""
    outbox = registry.outbox("email")
    outbox.clear()
    first = mail()
    second = mail(template_version=first.template_version, gate=first.gate)
    Message.objects.update(state="READY", accepted_at=None, next_at=SENT - timedelta(days=1))
    held = claim.claim_messages(channel="email", size=2, worker="tests", wall_now=clock.wall_now())

    outgoing, failed = render.render_held(held=held, slot_bytes=10_000)

    assert not failed
    assert {one.held.id for one in outgoing} == {first.pk, second.pk}
    assert len({one.message.html for one in outgoing}) == 1
    for one in outgoing:
        values = set(one.message.slots.values())
        wanted = links.own_urls(message_id=one.held.id, version_id=first.template_version_id)
        assert len(wanted) == 2
        assert set(wanted.values()) <= values


def test_a_text_message_keeps_a_link_that_would_get_longer():
    long = f"https://blog.example/{'seats/' * 20}"
    texts = {"en": {"text": f"See {DOCS}, or {long}."}}

    made = tracking.by_way_of_us(channel="sms", content=texts)["en"]["text"]

    number = LinkTarget.objects.get(url=long).pk
    assert made == f"See {DOCS}, or {{{{ links.to_{number} }}}}."


@pytest.mark.parametrize(
    "markup",
    [
        '<mj-font name="x" href="https://fonts.example/css" />',
        '<a href="https://x.example/{{ account.name }}">x</a>',
        '<a href="mailto:a@b.example">x</a>',
        '<a href="https://[x/">x</a>',
        f'<a href="{configured.PUBLIC_BASE_URL}/about">x</a>',
    ],
    ids=["a font", "written by Liquid", "no page", "no host", "ours already"],
)
def test_what_is_no_link_of_the_marketers_stays(markup):
    content = {"en": {"subject": "s", "mjml": markup}}
    assert tracking.by_way_of_us(channel="email", content=content) == content


def test_the_same_wording_launched_again_is_the_same():
    content = {"en": {"subject": "s", "mjml": BODY}}
    assert tracking.by_way_of_us(channel="email", content=content) == tracking.by_way_of_us(
        channel="email", content=content
    )


def test_a_headline_of_a_text_with_own_links_can_be_read():
    long = f"https://blog.example/{'seats/' * 20}"
    made = tracking.by_way_of_us(channel="sms", content={"en": {"text": f"See {long}"}})
    version = TemplateVersionFactory(template__channel="sms", content=made)
    message = MessageFactory(channel="sms", contact__phone="+972501234567", template_version=version)

    assert timeline.headlines(messages=[message]) == {message.pk: "See …"}
