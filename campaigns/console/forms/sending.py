from __future__ import annotations

from django import forms

MOST_A_SECOND = 10_000


class RateForm(forms.Form):
    """Empty: as the settings say."""

    sender = forms.CharField(max_length=200)
    per_s = forms.IntegerField(min_value=0, max_value=MOST_A_SECOND, required=False)
