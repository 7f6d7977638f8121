"""The preview beside the steps and the editor: as whom, in which language, on which screen, what to look out for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.console import campaign_words, marking, message_preview, sms_cost
from campaigns.console.message_preview import DARK
from campaigns.console.preview_people import Viewers
from campaigns.console.templatetags.console import count
from campaigns.delivery import content, test_send
from campaigns.delivery.models import Message
from campaigns.sequences import cast, compose, problem_words, snippets
from campaigns.sequences.cast import Cast, Person
from campaigns.sequences.models import Campaign
from campaigns.sequences.step_file import LOCALES
from orchestrator.templating import message, sms
from orchestrator.templating.errors import TemplateError
from orchestrator.templating.message import Rendered
from orchestrator.templating.mjml import direction

# Mail programs on a desktop show about so many characters of a subject, on a phone about half.
LONGEST_SUBJECT = 60


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several views of the preview, a link; `get` is the same without the place on the page."""

    name: str
    url: str
    is_current: bool
    icon: str = ""
    lang: str = ""

    @property
    def get(self) -> str:
        return self.url.partition("#")[0]


@dataclass(frozen=True, slots=True)
class Remark:
    """What to look out for. `tone` is info or warn; `url` leads to `action`."""

    tone: str
    words: str
    url: str = ""
    action: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """What the preview is asked for: `page` is the address its links lead back to, `query` what they carry along.

    `language` is what was asked for by name; empty: whatever the person would get.
    """

    page: str
    screen: str = ""
    language: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    is_language_of_page: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """`facts` are the person's, or made up where there is nobody. `filled`: for how many of those tried the message
    can be made; `is_text_wrong`: what keeps this one from being made is its text, no value that the person lacks."""

    key: str
    letter: str
    is_compared: bool
    channel: str
    locale: str
    screen: str
    viewers: Viewers
    facts: Mapping[str, Any] = field(repr=False)
    subject: SafeString
    remarks: list[Remark]
    frame_url: str
    test_url: str
    before: Choice | None
    after: Choice | None
    screens: list[Choice]
    locales: list[Choice]
    found: list[Choice]
    fields: list[tuple[str, str]]
    filled: int
    is_text_wrong: bool

    @property
    def person(self) -> Person | None:
        return self.viewers.person

    @property
    def direction(self) -> str:
        return direction(self.locale)

    @property
    def first_name(self) -> str:
        return first_name_of(self.person)

    @property
    def label(self) -> str:
        return message_preview.label_of(self.person) if self.person else ""

    @property
    def sender(self) -> str:
        name = settings.SENDGRID_FROM_NAME or settings.SENDER_NAME
        return f"{name} <{settings.SENDGRID_FROM_EMAIL}>" if settings.SENDGRID_FROM_EMAIL else name


def make_panel(
    *,
    campaign: Campaign,
    document: Mapping[str, Any],
    step: Mapping[str, Any],
    letter: str,
    viewers: Viewers,
    made_up: Mapping[str, Any],
    ask: Ask,
) -> Panel:
    """`made_up` are the facts shown where there is no viewer."""
    channel, person = step["channel"], viewers.person
    all_texts = message_preview.contents_for(
        step=step, letter=letter, document=document, at=message_preview.snippets_as_of(campaign)
    )
    own = (
        compose.pick_language(contact=person.contact, channel=channel, available=all_texts)
        if person
        else next(iter(all_texts))
    )
    locale = ask.language or own
    screens = message_preview.screens_of(channel)
    screen = ask.screen if ask.screen in screens else next(iter(screens), "")
    links = _Links(ask, step["key"], letter, str(person.contact.pk) if person else "", screen)
    facts = person.facts if person else made_up
    texts = all_texts.get(locale)
    rendered, problem, is_text_wrong = _try(channel, texts, locale, facts, document)
    seen = _Seen(
        campaign, channel, person, own, locale, list(all_texts), texts, rendered, problem, screen, viewers.audience
    )
    shown = {"contact": links.contact, "screen": screen, "language": locale}
    args = [campaign.slug, step["key"], letter]
    return Panel(
        key=step["key"],
        letter=letter,
        is_compared=len(step["variants"]) > 1,
        channel=channel,
        locale=locale,
        screen=screen,
        viewers=viewers,
        facts=facts,
        subject=subject_of(texts, facts, locale),
        remarks=list(_remarks(seen, links)),
        frame_url=reverse("admin:studio-campaign-preview", args=args, query=_filled(shown)),
        test_url=reverse("admin:studio-campaign-test", args=args, query=_filled(shown))
        if channel in test_send.CHANNELS and texts is not None and person
        else "",
        before=links.person(_("Previous person"), viewers.before) if viewers.before else None,
        after=links.person(_("Next person"), viewers.after) if viewers.after else None,
        screens=[_screen(one, one == screen, links) for one in screens],
        locales=list(_locales(ask, locale, links, person)),
        found=[links.person(label, pk) for pk, label in viewers.found],
        fields=list(links.kept.items()),
        filled=len(viewers.tried)
        - len(message_preview.find_gaps(channel=channel, texts=all_texts, people=viewers.tried)),
        is_text_wrong=is_text_wrong,
    )


