"""Finished wordings: stored once as a numbered version, compiled per locale, never edited."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from campaigns.delivery.models import Message, Template, TemplateVersion
from orchestrator.channels.twilio import sender
from orchestrator.templating import footer, message, way_out, webhook
from orchestrator.templating.errors import TemplateError
from orchestrator.templating.message import CompiledContent, Rendered

_FALLBACK = "en"
READ_BY_COLLEAGUES = frozenset({"csm_task"})
_PLAINEST = "banner"
_PLACE = ("page", "feature", "anchor")
# How a launched wording calls the links that its marketer wrote: by the number of the target.
TARGET = "to_"
_TARGET = re.compile(rf"\blinks\.{TARGET}(\d+)\b")


def store_version(
    *, slug: str, name: str, channel: str, content: Mapping[str, Mapping[str, str]], now: datetime
) -> TemplateVersion:
    """The next version of the template with this content; the newest one again if it says the same.

    `content` maps a locale to its fields: email subject, mjml, text?; in_app title, body, button? (or html)
    and kind?, page?, feature?, anchor? for where it shows; sms text; csm_task title, body?;
    webhook url, body (JSON as text).
    Raises TemplateError, with the locale in its words, and stores nothing.
    """
    compiled = compile_content(channel=channel, content=content)
    plain = {locale: dict(fields) for locale, fields in content.items()}
    with transaction.atomic():
        template, _ = Template.objects.get_or_create(slug=slug, defaults={"name": name, "channel": channel})
        Template.objects.select_for_update().get(pk=template.pk)
        newest = template.versions.order_by("-number").first()
        if newest is not None and newest.content == plain:
            return newest
        return TemplateVersion.objects.create(
            template=template,
            number=newest.number + 1 if newest else 1,
            content=plain,
            compiled=compiled,
            created_at=now,
        )


def compile_content(*, channel: str, content: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """What rendering starts from, by locale, as it is stored. Raises TemplateError."""
    if not content:
        raise TemplateError("The message has no text in any language.", code="EMPTY")
    compiled = {}
    for locale, fields in content.items():
        try:
            compiled[locale] = asdict(_compile(channel, locale, fields))
        except TemplateError as error:
            raise TemplateError(
                f"{locale}: {error.message}", code=error.code, line=error.line, variable=error.variable
            ) from error
    return compiled


def compiled_for(*, version_id: int, locale: str, purpose: str) -> CompiledContent:
    """The wording for a locale: its own, its language's, English, or whatever there is.

    Marketing without a way out of its own gets one: see `finish_marketing`. Kept per process, since a
    version never changes.
    """
    is_marketing = purpose == Message.Purpose.MARKETING
    shaped_by = (settings.SENDER_NAME, settings.SENDER_POSTAL_ADDRESS, str(sender.can_be_answered()))
    return _finished(version_id, locale, is_marketing, *shaped_by)


def finish_marketing(*, compiled: CompiledContent, channel: str) -> CompiledContent:
    """What every marketing message has, whoever wrote it: a mail the footer, a text message the way out."""
    if channel == "email":
        return footer.add_footer(
            compiled, sender_name=settings.SENDER_NAME, postal_address=settings.SENDER_POSTAL_ADDRESS
        )
    if channel == "sms":
        return way_out.add_way_out(compiled, can_answer=sender.can_be_answered())
    return compiled


def complete_marketing(*, rendered: Rendered, channel: str, locale: str, urls: Mapping[str, str]) -> Rendered:
    """What goes out is judged as it is read: `finish_marketing` sees that a link is named, not that it is shown."""
    if channel == "email":
        return footer.complete_mail(
            rendered,
            urls=urls,
            locale=locale,
            sender_name=settings.SENDER_NAME,
            postal_address=settings.SENDER_POSTAL_ADDRESS,
        )
    if channel == "sms":
        text = way_out.complete_text(rendered.text, urls=urls, locale=locale, can_answer=sender.can_be_answered())
        return replace(rendered, text=text)
    return rendered


@functools.lru_cache(maxsize=512)
def _finished(version_id: int, locale: str, is_marketing: bool, *_settings: str) -> CompiledContent:
    version = TemplateVersion.objects.select_related("template").get(pk=version_id)
    fields = version.compiled[best_locale(available=version.compiled, wanted=locale)]
    compiled = CompiledContent(**fields)
    return finish_marketing(compiled=compiled, channel=version.template.channel) if is_marketing else compiled


@functools.lru_cache(maxsize=512)
def placement_of(*, version_id: int, locale: str) -> tuple[str, dict[str, str]]:
    """Of an in-app wording: its kind (banner, tooltip, modal) and where it may show (page, feature, anchor)."""
    version = TemplateVersion.objects.get(pk=version_id)
    fields = version.content[best_locale(available=version.content, wanted=locale)]
    return fields.get("kind", _PLAINEST), {name: fields[name] for name in _PLACE if fields.get(name)}


@functools.lru_cache(maxsize=512)
def targets_of(*, version_id: int) -> tuple[int, ...]:
    """The numbers of the targets that the wording links to, whatever the language."""
    compiled = TemplateVersion.objects.values_list("compiled", flat=True).get(pk=version_id)
    return targets_in(text=" ".join(part for fields in compiled.values() for part in _strings(fields)))


def targets_in(*, text: str) -> tuple[int, ...]:
    return tuple(sorted({int(number) for number in _TARGET.findall(text)}))


def _strings(fields: Mapping[str, Any]) -> list[str]:
    return [value for value in fields.values() if isinstance(value, str)]


def language_of(*, locale: str) -> str:
    """Of a person's locale; empty where it is not known."""
    return locale.replace("_", "-").split("-")[0].lower()


