"""The template gallery's files: each text in each language can be sent, is true with few facts, and reads well."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from campaigns.console import gallery, gallery_samples, mail_blocks
from campaigns.delivery import content as contents
from campaigns.offers import decline
from campaigns.segments import grammar
from campaigns.sequences import campaign_file, placing, wording
from campaigns.sequences.step_file import LOCALES
from orchestrator import signing
from orchestrator.templating import liquid, message, sms, way_out
from orchestrator.templating.errors import TemplateError
from orchestrator.templating.message import CompiledContent

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
SITUATIONS = {one.slug: one for one in gallery.all_situations()}
UNITS = ("seats", "calls", "people", "users", "projects", "contacts", "GB", "rows of data", "")
EACH = [(slug, locale) for slug in SITUATIONS for locale in LOCALES]
EVERY = [(slug, locale, channel) for slug, locale in EACH for channel in gallery.CHANNELS]
RENDER = {"email": message.render_email, "sms": message.render_text, "in_app": message.render_in_app}
FORBIDDEN = {
    "en": r"\b(last chance|hurry|now or never|don't miss|only today|unfortunately|please|sorry)\b",
    "he": r"(הזדמנות אחרונה|מהרו|אל תפספסו|רק היום|חבל|אנא|לצערנו)",
    "ro": r"\b(ultima șansă|grăbiți-vă|nu ratați|doar azi|din păcate|vă rugăm)\b",
}


def rendered(situation, locale, channel, facts, unit=None):
    unit = gallery_samples.unit_of(situation) if unit is None else unit
    texts = gallery.content(situation=situation, channel=channel, unit=unit)
    made = wording.delivery_content(channel=channel, content=texts, has_offer=situation.has_offer)
    compiled = CompiledContent(**contents.compile_content(channel=channel, content={locale: made[locale]})[locale])
    return RENDER[channel](compiled, facts)


def samples(situation, locale):
    return [
        gallery_samples.full(situation=situation, locale=locale, now=NOW),
        gallery_samples.minimal(situation=situation, locale=locale, now=NOW),
    ]


def sources(situation, locale, unit="seats"):
    """Every Liquid text of a language."""
    return [
        text
        for channel in gallery.CHANNELS
        for text in gallery.content(situation=situation, channel=channel, unit=unit)[locale].values()
    ]


def test_there_are_the_six_situations_in_order():
    assert list(SITUATIONS) == ["near-limit", "growth", "gated-feature", "trial-ending", "renewal", "after-no"]


@pytest.mark.parametrize(("slug", "locale", "channel"), EVERY)
def test_a_launch_would_find_nothing_wrong_with_it(slug, locale, channel):
    found = [
        problem
        for unit in UNITS
        for problem in gallery.problems(situation=SITUATIONS[slug], channel=channel, locale=locale, unit=unit)
        if problem.code != "SEVERAL_SEGMENTS"
    ]
    assert found == []


@pytest.mark.parametrize(("slug", "locale", "channel"), EVERY)
def test_it_reads_well_with_all_facts_and_with_few(slug, locale, channel):
    situation = SITUATIONS[slug]
    for facts in samples(situation, locale):
        made = rendered(situation, locale, channel, facts)
        for text in (made.subject, made.text, re.sub(r"<style.*?</style>", "", made.html, flags=re.DOTALL)):
            assert not re.search(r"\{\{|\{%|@[a-z_]+@|…", text)
        for line in (made.subject, *made.text.splitlines()):
            assert not re.search(r"  | [.,;:]|\.\.|,,|\( ", line), line
            assert "!" not in line
            assert not re.search(FORBIDDEN[locale], line, re.IGNORECASE), line
        assert made.text


@pytest.mark.parametrize("slug", SITUATIONS)
def test_every_unit_of_a_catalogue_gives_whole_sentences(slug):
    situation = SITUATIONS[slug]
    for unit in UNITS:
        for locale in LOCALES:
            text = rendered(situation, locale, "email", samples(situation, locale)[0], unit).text
            assert not re.search(r"@[a-z_]+@|…|  | [.,]", text)


@pytest.mark.parametrize(("slug", "locale"), EACH)
def test_an_sms_takes_two_parts_at_most_with_its_way_out(slug, locale):
    situation = SITUATIONS[slug]
    unit = gallery_samples.unit_of(situation)
    source = gallery.content(situation=situation, channel="sms", unit=unit)[locale]["text"]
    compiled = message.compile_text(text=source, locale=locale)
    assert not way_out.has_way_out(source, can_answer=True)
    for facts in samples(situation, locale):
        made = message.render_text(way_out.add_way_out(compiled, can_answer=True), facts)
        assert sms.count_segments(made.text).segments <= 2, (sms.count_segments(made.text), made.text)


@pytest.mark.parametrize(("slug", "locale"), EACH)
def test_taken_over_an_sms_says_who_writes_and_takes_three_parts_at_most(slug, locale):
    situation = SITUATIONS[slug]
    unit = gallery_samples.unit_of(situation)
    source = gallery.content(situation=situation, channel="sms", unit=unit, sender="Acme Cloud")[locale]["text"]
    assert source.startswith({"he": "פרסומת, Acme Cloud: "}.get(locale, "Acme Cloud"))
    compiled = message.compile_text(text=source, locale=locale)
    for facts in samples(situation, locale):
        made = message.render_text(way_out.add_way_out(compiled, can_answer=True), facts)
        assert sms.count_segments(made.text).segments <= 3, made.text


def test_the_samples_link_is_as_long_as_a_real_one():
    facts = gallery_samples.full(situation=SITUATIONS["growth"], locale="en", now=NOW)
    token = signing.sign_number(signing.Purpose.CLICK, 9_999_999)
    assert len(facts["links"]["offer"]) == len(f"https://go.example.com/c/{token}")


@pytest.mark.parametrize("slug", SITUATIONS)
def test_all_languages_use_the_same_facts(slug):
    """But a text message, where each language says what it has room for."""
    situation = SITUATIONS[slug]
    used = {
        locale: {
            channel: {
                name
                for text in gallery.content(situation=situation, channel=channel, unit="seats")[locale].values()
                for name in liquid.used_variables(text)
            }
            for channel in ("email", "in_app")
        }
        for locale in LOCALES
    }
    assert used["he"] == used["en"]
    assert used["ro"] == used["en"]


@pytest.mark.parametrize("slug", SITUATIONS)
def test_what_it_says_it_needs_and_uses_is_what_it_uses(slug):
    situation = SITUATIONS[slug]
    mails = gallery.content(situation=situation, channel="email", unit="seats")
    used = {name for texts in mails.values() for text in texts.values() for name in liquid.used_variables(text)}
    told = {name for name in used if name.startswith("evidence.")} - {"evidence.plan_name"}
    assert told <= {*situation.needs, *situation.helps}
    assert {name for name in situation.needs if name.startswith("evidence.")} <= used


@pytest.mark.parametrize("slug", SITUATIONS)
def test_without_a_needed_fact_nothing_is_made(slug):
    situation = SITUATIONS[slug]
    for name in situation.needs:
        facts = gallery_samples.full(situation=situation, locale="en", now=NOW)
        del facts["evidence"][name.partition(".")[2]]
        with pytest.raises(TemplateError):
            rendered(situation, "en", "email", facts)


@pytest.mark.parametrize("slug", SITUATIONS)
def test_hebrew_advertising_says_so_first(slug):
    texts = SITUATIONS[slug].texts["he"]
    assert texts.subject.startswith("פרסומת: ")
    assert texts.sms.startswith("פרסומת: ")


@pytest.mark.parametrize("slug", SITUATIONS)
def test_hebrew_has_no_space_before_percent(slug):
    texts = SITUATIONS[slug].texts["he"]
    for text in [*sources(SITUATIONS[slug], "he"), texts.when, texts.audience, *(one.why for one in texts.parts)]:
        assert not re.search(r"[\s\u00a0]%(?!\})", text)


@pytest.mark.parametrize("slug", SITUATIONS)
def test_romanian_has_its_own_letters(slug):
    """ș and ț with a comma below; the ones with a cedilla are Turkish."""
    texts = SITUATIONS[slug].texts["ro"]
    whole = " ".join([*sources(SITUATIONS[slug], "ro"), texts.name, texts.when, *(one.why for one in texts.parts)])
    assert not set("şţŞŢ") & set(whole)
    assert set("șț") & set(whole)


@pytest.mark.parametrize(("slug", "locale"), EACH)
def test_a_mail_with_an_offer_names_the_price_on_its_one_button(slug, locale):
    situation = SITUATIONS[slug]
    mail = rendered(situation, locale, "email", samples(situation, locale)[1])
    assert mail.html.count('href="https://go.example.com/c/mJZ_.q3TzV0b1kW8sYd2L"') == int(situation.has_offer)
    assert bool(re.search(r"(90[.,]00|369[.,]00|449[.,]00)[^\n]*\(https://go.example.com/c/", mail.text)) == (
        situation.has_offer
    )


@pytest.mark.parametrize(("slug", "locale"), EACH)
def test_its_parts_are_explained(slug, locale):
    texts = SITUATIONS[slug].texts[locale]
    assert 6 <= len(texts.parts) <= 8
    assert all(part.title and part.why.endswith(".") for part in texts.parts)
    assert len({part.title for part in texts.parts}) == len(texts.parts)


@pytest.mark.parametrize(("slug", "locale"), EACH)
def test_a_mail_opens_in_the_editor_as_blocks(slug, locale):
    for unit in UNITS:
        made = gallery.content(situation=SITUATIONS[slug], channel="email", unit=unit)[locale]
        assert mail_blocks.read_blocks(mjml=made["mjml"], locale=locale) is not None


@pytest.mark.parametrize("slug", SITUATIONS)
def test_its_audience_is_one_that_the_grammar_reads(slug):
    definition = gallery.audience(situation=SITUATIONS[slug], meter="seats_used", aggregation="LAST")
    assert "@" not in str(definition)
    grammar.read_definition(definition)


def test_without_a_meter_only_conditions_about_usage_are_left_out():
    kept = gallery.audience(situation=SITUATIONS["trial-ending"], meter="", aggregation="")
    assert [one["subscription"] for one in kept["all"]] == ["status", "trial_ends_in"]
    assert gallery.audience(situation=SITUATIONS["near-limit"], meter="", aggregation="") == {"all": []}


def test_growth_sums_what_adds_up_and_averages_what_does_not():
    made = [gallery.audience(situation=SITUATIONS["growth"], meter="x", aggregation=one) for one in ("SUM", "LAST")]
    assert [one["all"][0]["agg"] for one in made] == ["sum", "avg"]


@pytest.mark.parametrize("slug", SITUATIONS)
def test_its_steps_make_a_campaign_file(slug):
    situation = SITUATIONS[slug]
    steps = gallery.steps(situation=situation, unit="seats", channels=("email", "sms", "in_app"))
    document = {"slug": "x", "name": "X", "audience": {"segment": "y"}, "steps": steps}
    spec = campaign_file.parse(document | ({"offer": "next"} if situation.has_offer else {}))
    assert {step.channel for step in spec.message_steps()} <= set(gallery.CHANNELS)
    assert all(set(LOCALES) == set(one.content) for step in spec.message_steps() for one in step.variants)


def test_what_would_go_by_a_channel_that_is_not_there_goes_in_app():
    steps = gallery.steps(situation=SITUATIONS["growth"], unit="calls", channels=("email", "in_app"))
    assert [step["channel"] for step in steps if step["kind"] == "MESSAGE"] == ["email", "in_app"]


@pytest.mark.parametrize("slug", SITUATIONS)
def test_its_place_is_one_that_a_host_application_knows(slug):
    place = SITUATIONS[slug].place
    assert place["kind"] in placing.KINDS
    assert set(place) <= set(placing.KEYS)


def test_the_promise_after_a_no_is_the_shortest_cool_down():
    days = min(decline.COOL_DOWN.values()).days
    for locale, texts in SITUATIONS["after-no"].texts.items():
        assert str(days) in texts.blocks.after, locale


@pytest.mark.parametrize(
    ("value", "quota", "words"),
    [
        (1, 2, {"en": "1 of your 2 seats", "he": "1 מתוך שני מושבים", "ro": "1 din 2 locuri"}),
        (9, 19, {"en": "9 of your 19 seats", "he": "9 מתוך 19 מושבים", "ro": "9 din 19 locuri"}),
        (24, 30, {"en": "24 of your 30 seats", "he": "24 מתוך 30 מושבים", "ro": "24 din 30 de locuri"}),
        (90, 110, {"en": "90 of your 110 seats", "he": "90 מתוך 110 מושבים", "ro": "90 din 110 locuri"}),
        (900, 1200, {"en": "900 of your 1,200 seats", "he": "900 מתוך 1,200 מושבים", "ro": "900 din 1.200 de locuri"}),
    ],
)
def test_numbers_agree_with_their_nouns(value, quota, words):
    situation = SITUATIONS["near-limit"]
    for locale, expected in words.items():
        facts = gallery_samples.full(situation=situation, locale=locale, now=NOW)
        facts["evidence"] |= {"value": value, "quota": quota}
        assert expected in rendered(situation, locale, "email", facts).subject


def test_a_unit_that_could_break_the_liquid_is_not_put_into_it():
    made = gallery.content(situation=SITUATIONS["near-limit"], channel="email", unit='x" | money: "')
    assert made["en"]["subject"].endswith('{{ evidence.quota | plural: "# unit", "# units" }} are used')


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("order = 1\ncolour = 2\n", "odd/situation.toml has 'colour', which means nothing here"),
        ("order = ", "odd/situation.toml cannot be read"),
        ("order = 1\n", "odd/situation.toml lacks 'icon'"),
    ],
)
def test_a_wrong_file_is_named_with_what_is_wrong(tmp_path, written, told):
    folder = tmp_path / "odd"
    folder.mkdir()
    (folder / "situation.toml").write_text(written, encoding="utf-8")
    with pytest.raises(gallery.GalleryError, match=told):
        gallery.read_situation(folder)
