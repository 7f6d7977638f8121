"""The pages of segments, read and used the way a marketer does, with and without script."""

from __future__ import annotations

import re

import pytest
import time_machine
from django.test import Client

from campaigns.profiles.models import Account
from campaigns.segments import refresh
from campaigns.segments.models import Segment, SegmentMembership
from campaigns.sequences.models import Campaign
from tests.campaigns.console.conftest import BASIC, SEATS, client_of_maria, maria, segment_of_one, two_accounts
from tests.campaigns.console.reading import fields_of, words_of
from tests.campaigns.console.test_rules import EDITABLE, KEPT
from tests.factories.billing import PlanFactory
from tests.factories.profiles import ContactFactory
from tests.factories.segments import live_definition, make_segment
from tests.factories.usage import NOW, MeterFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_november")]
LIST = "/admin/studio/segments/"
NEW = f"{LIST}new/"
COUNT = f"{LIST}count/"
HTMX = {"HX-Request": "true"}


def page_of(segment):
    return f"{LIST}{segment.slug}/"


@pytest.fixture(scope="module")
def scene(shared_rows):
    two_accounts()
    return segment_of_one()


@pytest.fixture
def segment(scene, db):
    return Segment.objects.get(pk=scene.pk)


@pytest.fixture
def market(scene, db):
    return Account.objects.get(name="Galil Software")


@pytest.fixture(scope="module")
def shown(scene):
    """The segment's page as Maria finds it."""
    with time_machine.travel(NOW, tick=False):
        return client_of_maria().get(page_of(scene))


# --- who may do what


@pytest.mark.parametrize("path", [LIST, NEW, COUNT, f"{LIST}close/", f"{LIST}close/members.csv"])
def test_anonymous_visitors_are_asked_to_log_in(client, segment, path):
    response = client.get(path)
    assert (response.status_code, response["Location"]) == (302, f"/admin/login/?next={path}")


def test_somebody_who_is_no_staff_is_asked_to_log_in(client, segment, django_user_model):
    client.force_login(django_user_model.objects.create_user("customer", password="pw"))
    assert client.get(page_of(segment)).status_code == 302


def test_staff_without_permission_may_look_and_count_but_not_change(onlooker, segment):
    page = onlooker.get(page_of(segment))
    assert page.status_code == 200
    assert onlooker.post(COUNT, fields_of(page)).status_code == 200
    assert onlooker.post(page_of(segment), {**fields_of(page), "do": "save"}).status_code == 403
    assert onlooker.post(f"{page_of(segment)}restore/", {"version": "1"}).status_code == 403
    assert onlooker.post(f"{page_of(segment)}json/", {"definition": '{"all": []}'}).status_code == 403
    assert onlooker.post(f"{page_of(segment)}rename/", {"name": "Mine"}).status_code == 403
    assert onlooker.post(NEW, {"do": "save", "name": "Mine"}).status_code == 403
    assert [(one.slug, one.name) for one in Segment.objects.all()] == [("close", "Close to the limit")]


def test_a_post_without_the_forms_token_is_refused(segment):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(maria())
    assert strict.post(page_of(segment), {"do": "save"}).status_code == 403
    assert strict.post(COUNT, {}).status_code == 403


# --- the list


def test_the_list_tells_size_freshness_and_use(marketer, segment):
    Campaign.objects.create(slug="c", name="C", segment=segment, created_at=NOW, changed_at=NOW)
    words = words_of(marketer.get(LIST))
    assert "1 segment Find CSV Segment Members As of Used by Close to the limit 1 10:00 1 campaign" in words


def test_the_list_is_searched_by_name(marketer, segment):
    make_segment(slug="others")
    assert "Others" not in words_of(marketer.get(LIST, {"q": "close"}))
    assert "Nothing here matches “nobody”." in words_of(marketer.get(LIST, {"q": "nobody"}))


# --- the page of rules


def test_the_page_reads_as_plain_sentences_with_counts(shown):
    words = words_of(shown)
    assert "Saved 10:00, version 1 Used by no campaign 1 members as of 10:00" in words
    assert "1 account matches, with 2 contacts 50.0 % of 2 accounts, counted just now" in words
    assert "E-mail 1 50.0 % In-app 2 100 % SMS 0 0 %" in words
    assert "Reason E-mail In-app SMS No consent 1 – – No address – – 2 Not reached 1 0 2" in words
    assert "Galil Software Seats used: 9 of 10 = 90 % 2" in words
    assert "Atelier Moga" not in words


