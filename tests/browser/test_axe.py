"""What stands between a page and the tests of the others: breaches are seen, each at the width that has it."""

from __future__ import annotations

import pytest

from tests.browser import axe

pytestmark = pytest.mark.browser

PAGE = """<!doctype html><html lang="en"><title>A page</title><meta name="viewport" content="width=device-width">
<main><h1>A page</h1><div style="width: 600px">Wide</div>%s</main></html>"""
PALE = '<p style="color: #bbb; background: #fff">Pale</p>'
NAMELESS = "<style>@media (max-width: 500px) { #only-wide { display: none } }</style><button id=only-wide></button>"


def test_a_breach_is_told_with_the_element_that_makes_it(page):
    page.set_content(PAGE % PALE)
    assert [one.partition(":")[0] for one in axe.breaches(page)] == ["color-contrast"]
    assert 'style="color: #bbb; background: #fff"' in axe.breaches(page)[0]


def test_what_is_broken_at_one_width_is_told_of_that_width(page):
    page.set_content(PAGE % NAMELESS)
    found = axe.breaches_at(page, widths=(1280, 390), height=844)
    assert {width: [one.partition(":")[0] for one in told] for width, told in found.items()} == {
        1280: ["button-name"],
        390: ["scrolls sideways"],
    }


def test_a_page_without_breaches_has_none(page):
    page.set_content(PAGE % "<p>Fine</p>")
    assert axe.breaches_at(page, widths=(1280, 900), height=844) == {}
