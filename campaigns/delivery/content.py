"""Finished wordings: stored once as a numbered version, compiled per locale, never edited."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from campaigns.delivery.models import Message, Template, TemplateVersion
from orchestrator.templating import footer, message
from orchestrator.templating.errors import TemplateError
from orchestrator.templating.message import CompiledContent

_FALLBACK = "en"


def store_version(
    *, slug: str, name: str, channel: str, content: Mapping[str, Mapping[str, str]], now: datetime
) -> TemplateVersion:
    """The next version of the template with this content; the newest one again if it says the same.

    `content` maps a locale to its fields: email subject, mjml, text?; in_app title, body, button? (or html);
    sms text; csm_task title, body?.
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

    Marketing mail without an unsubscribe link of its own has the footer. Kept per process, since a
    version never changes.
    """
    is_marketing = purpose == Message.Purpose.MARKETING
    return _finished(version_id, locale, is_marketing, settings.SENDER_NAME, settings.SENDER_POSTAL_ADDRESS)


@functools.lru_cache(maxsize=512)
def _finished(version_id: int, locale: str, is_marketing: bool, sender: str, postal_address: str) -> CompiledContent:
    version = TemplateVersion.objects.select_related("template").get(pk=version_id)
    fields = version.compiled[best_locale(available=version.compiled, wanted=locale)]
    compiled = CompiledContent(**fields)
    if is_marketing and version.template.channel == "email":
        return footer.add_footer(compiled, sender_name=sender, postal_address=postal_address)
    return compiled


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
        html = f"<h4>{fields['title']}</h4>{html}"
    if fields.get("button"):
        link = f'<p><a href="{{{{ links.offer }}}}">{fields["button"]}</a></p>'
        html += f"{{% if links.offer %}}{link}{{% endif %}}"
    return html
