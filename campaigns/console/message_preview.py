"""A message as one real person would see it: filled in from their facts, words from data marked, nothing sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from campaigns.console import campaign_words, marking
from campaigns.delivery import content as contents
from campaigns.sequences import compose, wording
from campaigns.sequences.rehearse import Person
from campaigns.sequences.step_file import LOCALES
from orchestrator.templating import footer, message
from orchestrator.templating.errors import TemplateError
from orchestrator.templating.message import CompiledContent, Rendered
from orchestrator.templating.mjml import direction

SCREENS = ("desktop", "mobile", "text")
# Translucent: it must be seen on white and leave white letters readable on a button.
_MARK = '<span style="background:rgb(43 81 196 / .13);border-radius:3px;padding:0 2px">'


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several views of the preview, a link."""

    name: str
    url: str
    is_current: bool
    icon: str = ""
    lang: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """What stands beside the steps. `problem` says why this person's message can't be made."""

    key: str
    letter: str
    channel: str
    locale: str
    screen: str
    person: Person | None
    facts: Mapping[str, Any] = field(repr=False)
    people: list[tuple[int, str]]
    before: int | None
    after: int | None
    subject: SafeString
    problem: str
    frame_url: str
    screens: list[Choice] = field(default_factory=list)
    locales: list[Choice] = field(default_factory=list)
    filled: int = 0

    @property
    def direction(self) -> str:
        return direction(self.locale)

    @property
    def first_name(self) -> str:
        return (self.person.contact.first_name if self.person else "") or _("this person")

    @property
    def sender(self) -> str:
        name = settings.SENDGRID_FROM_NAME or settings.SENDER_NAME
        return f"{name} <{settings.SENDGRID_FROM_EMAIL}>" if settings.SENDGRID_FROM_EMAIL else name


def make_panel(
    *,
    slug: str,
    step: Mapping[str, Any],
    letter: str,
    has_offer: bool,
    people: Sequence[Person],
    asked: Mapping[str, str],
    made_up: Mapping[str, Any],
    page: str,
    extra: Mapping[str, str] | None = None,
) -> Panel:
    """`asked` are the query's contact, screen and language; `page` the address its links lead back to; `made_up`
    the facts shown where `people` is empty."""
    person = _chosen(people, asked.get("contact", ""))
    variant = step["variants"][letter]
    locale = _locale(variant["content"], asked.get("language", ""), person)
    screens = SCREENS if step["channel"] == "email" else SCREENS[:2]
    screen = asked["screen"] if asked.get("screen") in screens else screens[0]
    chosen = {
        **(extra or {}),
        "step": step["key"],
        "variant": letter,
        "contact": str(person.contact.pk) if person else "",
        "screen": screen,
        "language": locale,
    }
    place = people.index(person) if person in people else 0
    all_texts = contents_for(step=step, letter=letter, has_offer=has_offer)
    texts = all_texts.get(locale)
    facts = person.facts if person else made_up
    subject, problem = _head(step["channel"], texts, locale, facts)
    frame = reverse("admin:studio-campaign-preview", args=[slug, step["key"], letter])
    return Panel(
        key=step["key"],
        letter=letter,
        channel=step["channel"],
        locale=locale,
        screen=screen,
        person=person,
        facts=facts,
        people=[(one.contact.pk, label_of(one)) for one in people],
        before=people[place - 1].contact.pk if place > 0 else None,
        after=people[place + 1].contact.pk if place + 1 < len(people) else None,
        subject=subject,
        problem=problem,
        frame_url=f"{frame}?{_query(chosen, 'contact', 'screen', 'language')}",
        screens=[_screen(page, chosen, one) for one in screens],
        locales=[
            Choice(
                campaign_words.own_name(one),
                f"{page}?{_query({**chosen, 'language': one})}#preview",
                one == locale,
                lang=one,
            )
            for one in LOCALES
        ],
        filled=len(people) - len(find_gaps(channel=step["channel"], texts=all_texts, people=people)),
    )


def contents_for(*, step: Mapping[str, Any], letter: str, has_offer: bool) -> dict[str, dict[str, str]]:
    return wording.delivery_content(
        channel=step["channel"], content=step["variants"][letter]["content"], has_offer=has_offer
    )


