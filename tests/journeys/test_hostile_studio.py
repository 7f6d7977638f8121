"""What is called by hostile words, or holds them, stays words on every page of the studio."""

from __future__ import annotations

import csv
import io

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.test import Client

from campaigns.console import drafts
from campaigns.profiles.models import Account, Contact
from campaigns.segments import refresh
from campaigns.sequences.models import Campaign
from tests.factories import sequences as make
from tests.journeys.hostile_words import FORMULAS, HEADERS, MARKUP, PLAIN, TEMPLATES, bones, reads_nothing

STUDIO = [
    "studio/campaigns/seats-80/", "studio/campaigns/seats-80/steps/mail-1/a/",
    "studio/campaigns/seats-80/launch/",
    "studio/campaigns/seats-80/steps/mail-1/a/test/", "studio/segments/{segment}/",
    "studio/segments/{segment}/members/", "profiles/account/", "profiles/contact/", "studio/",
]  # fmt: skip


@pytest.fixture(scope="module")
def scene(shared_rows) -> Campaign:
    """A campaign in the middle of being made, for one account and its contact; Maria makes it."""
    get_user_model().objects.create_superuser("maria", "maria@acme.example", "pw")
    make.market()
    make.ready_account()
    name_everybody(PLAIN)
    campaign = make.drafted()
    assert campaign.segment is not None
    refresh.refresh_segment(segment=campaign.segment, now=make.NOW)
    return campaign


@pytest.fixture(scope="module")
def plain_pages(scene) -> list[list[tuple[str, ...]]]:
    """given what the pages are where nobody is called by anything strange"""
    pages = read_pages(logged_in(Client()), scene)
    assert sum(PLAIN in page for page in pages) >= 5
    return [bones(page) for page in pages]


@pytest.fixture
def campaign(scene, db) -> Campaign:
    return Campaign.objects.get(pk=scene.pk)


@pytest.fixture
def marketer(client, scene, db) -> Client:
    return logged_in(client)


def logged_in(client: Client) -> Client:
    client.force_login(get_user_model().objects.get(username="maria"))
    return client


def name_everybody(words: str) -> None:
    Account.objects.update(name=words)
    Contact.objects.update(first_name=words, last_name=words)


def read_pages(client: Client, campaign: Campaign) -> list[str]:
    assert campaign.segment is not None
    with time_machine.travel(make.NOW, tick=False):
        return [client.get(f"/admin/{page.format(segment=campaign.segment.slug)}").content.decode() for page in STUDIO]


@pytest.mark.parametrize("words", [MARKUP[0], MARKUP[1], MARKUP[3], MARKUP[9], TEMPLATES[0], HEADERS[0]], ids=ascii)
def test_a_name_stays_a_name_on_every_page_of_the_studio_that_shows_it(words, plain_pages, campaign, marketer):
    name_everybody(words)
    for page, made, plain in zip(STUDIO, read_pages(marketer, campaign), plain_pages, strict=True):
        assert bones(made) == plain, page
        assert reads_nothing(made.replace(words, "")), page


@pytest.mark.parametrize("words", FORMULAS, ids=ascii)
def test_no_cell_of_a_segments_members_is_a_formula(words, campaign, marketer):
    name_everybody(words)
    with time_machine.travel(make.NOW, tick=False):
        file = marketer.get(f"/admin/studio/segments/{campaign.segment.slug}/members.csv")
    written = b"".join(file).decode("utf-8-sig")
    head, *rows = csv.reader(io.StringIO(written, newline=""))
    assert rows
    assert all(len(row) == len(head) for row in rows)
    cells = [cell for row in rows for cell in row]
    assert any(words in cell for cell in cells)
    assert not [cell for cell in cells if cell.startswith(("=", "@", "\t", "\r", "\n"))]
    assert not [cell for cell in cells if cell.startswith(("+", "-")) and not cell[1:].isdecimal()]


@pytest.mark.parametrize("words", MARKUP[:10], ids=ascii)
def test_what_a_marketer_writes_into_a_step_stays_text_on_the_campaigns_page(words, campaign, marketer):
    document = drafts.document_of(campaign=campaign)
    mail = document["steps"][0]
    made = []
    for told in (words, PLAIN):
        hook = {"url": "https://hooks.example/x", "body": {"text": told}}
        steps = [
            mail,
            {"key": "note", "kind": "UPDATE", "set": {"account.traits.x": told}},
            {"key": "hook", "kind": "MESSAGE", "channel": "webhook", "variants": {"a": {"content": {"en": hook}}}},
        ]
        with time_machine.travel(make.NOW, tick=False):
            drafts.save(campaign=campaign, document=document | {"steps": steps}, by="maria", now=make.NOW)
            pages = [
                f"/admin/studio/campaigns/{campaign.slug}/",
                f"/admin/studio/campaigns/{campaign.slug}/steps/note/",
            ]
            made.append([marketer.get(page).content.decode() for page in pages])
    assert [bones(page) for page in made[0]] == [bones(page) for page in made[1]]
