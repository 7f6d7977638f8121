from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.channels.sendgrid import html_text
from tests.faults.hostile import PUMPS


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>Please</p><p>stop</p>", "Please\n\nstop"),
        ("un<b>sub</b>scribe", "unsubscribe"),
        ("a &lt; b &amp; c&nbsp;d", "a < b & c\xa0d"),
        ("<STYLE>stop</STYLE>Thanks<script>stop</script >", "Thanks"),
        ("<title>stop</title><style>p > a {}</style >Hello", "Hello"),
        ("Yes<blockquote>unsubscribe</blockquote>", "Yes"),
        ('Yes<div class="gmail_quote">On Monday: unsubscribe</div>', "Yes"),
        ('Yes<div id="divRplyFwdMsg">unsubscribe</div>', "Yes"),
        ("a<!-- stop -->b<!doctype html><?xml stop?>", "ab"),
        ("2 < 3 <3", "2 < 3 <3"),
        ("stop<a href='x", "stop"),
        ("", ""),
    ],
)
def test_html_is_read_as_somebody_sees_it(markup, text):
    assert html_text.read_text(markup).strip() == text


@given(st.text(st.sampled_from("<>/!-ab &#;'\"=pstyle \n"), max_size=200))
def test_no_html_breaks_it(markup):
    assert isinstance(html_text.read_text(markup), str)


@pytest.mark.parametrize("pump", [*PUMPS, "<style>", "<script>x</", "<style>x</st", "<b><p>", "<div class=gmail_quot "])
def test_the_time_grows_with_the_length_alone(pump):
    """Four times as long, eight times the time at most; the square would be sixteen times."""
    taken = []
    for size in (50_000, 200_000):
        markup = (pump * size)[:size]
        began = time.thread_time()
        html_text.read_text(markup)
        taken.append(time.thread_time() - began)
    assert taken[1] < max(8 * taken[0], 0.05)
