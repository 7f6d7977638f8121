"""Bring those inside over to the version that runs: first who would land where, then, confirmed, the move.

Who stands at a step lands at the step of the same key, or where the mapping says. Not moved is who has all steps behind
them, whose step is gone without a mapping, and who had a message that stands at or after their landing place: it would
come twice. A message that is planned already goes as it was planned.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from campaigns.operations.models import AuditEntry
from campaigns.sequences import campaign_file, circles
from campaigns.sequences.campaign_file import CampaignSpec
from campaigns.sequences.models import Campaign, Enrolment, StepRun

NO_SUCH_STEP, ALL_STEPS_DONE, WOULD_REPEAT = "NO_SUCH_STEP", "ALL_STEPS_DONE", "WOULD_REPEAT"


class MoveError(ValueError):
    """The move can't be made as asked; the message says why. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Landing:
    """`contacts` of the version numbered `version` stand at `step` and land at `to`; with a `reason` they stay."""

    version: int
    step: str
    to: str
    reason: str
    contacts: int


@dataclass(frozen=True, slots=True)
class Move:
    """`to_version` is the number of the version that runs; `landings` by version and the order of its steps."""

    to_version: int
    landings: tuple[Landing, ...]

    @property
    def moving(self) -> int:
        return sum(one.contacts for one in self.landings if not one.reason)

    @property
    def digest(self) -> str:
        """Of who lands where, not of how many: people come along by the second."""
        said = sorted((one.version, one.step, one.to, one.reason) for one in self.landings)
        return hashlib.sha256(json.dumps([self.to_version, said]).encode()).hexdigest()


# The visit goes up where a step ahead was come through already: one (step, visit) is never used twice.
_MOVE = """
UPDATE sequences_enrolment enrolment
   SET version_id = %(version)s, step_key = %(to)s, due_at = %(now)s,
       step_entered_at = CASE WHEN enrolment.step_key = %(to)s THEN enrolment.step_entered_at ELSE %(now)s END,
       visit = GREATEST(enrolment.visit, COALESCE((
           SELECT max(run.visit) + 1 FROM sequences_steprun run
            WHERE run.enrolment_id = enrolment.id AND run.step_key = ANY(%(ahead)s)), 0))
 WHERE enrolment.campaign_id = %(campaign)s AND enrolment.state = 'OPEN'
   AND enrolment.version_id = %(from)s AND enrolment.step_key = %(step)s
   AND NOT EXISTS (
       SELECT 1 FROM sequences_steprun run
        WHERE run.enrolment_id = enrolment.id AND run.step_key = ANY(%(ahead)s) AND run.message_id IS NOT NULL)
"""


def preview_move(*, campaign: Campaign, mapping: Mapping[str, str] | None = None) -> Move:
    """`mapping`: a step's key in an older version -> a key of the version that runs. Raises MoveError."""
    spec = _target(campaign)
    _check_mapping(spec, mapping or {})
    assert campaign.live_version is not None, "Looked at before."
    places = _standing(campaign).values_list("version_id", "version__number", "step_key").distinct()
    landings = [landing for place in places for landing in _landings(campaign, spec, place, mapping or {})]
    return Move(campaign.live_version.number, tuple(sorted(landings, key=lambda one: (one.version, one.step))))


@transaction.atomic
def move_enrolments(
    *, campaign: Campaign, by: str, now: datetime, digest: str, mapping: Mapping[str, str] | None = None
) -> int:
    """What was previewed and confirmed: `digest` is that of the preview. Returns how many contacts were moved.

    Raises MoveError, also where by now other people would land elsewhere.
    """
    locked = Campaign.objects.select_for_update(of=("self",)).select_related("live_version").get(pk=campaign.pk)
    planned = preview_move(campaign=locked, mapping=mapping)
    if planned.digest != digest:
        raise MoveError(_("Meanwhile others stand elsewhere. Look again at who lands where."))
    spec = _target(locked)
    ids = dict(locked.versions.values_list("number", "pk"))
    moved = 0
    for one in planned.landings:
        if not one.reason:
            moved += _move(locked, ids[one.version], one, _ahead(spec, one.to), now)
    AuditEntry.objects.create(
        at=now,
        actor=by,
        action="campaign.move",
        subject=f"campaign:{locked.slug}",
        before={"landings": [asdict(one) for one in planned.landings]},
        after={"version": planned.to_version, "moved": moved},
    )
    return moved


def count_behind(*, campaign: Campaign) -> int:
    """Contacts on their way in another version than the one that runs."""
    return _standing(campaign).count() if campaign.live_version_id is not None else 0


def _move(campaign: Campaign, version_id: int, landing: Landing, ahead: Sequence[str], now: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            _MOVE,
            {
                "campaign": campaign.pk,
                "version": campaign.live_version_id,
                "from": version_id,
                "step": landing.step,
                "to": landing.to,
                "ahead": list(ahead),
                "now": now,
            },
        )
        return int(cursor.rowcount)


def _target(campaign: Campaign) -> CampaignSpec:
    if campaign.live_version is None or campaign.status not in (Campaign.Status.LIVE, Campaign.Status.PAUSED):
        raise MoveError(_("Only in a campaign that runs or is paused can people be moved."))
    return campaign_file.parse(campaign.live_version.definition)


def _check_mapping(spec: CampaignSpec, mapping: Mapping[str, str]) -> None:
    keys = {step.key for step in spec.steps}
    for old, new in mapping.items():
        if new not in keys:
            words = _("The version that runs has no step %(key)s for those at %(step)s to land at.")
            raise MoveError(words % {"key": new, "step": old})


def _standing(campaign: Campaign) -> QuerySet[Enrolment]:
    rows = Enrolment.objects.filter(campaign=campaign, state=Enrolment.State.OPEN)
    return rows.exclude(version_id=campaign.live_version_id).order_by()


def _landings(
    campaign: Campaign, spec: CampaignSpec, place: tuple[int, int, str], mapping: Mapping[str, str]
) -> list[Landing]:
    version_id, number, step = place
    rows = _standing(campaign).filter(version_id=version_id, step_key=step)
    if not step:
        return [Landing(number, step, "", ALL_STEPS_DONE, rows.count())]
    to = mapping.get(step, step)
    if to not in {one.key for one in spec.steps}:
        return [Landing(number, step, "", NO_SUCH_STEP, rows.count())]
    had = StepRun.objects.filter(enrolment=OuterRef("pk"), step_key__in=_ahead(spec, to), message__isnull=False)
    repeating = rows.filter(Exists(had)).count()
    moving = rows.filter(~Exists(had)).count()
    found = [Landing(number, step, to, "", moving), Landing(number, step, "", WOULD_REPEAT, repeating)]
    return [one for one in found if one.contacts]


def _ahead(spec: CampaignSpec, key: str) -> list[str]:
    """The step and all that may come after it, without what leads back."""
    places = {step.key: place for place, step in enumerate(spec.steps)}
    following = {step.key: after.key for step, after in itertools.pairwise(spec.steps)}
    found, waiting = {key}, [key]
    while waiting:
        one = waiting.pop()
        for target in circles.targets_of(spec.steps[places[one]], following):
            if target and places[target] > places[one] and target not in found:
                found.add(target)
                waiting.append(target)
    return sorted(found)
