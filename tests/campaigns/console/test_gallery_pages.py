"""The template gallery's pages: look, start a campaign, undo, take a text into a draft."""

from __future__ import annotations

import pytest
import time_machine
from django.urls import reverse

from campaigns.console import gallery, skeleton
from campaigns.profiles.models import Account
from campaigns.segments.models import Segment, SegmentVersion
from campaigns.sequences import apply, check, check_content
from campaigns.sequences.models import Campaign
from tests.campaigns.console.conftest import client_of_maria
from tests.campaigns.console.reading import words_of
from tests.factories import sequences as make
from tests.factories.consent import ConsentRecordFactory
from tests.factories.usage import MeterFactory

pytestmark = pytest.mark.django_db
SITUATIONS = {one.slug: one for one in gallery.all_situations()}
SLUGS = list(SITUATIONS)


@pytest.fixture(autouse=True)
def at_launch_day():
    with time_machine.travel(make.NOW, tick=False):
        yield


@pytest.fixture(scope="module")
def scene(shared_rows):
    make.market()
    MeterFactory(code="seats_used", name="Seats used", unit="seats")
    account = make.account_near_limit(name="Galil Software")
    make.reader(account, first_name="Dana", last_name="Levi", locale="he")


@pytest.fixture(scope="module")
def situations(scene):
    """Each one's own page, by its short name."""
    with time_machine.travel(make.NOW, tick=False):
        client = client_of_maria()
        return {slug: client.get(url("template", slug)) for slug in SLUGS}


@pytest.fixture
def market(scene, settings, db):
    settings.SENDGRID_API_KEY = "SG.test"
    return Account.objects.get()


def url(name, *args, **query):
    return reverse(f"admin:studio-{name}", args=args, query=query or None)


def start(client, slug):
    return client.post(url("template-start", slug))


@pytest.fixture
def draft(market, marketer):
    start(marketer, "near-limit")
    return Campaign.objects.get(slug="near-limit")


def audience_of(campaign):
    return SegmentVersion.objects.get(segment__campaigns=campaign).definition


def document_of(campaign):
    campaign.refresh_from_db()
    return campaign.draft_version.definition


def test_the_page_shows_the_six_situations(marketer):
    response = marketer.get(url("templates"))
    words = words_of(response)
    for name in ("Near the limit", "Growth", "Gated feature", "Trial ending", "Renewal", "After a no"):
        assert name in words
    assert response.content.decode().count("<iframe sandbox") == 6


def test_the_page_speaks_hebrew(marketer):
    words = words_of(marketer.get(url("templates"), headers={"accept-language": "he"}))
    assert "קרוב לגבול" in words


def test_the_navigation_leads_there(marketer):
    assert f'href="{url("templates")}"' in marketer.get(url("home")).content.decode()


def test_a_file_that_cannot_be_read_is_named_instead_of_a_crash(marketer, tmp_path, monkeypatch):
    (tmp_path / "odd").mkdir()
    monkeypatch.setattr(gallery, "ROOT", tmp_path)
    gallery.all_situations.cache_clear()
    try:
        words = words_of(marketer.get(url("templates")))
        assert "The templates cannot be read. odd/situation.toml cannot be read" in words
    finally:
        gallery.all_situations.cache_clear()


def test_a_folder_without_situations_says_so(marketer, tmp_path, monkeypatch):
    monkeypatch.setattr(gallery, "ROOT", tmp_path)
    gallery.all_situations.cache_clear()
    try:
        assert "There are no templates in this installation." in words_of(marketer.get(url("templates")))
    finally:
        gallery.all_situations.cache_clear()


@pytest.mark.parametrize("slug", SLUGS)
def test_a_situation_explains_its_parts_and_what_it_needs(situations, slug):
    words = words_of(situations[slug])
    situation = SITUATIONS[slug]
    for part in situation.texts["en"].parts:
        assert part.title in words
    for name in situation.needs:
        assert f"{name} needed: without it nothing is sent" in words
    assert "Start a campaign from this" in words


def test_no_word_from_data_goes_without_a_name(situations):
    for shown in situations.values():
        facts = shown.context["facts"]
        assert [one.name for one in facts if not one.title] == []


@pytest.mark.parametrize("channel", ["email", "sms", "in_app"])
@pytest.mark.parametrize("language", ["en", "he", "ro"])
def test_every_message_can_be_looked_at(marketer, channel, language):
    for slug in SLUGS:
        page = marketer.get(url("template", slug, channel=channel, language=language, screen="mobile"))
        frame = marketer.get(page.context["view"].frame_url)
        assert frame.status_code == 200
        assert f'lang="{language}"' in frame.content.decode()
        assert "{{" not in frame.content.decode()