def label_of(person: Person) -> str:
    name = f"{person.contact.first_name} {person.contact.last_name}".strip() or person.contact.external_id
    account = person.account.name or person.account.external_id
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
    try:
        compiled = _compiled(channel, texts, locale)
        if channel == "email" and marketing:
            compiled = footer.add_footer(
                compiled, sender_name=settings.SENDER_NAME, postal_address=settings.SENDER_POSTAL_ADDRESS
            )
        rendered = _render(channel, compiled, facts)
    except TemplateError as error:
        return notice(error.message)
    if channel == "email" and screen != "text":
        return marking.show(rendered.html, opening=_MARK)
    is_banner = channel == "in_app"
    body = rendered.html if is_banner else escape(rendered.text)
    context = {
        "body": mark_safe(marking.show(body, opening=_MARK)),  # noqa: S308  sanitised or escaped above
        "lang": locale,
        "dir": direction(locale),
        "is_banner": is_banner,
    }
    return render_to_string("console/campaigns/frame_text.html", context)


def _head(
    channel: str, texts: Mapping[str, str] | None, locale: str, facts: Mapping[str, Any]
) -> tuple[SafeString, str]:
    """The marked subject, and what keeps this person from getting the message."""
    if texts is None:
        return mark_safe(""), ""
    source = texts.get("subject") or texts.get("title") or ""
    subject = marking.line_of(source=source, facts=facts, locale=locale)
    try:
        _render(channel, _compiled(channel, texts, locale), facts)
    except TemplateError as error:
        return subject, error.message
    return subject, ""


def find_gaps(*, channel: str, texts: Mapping[str, Mapping[str, str]], people: Sequence[Person]) -> list[str]:
    """Why the message can't be made, for each of the people for whom it can't, in the language they would get."""
    compiled: dict[str, CompiledContent | str] = {}
    found = []
    for person in people:
        locale = _locale(texts, "", person)
        if locale not in compiled:
            compiled[locale] = _compiled_or_why(channel, texts[locale], locale)
        made = compiled[locale]
        try:
            if isinstance(made, str):
                found.append(made)
            else:
                _render(channel, made, person.facts)
        except TemplateError as error:
            found.append(error.message)
    return found


def _compiled_or_why(channel: str, texts: Mapping[str, str], locale: str) -> CompiledContent | str:
    try:
        return _compiled(channel, texts, locale)
    except TemplateError as error:
        return error.message


def _compiled(channel: str, texts: Mapping[str, str], locale: str) -> CompiledContent:
    """With the marks around what comes from data."""
    made = contents.compile_content(channel=channel, content={locale: texts})[locale]
    compiled = CompiledContent(**made)
    return replace(compiled, html=marking.mark_html(compiled.html), text=marking.mark_text(compiled.text))


def _render(channel: str, compiled: CompiledContent, facts: Mapping[str, Any]) -> Rendered:
    if channel == "email":
        return message.render_email(compiled, facts)
    if channel == "in_app":
        return message.render_in_app(compiled, facts)
    return message.render_text(compiled, facts)


def notice(words: str) -> str:
    return render_to_string("console/campaigns/frame_text.html", {"notice": words})


def _chosen(people: Sequence[Person], asked: str) -> Person | None:
    found = next((one for one in people if str(one.contact.pk) == asked), None)
    return found or (people[0] if people else None)


def _locale(content: Mapping[str, Any], asked: str, person: Person | None) -> str:
    """As asked; else what the person would get."""
    if asked in LOCALES:
        return asked
    spoken = person.contact.locale.replace("_", "-").split("-")[0].lower() if person else ""
    return next((one for one in (spoken, compose.FALLBACK_LOCALE) if one in content), next(iter(content)))


def _screen(page: str, chosen: Mapping[str, str], screen: str) -> Choice:
    names = {"desktop": (_("Desktop"), "desktop"), "mobile": (_("Mobile"), "mobile"), "text": (_("Text"), "")}
    name, icon = names[screen]
    url = f"{page}?{_query({**chosen, 'screen': screen})}#preview"
    return Choice(name, url, screen == chosen["screen"], icon=icon)


def _query(values: Mapping[str, str], *only: str) -> str:
    return urlencode({key: value for key, value in values.items() if value and (not only or key in only)})