def test_each_line_is_counted_alone(shown):
    html = shown.content.decode()
    alone = re.findall(r'name="(\d+)\.alone" value="([^"]*)"', html)
    assert alone == [("1", "2"), ("2", "1")]


def test_bars_are_drawn_by_attributes_and_nothing_carries_a_style(shown):
    html = shown.content.decode()
    assert '<rect class="v-b" x="0%" width="50.0%" height="8"/>' in html
    assert "style=" not in html


def test_an_empty_segment_warns(marketer, market):
    segment = make_segment({"all": [{"field": "account.country", "op": "=", "value": "DE"}]})
    words = words_of(marketer.get(page_of(segment)))
    assert "This segment is empty now. A campaign on it would start for nobody." in words


def test_a_segment_of_most_accounts_asks_whether_that_is_meant(marketer, market):
    assert "More than half of everybody matches." in words_of(marketer.get(page_of(make_segment({"all": [BASIC]}))))


def test_every_kind_of_rule_survives_being_saved_untouched(marketer, segment):
    PlanFactory(code="pro")
    MeterFactory(code="api_calls", aggregation="SUM")
    make_segment(slug="healthy")
    inner = {"any": [*EDITABLE, KEPT[0]]}
    everything = make_segment({"all": [*EDITABLE, *KEPT, inner, {"not": {"any": EDITABLE[:2]}}]}, slug="everything")
    before = live_definition("everything")
    page = marketer.get(page_of(everything))
    response = marketer.post(page_of(everything), {**fields_of(page), "do": "save"}, follow=True)
    assert "Nothing was changed: version 1 stays." in words_of(response)
    assert live_definition("everything") == before


# --- saving


def test_saving_makes_a_new_version_and_sets_off_a_refresh(marketer, segment, empty_redis, shown):
    fields = fields_of(shown)
    response = marketer.post(page_of(segment), {**fields, "2.number": "95", "do": "save"}, follow=True)
    assert "Saved as version 2" in words_of(response)
    segment.refresh_from_db()
    assert segment.live_version.definition == {"all": [BASIC, {**SEATS, "value": 0.95}]}
    assert (segment.live_version.number, segment.live_version.created_by) == (2, "maria")


def test_an_error_is_told_on_top_and_beside_its_line_and_nothing_is_saved(marketer, segment, shown):
    fields = fields_of(shown)
    response = marketer.post(page_of(segment), {**fields, "2.number": "8o", "do": "save"})
    html = response.content.decode()
    assert "Not saved. These must be put right first: “8o” is not a number." in words_of(response)
    assert 'href="#r2"' in html
    assert re.search(r'<input class="form-control is-invalid" name="2.number"[^>]*value="8o"', html)
    assert segment.versions.count() == 1


def test_a_rule_without_a_value_is_quiet_until_it_is_saved(marketer, segment, shown):
    fields = fields_of(shown)
    added = marketer.post(page_of(segment), {**fields, "do": "add"})
    assert "Choose a plan." not in words_of(added)
    saved = marketer.post(page_of(segment), {**fields_of(added), "do": "save"})
    assert "Choose a plan." in words_of(saved)
    assert segment.versions.count() == 1


def test_a_name_that_was_taken_away_in_between_is_an_error_and_no_crash(marketer, segment):
    make_segment(slug="gone")
    other = make_segment({"all": [{"segment": "gone"}]}, slug="other")
    fields = fields_of(marketer.get(page_of(other)))
    Segment.objects.filter(slug="gone").update(archived_at=NOW)
    response = marketer.post(page_of(other), {**fields, "do": "save"})
    assert response.status_code == 200
    assert "There is no segment gone." in words_of(response)


def test_a_new_segment_gets_its_short_name_from_its_name(marketer, market, empty_redis):
    page = marketer.get(NEW, {"start": "close-to-the-seat-limit"})
    fields = fields_of(page) | {"name": "Close to the limit", "slug": "", "do": "save"}
    response = marketer.post(NEW, fields)
    assert response["Location"] == f"{LIST}close-to-the-limit/"
    made = Segment.objects.get(slug="close-to-the-limit")
    assert made.name == "Close to the limit"
    assert live_definition("close-to-the-limit") == {"all": [SEATS]}


