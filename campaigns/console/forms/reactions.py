"""Rules that only a question of a campaign can ask: how somebody reacted to one of its messages, and the offer's no."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from campaigns.console.forms import sentence
from campaigns.console.forms.facts import Document, Fact
from campaigns.console.forms.sentence import Option, Part, Values, Widget

REFUSED = "crescendo.offer_refused"


class ReactionFact(Fact):
    """`messages` are the steps that come before the question, as (key, name); the last one is proposed."""

    def __init__(self, group: str, *, messages: Sequence[Option]) -> None:
        self.key, self.label, self.group = "reaction", _("A message of this campaign"), group
        self.messages = messages

    def blank(self) -> Values:
        return {"op": ["was"], "reaction": ["clicked"], "step": [self.messages[-1][0]] if self.messages else []}

    def write(self, values: Values) -> Document:
        made = {
            "engagement": sentence.one(values, "reaction", "clicked"),
            "step": sentence.need_text(values, "step", _("Choose a message.")),
        }
        return {"not": made} if sentence.one(values, "op") == "was_not" else made

    def extract(self, document: Document) -> Values | None:
        inner, op = (document["not"], "was_not") if "not" in document else (document, "was")
        if set(inner) != {"engagement", "step"}:
            return None
        return {"op": [op], "reaction": [inner["engagement"]], "step": [inner["step"]]}

    def sentence(self, values: Values) -> list[list[Part]]:
        ops = [("was", pgettext("message", "was")), ("was_not", pgettext("message", "was not"))]
        widgets = {
            "step": Widget("choice", _("Message"), self.messages),
            "op": Widget("choice", _("It was, or it was not"), ops),
            "reaction": Widget("choice", _("Reaction"), reaction_choices()),
        }
        return sentence.compose(["{step}", "{op}", "{reaction}"], widgets, {**self.blank(), **values})


class RefusalFact(Fact):
    """A no through the offer's page or on the phone."""

    def __init__(self, group: str) -> None:
        self.key, self.label, self.group = "refusal", _("A no to the offer"), group

    def blank(self) -> Values:
        return {"op": ["said"]}

    def write(self, values: Values) -> Document:
        made: Document = {"event": REFUSED}
        return {"not": made} if sentence.one(values, "op") == "not_said" else made

    def extract(self, document: Document) -> Values | None:
        inner, op = (document["not"], "not_said") if "not" in document else (document, "said")
        return {"op": [op]} if inner == {"event": REFUSED} else None

    def sentence(self, values: Values) -> list[list[Part]]:
        ops = [("said", pgettext("a no", "was said")), ("not_said", pgettext("a no", "was not said"))]
        return sentence.compose(["{op}"], {"op": Widget("choice", _("Said or not"), ops)}, {**self.blank(), **values})


def reaction_choices() -> list[Option]:
    return [
        ("clicked", pgettext("message", "clicked")),
        ("replied", pgettext("message", "answered")),
        ("opened", pgettext("message", "opened")),
        ("delivered", pgettext("message", "delivered")),
        ("dismissed", pgettext("message", "closed")),
        ("converted", pgettext("message", "followed by an upgrade")),
        ("unsubscribed", pgettext("message", "used to unsubscribe")),
        ("complained", pgettext("message", "marked as spam")),
        ("sent", pgettext("message", "sent")),
    ]
