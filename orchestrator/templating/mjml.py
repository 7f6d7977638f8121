"""MJML to HTML, once per version, with Liquid kept as it is for the render of each mail.

The compiler answers a mistake with a bare OSError, lets unknown and wrongly closed elements through and reads files
for mj-include. So the source is checked first, strictly: well-formed, known elements, no scripts, safe addresses.
"""

from __future__ import annotations

import re
from html.entities import html5
from xml.parsers import expat

import mrml

from orchestrator.templating.errors import TemplateError
from orchestrator.templating.limits import LARGEST_OUTPUT
from orchestrator.templating.mask import Mask, refuse_markup

_CONTENT = {
    "mj-accordion-text", "mj-accordion-title", "mj-button", "mj-navbar-link", "mj-preview", "mj-raw",
    "mj-social-element", "mj-style", "mj-table", "mj-text", "mj-title",
}  # fmt: skip
_STRUCTURE = {
    "mjml", "mj-accordion", "mj-accordion-element", "mj-all", "mj-attributes", "mj-body", "mj-breakpoint",
    "mj-carousel", "mj-carousel-image", "mj-class", "mj-column", "mj-divider", "mj-font", "mj-group", "mj-head",
    "mj-hero", "mj-image", "mj-navbar", "mj-section", "mj-social", "mj-spacer", "mj-wrapper",
}  # fmt: skip
_HEAD_ONLY = {"mj-attributes", "mj-breakpoint", "mj-font", "mj-preview", "mj-style", "mj-title"}
_HTML = {
    "a", "abbr", "b", "bdi", "bdo", "big", "blockquote", "br", "caption", "center", "cite", "code", "col", "colgroup",
    "dd", "del", "div", "dl", "dt", "em", "figcaption", "figure", "font", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i",
    "img", "ins", "li", "ol", "p", "pre", "q", "s", "small", "span", "strike", "strong", "sub", "sup", "table", "tbody",
    "td", "tfoot", "th", "thead", "time", "tr", "u", "ul", "wbr",
}  # fmt: skip
_ADDRESSES = {"href", "src", "background", "background-url", "icon-src", "thumbnails-src", "poster"}
_SAFE_ADDRESS = re.compile(r"(https://|mailto:|tel:|#)", re.IGNORECASE)
_BAD_STYLE = re.compile(r"@import|expression\s*\(|javascript:|behavior\s*:|<", re.IGNORECASE)
_RIGHT_TO_LEFT = {"he", "ar", "fa", "ur", "yi", "iw"}
_RTL_DEFAULTS = (
    '<mj-attributes><mj-section direction="rtl"/><mj-column direction="rtl"/><mj-group direction="rtl"/>'
    '<mj-text align="right"/><mj-table align="right"/></mj-attributes>'
)
# The compiler recurses into elements and repeats inherited attributes in each: both are bounded before it runs.
_ELEMENTS = 2_000
_DEPTH = 40
_LONGEST_ATTRIBUTE = 2_000
_INHERITED = 2_000_000
_IMAGES = 12
_HANDING_DOWN = {"mj-attributes", "mj-accordion", "mj-carousel", "mj-navbar", "mj-social"}
_VOID = re.compile(r"<(br|hr|img|wbr|col)\b([^<>]*?)/?>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:([A-Za-z][A-Za-z0-9]*);|(?!#[0-9]+;|#[xX][0-9a-fA-F]+;))")
_XML_ENTITIES = {"amp", "lt", "gt", "quot", "apos"}


def direction(locale: str) -> str:
    """`rtl` or `ltr`."""
    return "rtl" if locale.replace("_", "-").split("-")[0].lower() in _RIGHT_TO_LEFT else "ltr"


def compile_mjml(source: str, *, locale: str = "en") -> str:
    """HTML with the Liquid tags of the source in their places. TemplateError with a line for every mistake.

    `lang` and `dir` come from the locale unless the `<mjml>` element names them; right-to-left locales start from
    right-to-left defaults. No web fonts are fetched from third parties and no comments remain.
    """
    html, kept = compile_masked(source, locale=locale)
    return kept.restore(html)


