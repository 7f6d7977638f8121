"""Where a yes to a topic must be confirmed by the person."""

from __future__ import annotations

import re
from typing import Any

from babel import Locale
from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.consent.confirmation import EVERYWHERE
from campaigns.consent.models import ConsentTopic
from campaigns.console.forms import catalogue
from campaigns.console.forms.campaigns import StudioForm
from campaigns.profiles.models import Account, Contact
from campaigns.segments.figures import country_name

NOWHERE, SOME, ALL = "nowhere", "some", "everywhere"
_CODE = re.compile(r"[A-Z]{2}")


class ConfirmationForm(StudioForm):
    """Offered are the countries where there are contacts or accounts; any other one is written by its code."""

    where = forms.ChoiceField(label=gettext_lazy("A yes must be confirmed"), widget=forms.RadioSelect)
    countries = forms.MultipleChoiceField(
        label=gettext_lazy("These countries"), required=False, widget=forms.CheckboxSelectMultiple
    )
    others = forms.CharField(
        label=gettext_lazy("Other countries"),
        required=False,
        max_length=300,
        help_text=gettext_lazy("Their two-letter codes with commas between, as DE, AT."),
        widget=forms.TextInput(attrs={"dir": "ltr", "autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, topic: ConsentTopic, **kwargs: Any) -> None:
        super().__init__(*args, initial=_initial_of(topic), **kwargs)
        self.fields["where"].widget.attrs["class"] = "form-check-input"
        self.fields["where"].choices = [  # type: ignore[attr-defined]
            (NOWHERE, _("Nowhere")),
            (SOME, _("In some countries")),
            (ALL, _("Everywhere")),
        ]
        self.fields["countries"].choices = _offered(topic)  # type: ignore[attr-defined]

    def clean_others(self) -> list[str]:
        codes = [part.strip().upper() for part in re.split(r"[,;\s]+", self.cleaned_data["others"]) if part.strip()]
        known = Locale("en").territories
        unknown = [code for code in codes if not _CODE.fullmatch(code) or code not in known]
        if unknown:
            words = _("“%(code)s” is no country’s code of two letters. Germany is DE, Austria AT.")
            raise forms.ValidationError(words % {"code": unknown[0]})
        return codes

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("where") == SOME and not self.errors and not (data["countries"] or data["others"]):
            self.add_error("countries", _("Tick a country or write one, or choose Nowhere."))
        return data

    @property
    def wanted(self) -> list[str]:
        data = self.cleaned_data
        if data["where"] == SOME:
            return [*data["countries"], *data["others"]]
        return [EVERYWHERE] if data["where"] == ALL else []


def _initial_of(topic: ConsentTopic) -> dict[str, Any]:
    where = ALL if EVERYWHERE in topic.confirmed_in else SOME if topic.confirmed_in else NOWHERE
    return {"where": where, "countries": topic.confirmed_in}


def _offered(topic: ConsentTopic) -> list[tuple[str, str]]:
    """Those of the topic are among them, whether somebody lives there or not."""
    stored = {code: country_name(code) for code in topic.confirmed_in if code != EVERYWHERE}
    found = dict(catalogue.countries_of(Account)) | dict(catalogue.countries_of(Contact)) | stored
    return sorted(((code, name) for code, name in found.items() if _CODE.fullmatch(code)), key=lambda one: one[1])
