from __future__ import annotations

import pytest

from orchestrator.templating import message, visible

LINK = '<a href="https://example.com/u">Unsubscribe</a>'


@pytest.mark.parametrize(
    "html",
    [
        f"<p>{LINK}</p>",
        f'<td style="font-size:0px"><div style="font-size:13px">{LINK}</div></td>',
        f'<div style="color:#ffffff"><div style="background-color:#112233">{LINK}</div></div>',
        f'<table bgcolor="#000000"><tr><td style="color:#fff">{LINK}</td></tr></table>',
        '<a href="https://example.com/u"><img src="x.png" alt="Unsubscribe"></a>',
        f"<div>{LINK}",
        f"</p></div>{LINK}",
        '<div style="max-height:100px;opacity:0.5"><a href="https://example.com/u">Unsubscribe</a></div>',
    ],
)
def test_what_is_there_to_be_read_is_seen(html):
    seen = visible.look_at(html)
    assert (seen.words.strip(), seen.links) == ("Unsubscribe", {"https://example.com/u"})


@pytest.mark.parametrize(
    "style",
    [
        "display:none", "DISPLAY : NONE !important", "visibility:hidden", "opacity:0", "opacity:0.0", "max-height:0",
        "max-height:0px;overflow:hidden", "font-size:0", "font-size:1px", "font-size:.5pt", "color:#fff", "color:white",
        "color:#FFFFFF", "color:rgb(255, 255, 255)", "color:#123456;background:#123456 url(x.png)",
    ],
)  # fmt: skip
def test_what_is_hidden_is_not_seen(style):
    seen = visible.look_at(f'<p>Hello</p><div style="{style}"><b>{LINK}</b></div><p>Bye</p>')
    assert (seen.words, seen.links) == ("Hello Bye", set())


@pytest.mark.parametrize(
    "html",
    [
        f"<!-- {LINK} -->", f"<!--[if mso]>{LINK}<![endif]-->", f"<template>{LINK}</template>", f"<p hidden>{LINK}</p>",
        '<a href="https://example.com/u"> \u200c&nbsp; </a>', '<a href="https://example.com/u"><img src="x.png"></a>',
        "<style>a::after { content: 'Unsubscribe' }</style>",
    ],
)  # fmt: skip
def test_comments_and_empty_links_are_not_seen(html):
    assert visible.look_at(html).links == set()


def test_an_address_written_out_is_a_link():
    assert visible.look_at("<p>Go to https://example.com/u.</p>").links == {"https://example.com/u"}
    assert visible.look_at_text("Bye: https://example.com/u, or not").links == {"https://example.com/u"}


def test_words_of_neighbouring_blocks_stay_apart():
    assert visible.look_at("<td>1 Street</td><td>Haifa<br>Israel</td>").words == "1 Street Haifa Israel"


def test_a_mail_as_mjml_makes_it_is_seen_but_its_preview_line_is_not():
    compiled = message.compile_email(
        subject="x",
        mjml="<mjml><mj-head><mj-preview>Peek</mj-preview></mj-head><mj-body><mj-section><mj-column>"
        '<mj-text>Hello</mj-text><mj-button href="https://example.com/o">See</mj-button>'
        "</mj-column></mj-section></mj-body></mjml>",
    )
    seen = visible.look_at(compiled.html)
    assert (seen.words.split(), seen.links) == (["Hello", "See"], {"https://example.com/o"})
