from __future__ import annotations

import pytest

from orchestrator.templating.lint import check_content, sample_context

ALLOWED = {
    "contact.first_name": "Dana",
    "contact.traits": {"role": "CTO"},
    "offer.new_monthly": "49.00",
    "offer.currency": "USD",
    "evidence.items": ["seats"],
    "links.unsubscribe": "https://acme.test/u/t",
    "links.offer": "https://acme.test/o/t",
}
WAY_OUT = '<a href="{{ links.unsubscribe }}">Unsubscribe</a>'


def mjml(body):
    column = f"<mj-column>\n<mj-text>\n{body}\n</mj-text>\n</mj-column>"
    return f"<mjml><mj-body><mj-section>{column}</mj-section></mj-body></mjml>"


def check(body=WAY_OUT, *, subject="Hello", **more):
    return check_content(kind="email", content={"subject": subject, "mjml": mjml(body), **more}, allowed=ALLOWED)


def codes(problems):
    return [(problem.code, problem.field, problem.line) for problem in problems]


def test_a_good_mail_has_no_problems():
    body = (
        "Hi {{ contact.first_name }} ({{ contact.traits.role }}), {{ offer.new_monthly | money: offer.currency }}"
        f"{{% for item in evidence.items %}}{{{{ item }}}}{{% endfor %}} {WAY_OUT}"
    )
    assert check(body) == []


def test_an_unknown_variable_comes_with_its_line_and_a_suggestion():
    [problem] = check(f"{WAY_OUT}\n{{{{ contact.frist_name }}}}")
    assert (problem.code, problem.field, problem.line, problem.level) == ("UNKNOWN_VARIABLE", "mjml", 4, "error")
    assert "Did you mean contact.first_name?" in problem.message


def test_a_misspelt_variable_in_a_condition_is_found_too():
    assert codes(check(WAY_OUT + "{% if contact.frist_name %}x{% endif %}")) == [("UNKNOWN_VARIABLE", "mjml", 3)]


def test_a_whole_group_is_no_variable():
    [problem] = check(WAY_OUT + "{{ offer }}")
    assert "group of variables" in problem.message


def test_a_missing_way_out_is_only_a_warning():
    [problem] = check("Hi")
    assert (problem.code, problem.level) == ("NO_UNSUBSCRIBE_LINK", "warning")


@pytest.mark.parametrize(
    "body",
    [
        "{% if links.unsubscribe %}Hello{% endif %}",
        f"Hello {{% if false %}}{WAY_OUT}{{% endif %}}",
        '<a href="{{ links.unsubscribe }}"></a>Hello',
        '<a href="{{ links.unsubscribe }}" style="display:none">Unsubscribe</a>',
    ],
)
def test_a_way_out_that_nobody_sees_is_missing(body):
    [problem] = check(body)
    assert (problem.code, problem.level) == ("NO_UNSUBSCRIBE_LINK", "warning")


def test_an_empty_subject_and_an_empty_mail_are_errors():
    found = check_content(kind="email", content={"subject": " ", "mjml": ""}, allowed=ALLOWED)
    assert {problem.code for problem in found} == {"EMPTY_SUBJECT", "EMPTY_CONTENT"}


def test_a_subject_that_renders_to_nothing_is_empty():
    assert codes(check(subject="{% if contact.traits.none %}x{% endif %}")) == [("EMPTY_SUBJECT", "subject", None)]


@pytest.mark.parametrize(
    ("subject", "code"),
    [("{{ x", "SYNTAX"), ("{{ contact.first_name | shout }}", "UNKNOWN_FILTER"), ("{% if %}x{% endif %}", "SYNTAX")],
)
def test_liquid_mistakes_are_problems(subject, code):
    assert [problem.code for problem in check(subject=subject)] == [code]


def test_mjml_mistakes_are_problems():
    assert [problem.code for problem in check(WAY_OUT + "<script>x</script>")] == ["MJML"]


def test_a_filter_that_cannot_work_on_its_sample_is_found():
    assert [problem.code for problem in check(WAY_OUT + "{{ contact.first_name | plus: 1 }}")] == ["RENDER"]


def test_every_part_is_checked_and_errors_come_before_warnings():
    found = check("Hi {{ a }}", subject="{{ b }}", text="{{ c }}")
    assert [problem.field for problem in found] == ["mjml", "subject", "text", "mjml"]
    assert found[-1].level == "warning"


def test_an_unknown_part_or_kind_is_named():
    assert check(html="x")[0].code == "UNKNOWN_FIELD"
    assert check_content(kind="pigeon", content={}, allowed={})[0].code == "UNKNOWN_KIND"


def test_a_long_text_message_is_a_warning():
    [problem] = check_content(kind="sms", content={"text": "שלום " * 30}, allowed=ALLOWED)
    assert (problem.code, problem.level) == ("SEVERAL_SEGMENTS", "warning")
    assert "UCS-2" in problem.message


@pytest.mark.parametrize(("length", "codes"), [(1600, ["SEVERAL_SEGMENTS"]), (1601, ["TOO_LONG"])])
def test_a_text_message_longer_than_a_provider_takes_is_an_error(length, codes):
    found = check_content(kind="sms", content={"text": "x" * length}, allowed=ALLOWED)

    assert [problem.code for problem in found] == codes
    assert found[0].level == ("error" if codes == ["TOO_LONG"] else "warning")


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("sms", {"text": "Hi {{ contact.first_name }}: {{ links.offer }}"}),
        ("in_app", {"html": "<p>Hi {{ contact.first_name }}</p>", "title": "News"}),
        ("csm_task", {"text": "Call {{ contact.first_name }}", "title": "Call"}),
    ],
)
def test_other_kinds_are_checked_the_same_way(kind, content):
    assert check_content(kind=kind, content=content, allowed=ALLOWED) == []
    main = next(iter(content))
    broken = check_content(kind=kind, content={**content, main: "{{ nobody }}"}, allowed=ALLOWED)
    assert [problem.code for problem in broken] == ["UNKNOWN_VARIABLE"]


def test_samples_become_nested_facts():
    assert sample_context({"a.b": 1, "a.c.d": 2, "e": 3, "a.f": {"g": 4}}) == {
        "a": {"b": 1, "c": {"d": 2}, "f": {"g": 4}},
        "e": 3,
    }
