"""What came of a call, and for how long one is put off."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.console.forms.campaigns import StudioForm
from campaigns.delivery import task_work
from campaigns.delivery.models import CsmTask
from campaigns.offers.models import Refusal


class AnswerForm(StudioForm):
    """`reason` matters after a no only; there it says how long the account is left alone."""

    outcome = forms.ChoiceField(label=gettext_lazy("What came of it?"), choices=CsmTask.Outcome.choices)
    reason = forms.ChoiceField(
        label=gettext_lazy("If not now, why?"),
        required=False,
        help_text=gettext_lazy("It decides how long this account gets no offer."),
    )
    note = forms.CharField(
        label=gettext_lazy("Note"),
        widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
        max_length=task_work.LONGEST_NOTE,
        required=False,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].choices = [  # type: ignore[attr-defined]
            (Refusal.Reason.WRONG_TIME.value, _("The timing is wrong")),
            (Refusal.Reason.TOO_EXPENSIVE.value, _("It costs too much")),
            (Refusal.Reason.MISSING_FEATURE.value, _("A feature is missing")),
            (Refusal.Reason.NOT_NEEDED.value, _("We don’t need it")),
            (Refusal.Reason.OTHER.value, _("Another reason")),
        ]


# Days by which a call can be put off, as the buttons say them.
SNOOZES = {
    "1": gettext_lazy("Until tomorrow"),
    "3": gettext_lazy("For 3 days"),
    "7": gettext_lazy("For a week"),
}
