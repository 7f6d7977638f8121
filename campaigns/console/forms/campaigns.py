"""Forms over the parts of a campaign file: what it is for, whom it means, when it may send."""

from __future__ import annotations

from datetime import time
from typing import Any

from django import forms
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.console import campaign_words
from campaigns.offers.models import Offer
from campaigns.segments.models import Segment
from campaigns.sequences import campaign_file, tracking
from campaigns.sequences.models import Campaign

NO_OFFER = ""
NEXT_PLAN = {"slug": "next-plan-up", "name": "The next plan up"}
TAKEN = {"new"}

# What would be right, in place of Django's "Ensure that".
WORDS = {
    "required": gettext_lazy("Fill this in."),
    "min_value": gettext_lazy("Fill in %(limit_value)s or more."),
    "max_value": gettext_lazy("Fill in %(limit_value)s or less."),
    "max_length": gettext_lazy("At most %(limit_value)d characters; this has %(show_value)d."),
}

Document = dict[str, Any]


class StudioForm(forms.Form):
    """Fields dressed as the design has them. Without a colon after the label."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})
        for field in self.fields.values():
            field.error_messages |= WORDS
            kind = "form-select" if isinstance(field.widget, forms.Select) else "form-control"
            if isinstance(field.widget, forms.CheckboxInput | forms.CheckboxSelectMultiple):
                kind = "form-check-input"
            field.widget.attrs["class"] = kind

    def full_clean(self) -> None:
        super().full_clean()
        for name in self.errors:
            if name in self.fields:
                self.fields[name].widget.attrs["class"] += " is-invalid"


class NewCampaignForm(StudioForm):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    segment = forms.ChoiceField(label=gettext_lazy("Whom do you want to reach?"))
    offer = forms.ChoiceField(label=gettext_lazy("What do you offer?"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["segment"].choices = segment_choices()  # type: ignore[attr-defined]
        self.fields["offer"].choices = offer_choices(with_none=False)  # type: ignore[attr-defined]


class GoalForm(StudioForm):
    name = forms.CharField(label=gettext_lazy("Name of the campaign"), max_length=200)
    window_days = forms.IntegerField(
        label=gettext_lazy("An upgrade counts within"),
        min_value=1,
        max_value=365,
        help_text=gettext_lazy("Days from when the account enters. Each account is watched for so long."),
    )
    offer = forms.ChoiceField(label=gettext_lazy("Offer"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["offer"].choices = offer_choices(with_none=True)  # type: ignore[attr-defined]

    @staticmethod
    def initial_of(document: Document) -> dict[str, Any]:
        offer = document.get("offer") or NO_OFFER
        return {
            "name": document["name"],
            "window_days": (document.get("goal") or {}).get("window_days", 14),
            "offer": offer["slug"] if isinstance(offer, dict) else offer,
        }

    def write(self, document: Document) -> None:
        document["name"] = self.cleaned_data["name"].strip()
        document["goal"] = {"kind": "UPGRADE", "window_days": self.cleaned_data["window_days"]}
        document.pop("offer", None)
        if self.cleaned_data["offer"]:
            document["offer"] = offer_value(self.cleaned_data["offer"])


class LimitsForm(StudioForm):
    window_from = forms.TimeField(
        label=gettext_lazy("Earliest time"),
        input_formats=["%H:%M", "%H.%M", "%H"],
        widget=forms.TimeInput(format="%H:%M", attrs={"inputmode": "numeric", "autocomplete": "off"}),
        help_text=gettext_lazy("In each contact’s time zone"),
        error_messages={"invalid": gettext_lazy("Write a time of day, such as 09:00.")},
    )
    window_to = forms.TimeField(
        label=gettext_lazy("Latest time"),
        input_formats=["%H:%M", "%H.%M", "%H"],
        widget=forms.TimeInput(format="%H:%M", attrs={"inputmode": "numeric", "autocomplete": "off"}),
        error_messages={"invalid": gettext_lazy("Write a time of day, such as 20:00.")},
    )
    send_by_hours = forms.IntegerField(
        label=gettext_lazy("Send within"),
        min_value=1,
        max_value=24 * 90,
        help_text=gettext_lazy("Later than that it is skipped, not sent"),
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
    )
    priority = forms.IntegerField(
        label=gettext_lazy("Priority"),
        min_value=0,
        max_value=100,
        help_text=gettext_lazy("0 to 100: the higher goes first"),
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
    )

    @staticmethod
    def initial_of(document: Document) -> dict[str, Any]:
        limits = document.get("limits", {})
        window = limits.get("window", {"from": "00:00", "to": "23:59"})
        return {
            "window_from": time.fromisoformat(window["from"]),
            "window_to": time.fromisoformat(window["to"]),
            "send_by_hours": limits.get("send_by_hours", 48),
            "priority": limits.get("priority", 50),
        }

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        opens, closes = data.get("window_from"), data.get("window_to")
        if opens is not None and closes is not None and opens >= closes:
            words = _("This is not after %(time)s. Choose a later time on the same day.")
            self.add_error("window_to", words % {"time": f"{opens:%H:%M}"})
        return data

    def write(self, document: Document) -> None:
        data = self.cleaned_data
        document["limits"] = {
            "window": {"from": f"{data['window_from']:%H:%M}", "to": f"{data['window_to']:%H:%M}"},
            "send_by_hours": data["send_by_hours"],
            "priority": data["priority"],
        }


class TrackingForm(StudioForm):
    opens = forms.ChoiceField(
        label=gettext_lazy("Look for opens"),
        help_text=gettext_lazy("No decision rests on opens: mail programs open by themselves."),
    )
    clicks = forms.ChoiceField(
        label=gettext_lazy("Clicks on your own links"),
        help_text=gettext_lazy(
            "In a text message only links that do not get longer. Links to say no are never changed."
        ),
        required=False,
    )
    source = forms.CharField(label=gettext_lazy("utm_source"), required=False, max_length=tracking.LONGEST)
    medium = forms.CharField(label=gettext_lazy("utm_medium"), required=False, max_length=tracking.LONGEST)
    campaign = forms.CharField(label=gettext_lazy("utm_campaign"), required=False, max_length=tracking.LONGEST)
    content = forms.CharField(label=gettext_lazy("utm_content"), required=False, max_length=tracking.LONGEST)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["opens"].choices = opens_choices()  # type: ignore[attr-defined]
        self.fields["clicks"].choices = clicks_choices()  # type: ignore[attr-defined]
        for name in tracking.UTM:
            self.fields[name].widget.attrs |= {"dir": "ltr", "autocomplete": "off", "spellcheck": "false"}

    @staticmethod
    def initial_of(document: Document) -> dict[str, Any]:
        told = document.get("tracking") or {}
        usual = {"opens": tracking.NEVER, "clicks": tracking.COUNTED}
        return {name: told.get(name, value) for name, value in usual.items()} | told.get("utm", {})

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        given = [name for name in tracking.UTM if data.get(name)]
        for name in given:
            if not tracking.is_value(data[name]):
                self.add_error(name, _("Only letters a to z, digits, dots, hyphens and underscores."))
        for name in ("source", "medium", "campaign"):
            if given and name not in given and name not in self.errors:
                self.add_error(name, _("Fill in all three, or none."))
        return data

    def write(self, document: Document) -> None:
        """Only what is not as usual."""
        data = self.cleaned_data
        utm = {name: data[name] for name in tracking.UTM if data[name]}
        told: Document = {} if data["opens"] == tracking.NEVER else {"opens": data["opens"]}
        told |= ({"clicks": tracking.NEVER} if data["clicks"] == tracking.NEVER else {}) | ({"utm": utm} if utm else {})
        document.pop("tracking", None)
        if told:
            document["tracking"] = told


def clicks_choices() -> list[tuple[str, str]]:
    return [
        (tracking.COUNTED, _("Counted: the links go by way of this site’s address")),
        (tracking.NEVER, _("Not counted: the links stay as they are written")),
    ]


def opens_choices() -> list[tuple[str, str]]:
    return [
        (tracking.NEVER, _("Of nobody")),
        (tracking.OUTSIDE_EU, _("Only outside of the EU")),
        (tracking.ALWAYS, _("Of everybody, in the EU too")),
    ]


def segment_choices() -> list[tuple[str, str]]:
    rows = Segment.objects.filter(archived_at__isnull=True, live_version__isnull=False)
    return [(segment.slug, segment.name) for segment in rows.order_by("name", "slug")]


def offer_choices(*, with_none: bool) -> list[tuple[str, str]]:
    """The offers there are, the next plan up always among them: a campaign that names it makes it."""
    offers = Offer.objects.filter(is_active=True).order_by("name", "slug")
    found = [(offer.slug, campaign_words.own_offer_name(offer.slug, offer.name)) for offer in offers]
    if NEXT_PLAN["slug"] not in dict(found):
        found.append((NEXT_PLAN["slug"], _("The next plan up")))
    return [(NO_OFFER, _("No offer in the messages")), *found] if with_none else found


def offer_value(slug: str) -> str | dict[str, str]:
    """As the campaign file names it."""
    return slug if Offer.objects.filter(slug=slug).exists() else dict(NEXT_PLAN)


def slug_for(name: str) -> str:
    """A free name for the campaign's address, made of its name; of one in another script than Latin nothing is left."""
    stem = slugify(name)[: campaign_file.LONGEST_SLUG - 4].strip("-_") or "campaign"
    taken = set(Campaign.objects.filter(slug__startswith=stem).values_list("slug", flat=True)) | TAKEN
    number, slug = 2, stem
    while slug in taken:
        slug, number = f"{stem}-{number}", number + 1
    return slug
