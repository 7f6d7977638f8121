from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.templating.plaintext import html_to_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("one<br>two<br/>three", "one\ntwo\nthree"),
        ("<ul><li>a</li><li>b</li></ul>", "- a\n- b"),
        ('<a href="https://x.test/?a=1&amp;b=2">Look</a>', "Look (https://x.test/?a=1&b=2)"),
        ('<a href="https://x.test">https://x.test</a>', "https://x.test"),
        ('<a href="https://x.test"><img alt="Logo"></a>', "Logo (https://x.test)"),
        ('<a href="https://x.test"></a>', "https://x.test"),
        ('<a href="mailto:a@x.test">a@x.test</a>', "a@x.test"),
        ('<a href="#top">Up</a>', "Up"),
        ("<style>p{}</style><script>x</script><head><title>t</title></head>b", "b"),
        ('<div style="display: none">secret</div>shown', "shown"),
        ("<!--[if mso]><p>Outlook</p><![endif]-->b", "b"),
        ("a &nbsp; &amp; &lt;b&gt;", "a & <b>"),
        ("<h1>T</h1>\n  <div>a\n b</div><div>c</div>", "T\n\na b\nc"),
        ("a<hr>b", "a\n\n---\n\nb"),
        ("<p>a</p></td></div><p>b", "a\n\nb"),
    ],
)
def test_html_becomes_readable_text(html, text):
    assert html_to_text(html) == text


@given(html=st.text(alphabet="<>/apdivl =\"'&;!-\n", max_size=80))
def test_any_html_becomes_some_text(html):
    assert "\n\n\n" not in html_to_text(html)
