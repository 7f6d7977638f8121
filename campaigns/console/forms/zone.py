"""In which time zone a colleague reads all times."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.utils.translation import gettext_lazy

from campaigns.console.forms.campaigns import StudioForm

_REGIONS = ("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")


class ZoneForm(StudioForm):
    time_zone = forms.ChoiceField(
        label=gettext_lazy("Your time zone"),
        help_text=gettext_lazy("All times are shown in it. Contacts get messages by their own."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        places = sorted(zone for zone in available_timezones() if zone.partition("/")[0] in _REGIONS)
        self.fields["time_zone"].choices = [(one, one) for one in ("UTC", *places)]  # type: ignore[attr-defined]
