"""What ends a campaign for somebody before its last step."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.console import exit_words
from campaigns.console.forms.campaigns import Document, StudioForm
from campaigns.sequences.campaign_file import EXITS


class ExitsForm(StudioForm):
    exit_on = forms.MultipleChoiceField(
        label=gettext_lazy("Somebody leaves early when"), widget=forms.CheckboxSelectMultiple, required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["exit_on"].choices = exit_words.exit_choices()  # type: ignore[attr-defined]
        self.fields["exit_on"].help_text = _(
            "An opt-out stops every message in any case. Here you say whether the way through the campaign ends too."
        )

    @staticmethod
    def initial_of(document: Document) -> dict[str, Any]:
        return {"exit_on": exit_words.exits_of(document)}

    def write(self, document: Document) -> None:
        """In the file's own order."""
        document["exit_on"] = [one for one in EXITS if one in self.cleaned_data["exit_on"]]
