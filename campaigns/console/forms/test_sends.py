"""To whom a test goes, whose facts fill it in, in which language."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.console import campaign_words, message_preview
from campaigns.console.forms.campaigns import StudioForm
from campaigns.sequences import try_out
from campaigns.sequences.cast import Person


class TestSendForm(StudioForm):
    """`people` lend their facts and get nothing."""

    address = forms.CharField(label=gettext_lazy("Send it to"), max_length=320)
    contact = forms.ChoiceField(
        label=gettext_lazy("Filled in for"),
        help_text=gettext_lazy("This person gets nothing. Only their facts are used."),
    )
    language = forms.ChoiceField(label=gettext_lazy("Language"))
    confirmed = forms.BooleanField(label=gettext_lazy("This is my own address or a colleague’s."))

    def __init__(self, *args: Any, channel: str, people: list[Person], locales: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.channel = channel
        self.people = {str(one.contact.pk): one for one in people}
        self.fields["contact"].choices = [  # type: ignore[attr-defined]
            (key, message_preview.label_of(one)) for key, one in self.people.items()
        ]
        self.fields["language"].choices = [  # type: ignore[attr-defined]
            (locale, campaign_words.own_name(locale)) for locale in locales
        ]
        self.fields["address"].widget.attrs |= {"dir": "ltr", "autocomplete": "email" if channel == "email" else "tel"}
        self.fields["confirmed"].error_messages["required"] = _("Tests go to colleagues only: say that this is one.")
        if channel == "sms":
            self.fields["address"].help_text = _("A phone number with its country code, as +972 52 555 1234.")

    @property
    def person(self) -> Person:
        return self.people[self.cleaned_data["contact"]]

    def clean_address(self) -> str:
        try:
            return try_out.read_address(channel=self.channel, address=self.cleaned_data["address"])
        except try_out.CustomersAddressError as error:
            raise forms.ValidationError(_("This is a customer’s address: tests go to colleagues only.")) from error
        except try_out.CostlyNumberError as error:
            raise forms.ValidationError(_("Whoever sends to this number pays extra: use another.")) from error
        except try_out.AddressError as error:
            words = _("This is no e-mail address.") if self.channel == "email" else _("This is no phone number.")
            raise forms.ValidationError(words) from error