@pytest.mark.parametrize(
    ("name", "slug", "error"),
    [
        ("", "", "Name: Give the segment a name."),
        ("Other", "close", "“close” is taken. Choose another short name."),
        ("Other", "new", "“new” is taken. Choose another short name."),
        ("Other", "no spaces", "Use small letters, digits and hyphens, for example “close-to-the-limit”."),
    ],
)
def test_a_name_that_cannot_be_used_is_told_beside_its_field(marketer, segment, name, slug, error):
    fields = fields_of(marketer.get(NEW, {"start": "renewal-in-45-days"}))
    response = marketer.post(NEW, {**fields, "name": name, "slug": slug, "do": "save"})
    assert error in words_of(response)
    assert Segment.objects.count() == 1


def test_a_name_without_latin_letters_gets_a_free_short_name(marketer, segment, empty_redis):
    make_segment(slug="segment")
    fields = fields_of(marketer.get(NEW, {"start": "renewal-in-45-days"}))
    response = marketer.post(NEW, {**fields, "name": "קרובים", "slug": "", "do": "save"})
    assert response["Location"] == f"{LIST}segment-2/"
    assert Segment.objects.get(slug="segment-2").name == "קרובים"


@pytest.mark.parametrize("where", [LIST, f"{LIST}close/members/", f"{LIST}close/members.csv"])
def test_a_search_for_what_no_text_can_hold_finds_by_the_rest(marketer, segment, where):
    response = marketer.get(where, {"q": "gal\x00"})
    assert response.status_code == 200
    assert (b"Galil" if "members" in where else "“gal”".encode()) in b"".join(response)


@pytest.mark.parametrize("number", ["1e999999", "9" * 40, "-1e30"])
def test_a_number_that_nobody_means_is_told_at_once(marketer, segment, number, shown):
    fields = fields_of(shown)
    words = words_of(marketer.post(COUNT, {**fields, "2.number": number}, headers=HTMX))
    assert f"“{number[:20]}” is too large a number." in words


def test_a_digit_that_is_no_decimal_is_no_line(marketer, segment, shown):
    fields = fields_of(shown)
    assert marketer.post(COUNT, {**fields, "row": ["1", "²"]}).status_code == 200
    assert marketer.post(page_of(segment), {**fields, "do": "add ²"}).status_code == 200
    assert marketer.post(f"{page_of(segment)}restore/", {"version": "²"}).status_code == 404


def test_as_long_as_no_line_is_filled_in_the_count_says_so(marketer, market):
    words = words_of(marketer.get(NEW))
    assert "No line is filled in yet, so everybody matches." in words
    assert "More than half" not in words


# --- two windows


def test_rules_saved_in_between_are_not_overwritten_unseen(marketer, segment, empty_redis, shown):
    first = fields_of(shown)
    second = fields_of(shown)
    marketer.post(page_of(segment), {**first, "2.number": "60", "do": "save"})
    refused = marketer.post(page_of(segment), {**second, "2.number": "50", "do": "save"})
    assert "Version 2 was saved by maria while you were working." in words_of(refused)
    assert fields_of(refused)["2.number"] == ["50"]
    assert live_definition("close")["all"][1]["value"] == 0.6
    marketer.post(page_of(segment), {**fields_of(refused), "do": "save"})
    assert live_definition("close")["all"][1]["value"] == 0.5


def test_the_same_rules_from_an_older_page_are_no_quarrel(marketer, segment, empty_redis, shown):
    old = fields_of(shown)
    marketer.post(page_of(segment), {**old, "2.number": "60", "do": "save"})
    again = marketer.post(page_of(segment), {**old, "2.number": "60", "do": "save"})
    assert again["Location"] == page_of(segment)


def test_the_rules_typed_before_a_name_error_are_still_there(marketer, market):
    fields = fields_of(marketer.get(NEW, {"start": "renewal-in-45-days"}))
    response = marketer.post(NEW, {**fields, "1.days": "33", "name": "", "do": "save"})
    assert fields_of(response)["1.days"] == ["33"]


# --- buttons without script


