"""Edits of a campaign's draft. Every save is a version of its own, so undo is the version before."""

from __future__ import annotations

import copy
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from campaigns.console import step_tree
from campaigns.sequences import apply, placing
from campaigns.sequences.models import Campaign, CampaignVersion

MOST_WORDINGS = 4
LETTERS = "abcd"


def document_of(*, campaign: Campaign) -> dict[str, Any]:
    """A copy of the campaign file that is edited, or of the one that runs."""
    return copy.deepcopy(apply.export_campaign(campaign=campaign))


def make(*, document: dict[str, Any], by: str, now: datetime) -> CampaignVersion:
    """A new campaign's first draft. Raises CampaignFileError."""
    return apply.apply_campaign(document=document, by=by, now=now)


def save(*, campaign: Campaign, document: dict[str, Any], by: str, now: datetime) -> CampaignVersion:
    """Raises CampaignFileError; then nothing was changed."""
    version = apply.apply_campaign(document=document, by=by, now=now)
    campaign.refresh_from_db()
    return version


def version_before(*, campaign: Campaign) -> CampaignVersion | None:
    current = campaign.draft_version
    if current is None:
        return None
    older = campaign.versions.filter(number__lt=current.number)
    if campaign.live_version is not None:
        older = older.filter(number__gt=campaign.live_version.number)
    return older.order_by("-number").first()


def version_after(*, campaign: Campaign) -> CampaignVersion | None:
    current = campaign.draft_version
    if current is None:
        return None
    return campaign.versions.filter(number__gt=current.number).order_by("number").first()


@transaction.atomic
def go_to_version(*, campaign: Campaign, version: CampaignVersion, by: str, now: datetime) -> None:
    """Undo and redo. Applying the file settles name, audience and offer; the row it makes says nothing new."""
    made = apply.apply_campaign(document=version.definition, by=by, now=now)
    if made.pk != version.pk:
        CampaignVersion.objects.filter(pk=version.pk).update(segment=made.segment, offer=made.offer)
        Campaign.objects.filter(pk=campaign.pk).update(draft_version=version)
        made.delete()
    campaign.refresh_from_db()


def change_steps(*, document: dict[str, Any], tree: list[step_tree.Node]) -> None:
    """Raises StepError where the order makes no sense."""
    step_tree.check_order(tree)
    document["steps"] = step_tree.write_steps(tree)


def step_of(*, document: dict[str, Any], key: str) -> dict[str, Any] | None:
    return next((step for step in document["steps"] if step["key"] == key), None)


def compared_steps(*, document: dict[str, Any]) -> list[dict[str, Any]]:
    """The message steps with several wordings: they have the same ones, since the wording belongs to the account."""
    return [step for step in document["steps"] if len(step.get("variants", {})) > 1]


def add_wording(*, document: dict[str, Any], key: str) -> str:
    """One more wording for a message (and for the others that compare), beginning as a copy of its last one.

    Returns its letter. Shares become equal. Raises StepError.
    """
    step = step_of(document=document, key=key)
    if step is None or step["kind"] != "MESSAGE":
        raise step_tree.StepError(_("This message is not there any more."))
    compared = compared_steps(document=document)
    if compared and step not in compared:
        _match(step, list(compared[0]["variants"]))
        return str(list(step["variants"])[-1])
    letter = next((one for one in LETTERS if one not in step["variants"]), "")
    if not letter or len(step["variants"]) >= MOST_WORDINGS:
        raise step_tree.StepError(_("A message has at most four wordings."))
    for one in compared or [step]:
        _match(one, [*one["variants"], letter])
    return letter


def remove_wording(*, document: dict[str, Any], letter: str) -> None:
    """Of every message that compares. Raises StepError."""
    compared = compared_steps(document=document)
    if not any(letter in step["variants"] for step in compared):
        raise step_tree.StepError(_("The last wording stays: remove the message instead."))
    for step in compared:
        _match(step, [one for one in step["variants"] if one != letter])


def set_weights(*, document: dict[str, Any], weights: dict[str, int]) -> None:
    for step in compared_steps(document=document):
        for letter, weight in weights.items():
            if letter in step["variants"]:
                step["variants"][letter]["weight"] = weight


def set_content(
    *, document: dict[str, Any], key: str, letter: str, locale: str, content: dict[str, str] | None
) -> None:
    """`None` takes the language away. Raises StepError."""
    step = step_of(document=document, key=key)
    if step is None or letter not in step.get("variants", {}):
        raise step_tree.StepError(_("This wording is not there any more."))
    texts = step["variants"][letter]["content"]
    if content is not None:
        texts[locale] = content
    elif set(texts) <= {locale}:
        raise step_tree.StepError(_("A wording needs a text in at least one language."))
    else:
        texts.pop(locale, None)


def place_of(*, step: dict[str, Any], letter: str) -> dict[str, str]:
    """Where an in-app wording shows, as its first language says; nothing for other channels."""
    texts: dict[str, str] = next(iter(step["variants"][letter]["content"].values()), {})
    return {key: texts[key] for key in placing.KEYS if key in texts} if step["channel"] == "in_app" else {}


def set_place(*, step: dict[str, Any], letter: str, place: dict[str, str]) -> None:
    """In every language of an in-app wording: where it shows is no matter of language. Empty values are left out."""
    content = step["variants"][letter]["content"]
    for locale, texts in content.items():
        kept = {name: text for name, text in texts.items() if name not in placing.KEYS}
        content[locale] = kept | {key: value for key, value in place.items() if value}


def _match(step: dict[str, Any], letters: list[str]) -> None:
    """Exactly these wordings, new ones copied from the last there is, in equal shares; the first takes the rest."""
    old = step["variants"]
    share, rest = divmod(100, len(letters))
    step["variants"] = {
        letter: {
            "weight": share + (rest if place == 0 else 0),
            "content": copy.deepcopy(old[letter if letter in old else list(old)[-1]]["content"]),
        }
        for place, letter in enumerate(letters)
    }
