"""Bring accounts and contacts into a campaign that runs."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Field, Header, Router, Schema
from pydantic import AfterValidator

from campaigns.api.models import ApiKey
from campaigns.api.views import access
from campaigns.api.views.answers import ErrorAnswer, Refused
from campaigns.sequences import enrol_named
from campaigns.sequences.enrol_named import Named, Report
from campaigns.sequences.lifecycle import WrongStateError
from campaigns.sequences.models import Campaign, Entry
from orchestrator import clock
from orchestrator.jobs import bells

MOST = 10_000
router = Router(tags=["campaigns"])


def _plain(text: str) -> str:
    if any(unicodedata.category(char) in {"Cc", "Cs"} for char in text):
        raise ValueError("An id has no control characters.")
    return text.strip()


ExternalId = Annotated[str, Field(max_length=200), AfterValidator(_plain)]


class WhoIn(Schema):
    """An account, a contact, or a contact as somebody of an account; by the ids of your systems."""

    account: ExternalId = ""
    contact: ExternalId = ""


class EntriesIn(Schema):
    entries: list[WhoIn] = Field(min_length=1, max_length=MOST)
    occasion: Annotated[str, Field(max_length=200), AfterValidator(_plain)] = Field(
        "", description="What brought them in, for people who read it later; without it the name of the key."
    )
    dry_run: bool = Field(False, description="Say what would come of it and change nothing.")


class Unfit(Schema):
    index: int
    named: str
    why: str


class EntriesOut(Schema):
    """Accounts, but for `named` and `unfit`, which are entries of the call."""

    slug: str
    dry_run: bool
    named: int
    enrolled: int
    joined: int
    holdout: int
    not_enrolled: dict[str, int]
    already_in: int
    not_again: int
    unfit: list[Unfit]


_ERRORS = dict.fromkeys((400, 401, 403, 404, 409, 413, 422), ErrorAnswer)


@router.post("/campaigns/{slug}/entries", response={200: EntriesOut, **_ERRORS}, summary="Bring in by name")
def bring_in(request: HttpRequest, slug: str, call: EntriesIn, idempotency_key: str = Header("")) -> Any:
    """Whoever is named enters whether or not the audience holds them. All else holds as for those who come by
    themselves: consent, the re-entry rule, one open place for a person, the holdout's draw.

    Named again, nobody enters twice. With an `Idempotency-Key` a repeated call gets the first answer again."""
    caller = access.require(request, ApiKey.Role.MARKETER)
    return access.once(request, lambda: _bring_in(caller, slug, call))


def _bring_in(caller: ApiKey, slug: str, call: EntriesIn) -> dict[str, Any]:
    campaign = Campaign.objects.filter(slug=slug).first()
    if campaign is None:
        raise Refused(404, "not_found", f"There is no campaign {slug}.")
    try:
        report = enrol_named.enrol_accounts(
            campaign=campaign,
            named=[Named(who.account, who.contact, str(index)) for index, who in enumerate(call.entries)],
            source=Entry.Source.API,
            occasion=call.occasion or caller.name,
            by=f"api:{caller.name}",
            now=clock.utcnow(),
            dry_run=call.dry_run,
        )
    except WrongStateError as error:
        raise Refused(409, "not_live", str(error)) from None
    if not call.dry_run:
        bells.ring("messages_due")
    return _as_json(report, slug)


def _as_json(report: Report, slug: str) -> dict[str, Any]:
    return {
        "slug": slug,
        "dry_run": report.dry_run,
        "named": report.named,
        "enrolled": report.enrolled,
        "joined": report.joined,
        "holdout": report.holdout,
        "not_enrolled": dict(report.not_enrolled),
        "already_in": report.already_in,
        "not_again": report.not_again,
        "unfit": [{"index": int(one.place), "named": one.named, "why": one.why} for one in report.unfit],
    }
