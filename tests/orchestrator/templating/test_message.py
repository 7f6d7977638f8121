from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.templating import message, slots
from orchestrator.templating.errors import TemplateError
from orchestrator.templating.footer import add_footer, complete_mail

MJML = """<mjml><mj-body><mj-section><mj-column>
<mj-text>Hi {{ contact.first_name | default: "friend" }},
you use {{ evidence.used }} of {{ evidence.quota }} seats.</mj-text>
<mj-button href="{{ links.offer }}">See the Team plan</mj-button>
</mj-column></mj-section></mj-body></mjml>"""
FACTS = {
    "contact": {"first_name": "Dana & <Co>"},
    "evidence": {"used": 9, "quota": 10},
    "links": {
        "offer": "https://acme.test/o/token?a=1&b=2",
        "unsubscribe": "https://acme.test/u/token",
        "preferences": "https://acme.test/p/token",
    },
}


def compiled(**changes):
    return message.compile_email(**({"subject": "{{ evidence.used }} seats", "mjml": MJML, "locale": "en"} | changes))


def test_a_mail_is_rendered_for_its_contact():
    mail = message.render_email(compiled(), FACTS)
    assert mail.subject == "9 seats"
    assert "Hi Dana &amp; &lt;Co&gt;,\nyou use 9 of 10 seats." in mail.html
    assert 'href="https://acme.test/o/token?a=1&amp;b=2"' in mail.html


def test_the_plain_part_is_readable_and_keeps_its_links():
    mail = message.render_email(compiled(), FACTS)
    assert mail.text == (
        "Hi Dana & <Co>, you use 9 of 10 seats.\n\nSee the Team plan (https://acme.test/o/token?a=1&b=2)"
    )


def test_a_plain_part_of_ones_own_is_kept():
    mail = message.render_email(compiled(text="Hello {{ contact.first_name }}"), FACTS)
    assert mail.text == "Hello Dana & <Co>"


def test_a_subject_is_one_line_whatever_a_name_holds():
    facts = FACTS | {"contact": {"first_name": "Eve\r\nBcc: all@example.test\x00"}}
    mail = message.render_email(compiled(subject="For {{ contact.first_name }}"), facts)
    assert mail.subject == "For Eve Bcc: all@example.test"


def test_a_missing_fact_is_an_error_before_sending():
    with pytest.raises(TemplateError) as caught:
        message.render_email(compiled(), {"links": FACTS["links"], "evidence": {"used": 9}})
    assert caught.value.variable == "evidence.quota"


@pytest.mark.parametrize("part", ["subject", "mjml", "text"])
def test_a_mistake_in_any_part_stops_the_compilation(part):
    with pytest.raises(TemplateError):
        compiled(**{part: "{{ x | nonsense }}"})


def test_an_in_app_message_keeps_words_and_links_only():
    made = message.compile_in_app(
        html='<h3 class="x" style="color:red">Hi {{ contact.first_name }}</h3><script>alert(1)</script>'
        '<style>p{}</style><p onclick="x()">{% if evidence.used > 8 %}Nearly full{% endif %}</p>'
        '<a href="{{ links.offer }}" target="_top">Look</a><a href="javascript:x">bad</a><form>f</form>'
    )
    shown = message.render_in_app(made, FACTS).html
    assert shown == (
        '<div lang="en" dir="ltr">'
        "<h3>Hi Dana &amp; &lt;Co&gt;</h3><p>Nearly full</p>"
        '<a href="https://acme.test/o/token?a=1&amp;b=2" rel="noopener noreferrer">Look</a>'
        '<a rel="noopener noreferrer">bad</a>f</div>'
    )


def test_a_value_cannot_become_an_address_that_runs():
    made = message.compile_in_app(html='<a href="{{ contact.website }}">x</a>')
    shown = message.render_in_app(made, {"contact": {"website": "javascript:alert(1)"}}).html
    assert "javascript" not in shown


@pytest.mark.parametrize(
    "html",
    [
        '<a href="//evil.example">x</a>',
        '<a href="/logout">x</a>',
        '<a href="#top">x</a>',
        '<img src="http://acme.test/x.png" alt="">',
        '<img src="/x.png" alt="">',
    ],
)
def test_an_in_app_message_is_not_saved_with_an_address_that_its_page_would_refuse(html):
    with pytest.raises(TemplateError) as caught:
        message.compile_in_app(html=html)
    assert caught.value.code == "BAD_ADDRESS"


@pytest.mark.parametrize("value", ["//evil.example", "/logout", "#top", "java\tscript:alert(1)"])
def test_a_value_cannot_become_an_address_of_the_page_around(value):
    made = message.compile_in_app(html='<a href="{{ contact.website }}">x</a><img src="{{ contact.website }}" alt="y">')
    shown = message.render_in_app(made, {"contact": {"website": value}}).html
    assert "href" not in shown
    assert "src" not in shown


def test_a_fragment_that_was_stored_keeps_whole_addresses_only():
    stored = '<div lang="he" dir="rtl"><p><a href="/logout">x</a><a href="https://acme.test/o">y</a></p></div>'
    assert message.clean_fragment(stored) == (
        '<div lang="he" dir="rtl"><p><a rel="noopener noreferrer">x</a>'
        '<a href="https://acme.test/o" rel="noopener noreferrer">y</a></p></div>'
    )


WITH_DEFAULT = '<a href="{{ links.home | default: contact.first_name }}">x</a>'
WITHOUT_LINK = '<a href="{{ links.home }}{{ contact.first_name }}">x</a>'


