"""What a rule can be about, and how its fields become a condition of the segment grammar and back.

A condition that a fact can't give back exactly as it was is not read at all: the form then keeps it
untouched and shows it as a sentence.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.console.forms import sentence
from campaigns.console.forms.sentence import Option, Part, RuleError, Values, Widget

Document = dict[str, Any]


class Fact(ABC):
    """`key` is its name in the form, `group` the heading it stands under in the list of facts."""

    key: str
    label: str
    group: str

    @abstractmethod
    def blank(self) -> Values:
        """The fields of a new rule."""

    @abstractmethod
    def extract(self, document: Document) -> Values | None:
        """The fields that may make this condition; `read` checks that they do."""

    @abstractmethod
    def write(self, values: Values) -> Document:
        """Raises RuleError."""

    @abstractmethod
    def sentence(self, values: Values) -> list[list[Part]]: ...

    def read(self, document: Document) -> Values | None:
        """None when this fact can't say the condition exactly."""
        try:
            values = self.extract(document)
            same = values is not None and self.write(values) == canonical(document)
        except (RuleError, KeyError, TypeError, ValueError, AttributeError):
            return None
        return values if same else None


def canonical(document: Document) -> Document:
    """The spelling the form writes of conditions that mean the same: days for weeks, `=` for a list of one."""
    if set(document) == {"not"} and isinstance(document["not"], dict):
        return {"not": canonical(document["not"])}
    made = dict(document)
    if days := sentence.days_of(made.get("window")):
        made["window"] = f"{days}d"
    if "subscription" in made and (days := sentence.days_of(made.get("value"))):
        made["value"] = f"{days}d"
    if made.get("op") in ("in", "not_in") and isinstance(made.get("value"), list) and len(made["value"]) == 1:
        made |= {"op": "=" if made["op"] == "in" else "!=", "value": made["value"][0]}
    if made.get("count") == {"op": ">=", "value": 1}:
        del made["count"]
    return made


@dataclass(frozen=True, slots=True)
class Op:
    """`takes`: what stands behind it (nothing, fixed, tokens, text, texts, number, range, days); `negated` wraps the
    condition in a `not`, for what must hold for nobody or also where the value is missing."""

    key: str
    label: str | Promise
    op: str
    takes: str
    negated: bool = False
    fixed: Any = None


IS = Op("is", gettext_lazy("is"), "=", "tokens")
IS_NOT = Op("is_not", gettext_lazy("is not"), "!=", "tokens")
NEVER = Op("never", gettext_lazy("is never"), "=", "tokens", negated=True)
KNOWN = Op("known", gettext_lazy("is known"), "is_set", "nothing")
UNKNOWN = Op("unknown", gettext_lazy("is not known"), "is_not_set", "nothing")
CHOICE = (IS, IS_NOT, KNOWN, UNKNOWN)
PEOPLE_CHOICE = (IS, IS_NOT, NEVER)
TEXT = (
    Op("is", gettext_lazy("is"), "=", "text"),
    Op("is_not", gettext_lazy("is not"), "!=", "text"),
    Op("any_of", gettext_lazy("is any of"), "in", "texts"),
    Op("contains", gettext_lazy("contains"), "contains", "text"),
    Op("starts", gettext_lazy("starts with"), "starts_with", "text"),
    Op("ends", gettext_lazy("ends with"), "ends_with", "text"),
    KNOWN,
    UNKNOWN,
)
NUMBER = (
    Op("at_least", gettext_lazy("is at least"), ">=", "number"),
    Op("more", gettext_lazy("is more than"), ">", "number"),
    Op("at_most", gettext_lazy("is at most"), "<=", "number"),
    Op("less", gettext_lazy("is less than"), "<", "number"),
    Op("equals", gettext_lazy("is exactly"), "=", "number"),
    Op("between", gettext_lazy("is between"), "between", "range"),
)
AHEAD = (
    Op("within", gettext_lazy("is within"), "<=", "days"),
    Op("not_within", gettext_lazy("is not within"), "<=", "days", negated=True),
    Op("beyond", gettext_lazy("is further away than"), ">", "days"),
)
AGE = (
    Op("at_least", gettext_lazy("for at least"), ">=", "days"),
    Op("at_most", gettext_lazy("for at most"), "<=", "days"),
)
SINCE = (
    Op("within", gettext_lazy("within the last"), "within", "days"),
    Op("not_within", gettext_lazy("not within the last"), "within", "days", negated=True),
)
SCHEDULED = (
    Op("yes", gettext_lazy("is scheduled"), "=", "fixed", fixed=True),
    Op("no", gettext_lazy("is not scheduled"), "=", "fixed", fixed=False),
)
TRAIT = (
    *TEXT[:5],
    Op("at_least", gettext_lazy("is at least"), ">=", "number"),
    Op("at_most", gettext_lazy("is at most"), "<=", "number"),
    Op("equals", gettext_lazy("is the number"), "=", "number"),
    Op("yes", gettext_lazy("is true"), "=", "fixed", fixed=True),
    Op("no", gettext_lazy("is false"), "=", "fixed", fixed=False),
    KNOWN,
    UNKNOWN,
)
_SEVERAL = {"=": "in", "!=": "not_in"}


