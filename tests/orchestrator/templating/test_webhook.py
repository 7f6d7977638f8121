from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.templating import lint, webhook
from orchestrator.templating.errors import TemplateError

URL = "https://hooks.example/T0/x"


def compiled(body):
    return webhook.compile_webhook(url=URL, body=json.dumps(body))


def test_texts_at_any_depth_are_filled_in_and_the_rest_stays():
    made = compiled(
        {"text": "{{ account.name }}", "n": 3, "on": True, "none": None, "blocks": [{"t": "{{ account.name }}!"}]}
    )
    rendered = webhook.render_webhook(made, {"account": {"name": "Acme"}})
    assert json.loads(rendered.text) == {"text": "Acme", "n": 3, "on": True, "none": None, "blocks": [{"t": "Acme!"}]}
    assert rendered.subject == URL


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1).filter(str.strip))
def test_no_value_breaks_out_of_its_text(value):
    rendered = webhook.render_webhook(compiled({"text": "<{{ account.name }}>"}), {"account": {"name": value}})
    assert json.loads(rendered.text) == {"text": f"<{value}>"}


def test_names_are_no_templates():
    rendered = webhook.render_webhook(compiled({"{{ account.name }}": "x"}), {"account": {"name": "Acme"}})
    assert json.loads(rendered.text) == {"{{ account.name }}": "x"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("[]", "NO_JSON"),
        ("{", "NO_JSON"),
        ('{"a":' + "[" * 40 + "]" * 40 + "}", "TOO_DEEP"),
        ("[" * 100_000, "NO_JSON"),
        (json.dumps({"a": ["x"] * 600}), "TOO_LARGE"),
        (json.dumps({"a": "x" * 200_000}), "TOO_LARGE"),
    ],
)
def test_what_is_no_sensible_body_is_refused(body, code):
    with pytest.raises(TemplateError) as wrong:
        webhook.compile_webhook(url=URL, body=body)
    assert wrong.value.code == code


def test_a_body_that_grows_too_large_is_refused():
    with pytest.raises(TemplateError):
        webhook.render_webhook(compiled({"a": ["{{ x }}"] * 400}), {"x": "y" * 5000})


def test_lint_looks_into_the_texts():
    content = {"url": URL, "body": json.dumps({"text": 'Hi {{ account.nam | default: "x" }}'})}
    problems = lint.check_content(kind="webhook", content=content, allowed={"account.name": "Acme"})
    assert [(one.code, one.field) for one in problems] == [("UNKNOWN_VARIABLE", "body")]
    good = {"url": URL, "body": json.dumps({"text": 'Hi {{ account.name | default: "x" }}'})}
    assert lint.check_content(kind="webhook", content=good, allowed={"account.name": "Acme"}) == []


def test_lint_tells_a_body_that_is_no_json():
    problems = lint.check_content(kind="webhook", content={"url": URL, "body": "{"}, allowed={})
    assert [one.code for one in problems] == ["NO_JSON"]