def test_the_frame_has_a_policy_of_its_own_and_the_mail_its_footer(marketer):
    response = marketer.get(url("template-preview", "near-limit", "email", language="he"))
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "1 Test Street, Haifa" in response.content.decode()


def test_the_frame_of_an_sms_says_how_many_parts_it_takes(marketer):
    words = words_of(marketer.get(url("template-preview", "near-limit", "sms", language="he")))
    assert "2 parts" in words


def test_what_is_unknown_is_not_found(marketer):
    assert marketer.get(url("template", "nothing")).status_code == 404
    assert marketer.get(url("template-preview", "growth", "fax")).status_code == 404


def test_a_campaign_starts_from_a_situation(market, marketer):
    response = start(marketer, "near-limit")
    campaign = Campaign.objects.get(slug="near-limit")
    document = document_of(campaign)
    assert response.url == url("campaign", "near-limit")
    assert (campaign.status, campaign.name, document_of(campaign)["audience"]["segment"]) == (
        "DRAFT",
        "Near the limit",
        "near-limit-audience",
    )
    assert audience_of(campaign) == {
        "all": [{"usage": "seats_used", "agg": "last", "per": "quota", "op": ">=", "value": 0.8}]
    }
    assert [step["kind"] for step in document["steps"]] == ["MESSAGE", "WAIT", "BRANCH", "MESSAGE", "EXIT"]
    assert document["steps"][0]["variants"]["a"]["content"]["he"]["subject"].startswith("פרסומת:")
    assert document["goal"] == {"kind": "UPGRADE", "window_days": 14}


@pytest.mark.parametrize("slug", SLUGS)
def test_nothing_of_a_started_campaign_s_texts_keeps_it_from_its_launch(market, marketer, slug):
    start(marketer, slug)
    campaign = Campaign.objects.get(slug=slug)
    found = check.check_campaign(campaign=campaign, now=make.NOW)
    assert [one.message for one in found if one.level == check.BLOCKER and one.where.startswith("steps")] == []
    assert marketer.get(url("campaign", slug)).status_code == 200


@pytest.mark.parametrize("slug", SLUGS)
def test_its_texts_show_all_that_the_countries_of_their_readers_ask_for(market, marketer, slug):
    for locale, country, zone in (
        ("he", "IL", "Asia/Jerusalem"), ("ro", "RO", "Europe/Bucharest"), ("en", "US", "America/Chicago"),
        ("en", "DE", "Europe/Berlin"), ("en", "", ""),
    ):  # fmt: skip
        reader = make.reader(market, locale=locale, country=country, time_zone=zone)
        ConsentRecordFactory(point=reader.points.get())
    market.country = ""
    market.save(update_fields=["country"])
    start(marketer, slug)
    campaign = Campaign.objects.get(slug=slug)
    document = document_of(campaign)
    text = gallery.content(situation=SITUATIONS[slug], channel="sms", unit="seats", sender=skeleton.sender_name())
    document["steps"].insert(0, {
        "key": "texted", "kind": "MESSAGE", "channel": "sms", "variants": {"a": {"weight": 100, "content": text}},
    })  # fmt: skip
    apply.apply_campaign(document=document, by="tests", now=make.NOW)
    campaign.refresh_from_db()
    found = check.check_campaign(campaign=campaign, now=make.NOW)
    told = {*check_content.CODES.values(), "reply_address", "consent_not_recorded"}
    assert [one.message for one in found if one.code in told] == []


def test_a_real_reader_gets_the_mail_with_their_own_figures(draft, marketer):
    html = marketer.get(url("campaign-preview", draft.slug, "mail-1", "a", language="en")).content.decode()
    assert "Galil Software" in html
    assert "would not get this message" not in words_of(marketer.get(url("campaign", draft.slug)))


def test_a_mail_of_the_gallery_opens_as_blocks(draft, marketer):
    context = marketer.get(url("campaign-wording", draft.slug, "mail-1", "a", language="en")).context
    assert context["tab"] == "blocks"
    assert context["form"].initial["after"].startswith("The page shows the whole price")


def test_a_second_start_makes_a_second_campaign(draft, marketer):
    start(marketer, "near-limit")
    assert set(Campaign.objects.values_list("slug", flat=True)) == {"near-limit", "near-limit-2"}


