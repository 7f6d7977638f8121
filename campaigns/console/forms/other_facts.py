"""Rules about what happened in the product, about consent, about random shares and other segments."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from campaigns.console.forms import sentence
from campaigns.console.forms.facts import Document, Fact
from campaigns.console.forms.sentence import Option, Part, RuleError, Values, Widget

_OFTEN = {"at_least": ">=", "exactly": "=", "at_most": "<="}


class EventFact(Fact):
    """`suggestions` is the id of the list of event names seen lately; a name never seen is accepted."""

    def __init__(self, group: str, *, suggestions: str) -> None:
        self.key, self.label, self.group = "event", _("Product event"), group
        self.suggestions = suggestions

    def blank(self) -> Values:
        return {"op": ["plain"], "often": ["at_least"], "times": ["1"], "days": ["30"]}

    def write(self, values: Values) -> Document:
        made: Document = {"event": sentence.need_text(values, "name", _("Say which event."))}
        if sentence.filled(values, "days"):
            made["window"] = sentence.need_days(values)
        if sentence.one(values, "op") == "where":
            name = sentence.need_text(values, "property", _("Say which property of the event."))
            wanted = sentence.need_text(values, "value", _("Say what the property is."))
            made["where"] = [{"property": name, "op": "=", "value": wanted}]
        count = _count(values)
        return made if count == {"op": ">=", "value": 1} else {**made, "count": count}

    def extract(self, document: Document) -> Values | None:
        if "event" not in document:
            return None
        count = document.get("count", {"op": ">=", "value": 1})
        often = "never" if count == {"op": "=", "value": 0} else _key_of(count["op"])
        values: Values = {
            "name": [document["event"]],
            "op": ["plain"],
            "often": [often],
            "times": [sentence.number_text(count["value"]) or ""],
            "days": [sentence.days_of(document["window"]) or "?"] if "window" in document else [""],
        }
        if "where" in document:
            (test,) = document["where"]
            values |= {"op": ["where"], "property": [test["property"]], "value": [test["value"]]}
        return values

    def sentence(self, values: Values) -> list[list[Part]]:
        shown = {**self.blank(), **values}
        widgets = {
            "name": Widget("text", _("Name of the event"), suggestions=self.suggestions),
            "op": Widget(
                "choice", _("With a property or not"), [("plain", _("happened")), ("where", _("happened with"))],
                redraws=True,
            ),
            "property": Widget("text", _("Property of the event")),
            "value": Widget("text", _("Value of the property")),
            "often": Widget("choice", _("How often"), _often_words(), redraws=True),
            "times": Widget("number", _("Times")),
            "days": Widget("number", _("Days; empty: ever")),
        }  # fmt: skip
        phrases = ["{name}", "{op}"]
        if shown["op"][0] == "where":
            phrases.append(_("{property} is {value}"))
        phrases.append("{often}" if shown["often"][0] == "never" else _("{often} {times} times"))
        return sentence.compose([*phrases, _("in {days} days")], widgets, shown)


def _often_words() -> list[Option]:
    return [
        ("at_least", _("at least")),
        ("at_most", _("at most")),
        ("exactly", _("exactly")),
        ("never", _("never")),
    ]


def _key_of(op: str) -> str:
    return {op: key for key, op in _OFTEN.items()}[op]


def _count(values: Values) -> Document:
    often = sentence.one(values, "often", "at_least")
    if often == "never":
        return {"op": "=", "value": 0}
    times = sentence.need_number(values, "times")
    if times != times.to_integral_value() or times < 0:
        raise RuleError("times", _("How often is a whole number."))
    return {"op": _OFTEN.get(often, ">="), "value": int(times)}


class ConsentFact(Fact):
    def __init__(self, group: str, *, channels: Sequence[Option], topics: Sequence[Option]) -> None:
        self.key, self.label, self.group = "consent", _("Consent"), group
        self.channels, self.topics = channels, topics

    def blank(self) -> Values:
        return {"op": ["granted"], "channel": ["email"], "topic": [self.topics[0][0]] if self.topics else []}

    def write(self, values: Values) -> Document:
        said = sentence.one(values, "op", "granted")
        made = {
            "consent": sentence.need_text(values, "channel", _("Choose a channel.")),
            "topic": sentence.need_text(values, "topic", _("Choose a topic.")),
            "is": said.removeprefix("not_"),
        }
        return {"not": made} if said.startswith("not_") else made

    def extract(self, document: Document) -> Values | None:
        inner, prefix = (document["not"], "not_") if "not" in document else (document, "")
        if "consent" not in inner or f"{prefix}{inner['is']}" not in dict(_consent_words()):
            return None
        return {"op": [f"{prefix}{inner['is']}"], "channel": [inner["consent"]], "topic": [inner["topic"]]}

    def sentence(self, values: Values) -> list[list[Part]]:
        widgets = {
            "op": Widget("choice", _("Given or not"), _consent_words()),
            "channel": Widget("choice", _("Channel"), self.channels),
            "topic": Widget("choice", _("Topic"), self.topics),
        }
        return sentence.compose(["{op}", _("for {channel}"), _("about {topic}")], widgets, {**self.blank(), **values})


def _consent_words() -> list[Option]:
    return [
        ("granted", _("was given by a contact")),
        ("not_granted", _("was given by no contact")),
        ("withdrawn", _("was withdrawn by a contact")),
        ("unknown", _("was never asked of a contact")),
    ]


class BucketFact(Fact):
    def __init__(self, group: str) -> None:
        self.key, self.label, self.group = "bucket", _("Random share"), group

    def blank(self) -> Values:
        return {"low": ["0"], "high": ["50"], "name": [_("share-1")]}

    def write(self, values: Values) -> Document:
        low, high = sentence.need_number(values, "low"), sentence.need_number(values, "high")
        if not 0 <= low < high <= 100:
            raise RuleError("low", _("A share goes from a lower to a higher number between 0 and 100."))
        name = sentence.need_text(values, "name", _("Give the share a name: the same name draws the same accounts."))
        return {"bucket": name, "percent": [sentence.as_json_number(low), sentence.as_json_number(high)]}

    def extract(self, document: Document) -> Values | None:
        if "bucket" not in document:
            return None
        low, high = (sentence.number_text(end) or "" for end in document["percent"])
        return {"low": [low], "high": [high], "name": [document["bucket"]]}

    def sentence(self, values: Values) -> list[list[Part]]:
        widgets = {
            "low": Widget("number", _("From percent")),
            "high": Widget("number", _("To percent")),
            "name": Widget("text", _("Name of the share")),
        }
        return sentence.compose([_("{low} to {high} %"), _("named {name}")], widgets, {**self.blank(), **values})


class SegmentFact(Fact):
    def __init__(self, group: str, *, segments: Sequence[Option]) -> None:
        self.key, self.label, self.group = "segment", _("Segment"), group
        self.segments = segments

    def blank(self) -> Values:
        return {"op": ["in"], "slug": [self.segments[0][0]] if self.segments else []}

    def write(self, values: Values) -> Document:
        made = {"segment": sentence.need_text(values, "slug", _("Choose a segment."))}
        return {"not": made} if sentence.one(values, "op") == "not_in" else made

    def extract(self, document: Document) -> Values | None:
        inner, op = (document["not"], "not_in") if "not" in document else (document, "in")
        return {"op": [op], "slug": [inner["segment"]]} if "segment" in inner else None

    def sentence(self, values: Values) -> list[list[Part]]:
        words = [("in", pgettext("segment", "is")), ("not_in", pgettext("segment", "is not"))]
        widgets = {
            "op": Widget("choice", _("In or not in"), words),
            "slug": Widget("choice", _("Segment"), self.segments),
        }
        return sentence.compose(["{op}", "{slug}"], widgets, {**self.blank(), **values})
