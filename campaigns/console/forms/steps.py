"""Forms of single steps: how long or until when a wait is, how accounts are shared among wordings or ways."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.console import step_words
from campaigns.console.forms.campaigns import StudioForm
from campaigns.sequences.step_kinds import WEEKDAYS

Document = dict[str, Any]


class WaitForm(StudioForm):
    number = forms.IntegerField(label=gettext_lazy("Wait"), min_value=1, max_value=365 * 24)
    unit = forms.ChoiceField(label=gettext_lazy("Unit"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["unit"].choices = [  # type: ignore[attr-defined]
            ("h", _("hours")),
            ("d", _("days")),
            ("w", _("weeks")),
        ]

    @staticmethod
    def initial_of(step: Document) -> dict[str, Any]:
        length = step.get("for", "3d")
        return {"number": int(length[:-1]), "unit": length[-1]}

    @property
    def duration(self) -> str:
        return f"{self.cleaned_data['number']}{self.cleaned_data['unit']}"

    def write(self, step: Document) -> None:
        become_wait(step, {"for": self.duration})


class AtMostForm(WaitForm):
    """The time-out of a wait for a condition."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["number"].label = _("Wait at most")

    @staticmethod
    def initial_of(step: Document) -> dict[str, Any]:
        longest = step.get("at_most", "7d")
        return {"number": int(longest[:-1]), "unit": longest[-1]}


class LocalTimeForm(StudioForm):
    time = forms.TimeField(
        label=gettext_lazy("Wait until"),
        input_formats=["%H:%M"],
        widget=forms.TimeInput(format="%H:%M", attrs={"type": "time"}),
        help_text=gettext_lazy("In each contact’s own time."),
    )
    weekday = forms.ChoiceField(label=gettext_lazy("On"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        days = [(code, step_words.weekday_name(code)) for code in WEEKDAYS]
        self.fields["weekday"].choices = [("", _("Whichever day comes first")), *days]  # type: ignore[attr-defined]

    @staticmethod
    def initial_of(step: Document) -> dict[str, Any]:
        until = step.get("until", {})
        return {"time": until.get("time", "09:00"), "weekday": until.get("weekday", "")}

    def write(self, step: Document) -> None:
        until = {"time": f"{self.cleaned_data['time']:%H:%M}"}
        if self.cleaned_data["weekday"]:
            until["weekday"] = self.cleaned_data["weekday"]
        become_wait(step, {"until": until})


def become_wait(step: Document, told: Document) -> None:
    """One kind of wait becomes another; what it no longer says is taken away."""
    for name in ("for", "until", "at_most", "then", "else"):
        step.pop(name, None)
    step |= told


class WeightsForm(forms.Form):
    """One whole number of percent for each wording, 100 together."""

    def __init__(self, *args: Any, letters: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})
        for letter in letters:
            self.fields[letter] = forms.IntegerField(
                label=_("Share of %(letter)s, in percent") % {"letter": letter.upper()},
                min_value=0,
                max_value=100,
                widget=forms.TextInput(attrs={"inputmode": "numeric", "class": "form-control"}),
            )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        total = sum(value for value in data.values() if value is not None)
        if len(data) == len(self.fields) and total != 100:
            raise forms.ValidationError(_("Together these are %(total)s %%, not 100 %%.") % {"total": total})
        return data
