"""Whatever a CRM holds or a marketer writes runs nowhere and reads nothing, wherever it comes out."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
import time_machine

from campaigns.delivery import dispatch
from campaigns.delivery.models import CsmTask, InAppMessage
from campaigns.offers import links
from campaigns.profiles.models import Account, Contact
from campaigns.sequences import snippets, wording
from orchestrator import clock
from orchestrator.channels import registry
from orchestrator.templating import liquid, message
from orchestrator.templating.errors import TemplateError
from tests.campaigns.offers.outside import billing_in_memory
from tests.factories.delivery import NOW, CsmTaskFactory, MessageFactory, ReadyMessageFactory, TemplateVersionFactory
from tests.factories.offers import quote_with_reader
from tests.factories.profiles import AccountFactory, ContactFactory, MembershipFactory
from tests.journeys.hostile_words import (
    FORMULAS,
    HEADERS,
    MARKUP,
    ON_PAGES,
    PLAIN,
    SECRET,
    TEMPLATES,
    WORDS,
    bones,
    read,
    reads_nothing,
    runs_something,
)

every_word = pytest.mark.parametrize("words", WORDS, ids=ascii)
NAMES = "{{ contact.first_name }}|{{ account.name }}"
MAIL = {
    "subject": f"For {NAMES}",
    "mjml": (
        f"<mjml><mj-head><mj-title>{NAMES}</mj-title><mj-preview>{NAMES}</mj-preview></mj-head><mj-body><mj-section>"
        f'<mj-column><mj-text><a href="https://example.com/?n={{{{ contact.first_name }}}}" title="{NAMES}">{NAMES}</a>'
        "{{ contact.first_name | upcase }}{{ contact.first_name | isolate }}{% capture c %}{{ account.name }}"
        "{% endcapture %}{{ c }}</mj-text>"
        f'<mj-button href="{{{{ links.unsubscribe }}}}">{NAMES}</mj-button></mj-column></mj-section></mj-body></mjml>'
    ),
}
BANNER = {"title": NAMES, "html": f'<p title="{NAMES}">{NAMES}</p><a href="https://example.com/{NAMES}">x</a>'}


@pytest.fixture
def marketer(client, django_user_model):
    client.force_login(django_user_model.objects.create_superuser("maria", "maria@acme.example", "pw"))
    with time_machine.travel(NOW, tick=False):
        yield client


def people(words):
    """A contact and an account that are called so, on one membership."""
    contact = ContactFactory(first_name=words, last_name="Levi", phone="+972502345678")
    return MembershipFactory(contact=contact, account=AccountFactory(name=words))


def planned(channel, texts, words):
    member = people(words)
    version = TemplateVersionFactory(template__channel=channel, content={"en": texts})
    return ReadyMessageFactory(
        channel=channel,
        template_version=version,
        contact=member.contact,
        account=member.account,
        point__address_hash=member.contact.phone_hash if channel == "sms" else member.contact.email_hash,
    )


def sent(channel, texts, words):
    """What the provider is handed for people who are called so."""
    outbox = registry.outbox(channel)
    outbox.clear()
    wanted = planned(channel, texts, words)
    dispatch.dispatch_due(channel=channel, now=NOW, worker="tests")
    wanted.refresh_from_db()
    assert wanted.state == "ACCEPTED", (wanted.state, wanted.reason)
    [one] = outbox.sent
    outbox.clear()
    return one


# --- what a CRM field holds


@pytest.fixture(scope="module")
def plain_mail(django_db_setup, django_db_blocker):
    compiled = message.compile_email(**MAIL)
    return message.render_email(compiled, facts(PLAIN)).html


def facts(words):
    return {
        "contact": {"first_name": words, "email": "dana@example.com"},
        "account": {"name": words},
        "links": {"unsubscribe": "https://example.com/u/1"},
    }


@every_word
def test_a_name_stays_a_name_in_a_mails_every_part(words, plain_mail):
    made = message.render_email(message.compile_email(**MAIL), facts(words))
    assert bones(made.html) == bones(plain_mail)
    assert not runs_something(made.html)
    assert reads_nothing(f"{made.html}{made.text}{made.subject}".replace(f"{words}", ""))
    assert words.split()[0] in "".join(read(made.html).words)


@pytest.mark.django_db
@pytest.mark.parametrize("words", [*HEADERS, *TEMPLATES[:3], *MARKUP[:2]], ids=ascii)
def test_a_name_reaches_the_provider_in_one_subject_line_and_no_header(words):
    one = sent("email", MAIL, words)
    assert not set(one.subject) & set("\r\n\x0b\x85\u2028\u2029\x00")
    assert set(one.headers) == {"List-Unsubscribe", "List-Unsubscribe-Post"}
    assert not any(set(value) & set("\r\n") for value in one.headers.values())
    assert reads_nothing(f"{one.subject}{one.text}".replace(words, ""))


@pytest.mark.django_db
@pytest.mark.parametrize("words", [*TEMPLATES[:9], *MARKUP[:3], *HEADERS[:2]], ids=ascii)
def test_a_name_is_only_text_in_an_sms(words):
    one = sent("sms", {"text": "Hi {{ contact.first_name }}"}, words)
    assert one.html == ""
    assert " ".join(one.text.split()).startswith(" ".join(f"Hi {words}".split()))


@every_word
def test_a_name_stays_a_name_in_an_in_app_message(words):
    compiled = message.compile_in_app(**BANNER)
    made, plain = (message.render_in_app(compiled, facts(one)) for one in (words, PLAIN))
    assert bones(made.html) == bones(plain.html)
    assert not runs_something(made.html)
    assert reads_nothing(f"{made.html}{made.subject}")


@pytest.mark.django_db
@pytest.mark.parametrize("words", ON_PAGES[:-1], ids=ascii)
def test_what_the_feed_holds_runs_nothing(words):
    wanted = planned("in_app", BANNER, words)
    dispatch.dispatch_due(channel="in_app", now=NOW, worker="tests")
    shown = InAppMessage.objects.get(message=wanted).html
    assert not runs_something(shown)
    assert reads_nothing(shown)


@pytest.mark.django_db
@pytest.mark.parametrize("words", ON_PAGES[:-1], ids=ascii)
def test_a_task_shows_a_name_as_it_is(words, marketer):
    wanted = planned("csm_task", {"title": "Call {{ account.name }}", "text": "Ask {{ contact.first_name }}"}, words)
    dispatch.dispatch_due(channel="csm_task", now=NOW, worker="tests")
    task = CsmTask.objects.get(message=wanted)
    assert task.title == f"Call {words}"
    page = f"/admin/studio/tasks/{task.pk}/"
    hostile = marketer.get(page).content.decode()
    _rename(task=task, to=PLAIN)
    assert bones(hostile) == bones(marketer.get(page).content.decode())
    assert reads_nothing(hostile)


def _rename(*, task, to):
    Contact.objects.filter(pk=task.contact_id).update(first_name=to)
    Account.objects.filter(pk=task.account_id).update(name=to)
    CsmTask.objects.filter(pk=task.pk).update(title=f"Call {to}", body=f"Ask {to}")


@pytest.mark.django_db
@pytest.mark.parametrize("words", ON_PAGES, ids=ascii)
def test_a_name_stays_a_name_on_the_contacts_page_and_in_its_list(words, marketer):
    member = people(words)
    MessageFactory(contact=member.contact, account=member.account)
    pages = ["/admin/studio/contacts/", f"/admin/studio/contacts/{member.contact.pk}/"]
    hostile = [marketer.get(page).content.decode() for page in pages]
    Contact.objects.filter(pk=member.contact.pk).update(first_name=PLAIN)
    Account.objects.filter(pk=member.account.pk).update(name=PLAIN)
    plain = [marketer.get(page).content.decode() for page in pages]
    assert [bones(page) for page in hostile] == [bones(page) for page in plain]
    assert all(reads_nothing(page) for page in hostile)


@pytest.mark.django_db
@pytest.mark.parametrize("words", ON_PAGES, ids=ascii)
def test_a_name_stays_a_name_on_the_offers_page(words, client):
    with billing_in_memory():
        quote, contact_id = quote_with_reader(valid_until=clock.utcnow() + timedelta(days=30))
        path = links.offer_url(quote_uuid=quote.uuid, contact_id=contact_id).removeprefix("http://127.0.0.1:8000")
        made = []
        for name in (words, PLAIN):
            Contact.objects.filter(pk=contact_id).update(first_name=name)
            Account.objects.filter(pk=quote.account_id).update(name=name)
            made.append(client.get(path).content.decode())
    assert bones(made[0]) == bones(made[1])
    assert reads_nothing(made[0])


@pytest.mark.django_db
@pytest.mark.parametrize("words", FORMULAS, ids=ascii)
@pytest.mark.parametrize("file", ["contacts/contacts.csv", "tasks/tasks.csv"])
def test_no_cell_of_a_file_is_a_formula(words, file, marketer):
    member = people(words)
    CsmTaskFactory(message__contact=member.contact, message__account=member.account, title=words)
    written = b"".join(marketer.get(f"/admin/studio/{file}")).decode("utf-8-sig")
    head, row = csv.reader(io.StringIO(written, newline=""))
    assert len(row) == len(head)
    assert any(words in cell for cell in row)
    assert not [cell for cell in row if cell.startswith(("=", "@", "\t", "\r", "\n"))]
    assert not [cell for cell in row if cell.startswith(("+", "-")) and not cell[1:].isdecimal()]


# --- what a marketer writes


@pytest.mark.django_db
@pytest.mark.parametrize("words", [*MARKUP, *TEMPLATES[:9]], ids=ascii)
def test_a_snippet_in_a_mail_runs_nothing(words):
    snippets.save(slug="sign-off", name="Sign-off", content={"en": words}, by="maria", now=NOW)
    body = "{% include 'sign-off' %}"
    mjml = (
        "<mjml><mj-body><mj-section><mj-column><mj-text>"
        f'<a href="{body}" title="{body}">{body}</a></mj-text></mj-column></mj-section></mj-body></mjml>'
    )
    content = {"en": {"subject": body, "mjml": mjml}}
    whole = wording.delivery_content(channel="email", content=content, has_offer=False)["en"]
    made = _or_refused(lambda: message.compile_email(**whole), message.render_email)
    assert not runs_something(made)
    assert SECRET not in made
    assert "root:" not in made


@pytest.mark.parametrize("words", [*TEMPLATES, *MARKUP], ids=ascii)
def test_what_a_marketer_writes_into_a_mail_is_refused_or_runs_nothing(words):
    for source in (
        f"<mj-text>{words}</mj-text>",
        f'<mj-text><a href="{words}">x</a></mj-text>',
        f"<mj-button href='{words}'>x</mj-button>",
        f"<mj-raw>{words}</mj-raw>",
        f"<mj-table>{words}</mj-table>",
    ):
        mjml = f"<mjml><mj-body><mj-section><mj-column>{source}</mj-column></mj-section></mj-body></mjml>"
        made = _or_refused(lambda mjml=mjml: message.compile_email(subject="x", mjml=mjml), message.render_email)
        assert not runs_something(made)
        assert SECRET not in made


@pytest.mark.parametrize("words", [*TEMPLATES, *MARKUP], ids=ascii)
def test_what_a_marketer_writes_into_an_in_app_message_runs_nothing(words):
    for source in (words, f"<p>{words}</p>", f'<a href="{words}">x</a>', f"<p title='{words}'>x</p>"):
        made = _or_refused(lambda source=source: message.compile_in_app(html=source), message.render_in_app)
        assert not runs_something(made)
        assert SECRET not in made


@pytest.mark.parametrize("words", HEADERS, ids=ascii)
def test_a_subject_a_marketer_writes_is_one_line(words):
    made = message.render_email(message.compile_email(**{**MAIL, "subject": words}), facts(PLAIN))
    assert not set(made.subject) & set("\r\n\x0b\x85\u2028\u2029")


@pytest.mark.parametrize(
    "source", ["{{ settings.SECRET_KEY }}", "{{ contact.__class__ }}", "{{ request.user }}", "{{ [settings] }}"]
)
def test_a_template_reads_nothing_beyond_its_context(source):
    with pytest.raises(TemplateError):
        liquid.render(source, facts(PLAIN), html=True, locale="en")


def _or_refused(make, render):
    try:
        return render(make(), facts(PLAIN)).html
    except TemplateError:
        return ""
