"""The form for a no that somebody told a colleague."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from campaigns.consent.on_behalf import How
from campaigns.consent.selectors import ChannelState
from campaigns.console import contact_words

EVERYTHING = "all"


class OptOutForm(forms.Form):
    """`what` is EVERYTHING, a channel, or channel:topic; only what is not off already is offered."""

    what = forms.ChoiceField()
    how = forms.ChoiceField(choices=How.choices)
    note = forms.CharField(required=False, max_length=500, widget=forms.Textarea)

    def __init__(self, *args: Any, states: Sequence[ChannelState], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        what = self.fields["what"]
        assert isinstance(what, forms.ChoiceField), "It is declared as one above."
        what.choices = what_choices(states)
        what.error_messages["required"] = gettext_lazy("Choose what is to stop.")

    @property
    def channel(self) -> str:
        what = str(self.cleaned_data["what"])
        return "" if what == EVERYTHING else what.partition(":")[0]

    @property
    def topic(self) -> str:
        return str(self.cleaned_data["what"]).partition(":")[2]


def what_choices(states: Sequence[ChannelState]) -> list[tuple[str, str]]:
    """Everything first, then each channel, then each topic that is on."""
    choices = [(EVERYTHING, _("All offers and news, on every channel"))]
    live = [state for state in states if not state.point.is_blocked]
    for state in live:
        words = _("All offers and news by %(channel)s") % {"channel": contact_words.by_channel(state.channel)}
        choices.append((state.channel, words))
    language = (get_language() or "en")[:2]
    for state in live:
        for one in state.topics:
            if one.topic.is_marketing and one.is_on:
                names = {"topic": one.topic.name_in(language), "channel": contact_words.by_channel(state.channel)}
                choices.append((f"{state.channel}:{one.topic.slug}", _("Only “%(topic)s” by %(channel)s") % names))
    return choices
