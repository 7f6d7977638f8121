"""The texts of one wording in one language. A text with a mistake in its Liquid is kept and shown with the mistake
beside its field; what is missing altogether is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.console.forms.campaigns import StudioForm
from campaigns.console.mail_blocks import Blocks, build_mjml, read_blocks
from campaigns.sequences import wording
from orchestrator.templating import lint
from orchestrator.templating.errors import Problem, TemplateError

Content = Mapping[str, str]


class WordingForm(StudioForm):
    """`problems` are what a launch would refuse, by field; they do not keep the form from being saved."""

    def __init__(self, *args: Any, locale: str, has_offer: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.locale = locale
        self.allowed = wording.variables(has_offer=has_offer)
        for field in self.fields.values():
            field.widget.attrs |= {"dir": "auto", "lang": locale}

    def content(self) -> dict[str, str]:
        """As the campaign file has it."""
        raise NotImplementedError

    def problems(self, content: Content) -> dict[str, list[Problem]]:
        raise NotImplementedError


class MailForm(WordingForm):
    subject = forms.CharField(label=gettext_lazy("Subject"), max_length=400)
    greeting = forms.CharField(label=gettext_lazy("Greeting"), max_length=400, required=False)
    body = forms.CharField(
        label=gettext_lazy("Text"),
        widget=forms.Textarea(attrs={"rows": 7}),
        help_text=gettext_lazy("An empty line begins a new paragraph."),
    )
    button = forms.CharField(
        label=gettext_lazy("Button"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("Leads to the offer. Left empty, there is none."),
    )
    small = forms.CharField(label=gettext_lazy("Small print"), max_length=400, required=False)

    @staticmethod
    def initial_of(content: Content, locale: str) -> dict[str, Any] | None:
        """None for a mail that was not made of blocks."""
        if not content:
            return {}
        blocks = read_blocks(mjml=content["mjml"], locale=locale)
        if blocks is None:
            return None
        return {
            "subject": content["subject"],
            "greeting": blocks.greeting,
            "body": blocks.body,
            "button": blocks.button,
            "small": blocks.small,
        }

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for name in ("greeting", "body", "button", "small"):
            try:
                build_mjml(blocks=Blocks(body=data.get(name) or ""), locale=self.locale)
            except TemplateError as error:
                self.add_error(name, told(error.message, error.line))
        return data

    def content(self) -> dict[str, str]:
        data = self.cleaned_data
        blocks = Blocks(data["greeting"], data["body"], data["button"], data["small"])
        return {"subject": data["subject"], "mjml": build_mjml(blocks=blocks, locale=self.locale)}

    def problems(self, content: Content) -> dict[str, list[Problem]]:
        values = self.initial_of(content, self.locale) or {}
        return by_field(self.allowed, self.locale, {name: str(value) for name, value in values.items()})


class SourceForm(WordingForm):
    """The expert's tab: the mail as MJML."""

    subject = forms.CharField(label=gettext_lazy("Subject"), max_length=400)
    mjml = forms.CharField(
        label=gettext_lazy("MJML source"),
        widget=forms.Textarea(attrs={"rows": 22, "spellcheck": "false"}),
        strip=False,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["mjml"].widget.attrs |= {"dir": "ltr", "class": "form-control cr-source"}

    @staticmethod
    def initial_of(content: Content, locale: str) -> dict[str, Any]:
        return {"subject": content.get("subject", ""), "mjml": content.get("mjml", "")}

    def content(self) -> dict[str, str]:
        return {"subject": self.cleaned_data["subject"], "mjml": self.cleaned_data["mjml"].replace("\r\n", "\n")}

    def problems(self, content: Content) -> dict[str, list[Problem]]:
        found = lint.check_content(kind="email", content=content, allowed=self.allowed, locale=self.locale)
        return _grouped(problem for problem in found if problem.level == "error")


class BannerForm(WordingForm):
    title = forms.CharField(label=gettext_lazy("Title"), max_length=200)
    body = forms.CharField(label=gettext_lazy("Text"), widget=forms.Textarea(attrs={"rows": 3}), max_length=1000)
    button = forms.CharField(
        label=gettext_lazy("Button"),
        max_length=100,
        required=False,
        help_text=gettext_lazy("Leads to the offer. Left empty, there is none."),
    )

    @staticmethod
    def initial_of(content: Content, locale: str) -> dict[str, Any]:
        return {name: content.get(name, "") for name in ("title", "body", "button")}

    def content(self) -> dict[str, str]:
        return {name: self.cleaned_data[name] for name in ("title", "body", "button") if self.cleaned_data[name]}

    def problems(self, content: Content) -> dict[str, list[Problem]]:
        texts = {name: text for name, text in content.items() if name in self.fields}
        return by_field(self.allowed, self.locale, texts)


def by_field(allowed: Mapping[str, Any], locale: str, texts: Content) -> dict[str, list[Problem]]:
    """Each text tried by itself, so that a line is a line of its field."""
    return _grouped(
        Problem(problem.code, problem.message, problem.line, name, problem.level)
        for name, text in texts.items()
        if text.strip()
        for problem in lint.check_content(kind="csm_task", content={"text": text}, allowed=allowed, locale=locale)
    )


def told(message: str, line: int | None) -> str:
    return _("Line %(line)s: %(message)s") % {"line": line, "message": message} if line else message


def _grouped(problems: Iterable[Problem]) -> dict[str, list[Problem]]:
    grouped: dict[str, list[Problem]] = {}
    for problem in problems:
        grouped.setdefault(problem.field, []).append(problem)
    return grouped
