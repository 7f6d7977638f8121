"""The form of a mapping: what can be filled is offered by name, what cannot work is said beside its row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.crm import connect
from campaigns.crm.models import FieldMapping
from orchestrator.connectors import mapping

USAGE = "usage."
TARGETS_ID = "crm-targets"
_TYPES = [
    ("", gettext_lazy("as the field is")),
    ("text", gettext_lazy("text")),
    ("number", gettext_lazy("number")),
    ("boolean", gettext_lazy("yes or no")),
    ("date", gettext_lazy("date")),
    ("list", gettext_lazy("list")),
]


class FieldMappingForm(forms.ModelForm):
    type = forms.ChoiceField(
        choices=_TYPES, required=False, label=gettext_lazy("read as"), help_text=gettext_lazy("For traits only.")
    )

    class Meta:
        model = FieldMapping
        fields = ("kind", "property", "target", "type")
        widgets = {
            "property": forms.TextInput(attrs={"dir": "ltr", "size": 24}),
            "target": forms.TextInput(attrs={"dir": "ltr", "size": 24, "list": TARGETS_ID}),
        }
        help_texts = {
            "target": gettext_lazy("A field from the list, usage.<meter> for the day’s value, or traits.<any name>.")
        }

    def clean_target(self) -> str:
        """A meter is the commonest slip: it is told in the reader's own words."""
        target = str(self.cleaned_data["target"]).strip()
        code = target.removeprefix(USAGE)
        if target.startswith(USAGE):
            meters = connect.known_meters()
            if code not in meters:
                raise forms.ValidationError(_("There is no meter %(code)s.") % {"code": code})
            if not meters[code]:
                words = _("The meter %(code)s is counted from events: its value can’t be set.")
                raise forms.ValidationError(words % {"code": code})
        return target


class FieldMappingSet(forms.BaseInlineFormSet):
    """All rows of a connection: each kind of record is checked as a whole, as a pull will read it."""

    @property
    def targets_id(self) -> str:
        return TARGETS_ID

    @property
    def targets(self) -> list[str]:
        """What can be named without thinking; traits are open."""
        meters = [f"{USAGE}{code}" for code, is_reported in sorted(connect.known_meters().items()) if is_reported]
        fields = {target for noun in connect.NOUNS.values() for target in mapping.TARGETS[noun]}
        consents = [f"consent.{channel}.offers" for channel in ("email", "sms", "in_app")]
        noes = ["opt_out.email", "opt_out.sms"]
        return [*sorted(fields), *consents, *noes, *meters]

    def clean(self) -> None:
        super().clean()
        meters = connect.known_meters()
        for kind in connect.NOUNS:
            rows = [(form, form.instance) for form in self._kept() if form.cleaned_data["kind"] == kind]
            if not rows:
                continue
            try:
                connect.check_mapping(kind=kind, rows=[row for _form, row in rows], meters=meters)
            except mapping.MappingError as error:
                _blame(rows, error)

    def _kept(self) -> Iterator[Any]:
        for form in self.forms:
            data = getattr(form, "cleaned_data", None)
            if data and data.get("target") and data.get("property") and not data.get("DELETE"):
                yield form


def _blame(rows: list[tuple[Any, FieldMapping]], error: mapping.MappingError) -> None:
    """Beside the row that the path names."""
    section, _dot, name = error.path.partition(".")
    field = "type" if section == "types" else "target"
    for form, row in reversed(rows):
        if name in (row.property if field == "target" else row.target, ""):
            form.add_error(field, error.message)
            return
    rows[0][0].add_error(None, str(error))
