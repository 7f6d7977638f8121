from __future__ import annotations

import time
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.templating import liquid
from orchestrator.templating.errors import TemplateError

FACTS = {
    "contact": {"first_name": "Dana <b>", "last_name": "", "phone": "+40721234567", "nickname": None},
    "offer": {"new_monthly": "1170.50", "currency": "RON", "until": "2026-03-01"},
    "evidence": {"added": 5, "meters": ["seats", "storage"], "share": Decimal("0.83"), "day": date(2026, 3, 9)},
}


def render(source, *, html=True, locale="en"):
    return liquid.render(source, FACTS, html=html, locale=locale)


def refused(source, **options):
    with pytest.raises(TemplateError) as caught:
        render(source, **options)
    return caught.value


def test_values_are_escaped_in_html_and_plain_elsewhere():
    assert render("Hi {{ contact.first_name }}") == "Hi Dana &lt;b&gt;"
    assert render("Hi {{ contact.first_name }}", html=False) == "Hi Dana <b>"


@pytest.mark.parametrize("name", ["contact.nickname", "contact.last_name", "contact.unheard_of", "nobody.name"])
def test_a_missing_value_is_named_with_its_line_and_never_printed(name):
    error = refused(f"Hi\n\n{{{{ {name} }}}}")
    assert (error.code, error.line, error.variable) == ("MISSING_VALUE", 3, name if name[0] == "c" else "nobody")
    assert error.variable in error.message


def test_a_missing_value_can_be_defaulted_and_tested():
    assert render('Hi {{ contact.last_name | default: "friend" }}') == "Hi friend"
    assert render("{% if contact.last_name %}a{% else %}b{% endif %}") == "b"
    assert render("{% unless contact.nickname %}c{% endunless %}") == "c"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ evidence.added | plus: 2 }}", "7"),
        ("{{ evidence.added | minus: 7 }}", "-2"),
        ("{{ evidence.added | times: 1.5 }}", "7.5"),
        ("{{ evidence.added | divided_by: 2 }}", "2"),
        ("{{ evidence.added | divided_by: 2.0 }}", "2.5"),
        ("{{ 0.1 | plus: 0.2 }}", "0.3"),
        ("{{ '1200' | plus: '0.05' }}", "1200.05"),
        ("{{ 2.5 | round }}", "3"),
        ("{{ 3.456 | round: 2 }}", "3.46"),
        ("{{ 3.5 | round: 2 }}", "3.50"),
        ("{{ evidence.meters | join }}", "seats, storage"),
        ("{{ evidence.meters | first | upcase }}", "SEATS"),
        ("{{ evidence.meters | last | capitalize }}", "Storage"),
        ("{{ evidence.meters.size }}{{ evidence.meters | size }}", "22"),
        ("{{ 'ABC' | downcase }}", "abc"),
        ("{{ contact.first_name | escape }}", "Dana &lt;b&gt;"),
        ("{{ contact.phone | isolate }}", '<bdi dir="ltr">+40721234567</bdi>'),
        ("{% for meter in evidence.meters %}{{ forloop.index }}{{ meter }} {% endfor %}", "1seats 2storage "),
        ("{% if evidence.share > 0.8 %}much{% endif %}", "much"),
        ("{% case evidence.added %}{% when 5 %}five{% endcase %}", "five"),
    ],
)
def test_filters_and_tags(source, expected):
    assert render(source) == expected


@pytest.mark.parametrize(
    ("locale", "expected"),
    [
        ("en", "RON\xa01,170.50"),
        ("ro", "1.170,50\xa0RON"),
        ("he", "\u200f1,170.50\xa0\u200fRON"),
        ("xx-nope", "RON\xa01,170.50"),
    ],
)
def test_money_speaks_the_contents_locale(locale, expected):
    assert render("{{ offer.new_monthly | money: offer.currency }}", locale=locale) == expected


@pytest.mark.parametrize(
    ("source", "locale", "expected"),
    [
        ("{{ 1234567.5 | number }}", "ro", "1.234.567,5"),
        ("{{ 1234567.5 | number: 0 }}", "en", "1,234,568"),
        ("{{ 3 | number: 2 }}", "en", "3.00"),
        ("{{ offer.until | date: 'long' }}", "ro", "1 martie 2026"),
        ("{{ offer.until | date: '%-d %B %Y' }}", "he", "1 מרץ 2026"),
        ("{{ evidence.day | date: '%d.%m.%Y at %H:%M' }}", "en", "09.03.2026 at 00:00"),
        ("{{ '2026-03-01T18:05:00Z' | date: '%H:%M, 100%%' }}", "en", "18:05, 100%"),
    ],
)
def test_numbers_and_dates_speak_it_too(source, locale, expected):
    assert render(source, locale=locale) == expected


@pytest.mark.parametrize(
    ("source", "code", "words"),
    [
        ("{{ x | replace: 'a', 'b' }}", "UNKNOWN_FILTER", "money"),
        ("{{ contact.phone | base64_encode }}", "UNKNOWN_FILTER", "base64_encode"),
        ("{{ contact.first_name | safe }}", "UNKNOWN_FILTER", "safe"),
        ("{% include 'secrets' %}", "SYNTAX", "include"),
        ("{% render 'secrets' %}", "SYNTAX", "render"),
        ("{% if a %}", "SYNTAX", ""),
        ("{% endif %}", "SYNTAX", "endif"),
        ("{{ contact.first_name", "SYNTAX", "never closed"),
        ("{{ contact }}", "RENDER", "group of fields"),
        ("{{ contact | upcase }}", "RENDER", "group of fields"),
        ("{{ now }}", "MISSING_VALUE", "now"),
        ("{{ 'now' | date }}", "RENDER", "not a date"),
        ("{{ 5 | divided_by: 0 }}", "RENDER", "divided by 0"),
        ("{{ 'five' | plus: 1 }}", "RENDER", "not a number"),
        ("{{ 5 | money }}", "RENDER", "currency"),
        ("{{ offer.until | date: '%100000000d' }}", "RENDER", "date format"),
        ("{{ '<script>alert(1)</script>' }}", "MARKUP_IN_TAG", "HTML outside"),
        ("{{ contact.first_name.__class__.__mro__ }}", "MISSING_VALUE", "no value"),
    ],
)
def test_what_is_not_allowed_is_explained(source, code, words):
    error = refused(source)
    assert error.code == code
    assert words in error.message


