"""The footer of marketing mail: who sends it, from where, the way out and the way to choose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from html import escape

from orchestrator.templating import hrefs, liquid
from orchestrator.templating.message import CompiledContent, Rendered
from orchestrator.templating.mjml import direction

UNSUBSCRIBE = "links.unsubscribe"
_WORDS = {
    "en": ("You get this mail because your company uses our service.", "Unsubscribe", "Choose what you get"),
    "he": ("הודעה זו נשלחה אליך כי הארגון שלך משתמש בשירות שלנו.", "הסרה מרשימת התפוצה", "לבחור מה לקבל"),
    "ro": (
        "Primiți acest mesaj deoarece compania dumneavoastră folosește serviciul nostru.",
        "Dezabonare",
        "Alegeți ce primiți",
    ),
}


def add_footer(content: CompiledContent, *, locale: str = "", sender_name: str, postal_address: str) -> CompiledContent:
    """The content with a footer in each part that lacks `links.unsubscribe`. One that has a way out of its own gets the
    line of the sender where it does not name the postal address (CAN-SPAM); with both it stays as it is.

    Locales without words of their own get English. Sender and address are shown as they are, never read as Liquid.
    """
    tongue = (locale or content.locale).replace("_", "-").split("-")[0].lower()
    tongue = {"iw": "he"}.get(tongue, tongue)
    reason, way_out, choose = _WORDS.get(tongue, _WORDS["en"])
    sender = ", ".join(part for part in (sender_name.strip(), postal_address.strip()) if part)
    html, text = content.html, content.text
    spoken = tongue if tongue in _WORDS else "en"
    if html and UNSUBSCRIBE not in liquid.used_variables(html):
        html = _insert(html, _html_footer(reason, way_out, choose, sender, spoken))
    elif html and not _names(html, escape(postal_address)):
        html = _insert(html, _block(_shown(sender), spoken))
    if UNSUBSCRIBE in liquid.used_variables(text):
        text = text if _names(text, postal_address) else f"{text}\n\n--\n{_harmless(sender)}"
    else:
        ways = f"{choose}: {{{{ links.preferences }}}}\n{way_out}: {{{{ links.unsubscribe }}}}"
        text = f"{text}\n\n--\n{_harmless(sender)}\n{reason}\n{ways}".strip()
    return replace(content, html=html, text=text)


def complete_mail(
    rendered: Rendered, *, urls: Mapping[str, str], locale: str, sender_name: str, postal_address: str
) -> Rendered:
    """The finished mail with the footer in each part where no reader would see the way out: the link stood under a
    condition that did not hold, behind a filter that ate it, or around nothing."""
    link = urls["unsubscribe"]
    needs_html = bool(rendered.html) and not hrefs.shows(rendered.html, link)
    needs_text = link not in rendered.text
    if not needs_html and not needs_text:
        return rendered
    # A blank stands for a part that has nothing of its own.
    blank = CompiledContent("", " ", "", locale)
    made = add_footer(blank, sender_name=sender_name, postal_address=postal_address)
    return replace(
        rendered,
        html=_insert(rendered.html, _filled(made.html.strip(), urls)) if needs_html else rendered.html,
        text=f"{rendered.text}\n\n{_filled(made.text, urls)}".strip() if needs_text else rendered.text,
    )


def _filled(footer: str, urls: Mapping[str, str]) -> str:
    for name in ("preferences", "unsubscribe"):
        footer = footer.replace(f"{{{{ links.{name} }}}}", urls[name])
    return footer


def _html_footer(reason: str, way_out: str, choose: str, sender: str, tongue: str) -> str:
    link = '<a href="{{{{ links.{} }}}}" style="color:#5b6472;text-decoration:underline;">{}</a>'
    ways = f"{link.format('preferences', choose)} · {link.format('unsubscribe', way_out)}"
    return _block(f"{_shown(sender)}<br>{reason}<br>{ways}", tongue)


def _block(words: str, tongue: str) -> str:
    return (
        f'<div lang="{tongue}" dir="{direction(tongue)}" style="margin:0 auto;max-width:600px;padding:24px 25px;'
        f'font-family:Helvetica,Arial,sans-serif;font-size:12px;line-height:1.6;color:#5b6472;text-align:center;">'
        f"{words}</div>"
    )


def _shown(sender: str) -> str:
    return escape(sender).replace("{", "&#123;").replace("}", "&#125;")


def _names(source: str, postal_address: str) -> bool:
    """Whether the address stands in it, however its lines are broken; no address is never missing."""
    return " ".join(postal_address.split()) in " ".join(source.split())


def _insert(html: str, footer: str) -> str:
    place = html.rfind("</body>")
    return html[:place] + footer + html[place:] if place >= 0 else html + footer


def _harmless(sender: str) -> str:
    return sender.replace("{", "(").replace("}", ")")
