"""Rules about a meter: how much is used, of the quota or in number, how it grew, whether it passed a line."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.console.forms import sentence
from campaigns.console.forms.facts import Document, Fact
from campaigns.console.forms.sentence import Option, Part, RuleError, Values, Widget
from campaigns.usage.crossings import LEVELS
from campaigns.usage.models import Meter

# (comparison, aggregate): the words for it
_LEVELS: dict[tuple[str, str], str | Promise] = {
    (">=", "last"): gettext_lazy("is at least"),
    ("<", "last"): gettext_lazy("is below"),
    (">=", "sum"): gettext_lazy("adds up to at least"),
    ("<", "sum"): gettext_lazy("adds up to less than"),
    (">=", "avg"): gettext_lazy("is on average at least"),
    ("<", "avg"): gettext_lazy("is on average below"),
    (">=", "max"): gettext_lazy("reached at least"),
    ("<", "max"): gettext_lazy("stayed below"),
    (">=", "min"): gettext_lazy("never fell below"),
    ("<", "min"): gettext_lazy("fell below"),
}
_HUNDRED = Decimal(100)


class UsageFact(Fact):
    def __init__(self, meter: Meter, group: str) -> None:
        self.key, self.label, self.group = f"usage.{meter.code}", meter.name, group
        self.meter, self.unit = meter.code, meter.unit
        self.total = meter.aggregation == Meter.Aggregation.SUM
        self.has_quota = True

    def blank(self) -> Values:
        op = ">=:sum" if self.total else ">=:last"
        return {"op": [op], "per": ["quota"], "number": ["80"], "days": ["30"], "level": ["80"]}

    def write(self, values: Values) -> Document:
        kind, _colon, agg = sentence.one(values, "op", self.blank()["op"][0]).partition(":")
        if kind == "passed":
            level = int(sentence.need_number(values, "level"))
            return {"crossing": self.meter, "level": level, "window": sentence.need_days(values)}
        made: Document = {"usage": self.meter, "agg": agg}
        if kind in ("grew", "fell"):
            made |= {"window": sentence.need_days(values), "per": "previous"}
            return made | _growth(kind, sentence.need_number(values, "number"))
        if agg != "last":
            made["window"] = sentence.need_days(values)
        number = sentence.need_number(values, "number")
        if sentence.one(values, "per", "quota") == "quota":
            made["per"] = "quota"
            number = number / _HUNDRED
        return made | {"op": kind, "value": sentence.as_json_number(number)}

    def extract(self, document: Document) -> Values | None:
        if document.get("crossing") == self.meter:
            within = sentence.days_of(document["window"])
            return {"op": ["passed:"], "level": [str(document["level"])], "days": [within]} if within else None
        if document.get("usage") != self.meter:
            return None
        agg, value = document["agg"], Decimal(sentence.number_text(document["value"]) or "NaN")
        days: Values = {"days": [sentence.days_of(document["window"]) or ""]} if "window" in document else {}
        if document.get("per") == "previous":
            kind = "grew" if document["op"] == ">=" else "fell"
            points = abs(value - 1) * _HUNDRED
            return {"op": [f"{kind}:{agg}"], "number": [_text(points)], **days}
        per = "quota" if document.get("per") == "quota" else "number"
        shown = value * _HUNDRED if per == "quota" else value
        return {"op": [f"{document['op']}:{agg}"], "per": [per], "number": [_text(shown)], **days}

    def sentence(self, values: Values) -> list[list[Part]]:
        shown = {**self.blank(), **values}
        kind, _colon, agg = shown["op"][0].partition(":")
        widgets = {
            "op": Widget("choice", _("Comparison"), self._ops(shown["op"][0]), redraws=True),
            "number": Widget("number", _("Number")),
            "per": Widget("choice", _("Of the quota or in number"), self._units()),
            "days": Widget("number", _("Days")),
            "level": Widget("choice", _("Percent of the quota"), [(str(level), str(level)) for level in LEVELS]),
        }
        return sentence.compose(["{op}", *_phrases(kind, agg)], widgets, shown)

    def _units(self) -> list[Option]:
        # xgettext:no-python-format
        of_quota = _("% of the quota")
        return [("quota", of_quota), ("number", self.unit or _("in number"))]

    def _ops(self, chosen: str) -> list[Option]:
        """What suits the meter; one that was loaded and suits less stays choosable."""
        aggregates = ("sum", "avg") if self.total else ("last", "avg")
        offered = [(f"{op}:{agg}", str(words)) for (op, agg), words in _LEVELS.items() if agg in aggregates]
        growth = "sum" if self.total else "avg"
        offered += [(f"grew:{growth}", _("grew by at least")), (f"fell:{growth}", _("fell by at least"))]
        offered.append(("passed:", _("passed")))
        if chosen not in dict(offered):
            kind, _colon, agg = chosen.partition(":")
            words = {"grew": _("grew by at least"), "fell": _("fell by at least")}
            offered.append((chosen, words.get(kind) or str(_LEVELS.get((kind, agg), chosen))))
        return offered


def _phrases(kind: str, agg: str) -> list[str]:
    if kind == "passed":
        # xgettext:no-python-format
        level = _("{level} % of the quota")
        return [level, _("in the last {days} days")]
    if kind in ("grew", "fell"):
        return [_("{number} %"), _("in {days} days")]
    return ["{number} {per}"] if agg == "last" else ["{number} {per}", _("in {days} days")]


def _growth(kind: str, points: Decimal) -> dict[str, Any]:
    """30 % more than before is a ratio of at least 1.3 to the days before."""
    if points <= 0 or (kind == "fell" and points > _HUNDRED):
        raise RuleError("number", _("Fill in a percentage above 0."))
    ratio = 1 + points / _HUNDRED if kind == "grew" else 1 - points / _HUNDRED
    return {"op": ">=" if kind == "grew" else "<=", "value": sentence.as_json_number(ratio)}


def _text(number: Decimal) -> str:
    return sentence.number_text(number) or ""
