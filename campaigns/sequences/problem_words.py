"""What is wrong with a template, in the reader's language: the template engine itself speaks English only."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.utils.translation import get_language_bidi
from django.utils.translation import gettext as _

from campaigns.sequences import wording
from orchestrator.templating import lint


def in_readers_words(message: str, *, locale: str = "") -> str:
    """The engine's sentence as the reader understands it; what is seldom wrong stays as the engine says it.

    `locale`: the language of the text, whose name the engine puts before its sentence.
    """
    message = message.removeprefix(f"{locale}: ") if locale else message
    missing = _MISSING.fullmatch(message)
    if missing is not None:
        # What nobody can have lacks no value: a fallback would be printed for everybody.
        message = lint.tell_unknown(name=missing["name"], allowed=wording.variables(has_offer=True)) or message
    for pattern, said in _SAID:
        found = pattern.fullmatch(message)
        if found is not None:
            return said() % {name: _isolate(text) for name, text in found.groupdict().items()}
    return message


def is_of_the_text(message: str) -> bool:
    """Whether the engine's sentence is about what is written, whoever reads it: no value that somebody lacks."""
    missing = _MISSING.search(message)
    return missing is None or bool(lint.tell_unknown(name=missing["name"], allowed=wording.variables(has_offer=True)))


def _isolate(text: str) -> str:
    """A name or an example reads from left to right inside Hebrew, too."""
    return f"\u2066{text}\u2069" if text and get_language_bidi() else text


_MISSING = re.compile(r"(?P<name>[\w.\[\]]+) has no value here\. Give it a fallback: (?P<example>.+)\.")
_Said = tuple[re.Pattern[str], Callable[[], str]]
# Asked for anew each time, since the language is the reader's.
_SAID: tuple[_Said, ...] = (
    (
        _MISSING,
        lambda: _("%(name)s has no value here. Give it a fallback: %(example)s."),
    ),
    (
        re.compile(r"There is no variable (?P<name>\S+)\. Did you mean (?P<other>\S+)\?"),
        lambda: _("There is no variable %(name)s. Did you mean %(other)s?"),
    ),
    (re.compile(r"There is no variable (?P<name>\S+)\."), lambda: _("There is no variable %(name)s.")),
    (
        re.compile(r"(?P<name>\S+) is a group of variables: name one of them, such as (?P<example>\S+)"),
        lambda: _("%(name)s is a group of variables: name one of them, such as %(example)s"),
    ),
    (
        re.compile(r"The Liquid tags are not right: (?P<why>.+)\."),
        lambda: _("A placeholder is not written right: %(why)s. Check its signs, {{ }} or {%% %%}."),
    ),
    (
        re.compile(r"A (?P<opened>\S+) is never closed with (?P<closing>\S+)\."),
        lambda: _("A %(opened)s is never closed with %(closing)s."),
    ),
    (
        re.compile(r"There is no filter (?P<name>\S+)\. There are: (?P<others>.+)\."),
        lambda: _("There is no filter %(name)s. There are: %(others)s."),
    ),
    (re.compile(r"There is no MJML element (?P<name>\S+)\."), lambda: _("There is no MJML element %(name)s.")),
    (
        re.compile(r"(?P<name><\S+>) is not allowed inside (?P<parent><\S+>)\."),
        lambda: _("%(name)s is not allowed inside %(parent)s."),
    ),
    (
        re.compile(r"(?P<name><\S+>) of line (?P<line>\d+) is not closed before here\."),
        lambda: _("%(name)s of line %(line)s is not closed before here."),
    ),
    (
        re.compile(r"Text cannot stand directly inside (?P<parent><\S+>): put it into <mj-text>\."),
        lambda: _("Text cannot stand directly inside %(parent)s: put it into <mj-text>."),
    ),
    (
        re.compile(r"The mail must start with <mjml>(?:, not with <\S+>)?\."),
        lambda: _("The mail must start with <mjml>."),
    ),
    (re.compile(r"The mail is empty\."), lambda: _("The mail is empty.")),
    (
        re.compile(r"The subject is empty once the variables are filled in\."),
        lambda: _("The subject is empty once the variables are filled in."),
    ),
    (
        re.compile(r"A text inside a Liquid tag contains '<'\. Write HTML outside the tags\."),
        lambda: _("A text inside a Liquid tag contains '<'. Write HTML outside the tags."),
    ),
    (
        re.compile(r"The template asks for too much: (?P<why>.+)\."),
        lambda: _("The text asks for too much work: %(why)s."),
    ),
    (
        re.compile(r"The template cannot be used: (?P<why>.+)\."),
        lambda: _("The text can’t be filled in: %(why)s."),
    ),
    (re.compile(r"The message is empty\."), lambda: _("The message is empty.")),
    (re.compile(r"The subject is empty\."), lambda: _("The subject is empty.")),
    (re.compile(r"The template is larger than (?P<n>\d+) KB\."), lambda: _("The text is larger than %(n)s KB.")),
    (
        re.compile(r"No unsubscribe link: a footer with one is added to marketing mail\."),
        lambda: _("No unsubscribe link: a footer with one is added to marketing mail."),
    ),
    (
        re.compile(r"With sample values this takes (?P<n>\d+) parts \((?P<kind>\S+)\), each is paid for\."),
        lambda: _("With sample values this takes %(n)s parts, each is paid for."),
    ),
    (
        re.compile(r"With sample values this has (?P<n>\d+) characters; a text message has at most (?P<most>\d+)\."),
        lambda: _("With sample values this has %(n)s characters; a text message has at most %(most)s."),
    ),
)
