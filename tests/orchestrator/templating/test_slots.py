from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.templating import message, slots
from orchestrator.templating.errors import TemplateError
from orchestrator.templating.footer import add_footer

MJML = """<mjml><mj-body><mj-section><mj-column>
<mj-text>Hi {{ contact.first_name | default: "friend" }},
{%- if account.name %} at {{ account.name }}{% endif %} you use {{ evidence.used }} of 10.</mj-text>
<mj-button href="{{ links.offer }}">See it</mj-button>
</mj-column></mj-section></mj-body></mjml>"""
LINKS = {name: f"https://acme.test/{name}/t?a=1&b=2" for name in ("offer", "unsubscribe", "preferences")}
FACTS = {"contact": {"first_name": "Dana"}, "account": {"name": "Acme"}, "evidence": {"used": 9}, "links": LINKS}

# What breaks a replacement or a tidying: blanks of every kind, tags, marks of Liquid, of regular expressions, of HTML.
AWKWARD = st.sampled_from(
    ["", " ", "  ", "\n", "\n\n\n", "\r\n", "\r", "\t", "\xa0", "\u2028", "\x85", "\x1c", "$", "$1", r"\1", "-", "--",
     "{{", "}}", "{{ contact.first_name }}", "{% if %}", "<b>", "&amp;", '"', "'", "שלום", "\u200f", "é", "😀", "%",
     "Q", "x", "Q0123456789ab000"]
)  # fmt: skip
TEXTS = st.lists(AWKWARD | st.text(max_size=6), max_size=6).map("".join)
# Pieces of a template's plain text; the blanks between them are what tidying is about.
PIECES = st.sampled_from(
    ["{{ contact.first_name }}", "{{ account.name }}", "{{- account.name -}}", " ", "  ", "\n", "\n\n", "\n\n\n", "\t",
     "word", "Q", "- ", "$", "שלום", "\xa0", "\r\n", "{% if account.name == 'A' %}\n\nyes \n{% else %} {% endif %}",
     "{% for one in account.list %} * {{ one }}\n{% endfor %}", "{% assign n = account.name %}",
     "{{ n | default: 'nobody' }}", "{{ contact.first_name | upcase }}", "{{n|default:'nobody'}}",
     "{% capture m %}[{{ contact.first_name }}]{% endcapture %}", "{{ m }}", "{% cycle 'a', 'b' %}", "x",
     "{% comment %} no {% endcomment %}", "{% raw %}{{ raw }}{% endraw %}"]
)  # fmt: skip


def compiled(**changes):
    return message.compile_email(**({"subject": "{{ evidence.used }} seats", "mjml": MJML, "locale": "en"} | changes))


def fill_in(skeleton, values):
    """What a provider does: one tag after the other, anywhere in the content."""
    html, text = skeleton.html, skeleton.text
    for tag, value in values.items():
        html, text = html.replace(tag, value), text.replace(tag, value)
    return html, text


def test_the_skeleton_filled_in_is_the_mail_rendered_for_one():
    finished = add_footer(compiled(), sender_name="Acme", postal_address="1 Main St")
    alone = message.render_email(finished, FACTS)

    mail, skeleton, values = slots.render_slotted(finished, FACTS)

    assert mail == alone
    assert fill_in(skeleton, values) == (alone.html, alone.text)


def test_the_skeleton_is_the_same_for_everybody():
    one = slots.render_slotted(compiled(), FACTS)
    other = slots.render_slotted(compiled(), FACTS | {"contact": {}, "account": {}})

    assert one[1] is other[1]
    assert one[2].keys() == other[2].keys()
    assert one[2] != other[2]


def test_a_block_of_liquid_with_all_that_stands_in_it_is_one_value():
    _, skeleton, values = slots.render_slotted(compiled(text="Hi {{ contact.first_name }}."), FACTS)

    assert skeleton is not None
    assert list(values.values()) == ["Dana", " at Acme", "9", LINKS["offer"].replace("&", "&amp;"), " Dana"]
    assert f"Hi {next(iter(values))}," in skeleton.html


def test_a_value_that_is_printed_twice_is_one():
    text = (
        "Hi {{ contact.first_name }}: {{ account.name }}, {{ account.name }}, {{ account.name }}, {{ evidence.used }}"
    )
    values = slots.render_slotted(compiled(text=text), FACTS)[2]
    assert list(values.values())[-3:] == [" Dana", " Acme", " 9"]


def test_a_variable_that_changes_on_the_way_is_not_one_value():
    text = "Hi {% assign n = 'one' %}. {{ n }}. {% assign n = 'two' %}. {{ n }}. {{ n }}."
    mail, skeleton, values = slots.render_slotted(compiled(text=text), FACTS)
    assert mail.text == "Hi . one. . two. two."
    assert fill_in(skeleton, values)[1] == mail.text


