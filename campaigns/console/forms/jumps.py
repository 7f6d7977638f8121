"""Where a way back leads, and how often."""

from __future__ import annotations

import copy
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.console import drafts, jumps, step_tree, step_words
from campaigns.console.forms.campaigns import Document, StudioForm
from campaigns.sequences.step_kinds import MOST_ROUNDS, USUAL_ROUNDS


class JumpForm(StudioForm):
    to = forms.ChoiceField(
        label=gettext_lazy("Go back to"),
        error_messages={"invalid_choice": gettext_lazy("Choose a step that everybody came through before this one.")},
    )
    at_most = forms.IntegerField(
        label=gettext_lazy("Times, at most"),
        min_value=1,
        max_value=MOST_ROUNDS,
        help_text=gettext_lazy("For each person. After that they go on with the step that follows."),
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
    )

    def __init__(self, *args: Any, document: Document, step: Document, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.document, self.key = document, step["key"]
        self.fields["to"].choices = jumps.choices(document, step)  # type: ignore[attr-defined]
        if step_words.leads_on(step, step_tree.number_steps(document["steps"])):
            self.fields["to"].label = _("Go to")
            self.fields["at_most"].help_text = _("Counts only where it leads back to an earlier step.")

    @staticmethod
    def initial_of(step: Document) -> dict[str, Any]:
        return {"to": step["to"], "at_most": step.get("at_most", USUAL_ROUNDS)}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "to" in data:
            tried = copy.deepcopy(self.document)
            (drafts.step_of(document=tried, key=self.key) or {})["to"] = data["to"]
            if jumps.goes_round_at_once(tried, self.key):
                self.add_error("to", jumps.guard_words())
        return data

    def write(self, step: Document) -> None:
        step["to"], step["at_most"] = self.cleaned_data["to"], self.cleaned_data["at_most"]
