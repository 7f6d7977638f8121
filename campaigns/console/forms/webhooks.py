"""Where a webhook goes and what it says there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.console.forms.variants import WordingForm, grouped
from campaigns.sequences import wording
from orchestrator import http
from orchestrator.templating import lint
from orchestrator.templating.errors import Problem


class WebhookForm(WordingForm):
    """The body as JSON text here, as an object in the campaign file."""

    url = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=http.LONGEST_URL,
        help_text=gettext_lazy("Begins with https://. Every call is signed, and tried again for a day where it fails."),
    )
    body = forms.CharField(
        label=gettext_lazy("Body, as JSON"),
        widget=forms.Textarea(attrs={"rows": 12, "spellcheck": "false"}),
        help_text=gettext_lazy("Texts in it may hold words from data. Names, numbers and the shape stay as written."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("url", "body"):
            self.fields[name].widget.attrs |= {"dir": "ltr", "lang": "en", "spellcheck": "false"}
        self.fields["url"].widget.attrs["placeholder"] = "https://"
        self.fields["body"].widget.attrs["class"] = "form-control cr-source"

    @staticmethod
    def initial_of(content: Mapping[str, Any], locale: str) -> dict[str, Any]:
        if not content:
            return {}
        body = content["body"]
        told = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False, indent=2)
        url = "" if content["url"] == f"https://{wording.NOWHERE}/" else content["url"]
        return {"url": url, "body": told}

    def clean_url(self) -> str:
        url = str(self.cleaned_data["url"])
        try:
            http.read_url(url, allow_private=True)
        except http.ForbiddenAddress as error:
            raise forms.ValidationError(str(error)) from error
        return url

    def clean_body(self) -> str:
        try:
            read = json.loads(self.cleaned_data["body"])
        except (ValueError, RecursionError):
            read = None
        if not isinstance(read, dict) or not read:
            raise forms.ValidationError(
                _("This must be a JSON object, as {“text”: “…”} with straight quotation marks.")
            )
        return str(self.cleaned_data["body"])

    def content(self) -> dict[str, Any]:
        return {"url": self.cleaned_data["url"], "body": json.loads(self.cleaned_data["body"])}

    def problems(self, content: Mapping[str, Any]) -> dict[str, list[Problem]]:
        made = wording.delivery_content(channel="webhook", content={self.locale: content}, has_offer=False)
        found = lint.check_content(kind="webhook", content=made[self.locale], allowed=self.allowed, locale=self.locale)
        return grouped(problem for problem in found if problem.level == "error")
