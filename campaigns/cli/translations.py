"""Translations without system gettext: collect the marked strings, update the .po files, compile and check them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

CODE = ("campaigns", "orchestrator", "templates")
_FUNCTIONS = {
    "_": "", "gettext": "", "gettext_lazy": "", "gettext_noop": "", "ngettext": "n", "ngettext_lazy": "n",
    "pgettext": "p", "pgettext_lazy": "p", "npgettext": "pn", "npgettext_lazy": "pn",
}  # fmt: skip
_CALL = re.compile(r"\b(?:n|p|np)?gettext\(|\b_\(")
_PLACEHOLDER = re.compile(r"%\([a-z_]+\)[sd]|\{[a-z_]*\}")


@dataclass(frozen=True)
class Marked:
    """A string that a person reads; `plural` and `context` where the source gives them."""

    text: str
    plural: str | None
    context: str | None
    place: tuple[str, int]


def marked_strings(root: Path) -> Iterator[Marked]:
    for folder in CODE:
        for path in sorted((root / folder).rglob("*")):
            name = str(path.relative_to(root))
            if path.suffix == ".py" and "migrations" not in path.parts:
                for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                    yield from _from_call(node, name, getattr(node, "lineno", 0))
            elif path.suffix in {".html", ".txt", ".mjml"}:
                yield from _from_template(path.read_text(encoding="utf-8"), name)


def update(*, po: Path, root: Path) -> None:
    """Bring one .po file up to the source; translations that fit no longer are kept as obsolete."""
    template = Catalog()
    for item in marked_strings(root):
        template.add(
            (item.text, item.plural) if item.plural else item.text, locations=[item.place], context=item.context
        )
    catalog = _read(po)
    catalog.update(template, no_fuzzy_matching=True)
    with po.open("wb") as file:
        write_po(file, catalog, width=100, omit_header=False)


def compile_catalog(*, po: Path) -> Path:
    mo = po.with_suffix(".mo")
    scratch = mo.with_suffix(".new")
    with scratch.open("wb") as file:
        write_mo(file, _read(po))
    scratch.replace(mo)
    return mo


def faults(*, po: Path, root: Path) -> list[str]:
    """What keeps this catalogue from being complete: missing, empty or fuzzy strings, placeholders that differ."""
    catalog = _read(po)
    known = {(message.id if isinstance(message.id, str) else message.id[0], message.context) for message in catalog}
    found = [
        f"{item.place[0]}:{item.place[1]}: {item.text!r} is not in the catalogue"
        for item in marked_strings(root)
        if (item.text, item.context) not in known
    ]
    return list(dict.fromkeys(found)) + [
        fault for message in catalog if message.id for fault in _message_faults(message)
    ]


def _message_faults(message: Message) -> list[str]:
    originals = [message.id] if isinstance(message.id, str) else list(message.id)
    translations = [message.string] if isinstance(message.string, str) else list(message.string or [""])
    if message.fuzzy:
        return [f"{originals[0]!r} is fuzzy"]
    if not all(translations):
        return [f"{originals[0]!r} is not translated"]
    wanted = set(_PLACEHOLDER.findall(originals[-1]))
    return [
        f"{originals[0]!r}: the translation's placeholders differ"
        for translation in translations
        if set(_PLACEHOLDER.findall(translation)) != wanted and len(translations) == 1
    ]


def _read(po: Path) -> Catalog:
    with po.open("rb") as file:
        return read_po(file, locale=po.parents[1].name)


def _from_template(source: str, name: str) -> Iterator[Marked]:
    code = templatize(source, origin=name)
    for match in _CALL.finditer(code):
        line = code.count("\n", 0, match.start()) + 1
        for end in (i for i, character in enumerate(code[match.end() :], match.end() + 1) if character == ")"):
            try:
                call = ast.parse(code[match.start() : end], mode="eval").body
            except SyntaxError:
                continue
            yield from _from_call(call, name, line)
            break


def _from_call(node: ast.AST, name: str, line: int) -> Iterator[Marked]:
    if not isinstance(node, ast.Call):
        return
    function = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    shape = _FUNCTIONS.get(function)
    if shape is None:
        return
    texts = [value.value for value in node.args if isinstance(value, ast.Constant) and isinstance(value.value, str)]
    wanted = 1 + len(shape)
    if len(texts) < wanted:
        return
    context = texts.pop(0) if "p" in shape else None
    yield Marked(texts[0], texts[1] if "n" in shape else None, context, (name, line))
