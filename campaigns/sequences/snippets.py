"""Named texts that several wordings share: `{% include 'sign-off' %}` in a subject, a text or a mail.

An include is no tag of the template engine: it is replaced before the text is compiled, by a text that is plain (in a
mail it is escaped, its lines broken) and may hold Liquid, but no include: nothing can go round. What was launched has
its texts stored; a new version of a snippet is in what is launched afterwards.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from html import escape

from django.db import transaction
from django.db.models import Q, TextField
from django.db.models.functions import Cast

from campaigns.sequences.models import Campaign, Snippet, SnippetVersion
from orchestrator.templating import mask

FALLBACK_LOCALE = "en"
LONGEST = 5000
INCLUDE = re.compile(r"""\{%-?\s*include\s+(["'])([a-z0-9][a-z0-9-]{0,59})\1\s*-?%\}""")
# The field that is markup already, in which a snippet is text.
_MARKUP = "mjml"

type Texts = Mapping[str, Mapping[str, str]]


def expand(*, content: Texts, at: datetime | None = None) -> dict[str, dict[str, str]]:
    """`content` by locale with each snippet in that language, else in English. An include of what there is not stays:
    the template engine refuses it. One query, none without an include."""
    known = load(slugs=used_in(content=content), at=at)
    return {
        locale: {name: _filled(text, locale, known, is_markup=name == _MARKUP) for name, text in texts.items()}
        for locale, texts in content.items()
    }


def expand_text(*, text: str, locale: str, at: datetime | None = None) -> str:
    """A plain text by itself."""
    return expand(content={locale: {"text": text}}, at=at)[locale]["text"]


def used_in(*, content: Texts) -> set[str]:
    return {
        found[2]
        for texts in content.values()
        for text in texts.values()
        if isinstance(text, str)
        for found in INCLUDE.finditer(text)
    }


def load(*, slugs: Iterable[str], at: datetime | None = None) -> dict[str, dict[str, str]]:
    """{slug: {locale: text}} of those there are, as of `at`, else the newest."""
    wanted = sorted(slugs)
    if not wanted:
        return {}
    versions = SnippetVersion.objects.filter(snippet__slug__in=wanted)
    if at is not None:
        versions = versions.filter(created_at__lte=at)
    newest = versions.order_by("snippet_id", "-number").distinct("snippet_id")
    return dict(newest.values_list("snippet__slug", "content"))


def hold(*, slugs: Iterable[str]) -> None:
    """Until the transaction ends none of them gets another version."""
    rows = Snippet.objects.select_for_update(no_key=True).filter(slug__in=sorted(slugs)).order_by("pk")
    list(rows.values_list("pk"))


@transaction.atomic
def save(*, slug: str, name: str, content: Mapping[str, str], by: str, now: datetime) -> SnippetVersion:
    """Made, or given its next version; the newest again where nothing is new. The caller has checked the texts."""
    snippet, _ = Snippet.objects.get_or_create(slug=slug, defaults={"name": name, "created_at": now})
    Snippet.objects.select_for_update().get(pk=snippet.pk)
    Snippet.objects.filter(pk=snippet.pk).update(name=name)
    newest = snippet.versions.order_by("-number").first()
    if newest is not None and newest.content == dict(content):
        return newest
    return SnippetVersion.objects.create(
        snippet=snippet,
        number=newest.number + 1 if newest else 1,
        content=dict(content),
        created_at=now,
        created_by=by,
    )


def used_by(*, slugs: Sequence[str]) -> dict[str, list[Campaign]]:
    """The campaigns whose draft, or what runs of them, includes each snippet, by name."""
    found: dict[str, list[Campaign]] = defaultdict(list)
    if not slugs:
        return found
    including = r"include\s+(\\\"|')"
    campaigns = (
        Campaign.objects.annotate(
            drafted=Cast("draft_version__definition", TextField()),
            running=Cast("live_version__definition", TextField()),
        )
        .filter(Q(drafted__regex=including) | Q(running__regex=including))
        .order_by("name", "pk")
    )
    for campaign in campaigns:
        told = f"{campaign.drafted or ''}{campaign.running or ''}".replace('\\"', '"')
        for slug in {one[2] for one in INCLUDE.finditer(told)} & set(slugs):
            found[slug].append(campaign)
    return found


def _filled(text: str, locale: str, known: Texts, *, is_markup: bool) -> str:
    def told(found: re.Match[str]) -> str:
        texts = known.get(found[2], {})
        said = texts.get(locale) or texts.get(FALLBACK_LOCALE)
        if said is None:
            return found[0]
        return _as_markup(said) if is_markup else said

    return INCLUDE.sub(told, text) if isinstance(text, str) else text


def _as_markup(text: str) -> str:
    """Safe between tags and in an attribute; the Liquid in it left alone."""
    kept = mask.Mask(text)
    return kept.restore(escape(kept.text).replace("\n", "<br />"))