def compile_masked(source: str, *, locale: str) -> tuple[str, Mask]:
    """The HTML still with opaque words, and the mask that puts the Liquid tags back."""
    refuse_markup(source)
    kept = Mask(source)
    clean = _normalise(kept.text)
    _Checker(kept, clean).run()
    try:
        made = mrml.to_html(
            _with_locale(clean, locale),
            mrml.ParserOptions(include_loader=mrml.noop_loader()),
            mrml.RenderOptions(disable_comments=True, fonts={}),
        )
    except (OSError, ValueError) as error:
        message = f"The MJML could not be turned into a mail ({error}). Check that every element stands where it may."
        raise TemplateError(message, code="MJML") from error
    if len(made.content) > LARGEST_OUTPUT:
        raise TemplateError(f"The mail becomes larger than {LARGEST_OUTPUT // 1024} KB.", code="TOO_LARGE")
    return made.content, kept


def _normalise(text: str) -> str:
    """XML of what people write as HTML: void elements closed, named characters and bare & encoded. Lines stay."""
    text = _without_comments(text)
    text = _VOID.sub(r"<\1\2/>", text)
    return _ENTITY.sub(_encode, text).strip("\ufeff \t\r")


def _without_comments(text: str) -> str:
    """In one pass, whatever is left open."""
    parts, position = [], 0
    while (start := text.find("<!--", position)) >= 0 and (end := text.find("-->", start + 4)) >= 0:
        parts += [text[position:start], "\n" * text.count("\n", start, end)]
        position = end + 3
    return "".join([*parts, text[position:]])


def _encode(found: re.Match[str]) -> str:
    name = found[1]
    if name is None:
        return "&amp;"
    if name in _XML_ENTITIES:
        return found[0]
    letters = html5.get(f"{name};")
    return "".join(f"&#{ord(letter)};" for letter in letters) if letters else f"&amp;{name};"


def _with_locale(text: str, locale: str) -> str:
    root = re.search(r"<mjml\b[^>]*", text)
    if root is None:
        raise TemplateError("The mail must start with <mjml>.", code="MJML", line=1)
    opening, place = root[0], root.end()
    if " lang=" not in opening:
        opening += f' lang="{locale.replace("_", "-")}"'
    if " dir=" not in opening:
        opening += f' dir="{direction(locale)}"'
    text = text[: root.start()] + opening + text[place:]
    if direction(locale) == "ltr":
        return text
    head = re.search(r"<mj-head\b[^>]*?(/?)>", text)
    if head is None or head[1]:
        after = text.index(">", root.start()) + 1
        return f"{text[:after]}<mj-head>{_RTL_DEFAULTS}</mj-head>{text[after:]}"
    return text[: head.end()] + _RTL_DEFAULTS + text[head.end() :]