def test_an_error_names_its_line():
    assert refused("one\ntwo\n{{ x | nonsense }}").line == 3
    assert refused("one\n{% if a %}\n{% elsif %}").line in {2, 3}


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in (1..100000000) %}x{% endfor %}",
        "{% for i in (1..9999) %}{% endfor %}" * 2500,
        "{% for i in (1..10000) %}" + "{% if 1 %}{% endif %}" * 4500 + "{% endfor %}",
        "{% for i in (1..99) %}" * 15 + "x" + "{% endfor %}" * 15,
        "{{ (1..100000000) | join }}",
        "{% assign a = 'xxxxxxxxxxxxxxxx' %}" + "{% capture a %}{{ a }}{{ a }}{% endcapture %}" * 40,
        "{{ 999999999999999 | times: 999999999999999 }}",
        "{{ " + "9" * 90_000 + " }}",
        "{{ " + "a[" * 20_000 + "1" + "]" * 20_000 + " }}",
        "{% if 1 " + "and 1 " * 15_000 + "%}{% endif %}",
        "{% if 1 %}" * 5000 + "{% endif %}" * 5000,
        "{{ " * 33_000,
        "{% raw %}" * 10_000,
        "x" * (1024 * 1024),
    ],
    ids=lambda source: source[:30],
)
def test_bombs_are_refused_at_once(source):
    started = time.thread_time()
    refused(source)
    assert time.thread_time() - started < 3


def test_a_hundred_kilobytes_are_enough():
    assert liquid.parse("x" * liquid.LARGEST_TEMPLATE, html=True, locale="en")
    with pytest.raises(TemplateError, match="100 KB"):
        liquid.parse("x" * (liquid.LARGEST_TEMPLATE + 1), html=True, locale="en")


def test_only_plain_facts_reach_a_template():
    class Account:
        secret = "key"

    with pytest.raises(TypeError, match="cannot hold a Account"):
        liquid.render("{{ account.secret }}", {"account": Account()}, html=True, locale="en")


@given(value=st.text(min_size=1))
def test_no_value_can_write_markup(value):
    made = liquid.render("{{ v }}|{{ v | upcase }}|{{ v | isolate }}", {"v": value}, html=True, locale="en")
    inner = made.replace('<bdi dir="ltr">', "").replace("</bdi>", "")
    assert not set("<>\"'") & set(inner)


@settings(deadline=None)
@given(source=st.text(alphabet="{}%| abif1.\"'<>\n:,()[]end", max_size=80))
def test_any_source_renders_or_is_refused_with_a_reason(source):
    try:
        render(source)
    except TemplateError as error:
        assert error.code
        assert error.message


def test_used_variables_are_dotted_and_without_locals():
    source = (
        "{% for item in evidence.items %}{{ item.name }}{% endfor %}{% assign price = offer.price %}{{ price }}"
        '{{ contact["first_name"] | default: account.name }}{{ evidence.rows[0].name }}{{ a[b.c] }}'
    )
    assert liquid.used_variables(source) == {
        "evidence.items",
        "offer.price",
        "contact.first_name",
        "account.name",
        "evidence.rows",
        "a",
        "b.c",
    }


@pytest.mark.parametrize(
    ("locale", "forms", "expected"),
    [
        ("en", '"# seat", "# seats"', {0: "0 seats", 1: "1 seat", 2: "2 seats", 1200: "1,200 seats"}),
        ("he", '"מושב אחד", "שני מושבים", "# מושבים"', {1: "מושב אחד", 2: "שני מושבים", 10: "10 מושבים"}),
        (
            "ro",
            '"un loc", "# locuri", "# de locuri"',
            {0: "0 locuri", 1: "un loc", 19: "19 locuri", 20: "20 de locuri", 101: "101 locuri", 120: "120 de locuri"},
        ),
    ],
)
def test_plural_takes_the_form_that_goes_with_the_number(locale, forms, expected):
    for number, words in expected.items():
        source = f"{{{{ n | plural: {forms} }}}}"
        assert liquid.render(source, {"n": number}, html=False, locale=locale) == words


def test_plural_with_the_wrong_number_of_forms_says_how_many_the_language_has():
    error = refused('{{ evidence.added | plural: "# seat", "# seats" }}', locale="ro")
    assert "plural takes 3 forms in this language (one, few, other), not 2" in error.message


def test_plural_forms_cannot_bring_markup():
    assert render("{{ evidence.added | plural: contact.first_name, contact.first_name }}") == "Dana &lt;b&gt;"


@pytest.mark.parametrize("character", ["\x00", "\ud800"])
def test_half_a_character_or_nul_is_refused_with_its_line(character):
    with pytest.raises(TemplateError) as refused:
        liquid.parse(f"Hello\n{character}", html=False, locale="en")

    assert (refused.value.code, refused.value.line) == ("SYNTAX", 2)