@pytest.mark.parametrize("link", [WITH_DEFAULT, WITHOUT_LINK.replace("links.home }}", "links.home | default: '' }}")])
@pytest.mark.parametrize(
    "value", ["javascript:alert(1)", " JavaScript:x", "java\nscript:x", "data:text/html,x", "vbscript:x"]
)
@pytest.mark.parametrize("render", [message.render_email, slots.render_whole, slots.render_slotted])
def test_no_value_makes_a_mails_link_run_something(link, value, render):
    made = compiled(mjml=MJML.replace("you use", link))
    with pytest.raises(TemplateError) as caught:
        render(made, FACTS | {"contact": {"first_name": value}})
    assert caught.value.code == "BAD_ADDRESS"
    assert value not in str(caught.value)


def test_a_value_that_is_a_web_address_may_stand_for_a_link():
    made = compiled(mjml=MJML.replace("you use", WITH_DEFAULT))
    mail = message.render_email(made, FACTS | {"contact": {"first_name": "https://acme.test/x"}})
    assert 'href="https://acme.test/x"' in mail.html


def test_an_in_app_message_says_its_language_and_direction():
    made = message.compile_in_app(html="<p>שלום {{ contact.first_name }}</p>", locale="he")
    assert message.render_in_app(made, FACTS).html.startswith('<div lang="he" dir="rtl"><p>שלום Dana')


@given(value=st.text(min_size=1))
def test_no_value_brings_an_element_into_an_in_app_message(value):
    made = message.compile_in_app(html='<p title="{{ v }}">{{ v }}</p>')
    shown = message.render_in_app(made, {"v": value}).html
    assert shown.count("<") == 4  # the paragraph and the frame that says the language


def test_a_text_message_is_not_escaped():
    made = message.compile_text(text="Hi {{ contact.first_name }}\n\n\n\n{{ links.offer }}")
    assert message.render_text(made, FACTS).text == "Hi Dana & <Co>\n\nhttps://acme.test/o/token?a=1&b=2"


@pytest.mark.parametrize(
    ("locale", "words", "direction"),
    [
        ("en", "Unsubscribe", "ltr"),
        ("he", "הסרה מרשימת התפוצה", "rtl"),
        ("ro", "Dezabonare", "ltr"),
        ("fr", "Unsubscribe", "ltr"),
    ],
)
def test_a_mail_without_a_way_out_gets_a_footer(locale, words, direction):
    made = add_footer(compiled(locale=locale), sender_name="Acme", postal_address="1 Test Street, Haifa")
    mail = message.render_email(made, FACTS)
    assert f'dir="{direction}" style="margin:0 auto' in mail.html
    assert f">{words}</a>" in mail.html
    assert mail.html.index('href="https://acme.test/u/token"') < mail.html.index("</body>")
    assert "Acme, 1 Test Street, Haifa" in mail.html
    assert f"{words}: https://acme.test/u/token" in mail.text
    assert 'href="https://acme.test/p/token"' in mail.html
    assert ": https://acme.test/p/token" in mail.text


def test_a_mail_with_its_own_way_out_and_the_postal_address_stays_as_it_is():
    own = MJML.replace("{{ links.offer }}", "{{ links.unsubscribe }}").replace(
        "</mj-text>", " 1 Test\nStreet</mj-text>", 1
    )
    made = compiled(mjml=own)
    assert add_footer(made, sender_name="Acme", postal_address="1 Test Street") == made


def test_a_mail_with_its_own_way_out_gets_the_postal_address_that_it_lacks():
    own = MJML.replace("{{ links.offer }}", "{{ links.unsubscribe }}")
    made = add_footer(compiled(mjml=own), sender_name="Acme", postal_address="1 Test Street & Co")
    mail = message.render_email(made, FACTS)
    assert mail.html.count("Acme, 1 Test Street &amp; Co") == 1
    assert mail.text.endswith("--\nAcme, 1 Test Street & Co")
    assert mail.html.count('href="https://acme.test/u/token"') == 1


URLS = {"unsubscribe": "https://acme.test/u/token", "preferences": "https://acme.test/p/token"}
HIDDEN = [
    "{% if links.unsubscribe %}Hello{% endif %}",
    '{% if false %}<a href="{{ links.unsubscribe }}">Out</a>{% endif %}',
    '<a href="{{ links.unsubscribe }}"> <b></b></a>',
    '<a href="{{ links.unsubscribe | size }}">Out</a>',
]


@pytest.mark.parametrize("hidden", HIDDEN)
def test_a_finished_mail_has_a_way_out_to_see_whatever_its_author_wrote(hidden):
    made = compiled(mjml=MJML.replace("you use", hidden + "you use"))
    sent = message.render_email(add_footer(made, sender_name="Acme", postal_address="1 {Test} Street"), FACTS)
    complete = complete_mail(sent, urls=URLS, locale="he", sender_name="Acme", postal_address="1 {Test} Street")
    assert '<a href="https://acme.test/u/token" style="color:#5b6472' in complete.html
    assert "הסרה מרשימת התפוצה: https://acme.test/u/token" in complete.text or "acme.test/u/token" in sent.text
    assert "{{" not in complete.html + complete.text


def test_a_finished_mail_that_shows_its_way_out_is_left_alone():
    sent = message.render_email(add_footer(compiled(), sender_name="Acme", postal_address="1 Test Street"), FACTS)
    assert complete_mail(sent, urls=URLS, locale="en", sender_name="A", postal_address="B") is sent


def test_sender_and_address_are_never_read_as_liquid_or_html():
    made = add_footer(compiled(), sender_name="{{ secret }} <b>", postal_address="{% if %}")
    mail = message.render_email(made, FACTS)
    assert "&#123;&#123; secret &#125;&#125; &lt;b&gt;" in mail.html
    assert "(( secret )) <b>, (% if %)" in mail.text