def test_undo_takes_draft_and_audience_away(draft, marketer):
    response = marketer.post(url("template-undo", draft.slug), follow=True)
    assert "The draft is gone." in words_of(response)
    assert not Campaign.objects.filter(slug=draft.slug).exists()
    assert Segment.objects.get(slug="near-limit-audience").archived_at is not None


def test_the_toast_after_a_start_offers_undo(market, marketer):
    page = marketer.get(start(marketer, "near-limit").url).content.decode()
    assert f'action="{url("template-undo", "near-limit")}"' in page


def test_undo_leaves_an_audience_that_another_campaign_uses(draft, marketer):
    marketer.post(url("campaign-new"), {"name": "Other", "segment": "near-limit-audience", "offer": "next-plan-up"})
    marketer.post(url("template-undo", draft.slug))
    assert Segment.objects.get(slug="near-limit-audience").archived_at is None


def test_undo_of_what_is_gone_or_launched_changes_nothing(market, marketer):
    live = make.launched()
    for slug in (live.slug, "nothing"):
        words = words_of(marketer.post(url("template-undo", slug), follow=True))
        assert "Nothing was undone" in words
    assert Campaign.objects.filter(slug=live.slug).exists()


def test_texts_name_what_the_meter_counts(market, marketer):
    MeterFactory(code="api_calls", name="API calls", unit="calls", aggregation="SUM")
    start(marketer, "growth")
    campaign = Campaign.objects.get(slug="growth")
    assert audience_of(campaign)["all"][0]["agg"] == "sum"
    content = document_of(campaign)["steps"][0]["variants"]["a"]["content"]
    assert "API calls" in content["en"]["subject"]
    assert "apeluri API" in content["ro"]["subject"]


def test_an_onlooker_may_look_and_not_start(market, onlooker):
    assert "Start a campaign" not in words_of(onlooker.get(url("templates")))
    assert onlooker.post(url("template-start", "growth")).status_code == 403
    assert onlooker.post(url("template-undo", "growth")).status_code == 403
    assert onlooker.get(url("template-start", "growth")).status_code == 405


def take(draft, **query):
    return url("campaign-templates", draft.slug, "mail-1", "a", **query)


def test_a_text_is_looked_at_before_it_is_taken(draft, marketer):
    before = document_of(draft)
    words = words_of(marketer.get(take(draft, template="after-no", language="ro")))
    assert "Replace the text" in words
    assert "is replaced by “After a no” in English, Hebrew and Romanian" in words
    assert document_of(draft) == before


def test_taking_a_text_replaces_every_language_and_undo_brings_the_old_back(draft, marketer):
    before = document_of(draft)
    response = marketer.post(take(draft), {"template": "after-no"}, follow=True)
    assert "The text was replaced in every language." in words_of(response)
    content = document_of(draft)["steps"][0]["variants"]["a"]["content"]
    assert content == gallery.content(situation=SITUATIONS["after-no"], channel="email", unit="seats")
    marketer.post(url("campaign-version", draft.slug), {"do": "undo"})
    assert document_of(draft) == before


def test_where_an_in_app_message_shows_stays_as_it_is(draft, marketer):
    page = url("campaign-templates", draft.slug, "banner-1", "a")
    marketer.post(page, {"template": "gated-feature"})
    content = document_of(draft)["steps"][3]["variants"]["a"]["content"]["en"]
    assert (content["kind"], "feature" in content) == ("banner", False)
    assert "is not in" in content["title"]


def test_texts_about_an_offer_are_not_taken_into_a_campaign_without_one(draft, marketer):
    document = document_of(draft)
    start(marketer, "trial-ending")
    page = url("campaign-templates", "trial-ending", "mail-1", "a")
    assert "Names an offer, and this campaign makes none." in words_of(marketer.get(page))
    words = words_of(marketer.post(page, {"template": "growth"}, follow=True))
    assert "These texts name an offer, and this campaign makes none." in words
    assert document_of(draft) == document


def test_the_wording_editor_leads_to_the_templates(draft, marketer):
    page = marketer.get(url("campaign-wording", draft.slug, "mail-1", "a"))
    assert f'href="{take(draft)}"' in page.content.decode()


def test_a_launched_campaign_takes_no_text(market, marketer):
    live = make.launched()
    back = marketer.get(url("campaign-templates", live.slug, "mail-1", "a"), follow=True)
    assert back.redirect_chain == [(url("campaign", live.slug), 302)]
    assert "This campaign was launched. Press “Edit” to change it in a next version." in words_of(back)
    assert marketer.post(url("campaign-templates", live.slug, "mail-1", "a")).status_code == 404
