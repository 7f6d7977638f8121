from __future__ import annotations

import pytest

from orchestrator.templating import liquid, needs
from orchestrator.templating.errors import TemplateError


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("{{ e.p }}", {"e.p"}),
        ("{{ e.p | default: 'x' }}", set()),
        ("{{ e.p | default: e.q }}", {"e.q"}),
        ("{{ e.p | upcase | default: 'x' }}", {"e.p"}),
        ("{{ e.p | money: e.c }}", {"e.p", "e.c"}),
        ("{% if e.p %}{{ e.p }}{% else %}{{ e.q }}{% endif %}", {"e.q"}),
        ("{% if e.p > 3 and e.q %}{{ e.p }}{{ e.q }}{% endif %}", set()),
        ("{% if e.p or e.q %}{{ e.p }}{% endif %}", {"e.p"}),
        ("{% if e.p != blank %}{{ e.p }}{% endif %}", set()),
        ("{% if e.p == blank %}{{ e.p }}{% endif %}", {"e.p"}),
        ("{% if e.x %}{% elsif e.p == 'v' %}{{ e.p }}{% endif %}", set()),
        ("{% unless e.p %}{{ e.q }}{% else %}{{ e.p }}{% endunless %}", {"e.q"}),
        ("{% case e.p %}{% when 1 %}{{ e.p }}{% else %}{{ e.q }}{% endcase %}", {"e.q"}),
        ("{% for one in e.p %}{{ one }}{% endfor %}", {"e.p"}),
        ("{% capture made %}{{ e.p }}{% endcapture %}{{ made }}", {"e.p"}),
        ("{% if e.p %}{{ e.p }}{% endif %}{{ e.p }}", {"e.p"}),
    ],
)
def test_what_is_printed_without_anything_in_its_place_is_needed(text, bare):
    assert needs.find_needs(text).bare == bare


@pytest.mark.parametrize("text", ["{{ e.p | default: '' }}", "{{ e.p | default }}"])
def test_a_word_that_nothing_stands_in_for_is_told_apart(text):
    found = needs.find_needs(text)
    assert (found.bare, found.blanked) == (set(), {"e.p"})


def test_what_is_needed_somewhere_is_not_called_blanked():
    found = needs.find_needs("{{ e.p | default: '' }}{{ e.p }}")
    assert (found.bare, found.blanked) == ({"e.p"}, set())


@pytest.mark.parametrize(
    "text",
    ["{% if e.p > 3 %}x{% endif %}", "{% case e.p %}{% when 1 %}x{% endcase %}", "{% unless e.p %}x{% endunless %}"],
)
def test_asking_about_a_missing_fact_does_not_fail(text):
    assert not needs.find_needs(text).bare
    assert liquid.render(text, {"e": {"other": 1}}, html=False, locale="en") in ("", "x")


def test_a_broken_text_is_told_as_everywhere():
    with pytest.raises(TemplateError):
        needs.find_needs("{% if %}")


@pytest.mark.parametrize(
    ("source", "compared", "asked"),
    [
        ("{{ a.b }} {% if c.d %}x{% endif %}", set(), {"c.d"}),
        ("{% if a.b == 'x' and c.d %}{{ e.f }}{% endif %}", {"a.b"}, {"a.b", "c.d"}),
        (
            "{% unless a.b > 3 %}{% elsif c.d contains e.f %}x{% endunless %}",
            {"a.b", "c.d", "e.f"},
            {"a.b", "c.d", "e.f"},
        ),
        ("{% if g.h %}{% case a.b %}{% when c.d, 'x' %}y{% endcase %}{% endif %}", {"a.b", "c.d"}, {"g.h"}),
        ("{% assign x = a.b %}{% if x == 'y' %}z{% endif %}{{ c.d }}", {"a.b", "c.d"}, {"a.b", "c.d"}),
        ("{% for x in a.b limit: c.d %}{{ x }}{% endfor %}{{ e.f }}", {"a.b", "c.d"}, set()),
        ("{{ a.b | default: c.d }}{{ e.f | plus: 1 | plural: 'x', 'y' }}", {"e.f"}, {"a.b", "c.d"}),
        ("{% for x in a.b %}{{ x.n | plural: 'x', c.d }}{% endfor %}", {"a.b", "c.d"}, set()),
    ],
)
def test_what_decides_is_what_is_compared_and_what_is_asked_for(source, compared, asked):
    found = needs.find_deciding(source)
    assert (found.compared, found.asked) == (compared, asked)


@pytest.mark.parametrize(
    "text", ["{{ e.f | plural: 'x', 'y' }}", "{% for x in a.b %}{{ e.f | plural: 'x', 'y' }}{% endfor %}"]
)
def test_of_a_number_that_a_form_is_picked_for_the_form_decides(text):
    found = needs.find_deciding(text)
    assert found.picked == {"e.f"}
    assert "e.f" not in found.compared
