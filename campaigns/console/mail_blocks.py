"""A mail as plain blocks: greeting, paragraphs, button, what stands under it, small print. The MJML is made from them;
MJML that was made so can be taken apart again, any other is left to those who write MJML.

A paragraph whose every line is `words | figure` is a table: the first line its head, the last its sum."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from itertools import takewhile

from orchestrator.templating import mask
from orchestrator.templating.errors import TemplateError
from orchestrator.templating.mjml import direction

_PART = re.compile(
    r"<mj-(?P<kind>text|table|button)(?P<rest>(?: [^>]*[^/>])?)>(?P<words>.*?)</mj-(?P=kind)>", re.DOTALL
)
_SMALL = ' font-size="13px"'
_CELLS = re.compile(r"<th[^>]*>(.*?)</th><td[^>]*>(.*?)</td>", re.DOTALL)
_BAR = " | "
_CONDITION = re.compile(r"\{%-?\s*(?:if|unless|case|for|(end)(?:if|unless|case|for))\b")
_ANY_TEXT = re.compile(r"<mj-(?:text|button)\b(?:[^>]*[^/>])?>(.*?)</mj-(?:text|button)>", re.DOTALL)
_TAG = re.compile(r"<[^<>]*>")
# Far more than blocks ever make; reading looks ahead from each.
_MOST_TAGS = 1_000
_EXCERPTED = 20_000


@dataclass(frozen=True, slots=True)
class Blocks:
    """Liquid is allowed in each; an empty line parts the paragraphs of `body` and `after`, which stands under the
    button. All but the body may be empty."""

    greeting: str = ""
    body: str = ""
    button: str = ""
    small: str = ""
    after: str = ""


def build_mjml(*, blocks: Blocks, locale: str) -> str:
    """Raises TemplateError where a Liquid mark is never closed."""
    ends = ("right", "left") if direction(locale) == "rtl" else ("left", "right")
    lines = [f"        <mj-text>{_as_html(blocks.greeting)}</mj-text>"] if blocks.greeting.strip() else []
    lines += [_paragraph(paragraph, ends) for paragraph in _paragraphs(blocks.body)]
    if blocks.button.strip():
        lines.append(
            f'        <mj-button align="{ends[0]}" href="{{{{ links.offer }}}}">{_as_html(blocks.button)}</mj-button>'
        )
    lines += [_paragraph(paragraph, ends) for paragraph in _paragraphs(blocks.after)]
    if blocks.small.strip():
        lines.append(f'        <mj-text font-size="13px" color="#5b6675">{_as_html(blocks.small)}</mj-text>')
    return _FRAME.replace("BLOCKS", "\n".join(lines))


def read_blocks(*, mjml: str, locale: str) -> Blocks | None:
    """None for MJML that was not made of blocks."""
    if mjml.count("<") > _MOST_TAGS:
        return None
    above: list[str] = []
    under: list[str] = []
    button = small = ""
    for part in _PART.finditer(mjml):
        if part["kind"] == "button":
            button = _as_text(part["words"])
        elif part["rest"].startswith(_SMALL) and part["kind"] == "text":
            small = _as_text(part["words"])
        else:
            words = _as_lines(part["words"]) if part["kind"] == "table" else _as_text(part["words"])
            (under if button else above).append(words)
    rest = {"button": button, "small": small, "after": "\n\n".join(under)}
    for blocks in (
        Blocks(greeting=above[0] if above else "", body="\n\n".join(above[1:]), **rest),
        Blocks(body="\n\n".join(above), **rest),
    ):
        try:
            if blocks.body and build_mjml(blocks=blocks, locale=locale) == mjml:
                return blocks
        except TemplateError:
            return None
    return None


def excerpt(mjml: str, *, longest: int = 160) -> str:
    """The first words of a mail, greeting left out, with their Liquid in place. What stands from the button on only
    where there is nothing before it."""
    found = list(_ANY_TEXT.finditer(mjml[:_EXCERPTED]))
    before = list(takewhile(lambda one: not one[0].startswith("<mj-button"), found))
    parts = [_as_text(one[1]) for one in before or found]
    words = " ".join(" ".join(parts[1:] if len(parts) > 1 else parts).split())
    if len(words) <= longest:
        return words
    cut = words[:longest]
    return f"{_whole_liquid(cut.rsplit(' ', 1)[0] if ' ' in cut else cut).rstrip(' .,;:')}…"


def _whole_liquid(cut: str) -> str:
    """Less what was cut through: a tag or a variable without its end, a condition without its `endif`."""
    for opening, closing in (("{{", "}}"), ("{%", "%}")):
        if cut.rfind(opening) > cut.rfind(closing):
            cut = cut[: cut.rfind(opening)]
    depth, began = 0, len(cut)
    for tag in _CONDITION.finditer(cut):
        began = tag.start() if depth == 0 else began
        depth += -1 if tag[1] else 1
    return cut[:began] if depth else cut


def _paragraphs(body: str) -> list[str]:
    return [part.strip() for part in re.split(r"\n\s*\n", body.replace("\r\n", "\n").strip()) if part.strip()]


def _paragraph(text: str, ends: tuple[str, str]) -> str:
    """`ends` are the sides where reading starts and ends."""
    kept = mask.Mask(text)
    lines = [line.strip() for line in kept.text.split("\n")]
    if len(lines) < 2 or any(line.count(_BAR) != 1 for line in lines):
        return f"        <mj-text>{_as_html(text)}</mj-text>"
    rows = []
    for place, line in enumerate(lines):
        style = _HEAD if place == 0 else _SUM if place == len(lines) - 1 else _ROW
        words, figure = (html.escape(cell.strip(), quote=False) for cell in line.split(_BAR))
        cells = f'<th align="{ends[0]}" style="{style}">{words}</th><td align="{ends[1]}" style="{style}">{figure}</td>'
        rows.append(f"<tr>{cells}</tr>")
    table = '        <mj-table font-size="15px" line-height="22px" color="#16202e" padding="8px 0">{}</mj-table>'
    return kept.restore(table.format("".join(rows)))


def _as_lines(source: str) -> str:
    return "\n".join(f"{_as_text(words)}{_BAR}{_as_text(figure)}" for words, figure in _CELLS.findall(source))


def _as_html(text: str) -> str:
    """Plain text with Liquid as content of an element: the Liquid is left alone, line ends become breaks."""
    kept = mask.Mask(text.replace("\r\n", "\n").strip())
    return kept.restore(html.escape(kept.text, quote=False).replace("\n", "<br />"))


def _as_text(source: str) -> str:
    return html.unescape(_TAG.sub("", source.replace("<br />", "\n"))).strip()


_ROW = "padding:8px 0;border-bottom:1px solid #dfe3e9;font-weight:normal"
_HEAD = f"{_ROW};color:#5b6675;font-size:13px"
_SUM = "padding:8px 0;font-weight:bold"
_FRAME = """<mjml>
  <mj-head>
    <mj-attributes>
      <mj-all font-family="Helvetica, Arial, sans-serif" />
      <mj-text font-size="16px" line-height="24px" color="#16202e" padding="8px 0" />
      <mj-button background-color="#2b51c4" border-radius="6px" font-size="16px" inner-padding="12px 20px"
        padding="8px 0" />
    </mj-attributes>
  </mj-head>
  <mj-body background-color="#f4f6f9">
    <mj-section padding="8px 0"></mj-section>
    <mj-section background-color="#ffffff" border-radius="8px" padding="24px 28px">
      <mj-column>
BLOCKS
      </mj-column>
    </mj-section>
  </mj-body>
</mjml>"""
