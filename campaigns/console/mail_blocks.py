"""A mail as plain blocks: greeting, paragraphs, button, small print. The MJML is made from them; MJML that was made
so can be taken apart again, any other is left to those who write MJML."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

from orchestrator.templating import mask
from orchestrator.templating.errors import TemplateError
from orchestrator.templating.mjml import direction

_TEXT = re.compile(r"<mj-text(?P<small> font-size=\"13px\"[^>]*)?>(?P<words>.*?)</mj-text>", re.DOTALL)
_BUTTON = re.compile(r"<mj-button align=[^>]*>(?P<words>.*?)</mj-button>", re.DOTALL)
_ANY_TEXT = re.compile(r"<mj-(?:text|button)\b(?:[^>]*[^/>])?>(.*?)</mj-(?:text|button)>", re.DOTALL)
_TAG = re.compile(r"<[^<>]*>")


@dataclass(frozen=True, slots=True)
class Blocks:
    """Liquid is allowed in each; an empty line parts the paragraphs of `body`. All but the body may be empty."""

    greeting: str = ""
    body: str = ""
    button: str = ""
    small: str = ""


def build_mjml(*, blocks: Blocks, locale: str) -> str:
    """Raises TemplateError where a Liquid mark is never closed."""
    align = "right" if direction(locale) == "rtl" else "left"
    lines = [f"        <mj-text>{_as_html(blocks.greeting)}</mj-text>"] if blocks.greeting.strip() else []
    lines += [f"        <mj-text>{_as_html(paragraph)}</mj-text>" for paragraph in _paragraphs(blocks.body)]
    if blocks.button.strip():
        lines.append(
            f'        <mj-button align="{align}" href="{{{{ links.offer }}}}">{_as_html(blocks.button)}</mj-button>'
        )
    if blocks.small.strip():
        lines.append(f'        <mj-text font-size="13px" color="#5b6675">{_as_html(blocks.small)}</mj-text>')
    return _FRAME.replace("BLOCKS", "\n".join(lines))


def read_blocks(*, mjml: str, locale: str) -> Blocks | None:
    """None for MJML that was not made of blocks."""
    texts = list(_TEXT.finditer(mjml))
    words = [_as_text(found["words"]) for found in texts if not found["small"]]
    small = [_as_text(found["words"]) for found in texts if found["small"]]
    button = _BUTTON.search(mjml)
    rest = {"button": _as_text(button["words"]) if button else "", "small": small[0] if small else ""}
    for blocks in (
        Blocks(greeting=words[0] if words else "", body="\n\n".join(words[1:]), **rest),
        Blocks(body="\n\n".join(words), **rest),
    ):
        try:
            if blocks.body and build_mjml(blocks=blocks, locale=locale) == mjml:
                return blocks
        except TemplateError:
            return None
    return None


def excerpt(mjml: str, *, longest: int = 160) -> str:
    """The first words of a mail, greeting left out, with their Liquid in place."""
    parts = [_as_text(found[1]) for found in _ANY_TEXT.finditer(mjml)]
    words = " ".join(" ".join(parts[1:] if len(parts) > 1 else parts).split())
    if len(words) <= longest:
        return words
    cut = words[:longest]
    # Never in the middle of a variable.
    if cut.rfind("{{") > cut.rfind("}}"):
        cut = cut[: cut.rfind("{{")]
    return f"{cut.rsplit(' ', 1)[0] if ' ' in cut else cut}…"


def _paragraphs(body: str) -> list[str]:
    return [part.strip() for part in re.split(r"\n\s*\n", body.replace("\r\n", "\n").strip()) if part.strip()]


def _as_html(text: str) -> str:
    """Plain text with Liquid as content of an element: the Liquid is left alone, line ends become breaks."""
    kept = mask.Mask(text.replace("\r\n", "\n").strip())
    return kept.restore(html.escape(kept.text, quote=False).replace("\n", "<br />"))


def _as_text(source: str) -> str:
    return html.unescape(_TAG.sub("", source.replace("<br />", "\n"))).strip()


_FRAME = """<mjml>
  <mj-head>
    <mj-attributes>
      <mj-all font-family="Helvetica, Arial, sans-serif" />
      <mj-text font-size="16px" line-height="24px" color="#16202e" padding="8px 0" />
      <mj-button background-color="#2b51c4" border-radius="6px" font-size="16px" inner-padding="12px 20px" />
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
