"""Which words from data the picker should not offer bare: the person shown or some of the audience have none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.console.templatetags.console import count
from campaigns.console.variables import Variable
from campaigns.segments.errors import DefinitionError
from campaigns.segments.sessions import SegmentTooSlow
from campaigns.sequences import lacking, rehearse
from campaigns.sequences.lacking import FIELDS, Counted
from campaigns.sequences.models import Campaign

# The review before the launch looks at more; here somebody waits for a page.
LOOKED_AT = 500


@dataclass(frozen=True, slots=True)
class Shown:
    """Whose message is in the preview: their first name, empty where it is made up, and their facts."""

    name: str
    facts: Mapping[str, Any]


def mark(*, variables: Sequence[Variable], campaign: Campaign, shown: Shown, now: datetime) -> list[Variable]:
    """The same words: first those that everybody has, each other with who lacks it."""
    names = [one.name for one in variables if lacking.can_lack(name=one.name)]
    counted = _count(campaign, names, now)
    marked = [replace(one, lack=" ".join(_lack(one.name, counted, shown))) for one in variables]
    nobody = _nobody_words()
    return sorted(marked, key=lambda one: one.lack.startswith(nobody))


def _count(campaign: Campaign, names: Sequence[str], now: datetime) -> Mapping[str, Counted]:
    """Empty where the audience can't be looked at: the page says so elsewhere."""
    segment = campaign.edited_segment
    if segment is None:
        return {}
    roles = rehearse.spec_of(campaign=campaign).recipients.roles
    told = [name for name in names if name not in FIELDS]
    try:
        figures = lacking.count_told(campaign=campaign, roles=roles, names=told, now=now, limit=LOOKED_AT)
    except (DefinitionError, SegmentTooSlow):
        return {}
    return dict.fromkeys(FIELDS, lacking.count_names(segment=segment, roles=roles)) | dict.fromkeys(told, figures)


def _lack(name: str, counted: Mapping[str, Counted], shown: Shown) -> list[str]:
    found = counted.get(name)
    languages = list(found.by_language.values()) if found else []
    missing, everybody = sum(one.lacking[name] for one in languages), sum(one.everybody for one in languages)
    group, _dot, key = name.partition(".")
    said = []
    if missing and missing == everybody:
        return [_nobody_words()]
    if missing:
        words = ngettext(
            "%(n)s of %(all)s in the audience lacks it.", "%(n)s of %(all)s in the audience lack it.", missing
        )
        if found is not None and not found.is_whole:
            words = ngettext("%(n)s of the first %(all)s lacks it.", "%(n)s of the first %(all)s lack it.", missing)
        said.append(words % {"n": count(missing), "all": count(everybody)})
    if shown.name and lacking.can_lack(name=name) and (shown.facts.get(group) or {}).get(key) in (None, ""):
        said.append(_("%(name)s has none.") % {"name": shown.name})
    return said


def _nobody_words() -> str:
    return _("Nobody in the audience has it.")
