from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.templating import liquid
from orchestrator.templating.errors import TemplateError
from orchestrator.templating.mask import Mask
from orchestrator.templating.mjml import compile_mjml


def mail(body, head=""):
    return f"<mjml>{head}<mj-body>\n<mj-section>\n<mj-column>\n{body}\n</mj-column>\n</mj-section>\n</mj-body></mjml>"


def refused(source):
    with pytest.raises(TemplateError) as caught:
        compile_mjml(source)
    return caught.value


@pytest.mark.parametrize(
    "region",
    [
        "{{ contact.first_name }}",
        '{{ contact.first_name | default: "friend" }}',
        "{% if a < b and c > d %}",
        "{%- assign x = 'y' -%}",
        "{{ a\n}}",
    ],
)
def test_liquid_comes_through_untouched(region):
    assert region in compile_mjml(mail(f"<mj-text>{region}</mj-text>"))


def test_liquid_with_quotes_may_stand_in_an_attribute():
    html = compile_mjml(mail('<mj-button href="{{ links.offer | default: "x" }}">Go</mj-button>'))
    assert 'href="{{ links.offer | default: "x" }}"' in html


def test_tags_may_stand_between_elements():
    body = "{% for i in evidence.items %}<mj-text>{{ i }}</mj-text>{% endfor %}"
    html = liquid.render(compile_mjml(mail(body)), {"evidence": {"items": ["one", "two"]}}, html=True, locale="en")
    assert html.index(">one</div>") < html.index(">two</div>")


def test_html_as_people_write_it_is_understood():
    html = compile_mjml(mail('<mj-text>R&D &nbsp; <br> &copy; <a href="https://x.test/?a=1&b=2">x</a></mj-text>'))
    assert "R&amp;D &#160; <br" in html
    assert "a=1&amp;b=2" in html


def test_liquid_comments_disappear_with_what_is_in_them():
    html = compile_mjml(mail("<mj-text>a{% comment %}<oops>{{ x }}{% endcomment %}b</mj-text>"))
    assert ">ab</div>" in html


@pytest.mark.parametrize(("locale", "direction"), [("en", "ltr"), ("ro", "ltr"), ("he", "rtl"), ("he-IL", "rtl")])
def test_language_and_direction_are_set(locale, direction):
    html = compile_mjml(mail("<mj-text>x</mj-text>"), locale=locale)
    assert f'<html lang="{locale}" dir="{direction}"' in html


def test_hebrew_text_stands_on_the_right_unless_the_author_says_otherwise():
    html = compile_mjml(mail('<mj-text>שלום</mj-text><mj-text align="center">אמצע</mj-text>'), locale="he")
    assert 'text-align:right;color:#000000;">שלום' in html
    assert 'text-align:center;color:#000000;">אמצע' in html
    assert "direction:ltr" not in html


def test_the_authors_own_defaults_and_direction_win():
    head = '<mj-head><mj-attributes><mj-text align="center"/></mj-attributes></mj-head>'
    assert "text-align:center;" in compile_mjml(mail("<mj-text>x</mj-text>", head), locale="he")
    own = mail("<mj-text>x</mj-text>").replace("<mjml>", '<mjml lang="en" dir="ltr">')
    assert '<html lang="en" dir="ltr"' in compile_mjml(own, locale="he")


def test_nothing_is_fetched_from_third_parties():
    assert "googleapis" not in compile_mjml(mail("<mj-text>x</mj-text>"))


def test_comments_do_not_reach_the_reader():
    assert "internal" not in compile_mjml(mail("<!-- internal --><mj-text>x<!-- internal --></mj-text>"))


