"""What an UPDATE notes: a row for each fact, with empty rows for more."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.console.forms.campaigns import StudioForm
from campaigns.profiles import known_fields
from campaigns.sequences.step_kinds import LARGEST_NUMBER, LONGEST_LIST, LONGEST_VALUE, MOST_TRAITS

_NAME = re.compile(r"[^.\s\0]{1,100}")
_KNOWN = {"account": known_fields.ACCOUNT_TRAITS, "contact": known_fields.CONTACT_TRAITS}
TEXT, NUMBER, YES, NO, LIST, NOTHING = "text", "number", "yes", "no", "list", "nothing"


class TraitForm(StudioForm):
    whose = forms.ChoiceField(label=gettext_lazy("At the"))
    name = forms.CharField(label=gettext_lazy("Fact"), max_length=100, required=False)
    kind = forms.ChoiceField(label=gettext_lazy("Becomes"))
    value = forms.CharField(label=gettext_lazy("Value"), max_length=LONGEST_VALUE, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["whose"].choices = [("account", _("Account")), ("contact", _("Contact"))]  # type: ignore[attr-defined]
        self.fields["kind"].choices = [  # type: ignore[attr-defined]
            (TEXT, _("this text")),
            (NUMBER, _("this number")),
            (YES, _("yes")),
            (NO, _("no")),
            (LIST, _("these, with commas between")),
            (NOTHING, _("forgotten")),
        ]
        for name in ("name", "value"):
            self.fields[name].widget.attrs |= {"dir": "auto"}

    @staticmethod
    def initial_of(name: str, value: Any) -> dict[str, Any]:
        whose, _traits, key = name.partition(".traits.")
        return {"whose": whose, "name": key, **_shown(value)}

    @property
    def is_empty(self) -> bool:
        return not (self.cleaned_data.get("name") or self.cleaned_data.get("value"))

    @property
    def fact(self) -> str:
        return f"{self.cleaned_data['whose']}.traits.{self.cleaned_data['name']}"

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        name, whose = data.get("name") or "", data.get("whose") or "account"
        if not name and data.get("value"):
            self.add_error("name", _("Give the fact a name."))
        elif name and not _NAME.fullmatch(name):
            self.add_error("name", _("A fact’s name has no spaces and no dots."))
        elif name in _KNOWN[whose]:
            self.add_error("name", _("This is a fact of its own, which no campaign may change."))
        if name and not self.errors:
            data["made"] = self._value(data)
        return data

    def _value(self, data: Mapping[str, Any]) -> Any:
        kind, written = data["kind"], data["value"] or ""
        if kind in (YES, NO, NOTHING):
            return {YES: True, NO: False, NOTHING: None}[kind]
        if kind == LIST:
            parts = [part.strip() for part in written.split(",") if part.strip()]
            if not 1 <= len(parts) <= LONGEST_LIST:
                self.add_error("value", _("Fill in 1 to %(n)d values, with commas between.") % {"n": LONGEST_LIST})
            numbers = [_read_number(part) for part in parts]
            return parts if None in numbers else numbers
        if not written:
            self.add_error("value", _("Fill this in."))
        elif kind == NUMBER:
            return self._number(written)
        return written

    def _number(self, written: str) -> int | float | None:
        number = _read_number(written)
        if number is None:
            self.add_error("value", _("This must be a number, as 12 or 0.5."))
        return number


class TraitRows(forms.BaseFormSet):
    """Names each fact once, and at least one."""

    def clean(self) -> None:
        if any(self.errors):
            return
        facts = [form.fact for form in self.forms if not form.is_empty]
        if not facts:
            raise forms.ValidationError(_("Note at least one fact, or remove the step."))
        if len(set(facts)) < len(facts):
            raise forms.ValidationError(_("One fact is noted twice."))

    def write(self, step: dict[str, Any]) -> None:
        step["set"] = {form.fact: form.cleaned_data["made"] for form in self.forms if not form.is_empty}


def rows_of(*, step: Mapping[str, Any], data: Any = None) -> TraitRows:
    kind = forms.formset_factory(
        TraitForm, formset=TraitRows, extra=2, max_num=MOST_TRAITS, validate_max=True, absolute_max=MOST_TRAITS + 1
    )
    rows = kind(data, initial=list(_initial(step)), prefix="fact")
    assert isinstance(rows, TraitRows)
    return rows


def _read_number(written: str) -> int | float | None:
    try:
        number = float(written)
    except ValueError:
        return None
    if not -LARGEST_NUMBER <= number <= LARGEST_NUMBER:
        return None
    return int(number) if number.is_integer() else number


def _initial(step: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name, value in step["set"].items():
        yield TraitForm.initial_of(name, value)


def _shown(value: Any) -> dict[str, Any]:
    if value is None or isinstance(value, bool):
        return {"kind": {True: YES, False: NO, None: NOTHING}[value], "value": ""}
    if isinstance(value, list):
        return {"kind": LIST, "value": ", ".join(map(str, value))}
    return {"kind": TEXT if isinstance(value, str) else NUMBER, "value": str(value)}
