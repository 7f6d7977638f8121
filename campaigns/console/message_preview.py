"""A message as one real person would get it: the document for the preview's frame. Rendered by delivery's own hands,
with the words that come from data marked; nothing is sent, and nothing in it leads to a customer's pages."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from html import escape as escape_all
from typing import Any

from django.template.loader import render_to_string
from django.utils.html import escape
from django.utils.safestring import mark_safe
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _

from campaigns.console import campaign_words, host_page, marking, text_parts
from campaigns.delivery import content as contents
from campaigns.delivery import render
from campaigns.sequences import compose, problem_words, wording
from campaigns.sequences.cast import Person
from campaigns.sequences.models import Campaign
from orchestrator.templating.errors import TemplateError
from orchestrator.templating.message import CompiledContent, Rendered
from orchestrator.templating.mjml import direction

DESKTOP, MOBILE, DARK, TEXT = "desktop", "mobile", "dark", "text"
SCREENS = (DESKTOP, MOBILE, DARK, TEXT)
# Translucent: it must be seen on white and leave white letters readable on a button.
_MARK = '<span style="background:rgb(43 81 196 / .13);border-radius:3px;padding:0 2px">'
# Mail that brings no dark colours of its own is turned round by the programs that insist; pictures are not.
_TURNED = (
    "<style>html{background:#14181f}body{min-height:100vh;background-color:#fff;filter:invert(.92) hue-rotate(180deg)}"
    "img{filter:invert(1) hue-rotate(180deg)}</style>"
)
_OWN_DARK = re.compile(r"\(\s*prefers-color-scheme\s*:\s*dark\s*\)")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff]")
_LINK = re.compile(r'(<a\b[^>]*?)\shref="([^"]*)"', re.IGNORECASE)


def screens_of(channel: str) -> tuple[str, ...]:
    """The ways to look at a message of the channel; none where there is only one."""
    return {"email": SCREENS, "in_app": SCREENS[:3]}.get(channel, ())


def snippets_as_of(campaign: Campaign) -> datetime | None:
    """The moment whose snippets the texts on its pages say: of what runs, when it went live; None, as they are now, of
    a draft, beside one that runs too."""
    if campaign.draft_version is not None or campaign.live_version is None:
        return None
    return campaign.live_version.went_live_at or campaign.launched_at


def contents_for(
    *, step: Mapping[str, Any], letter: str, document: Mapping[str, Any], at: datetime | None
) -> dict[str, dict[str, str]]:
    """`at` as `snippets_as_of` has it."""
    return wording.delivery_content(
        channel=step["channel"],
        content=step["variants"][letter]["content"],
        has_offer="offer" in document,
        utm=(document.get("tracking") or {}).get("utm"),
        at=at,
    )


def label_of(person: Person) -> str:
    """Name, account and where it stands. Each name is an island: a Hebrew one draws no figure beside it along."""
    name = _island(f"{person.contact.first_name} {person.contact.last_name}".strip() or person.contact.external_id)
    account = _island(person.account.name or person.account.external_id)
    evidence = person.facts["evidence"]
    if evidence.get("value") is None or not evidence.get("quota"):
        return _("%(name)s, %(account)s") % {"name": name, "account": account}
    words = _("%(name)s, %(account)s (%(value)s of %(quota)s %(unit)s)") % {
        "name": name,
        "account": account,
        "value": evidence["value"],
        "quota": evidence["quota"],
        "unit": evidence.get("unit", ""),
    }
    return words.replace(" )", ")")


def _island(words: str) -> str:
    """Set apart, where they run against the page."""
    runs_left = bool(_RIGHT_TO_LEFT.search(words))
    return words if runs_left == (direction(get_language() or "en") == "rtl") else f"\u2068{words}\u2069"


def fill_in(
    *, channel: str, texts: Mapping[str, str], locale: str, facts: Mapping[str, Any], marketing: bool
) -> Rendered:
    """What the channel would be handed for these facts. Raises TemplateError."""
    compiled = _compiled(channel, texts, locale, marketing)
    return render.fill_in(channel=channel, compiled=compiled, facts=text_parts.with_real_links(facts=facts))


def page_of(
    *,
    channel: str,
    texts: Mapping[str, str] | None,
    locale: str,
    facts: Mapping[str, Any],
    screen: str,
    marketing: bool,
) -> str:
    """The document for the frame: the message itself, or why there is none."""
    if texts is None:
        return notice(_("There is no text in %(language)s yet.") % {"language": campaign_words.language_name(locale)})
    facts = text_parts.with_real_links(facts=facts)
    try:
        compiled = _compiled(channel, texts, locale, marketing, is_marked=True)
        rendered = render.fill_in(channel=channel, compiled=compiled, facts=facts)
    except TemplateError as error:
        return notice(problem_words.in_readers_words(error.message, locale=locale))
    if channel == "email" and screen != TEXT:
        html = _harmless(marking.show(rendered.html, opening=_MARK), facts)
        return _darkened(html) if screen == DARK else html
    if channel == "in_app":
        return _in_app(rendered, texts, locale, facts, screen)
    return _plain(channel, rendered, locale)


def find_gaps(*, channel: str, texts: Mapping[str, Mapping[str, str]], people: Sequence[Person]) -> list[str]:
    """Why the message can't be made, for each of the people for whom it can't, in the language they would get."""
    compiled: dict[str, CompiledContent | str] = {}
    found = []
    for person in people:
        locale = compose.pick_language(contact=person.contact, channel=channel, available=texts)
        if locale not in compiled:
            compiled[locale] = _compiled_or_why(channel, texts[locale], locale)
        made = compiled[locale]
        try:
            if isinstance(made, str):
                found.append(made)
            else:
                render.fill_in(channel=channel, compiled=made, facts=person.facts)
        except TemplateError as error:
            found.append(problem_words.in_readers_words(error.message, locale=locale))
    return found


def notice(words: str) -> str:
    return render_to_string("console/campaigns/frame_text.html", {"notice": words})


def _in_app(rendered: Rendered, texts: Mapping[str, str], locale: str, facts: Mapping[str, Any], screen: str) -> str:
    """Inside a picture of the application that shows it, in the style sheet that crescendo.js brings."""
    body = host_page.with_buttons(_harmless(marking.show(rendered.html, opening=_MARK), facts))
    with override(locale):
        words = {"close": _("Close"), "later": _("Not now")}
    context = {
        "body": mark_safe(body),  # noqa: S308  sanitised by rendering
        "css": mark_safe(host_page.style_sheet()),  # noqa: S308  a file of ours
        "kind": texts.get("kind") or "banner",
        "anchor": texts.get("anchor", ""),
        "page": texts.get("page", ""),
        "feature": texts.get("feature", ""),
        "theme": "dark" if screen == DARK else "light",
        "lang": locale,
        "dir": direction(locale),
        "words": words,
    }
    return render_to_string("console/campaigns/frame_in_app.html", context)


def _plain(channel: str, rendered: Rendered, locale: str) -> str:
    context: dict[str, Any] = {
        "body": mark_safe(marking.show(escape(rendered.text), opening=_MARK)),  # noqa: S308  escaped a word before
        "lang": locale,
        "dir": direction(locale),
    }
    if channel != "sms":
        return render_to_string("console/campaigns/frame_text.html", context)
    spoken = get_language() or "en"
    context |= {
        "counter": text_parts.counter(text=marking.bare(rendered.text)),
        "spoken": spoken,
        "spoken_dir": direction(spoken),
    }
    return render_to_string("console/campaigns/frame_sms.html", context)


def _harmless(html: str, facts: Mapping[str, Any]) -> str:
    """Links of the message's own lead nowhere; an author's open outside of the frame."""
    own = {escape_all(str(address)) for address in facts["links"].values()}
    return _LINK.sub(
        lambda found: (
            f'{found[1]} role="link" aria-disabled="true"'
            if found[2] in own
            else f'{found[1]} href="{found[2]}" target="_blank" rel="noopener noreferrer"'
        ),
        html,
    )


def _darkened(html: str) -> str:
    if _OWN_DARK.search(html):
        return _OWN_DARK.sub("(min-width:0)", html)
    return html.replace("</head>", f"{_TURNED}</head>", 1)


def has_dark_colours(html: str) -> bool:
    """Whether the mail says itself how it looks in the dark."""
    return bool(_OWN_DARK.search(html))


def _compiled_or_why(channel: str, texts: Mapping[str, str], locale: str) -> CompiledContent | str:
    try:
        return _compiled(channel, texts, locale, marketing=False)
    except TemplateError as error:
        return problem_words.in_readers_words(error.message, locale=locale)


def _compiled(
    channel: str, texts: Mapping[str, str], locale: str, marketing: bool, *, is_marked: bool = False
) -> CompiledContent:
    """What is added to marketing is never marked: nobody wrote it."""
    made = contents.compile_content(channel=channel, content={locale: texts})[locale]
    compiled = CompiledContent(**made)
    if is_marked:
        compiled = replace(compiled, html=marking.mark_html(compiled.html), text=marking.mark_text(compiled.text))
    return contents.finish_marketing(compiled=compiled, channel=channel) if marketing else compiled