@pytest.mark.parametrize(
    ("source", "line", "words"),
    [
        ("", 1, "empty"),
        ("<div/>", 1, "start with <mjml>"),
        ("just words", 1, "well-formed"),
        (mail("<mj-text>x"), 5, "<mj-text> of line 4 is not closed"),
        (mail("<mj-text>\n{{ a\n}}\n</mj-txt>"), 7, "<mj-text> of line 4 is not closed"),
        (mail("\n<mj-foo/>"), 5, "no MJML element <mj-foo>"),
        (mail("<mj-text {% if x %}color='red'{% endif %}>x</mj-text>"), 4, "attribute's value"),
        (mail("<mj-text>a < b</mj-text>"), 4, "well-formed"),
        (mail('<mj-text align="left" align="right">x</mj-text>'), 4, "twice"),
        (mail("Hello"), None, "put it into <mj-text>"),
        (mail("{{ contact.first_name }}"), None, "put it into <mj-text>"),
        (mail('<mj-include path="/etc/passwd"/>'), 4, "mj-include"),
        (mail("<mj-preview>x</mj-preview>"), 4, "mj-head"),
        ("<!DOCTYPE mjml>" + mail(""), 1, "DOCTYPE"),
        ('<?xml version="1.0"?>' + mail(""), 1, "start with <mjml>"),
        (mail("<mj-text>{{ a</mj-text>"), 4, "never closed"),
    ],
)
def test_mistakes_come_with_a_line_and_a_hint(source, line, words):
    error = refused(source)
    assert words in error.message
    assert line is None or error.line == line


@pytest.mark.parametrize(
    "body",
    [
        "<mj-text><script>alert(1)</script></mj-text>",
        "<mj-raw><script>alert(1)</script></mj-raw>",
        "<mj-raw><style>*{}</style></mj-raw>",
        "<mj-text><iframe src='https://x.test'/></mj-text>",
        "<mj-text><form action='https://x.test'></form></mj-text>",
        "<mj-text><a onclick='x()'>x</a></mj-text>",
        "<mj-text><a href='javascript:alert(1)'>x</a></mj-text>",
        "<mj-text><a href='//x.test'>x</a></mj-text>",
        "<mj-text><a href='data:text/html,x'>x</a></mj-text>",
        "<mj-button href='{{ contact.website }}'>x</mj-button>",
        "<mj-button href=\"{{ 'javascript:alert(1)' }}\">x</mj-button>",
        "<mj-text><p style='background:url(javascript:x)'>x</p></mj-text>",
        "<mj-text><![CDATA[<script>alert(1)</script>]]></mj-text>",
        "<mj-text><scr{{ x }}ipt>a</scr{{ x }}ipt></mj-text>",
        "<mj-text><p on{{ x }}='y'>a</p></mj-text>",
        "<mj-text>{{ '<script>' }}</mj-text>",
        '<mj-text>{% assign x = "<script>" %}{{ x }}</mj-text>',
        "<mj-text><svg><a/></svg></mj-text>",
        "<mj-text>{% raw %}<script>{% endraw %}</mj-text>",
    ],
)
def test_what_could_run_or_mislead_is_refused(body):
    assert refused(mail(body)).code in {"MJML", "MARKUP_IN_TAG"}


def test_a_style_that_fetches_is_refused():
    head = "<mj-head><mj-style>@import url(https://x.test/a.css);</mj-style></mj-head>"
    assert "style" in refused(mail("<mj-text>x</mj-text>", head)).message


@given(source=st.text(alphabet="<>/mj-text{}%&;= \n\"'ab!", max_size=60))
def test_any_source_compiles_or_is_refused_with_a_reason(source):
    try:
        compile_mjml(mail(source))
    except TemplateError as error:
        assert error.message


@given(st.lists(st.sampled_from(["{{ a }}", "{% if x %}", "lqx", "lqx0z", "words ", "\n", "{{'}'}}"]), max_size=12))
def test_masking_and_restoring_changes_nothing(parts):
    source = "".join(parts)
    kept = Mask(source)
    assert "{" not in kept.text
    assert kept.restore(kept.text) == source
    assert kept.line_at(kept.text) == source.count("\n") + 1
