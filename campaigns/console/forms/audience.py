"""The form over whom a campaign means: the segment, what brings people in and how often, who of an account."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.console.forms import catalogue
from campaigns.console.forms.campaigns import Document, StudioForm, segment_choices
from campaigns.profiles.models import Membership
from campaigns.sequences import campaign_file


class AudienceForm(StudioForm):
    """`segment` empty keeps an audience that the campaign file brings itself."""

    segment = forms.ChoiceField(label=gettext_lazy("Segment"), required=False)
    holdout_percent = forms.DecimalField(
        label=gettext_lazy("Held out to compare with"),
        min_value=0,
        max_value=99,
        decimal_places=2,
        help_text=gettext_lazy("Percent of the accounts that get nothing. 10 is usual; 0 can prove nothing."),
    )
    by = forms.ChoiceField(
        label=gettext_lazy("Comes in"), help_text=gettext_lazy("Named: in a file or by another system.")
    )
    event = forms.ChoiceField(
        label=gettext_lazy("The event"),
        required=False,
        help_text=gettext_lazy("Where an event brings people of the segment in. Listed are those seen lately."),
    )
    reentry = forms.ChoiceField(label=gettext_lazy("An account enters"))
    cooldown_days = forms.IntegerField(
        label=gettext_lazy("Days until it may enter again"), min_value=0, max_value=3650, required=False
    )
    at_most = forms.IntegerField(
        label=gettext_lazy("Times an account enters, at most"), min_value=1, max_value=1000, required=False
    )
    per_account = forms.IntegerField(label=gettext_lazy("People per account, at most"), min_value=1, max_value=100)
    roles = forms.MultipleChoiceField(
        label=gettext_lazy("Their roles"),
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=gettext_lazy("The most recently active first. None ticked: anybody."),
    )

    def __init__(self, *args: Any, own_definition: bool = False, stored_event: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stored_event = stored_event
        kept = [("", _("As written in the campaign file"))] if own_definition else []
        self.fields["segment"].choices = kept + segment_choices()  # type: ignore[attr-defined]
        self.fields["segment"].required = not own_definition
        self.fields["by"].choices = way_in_choices()  # type: ignore[attr-defined]
        self.fields["event"].choices = self._events  # type: ignore[attr-defined]
        self.fields["reentry"].choices = reentry_choices()  # type: ignore[attr-defined]
        self.fields["roles"].choices = role_choices()  # type: ignore[attr-defined]

    def _events(self) -> list[tuple[str, str]]:
        """Asked of the database when the field is drawn or read, for the page shows the form only while it is edited.
        The event that is stored stays among them, seen or not."""
        names = {*catalogue.seen_events(), *filter(None, [self.stored_event])}
        return [("", _("Choose an event")), *((name, name) for name in sorted(names))]

    @staticmethod
    def initial_of(document: Document) -> dict[str, Any]:
        entry, people = document.get("entry", {}), document.get("recipients", {})
        segment = document["audience"].get("segment", "")
        return {
            "segment": segment if isinstance(segment, str) else "",
            "holdout_percent": document.get("holdout_percent", 0),
            "by": entry.get("by", campaign_file.BY_EVENT if "event" in entry else campaign_file.BY_SEGMENT),
            "event": event_of(document),
            "reentry": entry.get("reentry", campaign_file.NEVER),
            "cooldown_days": entry.get("cooldown_days", 90),
            "at_most": entry.get("at_most"),
            "per_account": people.get("per_account", 1),
            "roles": people.get("roles", []),
        }

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("reentry") == campaign_file.AFTER_COOLDOWN and data.get("cooldown_days") is None:
            self.add_error("cooldown_days", _("Say after how many days."))
        if data.get("by") == campaign_file.BY_EVENT and not data.get("event") and "event" not in self.errors:
            self.add_error("event", _("Choose the event that brings people in."))
        return data

    def write(self, document: Document) -> None:
        data = self.cleaned_data
        if data["segment"]:
            document["audience"] = {"segment": data["segment"]}
        percent = data["holdout_percent"]
        document["holdout_percent"] = int(percent) if percent == int(percent) else float(percent)
        document["entry"] = {**self._way_in(document.get("entry", {})), "reentry": data["reentry"]}
        if data["reentry"] == campaign_file.AFTER_COOLDOWN:
            document["entry"]["cooldown_days"] = data["cooldown_days"]
        if data["reentry"] != campaign_file.NEVER and data["at_most"]:
            document["entry"]["at_most"] = data["at_most"]
        document["recipients"] = {"roles": list(data["roles"]), "per_account": data["per_account"]}

    def _way_in(self, entry: Document) -> Document:
        """What the file asks of the event beyond its name stays while the event is the same."""
        if self.cleaned_data["by"] == campaign_file.BY_EVENT:
            stored = entry.get("event", {})
            name = self.cleaned_data["event"]
            return {"event": stored if stored.get("name") == name else {"name": name}}
        return {"by": campaign_file.BY_HAND} if self.cleaned_data["by"] == campaign_file.BY_HAND else {}


def context_of(document: Document) -> dict[str, Any]:
    """What the form has to know of the file that it changes."""
    own = not isinstance(document["audience"].get("segment", {}), str)
    return {"own_definition": own, "stored_event": event_of(document)}


def event_of(document: Document) -> str:
    """Empty where no event brings people in."""
    return str(document.get("entry", {}).get("event", {}).get("name", ""))


def way_in_choices() -> list[tuple[str, str]]:
    return [
        (campaign_file.BY_SEGMENT, _("everybody in the segment")),
        (campaign_file.BY_EVENT, _("who an event happens to")),
        (campaign_file.BY_HAND, _("only who is named")),
    ]


def reentry_choices() -> list[tuple[str, str]]:
    return [
        (campaign_file.NEVER, _("once")),
        (campaign_file.AFTER_COOLDOWN, _("again after some days")),
        (campaign_file.ALWAYS, _("each time it comes into the segment, or the event happens")),
    ]


def role_choices() -> list[tuple[str, str]]:
    names = {"OWNER": _("Owner"), "ADMIN": _("Admin"), "BILLING": _("Billing"), "MEMBER": _("Member")}
    return [(role.value, names.get(role.value, role.value.capitalize())) for role in Membership.Role]