def first_name_of(person: Person | None) -> str:
    return (person.contact.first_name if person else "") or _("this person")


class _Links:
    """To the same page with one thing changed."""

    def __init__(self, ask: Ask, key: str, letter: str, contact: str, screen: str) -> None:
        self.page, self.contact = ask.page, contact
        chosen = {**ask.query, "step": key, "variant": letter, "contact": contact, "screen": screen}
        self.kept = _filled({**chosen, "language": ask.language})

    def person(self, name: str, pk: int) -> Choice:
        return Choice(name, self.to(contact=str(pk)), str(pk) == self.contact)

    def to(self, **changes: str) -> str:
        return f"{self.page}?{urlencode(_filled(self.kept | changes))}#preview"


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the remarks are about."""

    campaign: Campaign
    channel: str
    person: Person | None
    own: str
    locale: str
    written: list[str]
    texts: Mapping[str, str] | None
    rendered: Rendered | None
    problem: str
    screen: str
    audience: Cast


def _try(
    channel: str,
    texts: Mapping[str, str] | None,
    locale: str,
    facts: Mapping[str, Any],
    document: Mapping[str, Any],
) -> tuple[Rendered | None, str, bool]:
    """The message, or what keeps this person from getting it, and whether that is the text itself."""
    if texts is None:
        return None, "", False
    marketing = document.get("purpose", "MARKETING") == "MARKETING"
    try:
        rendered = message_preview.fill_in(
            channel=channel, texts=texts, locale=locale, facts=facts, marketing=marketing
        )
    except TemplateError as error:
        words = problem_words.in_readers_words(error.message, locale=locale)
        return None, words, problem_words.is_of_the_text(error.message)
    return rendered, "", False


def _remarks(seen: _Seen, links: _Links) -> Iterator[Remark]:
    if seen.problem:
        words = _("%(name)s would not get this message: %(why)s")
        yield Remark("warn", words % {"name": first_name_of(seen.person), "why": seen.problem})
    if seen.person is not None:
        yield from _about_person(seen, seen.person, links)
    if seen.rendered is not None:
        yield from _about_message(seen, seen.rendered)


def _about_person(seen: _Seen, person: Person, links: _Links) -> Iterator[Remark]:
    name = first_name_of(person)
    reason = cast.why_unreachable(campaign=seen.campaign, contact=person.contact, channel=seen.channel)
    if reason:
        yield Remark("warn", _why_unreachable(reason, name, seen.channel))
    spoken = compose.language_of(contact=person.contact)
    got = campaign_words.language_name(seen.own)
    if seen.channel in content.READ_BY_COLLEAGUES:
        yield Remark("info", _("A colleague reads it: in %(got)s, whatever the customer reads.") % {"got": got})
    elif spoken and spoken != seen.own:
        if spoken in LOCALES:
            words = _("%(name)s reads %(spoken)s, and there is no text in it: the message goes out in %(got)s.")
            yield Remark("warn", words % {"name": name, "spoken": campaign_words.language_name(spoken), "got": got})
        else:
            words = _("Messages are not written in the language %(name)s reads: this one goes out in %(got)s.")
            yield Remark("info", words % {"name": name, "got": got})
    if seen.locale != seen.own:
        words = _("%(name)s gets it in %(got)s, not as shown here.")
        yield Remark("info", words % {"name": name, "got": got}, links.to(language=seen.own), _("Show that"))


def _why_unreachable(reason: str, name: str, channel: str) -> str:
    words = {
        Message.Reason.NO_ADDRESS: _("%(name)s has no address for %(channel)s: this step is skipped for them."),
        Message.Reason.OPTED_OUT: _("%(name)s wants no %(channel)s: this step is skipped for them."),
        Message.Reason.SUPPRESSED: _(
            "What is sent to %(name)s by %(channel)s comes back: this step is skipped for them."
        ),
        Message.Reason.HELD: _(
            "%(name)s may have said no to %(channel)s: this step is skipped until somebody decides."
        ),
        Message.Reason.NO_CONSENT: _("%(name)s never agreed to %(channel)s: this step is skipped for them."),
    }
    named = {
        "email": _("e-mail"),
        "sms": _("SMS"),
        "in_app": _("in-app messages"),
        "csm_task": _("calls"),
        "webhook": _("webhooks"),
    }
    return words[Message.Reason(reason)] % {"name": name, "channel": named.get(channel, channel)}


def _about_message(seen: _Seen, rendered: Rendered) -> Iterator[Remark]:
    texts = seen.texts or {}
    if seen.channel == "email":
        length = len(rendered.subject)
        if length > LONGEST_SUBJECT:
            words = _("The subject has %(n)s characters: mail programs cut it off after about %(most)s, phones sooner.")
            yield Remark("warn", words % {"n": count(length), "most": LONGEST_SUBJECT})
        if not length:
            yield Remark("warn", _("The subject is empty once it is filled in."))
        if seen.screen == DARK and not message_preview.has_dark_colours(rendered.html):
            yield Remark("info", _("Mail programs darken each in their own way. This is about the most they change."))
    if seen.channel == "sms":
        segments = sms.count_segments(rendered.text).segments
        if segments > 1:
            words = ngettext(
                "It goes out in %(n)s part, and each part is paid for.",
                "It goes out in %(n)s parts, and each part is paid for.",
                segments,
            ) % {"n": count(segments)}
            written = dict.fromkeys(seen.written)
            cost = sms_cost.words(segments=segments, locale=seen.locale, available=written, audience=seen.audience)
            yield Remark("warn", f"{words} {cost}".strip())
    if seen.channel == "in_app":
        yield from _where(texts)


def _where(texts: Mapping[str, str]) -> Iterator[Remark]:
    if texts.get("feature") == "*":
        yield Remark("info", _("It waits until somebody tries a feature that the plan lacks."))
    elif texts.get("feature"):
        words = _("It waits until somebody tries the feature %(feature)s.")
        yield Remark("info", words % {"feature": texts["feature"]})
    if texts.get("page"):
        yield Remark("info", _("It shows only on the page %(page)s.") % {"page": texts["page"]})


def subject_of(texts: Mapping[str, str] | None, facts: Mapping[str, Any], locale: str) -> SafeString:
    """Filled in and marked, as the line above the message shows it."""
    if texts is None:
        return SafeString("")
    return marking.line_of(source=texts.get("subject") or texts.get("title") or "", facts=facts, locale=locale)


def typed_subject(*, subject: str, facts: Mapping[str, Any], locale: str) -> str:
    """As it is being written: what is wrong with it where it cannot be filled in."""
    try:
        source = snippets.expand_text(text=subject, locale=locale)
        message.render_text(message.compile_text(text=source, locale=locale), facts)
    except TemplateError as error:
        return problem_words.in_readers_words(error.message, locale=locale)
    return subject_of({"subject": subject}, facts, locale) or "–"


def _locales(ask: Ask, locale: str, links: _Links, person: Person | None) -> Iterator[Choice]:
    """Where the page itself is in no language, whatever the person would get is the first choice."""
    if person is not None and not ask.is_language_of_page:
        yield Choice(_("Their own"), links.to(language=""), not ask.language)
    for one in LOCALES:
        is_current = one == ask.language if person is not None else one == locale
        yield Choice(campaign_words.own_name(one), links.to(language=one), is_current, lang=one)


def screen_name(screen: str) -> tuple[str, str]:
    """Its name and its icon."""
    names = {
        "desktop": (_("Desktop"), "desktop"),
        "mobile": (_("Mobile"), "mobile"),
        "dark": (_("Dark"), "moon"),
        "text": (_("Text"), ""),
    }
    return names[screen]


def _screen(screen: str, is_current: bool, links: _Links) -> Choice:
    name, icon = screen_name(screen)
    return Choice(name, links.to(screen=screen), is_current, icon=icon)


def _filled(query: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in query.items() if value}