class _Checker:
    """One pass over the masked source; raises at the first mistake."""

    def __init__(self, kept: Mask, text: str) -> None:
        self._kept = kept
        self._bytes = text.encode()
        self._open: list[tuple[str, int]] = []
        self._elements = self._images = self._inherited = 0
        self._parser = parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = lambda *_: self._refuse(
            "A DOCTYPE does not belong into a mail: start with <mjml>."
        )
        parser.StartCdataSectionHandler = lambda: self._refuse(
            "CDATA does not belong into a mail: write the text as it is."
        )
        parser.ProcessingInstructionHandler = lambda *_: self._refuse("<?…?> does not belong into a mail.")
        parser.XmlDeclHandler = lambda *_: self._refuse("<?xml …?> does not belong into a mail: start with <mjml>.")

    def run(self) -> None:
        if not self._bytes.strip():
            raise TemplateError("The mail is empty.", code="MJML", line=1)
        try:
            self._parser.Parse(self._bytes, True)
        except expat.ExpatError as error:
            raise TemplateError(self._hint(error), code="MJML", line=self._line()) from error

    def _line(self, place: int | None = None) -> int:
        place = max(self._parser.CurrentByteIndex if place is None else place, 0)
        return self._kept.line_at(self._bytes[:place].decode(errors="ignore"))

    def _refuse(self, message: str, *, code: str = "MJML") -> None:
        raise TemplateError(self._kept.restore(message), code=code, line=self._line())

    def _hint(self, error: expat.ExpatError) -> str:
        reason = expat.ErrorString(error.code)
        if self._open and reason in {"mismatched tag", "no element found", "unclosed token"}:
            name, place = self._open[-1]
            return f"<{name}> of line {self._line(place)} is not closed before here."
        if reason == "duplicate attribute":
            return "An attribute is given twice in one element."
        return (
            "Something is not well-formed here. Check the quotes around attributes and lone '<'. Liquid may stand in "
            "text, inside an attribute's value or between elements, not elsewhere inside a tag."
        )

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        parent = self._open[-1][0] if self._open else None
        if parent is None and name != "mjml":
            self._refuse(f"The mail must start with <mjml>, not with <{name}>.")
        if name == "mj-include":
            self._refuse("mj-include is not available: paste the content here.")
        known = _STRUCTURE | _CONTENT
        inside_content = parent in _CONTENT or parent in _HTML
        if inside_content and name.lower() not in _HTML:
            self._refuse(f"<{name}> is not allowed inside <{parent}>.")
        if not inside_content and name not in known:
            self._refuse(f"There is no MJML element <{name}>.")
        if name in _HEAD_ONLY and parent != "mj-head":
            self._refuse(f"<{name}> belongs into <mj-head>.")
        for attribute, value in attributes.items():
            self._check_attribute(name, attribute.lower(), value)
        self._open.append((name, self._parser.CurrentByteIndex))
        self._check_size(name, attributes)

    def _check_size(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        self._images += name == "mj-carousel-image"
        if any(opened in _HANDING_DOWN for opened, _ in self._open):
            self._inherited += sum(map(len, attributes.values()))
        if len(self._open) > _DEPTH:
            self._refuse(f"The elements are nested more than {_DEPTH} deep.", code="TOO_MUCH")
        if self._elements > _ELEMENTS:
            self._refuse(f"The mail has more than {_ELEMENTS} elements.", code="TOO_MUCH")
        if self._images > _IMAGES:
            self._refuse(f"A carousel has at most {_IMAGES} images.", code="TOO_MUCH")
        if self._inherited * self._elements > _INHERITED:
            self._refuse("Attributes that many elements inherit are too long.", code="TOO_MUCH")

    def _check_attribute(self, element: str, attribute: str, value: str) -> None:
        if attribute.startswith("on") or self._kept.has_word(attribute) or attribute in {"srcdoc", "formaction"}:
            self._refuse(f"The attribute {attribute} is not allowed.")
        if len(value) > _LONGEST_ATTRIBUTE:
            self._refuse(f"The attribute {attribute[:40]} is longer than {_LONGEST_ATTRIBUTE} characters.")
        if attribute in {"style", "css-class"} and _BAD_STYLE.search(value):
            self._refuse("This style is not allowed.")
        if attribute in _ADDRESSES and element != "mj-font" and value.strip():
            self._check_address(attribute, value.strip())

    def _check_address(self, attribute: str, value: str) -> None:
        region = self._kept.leading(value)
        if region is not None:
            if not (region.is_output and re.match(r"links\.", region.inner)):
                self._refuse(
                    f"{attribute} may start with https:// or with a link of ours such as {{{{ links.offer }}}}."
                )
        elif not _SAFE_ADDRESS.match(value):
            self._refuse(f"{attribute} must start with https://, mailto: or tel:, not with {value[:30]!r}.")

    def _end(self, name: str) -> None:
        self._open.pop()

    def _characters(self, data: str) -> None:
        parent = self._open[-1][0] if self._open else ""
        if parent in _STRUCTURE and self._kept.without_tags(data).strip():
            self._refuse(f"Text cannot stand directly inside <{parent}>: put it into <mj-text>.")
        if parent == "mj-style" and _BAD_STYLE.search(data):
            self._refuse("This style is not allowed.")
