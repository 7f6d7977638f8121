"""As whom a message is previewed: one of those who would get it, the one before and after, or whoever is searched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.utils.translation import gettext as _

from campaigns.console import contact_rows, message_preview
from campaigns.console.templatetags.console import count
from campaigns.profiles.models import Contact
from campaigns.segments.errors import DefinitionError
from campaigns.segments.sessions import SegmentTooSlow
from campaigns.sequences import cast
from campaigns.sequences.cast import Cast, Member, Person
from campaigns.sequences.models import Campaign

FOUND = 8
NOBODY = Cast([], is_whole=True)
_LONGEST_SEARCH = 100


@dataclass(frozen=True, slots=True)
class Viewers:
    """`person` is whose message is shown, nobody where there is none; `tried` are the first, for what holds for many.

    `place` counts from 1; None for somebody beyond the listed. `before` and `after` are contacts' keys. `found` are
    those that were searched for, `search` by what. `audience` are all who are listed, of a campaign that never ran.
    """

    person: Person | None = None
    tried: Sequence[Person] = ()
    place: int | None = None
    total: int = 0
    is_whole: bool = True
    before: int | None = None
    after: int | None = None
    search: str = ""
    found: Sequence[tuple[int, str]] = field(default=(), repr=False)
    audience: Cast = field(default=NOBODY, repr=False)

    @property
    def position(self) -> str:
        """3 of 214; 3 of the first 500, where there are more than are listed."""
        if self.place is None:
            return _("beyond the first %(total)s") % {"total": count(self.total)}
        words = _("%(place)s of %(total)s") if self.is_whole else _("%(place)s of the first %(total)s")
        return words % {"place": count(self.place), "total": count(self.total)}


def choose(*, campaign: Campaign, asked: Mapping[str, str], now: datetime) -> Viewers:
    """`asked` is the query: contact and q. Nobody where the audience can't be evaluated: the page says so elsewhere."""
    search = asked.get("q", "").replace("\x00", "").strip()[:_LONGEST_SEARCH]
    wanted = number_of(asked.get("contact", ""))
    try:
        listed = cast.list_members(campaign=campaign, now=now)
        place = _place(listed.members, wanted)
        person = None
        if wanted is not None and place is None and not listed.is_whole:
            person = cast.find_person(campaign=campaign, contact_id=wanted, now=now)
        if person is None and place is None and listed.members:
            place = 0
        tried = listed.members[: cast.FEW]
        shown = listed.members[place : place + 1] if place is not None else []
        people = cast.gather_people(campaign=campaign, members=[*tried, *shown], now=now)
        found = _search(campaign, search, now)
    except (DefinitionError, SegmentTooSlow):
        return Viewers(search=search)
    return Viewers(
        person=person or (people[-1] if shown else None),
        tried=people[: len(tried)],
        place=None if place is None else place + 1,
        total=len(listed.members),
        is_whole=listed.is_whole,
        before=_at(listed, place, -1),
        after=_at(listed, place, +1),
        search=search,
        found=found,
        audience=listed if campaign.status == Campaign.Status.DRAFT else NOBODY,
    )


def find(*, campaign: Campaign, contact: str, now: datetime) -> Person | None:
    """Whose message the frame shows: as asked, else the first."""
    wanted = number_of(contact)
    try:
        found = cast.find_person(campaign=campaign, contact_id=wanted, now=now) if wanted is not None else None
        return found or next(iter(cast.find_people(campaign=campaign, now=now, limit=1)), None)
    except (DefinitionError, SegmentTooSlow):
        return None


def number_of(text: str) -> int | None:
    """A primary key; None for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _place(members: Sequence[Member], contact_id: int | None) -> int | None:
    return next((place for place, one in enumerate(members) if one.contact.pk == contact_id), None)


def _at(listed: Cast, place: int | None, step: int) -> int | None:
    """From somebody beyond the list one comes to its first."""
    if place is None:
        return listed.members[0].contact.pk if step > 0 and listed.members else None
    target = place + step
    return listed.members[target].contact.pk if 0 <= target < len(listed.members) else None


def _search(campaign: Campaign, search: str, now: datetime) -> list[tuple[int, str]]:
    if not search:
        return []
    contacts = Contact.objects.filter(contact_rows.named(search))
    members = cast.list_members(campaign=campaign, now=now, contacts=contacts).members[:FOUND]
    people = cast.gather_people(campaign=campaign, members=members, now=now)
    return [(one.contact.pk, message_preview.label_of(one)) for one in people]
