"""Forms of single steps: how long a wait is, how accounts are shared among the wordings."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.console.forms.campaigns import StudioForm

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
        return {"number": int(step["for"][:-1]), "unit": step["for"][-1]}

    def write(self, step: Document) -> None:
        step["for"] = f"{self.cleaned_data['number']}{self.cleaned_data['unit']}"


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