def test_a_line_is_added_moved_copied_and_removed_by_plain_buttons(marketer, segment, shown):
    fields = fields_of(shown)
    for action in ("add-group", "up 3", "copy 2", "remove 1"):
        response = marketer.post(page_of(segment), {**fields, "do": action})
        fields = fields_of(response)
    assert fields["row"] == ["3", "3/4", "2", "5"]
    assert "Rule “Plan is Basic” removed Undo" in words_of(response)
    [undo] = re.findall(r'value="(back 0 0 [^"]*)"', response.content.decode())
    undo = undo.replace("&quot;", '"')
    assert fields_of(marketer.post(page_of(segment), {**fields, "do": undo}))["row"] == ["6", "3", "3/4", "2", "5"]


def test_a_value_is_taken_away_by_its_button_and_added_by_the_list(marketer, segment, shown):
    fields = fields_of(shown)
    both = fields_of(marketer.post(page_of(segment), {**fields, "1.value": ["basic", "team"], "do": "count"}))
    assert both["1.value"] == ["basic", "team"]
    one = fields_of(marketer.post(page_of(segment), {**both, "do": "drop 1 basic"}))
    assert one["1.value"] == ["team", ""]


def test_changes_that_are_not_saved_are_marked(marketer, segment, shown):
    assert "Not saved yet" not in words_of(shown)
    assert "Not saved yet" in words_of(marketer.post(page_of(segment), {**fields_of(shown), "do": "remove 1"}))


# --- with script


def test_a_button_with_script_draws_the_rules_alone_and_asks_for_a_new_count(marketer, segment, shown):
    fields = fields_of(shown)
    response = marketer.post(page_of(segment), {**fields, "do": "add"}, headers=HTMX)
    html = response.content.decode()
    assert html.lstrip().startswith('<div id="rules-body"')
    assert "cr-live-figure" not in html
    assert response["HX-Trigger-After-Settle"] == "recount"


def test_the_live_count_follows_the_form_and_changes_nothing(marketer, segment, shown):
    fields = fields_of(shown)
    response = marketer.post(COUNT, {**fields, "2.number": "20"}, headers=HTMX)
    assert "2 accounts match, with 2 contacts 100 % of 2 accounts" in words_of(response)
    assert "Not saved yet" in words_of(response)
    assert segment.versions.count() == 1


def test_the_live_count_leaves_a_wrong_line_out_and_says_so(marketer, segment, shown):
    fields = fields_of(shown)
    response = marketer.post(COUNT, {**fields, "2.number": "many"}, headers=HTMX)
    words = words_of(response)
    assert "The count leaves one line out: it has an error." in words
    assert "“many” is not a number." in words
    assert "2 accounts match" in words


def test_counting_nonsense_is_answered_and_never_a_500(marketer, market):
    data = {"row": ["1", "1/2", "x"], "1.kind": "kept", "1.document": '{"explode": 1}', "mode": "some"}
    response = marketer.post(COUNT, data, headers=HTMX)
    assert response.status_code == 200
    assert "2 accounts match" in words_of(response)


def test_counting_takes_posts_only(marketer, market):
    assert marketer.get(COUNT).status_code == 405


def test_names_from_outside_are_shown_as_text(marketer, segment, market):
    Segment.objects.filter(pk=segment.pk).update(name="<script>alert(1)</script>")
    market.name = "<img src=x>"
    market.save()
    html = marketer.get(page_of(segment)).content.decode()
    assert "<script>alert" not in html
    assert "<img src" not in html


def test_a_segment_that_is_none_is_not_found(marketer, market):
    assert marketer.get(f"{LIST}nobody/").status_code == 404


def test_a_segment_of_people_names_them_to_nobody_who_may_not_see_people(onlooker, market):
    person = ContactFactory(first_name="Dana", last_name="Levi")
    made = make_segment({"subject": "contact", "field": "contact.last_name", "op": "=", "value": "Levi"}, slug="levis")
    refresh.refresh_segment(segment=made, now=NOW)

    page = onlooker.get(page_of(made))

    assert "Dana" not in page.content.decode()
    assert "Ask an administrator to let you see them." in page.content.decode()
    assert onlooker.get(f"{page_of(made)}members/").status_code == 403
    assert onlooker.get(f"{page_of(made)}members.csv").status_code == 403
    assert SegmentMembership.objects.filter(contact=person).count() == 1


def test_a_count_is_given_whatever_is_posted_as_the_own_name(marketer, market):
    assert marketer.post(COUNT, {"own_slug": "\x00", "name": "x"}).status_code == 200