class Compared(Fact):
    """A field compared with a value: `head` is the part of the condition that names it."""

    def __init__(
        self,
        key: str,
        label: str,
        group: str,
        *,
        head: Mapping[str, str],
        ops: Sequence[Op],
        options: Sequence[Option] = (),
        choose: str = "",
    ) -> None:
        self.key, self.label, self.group = key, label, group
        self.head, self.ops, self.options = dict(head), ops, options
        self.choose = choose or _("Choose at least one.")

    def blank(self) -> Values:
        return {"op": [self.ops[0].key]}

    def op_of(self, values: Values) -> Op:
        wanted = sentence.one(values, "op")
        return next((op for op in self.ops if op.key == wanted), self.ops[0])

    def head_of(self, values: Values) -> Document:
        return dict(self.head)

    def write(self, values: Values) -> Document:
        op = self.op_of(values)
        made = {**self.head_of(values), **_write_value(op, values, self.choose)}
        return {"not": made} if op.negated else made

    def extract(self, document: Document) -> Values | None:
        for op in self.ops:
            inner = document.get("not") if op.negated else document
            if not isinstance(inner, dict):
                continue
            named, told = self.split(inner)
            values = _read_value(op, told) if named is not None else None
            if values is not None and named is not None:
                return {**named, "op": [op.key], **values}
        return None

    def split(self, document: Document) -> tuple[Values | None, Document]:
        """The fields that name what is compared, and the rest of the condition."""
        if any(document.get(key) != value for key, value in self.head.items()):
            return None, {}
        return {}, {key: value for key, value in document.items() if key not in self.head}

    def sentence(self, values: Values) -> list[list[Part]]:
        return sentence.compose(self.phrases(self.op_of(values)), self.widgets(), {"op": self.blank()["op"], **values})

    def phrases(self, op: Op) -> list[str]:
        behind = {
            "tokens": ["{value}"],
            "text": ["{value}"],
            "texts": ["{list}"],
            "number": ["{number}"],
            "range": [_("{low} and {high}")],
            "days": [_("{days} days")],
        }
        return ["{op}", *behind.get(op.takes, [])]

    def widgets(self) -> dict[str, Widget]:
        return {
            "op": Widget("choice", _("Comparison"), [(op.key, str(op.label)) for op in self.ops], redraws=True),
            "value": Widget("tokens" if self.options else "text", self.label, self.options),
            "list": Widget("text", _("Values, separated by commas")),
            "number": Widget("number", _("Number")),
            "low": Widget("number", _("From")),
            "high": Widget("number", _("To")),
            "days": Widget("number", _("Days")),
        }


class Trait(Compared):
    """A trait under a key the marketer types; its value decides what it is compared as."""

    def __init__(self, owner: str, label: str, group: str, *, suggestions: str) -> None:
        super().__init__(f"{owner}.traits", label, group, head={}, ops=TRAIT)
        self.prefix, self.suggestions = f"{owner}.traits.", suggestions

    def head_of(self, values: Values) -> Document:
        return {"field": self.prefix + sentence.need_text(values, "key", _("Say which trait."))}

    def split(self, document: Document) -> tuple[Values | None, Document]:
        field = document.get("field")
        if not isinstance(field, str) or not field.startswith(self.prefix):
            return None, {}
        rest = {key: value for key, value in document.items() if key != "field"}
        return {"key": [field.removeprefix(self.prefix)]}, rest

    def phrases(self, op: Op) -> list[str]:
        return ["{key}", *super().phrases(op)]

    def widgets(self) -> dict[str, Widget]:
        return {**super().widgets(), "key": Widget("text", _("Name of the trait"), suggestions=self.suggestions)}


def _write_value(op: Op, values: Values, choose: str) -> Document:
    if op.takes == "nothing":
        return {"op": op.op}
    if op.takes == "fixed":
        return {"op": op.op, "value": op.fixed}
    if op.takes == "tokens":
        chosen = sentence.filled(values, "value")
        if not chosen:
            raise RuleError("value", choose, is_missing=True)
        return {"op": op.op, "value": chosen[0]} if len(chosen) == 1 else {"op": _SEVERAL[op.op], "value": chosen}
    if op.takes == "texts":
        text = sentence.need_text(values, "list", _("Fill in at least one value."))
        found = list(dict.fromkeys(one.strip() for one in text.split(",") if one.strip()))
        if not found:
            raise RuleError("list", _("Fill in at least one value."), is_missing=True)
        return {"op": op.op, "value": found} if len(found) > 1 else {"op": "=", "value": found[0]}
    if op.takes == "number":
        return {"op": op.op, "value": sentence.as_json_number(sentence.need_number(values, "number"))}
    if op.takes == "range":
        low, high = sentence.need_number(values, "low"), sentence.need_number(values, "high")
        if low > high:
            raise RuleError("low", _("The lower number stands first."))
        return {"op": op.op, "value": [sentence.as_json_number(low), sentence.as_json_number(high)]}
    if op.takes == "days":
        return {"op": op.op, "value": sentence.need_days(values)}
    return {"op": op.op, "value": sentence.need_text(values, "value", _("Fill in a text."))}


def _read_value(op: Op, told: Document) -> Values | None:
    """`told` is the condition without what names it: op and value, nothing else."""
    if not set(told) <= {"op", "value"}:
        return None
    value = told.get("value")
    if op.takes == "tokens":
        listed: list[Any] = value if isinstance(value, list) else [value]
        return {"value": listed} if told["op"] in (op.op, _SEVERAL[op.op]) and _texts(listed) else None
    if told["op"] != op.op:
        return None
    if op.takes == "nothing":
        return {}
    if op.takes == "fixed":
        return {} if value is op.fixed else None
    if op.takes == "texts":
        return {"list": [", ".join(value)]} if isinstance(value, list) and _texts(value) else None
    if op.takes == "number":
        text = sentence.number_text(value)
        return {"number": [text]} if text else None
    if op.takes == "range":
        low, high = (sentence.number_text(end) for end in value or [])
        return {"low": [low], "high": [high]} if low and high else None
    if op.takes == "days":
        days = sentence.days_of(value)
        return {"days": [days]} if days else None
    return {"value": [value]} if isinstance(value, str) else None


def _texts(values: Sequence[Any]) -> bool:
    return all(isinstance(value, str) for value in values)
