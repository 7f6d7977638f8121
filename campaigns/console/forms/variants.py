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
from campaigns.sequences import placing, problem_words, snippets, wording
from orchestrator.templating import lint
from orchestrator.templating.errors import Problem, TemplateError
from orchestrator.templating.mjml import direction

Content = Mapping[str, str]
# What an in-app message says; the rest of it says where.
TEXTS = ("title", "body", "button")


class WordingForm(StudioForm):
    """`problems` are what a launch would refuse, by field; they do not keep the form from being saved."""

    def __init__(self, *args: Any, locale: str, has_offer: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.locale = locale
        self.allowed = wording.variables(has_offer=has_offer)
        for field in self.fields.values():
            # Not "auto": a text that begins with a word from data would run by its Latin letters.
            field.widget.attrs |= {"dir": direction(locale), "lang": locale}

    def content(self) -> dict[str, str]:
        """As the campaign file has it."""
        return {name: text for name, text in self.cleaned_data.items() if text}

    def problems(self, content: Content) -> dict[str, list[Problem]]:
        return by_field(self.allowed, self.locale, content)

    def mark(self, problems: Iterable[str]) -> None:
        """Show the fields of these names as wrong, and where the words about it stand."""
        for name in problems:
            if name in self.fields:
                attrs, own = self.fields[name].widget.attrs, self[name].auto_id
                attrs["class"] += " is-invalid"
                attrs |= {"aria-invalid": "true", "aria-describedby": f"{own}_helptext {own}_problem"}


def plain_part() -> forms.CharField:
    return forms.CharField(
        label=gettext_lazy("Plain text"),
        widget=forms.Textarea(attrs={"rows": 5}),
        max_length=20_000,
        required=False,
        help_text=gettext_lazy("For mail programs that show no HTML. Left empty, it is made from the mail."),
    )


def _plain_part_of(data: Mapping[str, Any]) -> dict[str, str]:
    text = (data.get("text") or "").replace("\r\n", "\n")
    return {"text": text} if text else {}


class MailForm(WordingForm):
    subject = forms.CharField(label=gettext_lazy("Subject"), max_length=400)
    greeting = forms.CharField(label=gettext_lazy("Greeting"), max_length=400, required=False)
    body = forms.CharField(
        label=gettext_lazy("Text"),
        widget=forms.Textarea(attrs={"rows": 7}),
        help_text=gettext_lazy(
            "An empty line begins a new paragraph. Lines written as “words | figure” become a table: "
            "the first is its head, the last its sum."
        ),
    )
    button = forms.CharField(
        label=gettext_lazy("Button"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("Leads to the offer. Left empty, there is none."),
    )
    after = forms.CharField(
        label=gettext_lazy("Under the button"),
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=2000,
        required=False,
    )
    small = forms.CharField(label=gettext_lazy("Small print"), max_length=400, required=False)
    text = plain_part()

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
            "after": blocks.after,
            "small": blocks.small,
            "text": content.get("text", ""),
        }

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for name in ("greeting", "body", "button", "after", "small"):
            try:
                build_mjml(blocks=Blocks(body=data.get(name) or ""), locale=self.locale)
            except TemplateError as error:
                self.add_error(name, told(error.message, error.line))
        return data

    def content(self) -> dict[str, str]:
        data = self.cleaned_data
        blocks = Blocks(data["greeting"], data["body"], data["button"], data["small"], data["after"])
        made = {"subject": data["subject"], "mjml": build_mjml(blocks=blocks, locale=self.locale)}
        return made | _plain_part_of(data)

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
    text = plain_part()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["mjml"].widget.attrs |= {"dir": "ltr", "class": "form-control cr-source"}

    @staticmethod
    def initial_of(content: Content, locale: str) -> dict[str, Any]:
        return {name: content.get(name, "") for name in ("subject", "mjml", "text")}

    def content(self) -> dict[str, str]:
        made = {"subject": self.cleaned_data["subject"], "mjml": self.cleaned_data["mjml"].replace("\r\n", "\n")}
        return made | _plain_part_of(self.cleaned_data)

    def problems(self, content: Content) -> dict[str, list[Problem]]:
        whole = wording.delivery_content(channel="email", content={self.locale: content}, has_offer=True)[self.locale]
        found = lint.check_content(kind="email", content=whole, allowed=self.allowed, locale=self.locale)
        return grouped(problem for problem in found if problem.level == "error")


class BannerForm(WordingForm):
    """An in-app message of any kind: its texts, and where in the host application it shows."""

    title = forms.CharField(label=gettext_lazy("Title"), max_length=200)
    body = forms.CharField(label=gettext_lazy("Text"), widget=forms.Textarea(attrs={"rows": 3}), max_length=1000)
    button = forms.CharField(
        label=gettext_lazy("Button"),
        max_length=100,
        required=False,
        help_text=gettext_lazy("Leads to the offer. Left empty, there is none."),
    )
    kind = forms.ChoiceField(
        label=gettext_lazy("Shows as"),
        choices=[
            ("banner", gettext_lazy("Banner at the edge of the page")),
            ("tooltip", gettext_lazy("Tooltip beside a part of the page")),
            ("modal", gettext_lazy("Window in front of the page")),
        ],
        required=False,
        help_text=gettext_lazy("How and where it shows is the same in every language."),
    )
    page = forms.CharField(
        label=gettext_lazy("Only on the page"),
        max_length=placing.LONGEST_PAGE,
        required=False,
        help_text=gettext_lazy(
            "A path of your application, as in /reports; a * at its end stands for everything below. Empty: every page."
        ),
    )
    feature = forms.CharField(
        label=gettext_lazy("Only when somebody tries the feature"),
        max_length=placing.LONGEST_FEATURE,
        required=False,
        help_text=gettext_lazy("Its code in your application, as in sso; a * stands for any that the plan lacks."),
    )
    anchor = forms.CharField(
        label=gettext_lazy("A tooltip points at"),
        max_length=placing.LONGEST_ANCHOR,
        required=False,
        help_text=gettext_lazy("The CSS selector of a part of your page, as in #seats."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("page", "feature", "anchor"):
            self.fields[name].widget.attrs |= {"dir": "ltr", "lang": "en", "spellcheck": "false"}
        del self.fields["kind"].widget.attrs["lang"]  # its choices are in the reader's language

    @staticmethod
    def initial_of(content: Content, locale: str) -> dict[str, Any]:
        return {name: content.get(name, "") for name in (*TEXTS, *placing.KEYS)}

    def clean_kind(self) -> str:
        return self.cleaned_data["kind"] or placing.KINDS[0]

    def clean_page(self) -> str:
        page = str(self.cleaned_data["page"])
        if page and not placing.PAGE.fullmatch(page):
            raise forms.ValidationError(_("A page is a path that begins with / and may end with a *."))
        return page

    def clean_feature(self) -> str:
        feature = str(self.cleaned_data["feature"])
        if feature and not placing.FEATURE.fullmatch(feature):
            raise forms.ValidationError(_("A feature is a code without spaces, or a * for any."))
        return feature

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("kind") != "tooltip":
            data["anchor"] = ""
        elif not data.get("anchor") and "anchor" not in self.errors:
            self.add_error("anchor", _("Say what the tooltip points at."))
        return data

    def content(self) -> dict[str, str]:
        data = self.cleaned_data
        return {name: data[name] for name in (*TEXTS, *placing.KEYS) if data[name]}

    def problems(self, content: Content) -> dict[str, list[Problem]]:
        texts = {name: text for name, text in content.items() if name in TEXTS}
        return by_field(self.allowed, self.locale, texts)


class TextForm(WordingForm):
    text = forms.CharField(
        label=gettext_lazy("Text"),
        widget=forms.Textarea(attrs={"rows": 5}),
        max_length=1600,
        help_text=gettext_lazy(
            "An SMS that tells no way to get no more gets a last line that does. The preview counts its parts."
        ),
    )

    @staticmethod
    def initial_of(content: Content, locale: str) -> dict[str, Any]:
        return {"text": content.get("text", "")}


class TaskForm(WordingForm):
    """Read by a colleague, not by the contact."""

    title = forms.CharField(
        label=gettext_lazy("What is to be done"),
        max_length=300,
        required=False,
        help_text=gettext_lazy("Stands in the queue of tasks. Left empty, the first line of the text does."),
    )
    text = forms.CharField(
        label=gettext_lazy("Talking points"),
        widget=forms.Textarea(attrs={"rows": 8}),
        max_length=5000,
        help_text=gettext_lazy("For the colleague who calls: what happened, what to offer, what to ask."),
    )

    @staticmethod
    def initial_of(content: Content, locale: str) -> dict[str, Any]:
        return {"title": content.get("title", ""), "text": content.get("text", "")}


def by_field(allowed: Mapping[str, Any], locale: str, texts: Content) -> dict[str, list[Problem]]:
    """Each text tried by itself, with its snippets, so that a line is a line of its field."""
    whole = snippets.expand(content={locale: texts})[locale]
    return grouped(
        Problem(problem.code, problem.message, problem.line, name, problem.level)
        for name, text in texts.items()
        if text.strip()
        for problem in lint.check_content(
            kind="csm_task", content={"text": whole[name]}, allowed=allowed, locale=locale
        )
    )


def told(message: str, line: int | None) -> str:
    message = problem_words.in_readers_words(message)
    return _("Line %(line)s: %(message)s") % {"line": line, "message": message} if line else message


def grouped(problems: Iterable[Problem]) -> dict[str, list[Problem]]:
    grouped: dict[str, list[Problem]] = {}
    for problem in problems:
        grouped.setdefault(problem.field, []).append(problem)
    return grouped
