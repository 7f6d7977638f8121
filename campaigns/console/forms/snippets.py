"""A snippet: its name, and what it says in each language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.console import campaign_words
from campaigns.console.forms.campaigns import WORDS, StudioForm
from campaigns.console.forms.variants import told
from campaigns.sequences import snippets, wording
from campaigns.sequences.models import Snippet
from campaigns.sequences.step_file import LOCALES
from orchestrator.templating import lint
from orchestrator.templating.mjml import direction

TAKEN = {"new"}


class SnippetForm(StudioForm):
    """English is needed: it stands in for the other languages."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=60)

    def __init__(self, *args: Any, snippet: Snippet | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.snippet = snippet
        for locale in LOCALES:
            attrs = {"rows": 4, "class": "form-control", "dir": direction(locale), "lang": locale}
            self.fields[locale] = forms.CharField(
                label=campaign_words.own_name(locale),
                max_length=snippets.LONGEST,
                required=locale == snippets.FALLBACK_LOCALE,
                widget=forms.Textarea(attrs=attrs),
            )
            self.fields[locale].error_messages |= WORDS

    @staticmethod
    def initial_of(snippet: Snippet, content: Mapping[str, str]) -> dict[str, Any]:
        return {"name": snippet.name, **content}

    @property
    def slug(self) -> str:
        return self.snippet.slug if self.snippet else slugify(self.cleaned_data["name"])[:60].strip("-")

    def content(self) -> dict[str, str]:
        texts = {locale: self.cleaned_data[locale].replace("\r\n", "\n") for locale in LOCALES}
        return {locale: text for locale, text in texts.items() if text}

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        if self.snippet is None:
            slug = slugify(name)[:60].strip("-")
            if not slug or slug in TAKEN or "_" in slug:
                raise forms.ValidationError(_("Use some letters a to z: texts call the snippet by them."))
            if Snippet.objects.filter(slug=slug).exists():
                raise forms.ValidationError(_("There is a snippet of this name already."))
        return name

    def clean(self) -> dict[str, Any]:
        """A snippet with a mistake would break every text that includes it, so none is saved."""
        data = super().clean() or {}
        for locale in LOCALES:
            text = data.get(locale) or ""
            if snippets.INCLUDE.search(text):
                self.add_error(locale, _("A snippet includes no other snippet."))
                continue
            for problem in _problems(text, locale):
                self.add_error(locale, told(problem.message, problem.line))
        return data


def _problems(text: str, locale: str) -> list[Any]:
    if not text.strip():
        return []
    allowed = wording.variables(has_offer=True)
    return lint.check_content(kind="csm_task", content={"text": text}, allowed=allowed, locale=locale)