def pick_language(*, locale: str, channel: str, available: Iterable[str]) -> str:
    """In which language a person with this locale is written to: their own where there is a text in it, else English,
    else the first there is. What a colleague reads is in the language of the site, whatever the customer's is."""
    there = list(available)
    spoken = language_of(locale=settings.LANGUAGE_CODE if channel in READ_BY_COLLEAGUES else locale)
    if spoken in there:
        return spoken
    return _FALLBACK if _FALLBACK in there else there[0]


@functools.lru_cache(maxsize=4096)
def is_in_other_language(*, version_id: int, channel: str, locale: str, spoken: str) -> bool:
    """Whether a message in this locale would be planned in another for who speaks `spoken` (their locale). Kept per
    process, since a version never changes."""
    texts = TemplateVersion.objects.values_list("content", flat=True).get(pk=version_id)
    planned = pick_language(locale=spoken, channel=channel, available=texts)
    return planned != best_locale(available=texts, wanted=locale)


def best_locale(*, available: Mapping[str, Any], wanted: str) -> str:
    """Which of the available locales a person with this one reads best."""
    tag = wanted.replace("_", "-")
    language = tag.partition("-")[0].lower()
    for candidate in (wanted, tag, language, _FALLBACK):
        if candidate in available:
            return candidate
    return min(available)


def _compile(channel: str, locale: str, fields: Mapping[str, str]) -> CompiledContent:
    if channel == "email":
        return message.compile_email(
            subject=fields.get("subject", ""), mjml=fields.get("mjml", ""), text=fields.get("text", ""), locale=locale
        )
    if channel == "webhook":
        return webhook.compile_webhook(url=fields.get("url", ""), body=fields.get("body", ""), locale=locale)
    if channel == "in_app":
        return message.compile_in_app(html=_banner(fields), title=fields.get("title", ""), locale=locale)
    text = fields.get("text") or fields.get("body", "")
    return message.compile_text(text=text, title=fields.get("title", ""), locale=locale)


def _banner(fields: Mapping[str, str]) -> str:
    """The fragment as written, or made of title, body and a button that leads to the offer, if there is one."""
    if fields.get("html"):
        return fields["html"]
    body = fields.get("body", "")
    html = body if "<" in body else f"<p>{body}</p>"
    if fields.get("title"):
        html = f"<h2>{fields['title']}</h2>{html}"
    if fields.get("button"):
        link = f'<p><a href="{{{{ links.offer }}}}">{fields["button"]}</a></p>'
        html += f"{{% if links.offer %}}{link}{{% endif %}}"
    return html