def test_tags_are_of_one_width_and_none_begins_another():
    _, skeleton, values = slots.render_slotted(compiled(), FACTS)

    assert skeleton is not None
    assert {len(tag) for tag in values} == {16}
    assert len(set(values)) == len(values)
    assert all(tag.count("Q") == 1 and tag.startswith(skeleton.mark) for tag in values)


def test_two_versions_share_no_tag():
    one, other = (slots.render_slotted(compiled(subject=words), FACTS)[2] for words in ("One", "Two"))
    assert not one.keys() & other.keys()


def test_a_name_that_looks_like_a_tag_goes_as_a_whole():
    _, skeleton, values = slots.render_slotted(compiled(), FACTS)
    assert skeleton is not None
    named = FACTS | {"contact": {"first_name": list(values)[1]}}

    mail, none, _ = slots.render_slotted(compiled(), named)

    assert none is None
    assert mail == message.render_email(compiled(), named)


def test_a_mail_without_a_subject_or_text_goes_as_a_whole():
    for changes in ({"subject": "{{ account.name | default: '' }}"}, {"text": "{% if account.name %}Hi{% endif %}"}):
        assert slots.render_slotted(compiled(**changes), FACTS)[1] is not None
        assert slots.render_slotted(compiled(**changes), FACTS | {"account": {}})[1] is None


def test_a_value_that_is_printed_often_is_paid_for_as_often():
    costly = "{{ contact.long | upcase | downcase | size }}"
    facts = FACTS | {"contact": {"long": "x" * 100_000}}
    assert slots.render_slotted(compiled(text=f"A {costly} b {costly} c"), facts)[0].text == "A 100000 b 100000 c"
    often = compiled(text=f"A {costly} b " * 40)
    with pytest.raises(TemplateError) as alone:
        message.render_email(often, facts)
    with pytest.raises(TemplateError) as slotted:
        slots.render_slotted(often, facts)
    assert (slotted.value.code, slotted.value.message) == (alone.value.code, alone.value.message)


def test_values_together_are_no_longer_than_a_mail():
    facts = FACTS | {"contact": {"first_name": "x"}, "evidence": {"used": 9, "names": ["y" * 5000] * 60}}
    long = compiled(text="".join(f"{{{{ evidence.names }}}} {place} " for place in range(3)))
    with pytest.raises(TemplateError) as alone:
        message.render_email(long, facts)
    with pytest.raises(TemplateError) as slotted:
        slots.render_slotted(long, facts)
    assert (slotted.value.code, slotted.value.message) == (alone.value.code, alone.value.message)


def test_a_missing_fact_is_the_same_error_as_for_one():
    without = FACTS | {"evidence": {}}
    with pytest.raises(TemplateError) as alone:
        message.render_email(compiled(), without)
    with pytest.raises(TemplateError) as slotted:
        slots.render_slotted(compiled(), without)
    assert vars(slotted.value) == vars(alone.value)


@given(first=TEXTS, name=TEXTS, used=st.integers(), locale=st.sampled_from(["en", "he", "ro"]))
def test_whatever_the_facts_hold_the_mail_is_the_same(first, name, used, locale):
    finished = add_footer(compiled(locale=locale), sender_name="Acme", postal_address="{1} Main St")
    facts = FACTS | {"contact": {"first_name": first}, "account": {"name": name}, "evidence": {"used": used}}
    assert_same(finished, facts)


@given(pieces=st.lists(PIECES, max_size=12), subject=st.lists(PIECES, max_size=4), first=TEXTS, name=TEXTS)
def test_whatever_the_text_says_the_mail_is_the_same(pieces, subject, first, name):
    source = "".join(pieces)
    mjml = (
        f"<mjml><mj-body><mj-section><mj-column><mj-text>.{source}</mj-text></mj-column></mj-section></mj-body></mjml>"
    )
    facts = FACTS | {"contact": {"first_name": first}, "account": {"name": name, "list": [first, name]}}
    assert_same(message.compile_email(subject="".join(subject), mjml=mjml, text=source), facts)


def assert_same(finished, facts):
    """The whole, and the skeleton filled in, are what rendering for one gives; or both refuse."""
    try:
        alone = message.render_email(finished, facts)
    except TemplateError as error:
        with pytest.raises(TemplateError) as caught:
            slots.render_slotted(finished, facts)
        assert (caught.value.code, caught.value.variable) == (error.code, error.variable)
        with pytest.raises(TemplateError) as caught:
            slots.render_whole(finished, facts)
        assert (caught.value.code, caught.value.variable) == (error.code, error.variable)
        return
    mail, skeleton, values = slots.render_slotted(finished, facts)
    assert mail == slots.render_whole(finished, facts) == alone
    if skeleton is None:
        assert not (mail.subject and mail.text and mail.html)
    else:
        assert fill_in(skeleton, values) == (alone.html, alone.text)
