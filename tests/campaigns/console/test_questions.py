"""Branches in the step list: adding them, asking something, filling their lanes."""

from __future__ import annotations

import pytest
import time_machine
from django.urls import reverse

from campaigns.delivery.models import Message
from campaigns.sequences import launch
from campaigns.sequences.models import Campaign, CampaignVersion, Enrolment
from tests.campaigns.console.reading import fields_of, words_of
from tests.factories import sequences as make
from tests.factories.segments import make_segment

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def at_launch_day():
    with time_machine.travel(make.NOW, tick=False):
        yield


@pytest.fixture(scope="module")
def scene(shared_rows):
    """A mail, a wait, nothing else."""
    make.market()
    make.ready_account(name="Galil Software")
    mail = make.document()["steps"][0]
    return make.drafted(steps=[mail, {"key": "wait-1", "kind": "WAIT", "for": "3d"}], holdout_percent=0)


@pytest.fixture
def draft(scene, settings, db):
    settings.SENDGRID_API_KEY = "SG.test"
    return Campaign.objects.get(pk=scene.pk)


def page(name, *args):
    return reverse(f"admin:studio-campaign{name}", args=args)


def do(client, *, what: str, slug="seats-80"):
    return client.post(page("-steps", slug), {"do": what})


def shown_after(client, *, what: str):
    """The campaign's page, to which that leads."""
    return client.get(do(client, what=what).url)


def steps_of(slug="seats-80"):
    return CampaignVersion.objects.filter(campaign__slug=slug).latest("number").definition["steps"]


def branch_of(key="question-1"):
    return next(step for step in steps_of() if step["key"] == key)


def ask(client, key="question-1"):
    return client.get(page("-step", "seats-80", key))


def test_a_marketer_builds_mail_wait_question_with_an_end_and_an_sms(draft, marketer):
    do(marketer, what="add question wait-1")
    do(marketer, what="add exit question-1 yes")
    words = words_of(shown_after(marketer, what="add sms question-1 no"))
    assert [step["key"] for step in steps_of()] == ["mail-1", "wait-1", "question-1", "text-1", "question-1-meet",
                                                    "leave-1", "end"]  # fmt: skip
    assert (branch_of()["then"], branch_of()["else"]) == ("leave-1", "text-1")
    assert "3. Clicked the e-mail? Change" in words
    lanes = words[words.index("3. Clicked the e-mail?") :]
    no = lanes.index("No ")
    assert lanes.index("Yes") < lanes.index("Leaves the campaign") < no < lanes.index("SMS ", no)


def test_what_was_built_runs_as_it_was_drawn(draft, marketer, settings):
    settings.CHANNELS = {**settings.CHANNELS, "sms": "orchestrator.channels.memory.MemoryChannel"}
    for what in ("add question wait-1", "add exit question-1 yes", "add csm_task question-1 no"):
        do(marketer, what=what)
    second = make.ready_account()
    campaign = Campaign.objects.get()
    launch.launch(campaign=campaign, by="maria", now=make.NOW)
    Message.objects.update(state="ACCEPTED", accepted_at=make.NOW, ended_at=make.NOW)
    Message.objects.filter(account=second).update(clicked_at=make.NOW)
    make.go_on(now=make.NOW + make.days(3))
    called = Message.objects.get(channel="csm_task")
    assert called.account != second
    assert Enrolment.objects.get(account=second).step_key == ""


def test_a_question_can_be_asked_inside_a_lane(draft, marketer):
    do(marketer, what="add question wait-1")
    do(marketer, what="add email question-1 no")
    do(marketer, what="add question mail-2")
    do(marketer, what="add sms question-2 yes")
    assert branch_of("question-2")["if"] == {"engagement": "clicked", "step": "mail-2"}
    words = words_of(marketer.get(page("", "seats-80")))
    assert "Clicked the message of step 4?" in words


def test_the_page_of_a_question_shows_its_rule_and_the_messages_before_it(draft, marketer):
    do(marketer, what="add question wait-1")
    do(marketer, what="add sms question-1 no")
    response = ask(marketer)
    row = response.context["tree"].rows[0]
    assert (row.fact, row.values) == ("reaction", {"op": ["was"], "reaction": ["clicked"], "step": ["mail-1"]})
    assert "Yes, if of these are true" in words_of(response)
    assert "1. E-mail" in response.content.decode()
    assert "4. SMS" not in response.content.decode()


def save(client, **fields):
    """One rule, as the form posts it; dots are written as two underscores."""
    data = {"row": "1", "1.kind": "rule", "mode": "all", "do": "save"}
    return client.post(
        page("-step", "seats-80", "question-1"), data | {name.replace("__", "."): one for name, one in fields.items()}
    )


@pytest.mark.parametrize(
    "reaction",
    ["sent", "delivered", "opened", "clicked", "replied", "dismissed", "unsubscribed", "complained", "converted"],
)
@pytest.mark.parametrize("op", ["was", "was_not"])
def test_every_reaction_can_be_asked_and_comes_back(draft, marketer, reaction, op):
    do(marketer, what="add question wait-1")
    save(
        marketer,
        **{"1__fact": "reaction", "1__was": "reaction", "1__op": op, "1__reaction": reaction, "1__step": "mail-1"},
    )
    asked = {"engagement": reaction, "step": "mail-1"}
    assert branch_of()["if"] == (asked if op == "was" else {"not": asked})
    row = ask(marketer).context["tree"].rows[0]
    assert row.values == {"op": [op], "reaction": [reaction], "step": ["mail-1"]}


def test_a_rule_of_a_segment_becomes_the_question(draft, marketer):
    do(marketer, what="add question wait-1")
    saved = save(marketer, **{"1__fact": "account.plan", "1__was": "account.plan", "1__op": "is", "1__value": "team"})
    assert saved.status_code == 302
    assert branch_of()["if"] == {"field": "account.plan", "op": "=", "value": "team"}
    assert "3. Plan is Team?" in words_of(marketer.get(page("", "seats-80")))


def test_a_no_to_the_offer_becomes_the_question(draft, marketer):
    do(marketer, what="add question wait-1")
    save(marketer, **{"1__fact": "refusal", "1__was": "refusal", "1__op": "not_said"})
    assert branch_of()["if"] == {"not": {"event": "crescendo.offer_refused"}}
    assert ask(marketer).context["tree"].rows[0].fact == "refusal"


def test_a_segment_becomes_the_question(draft, marketer):
    make_segment({"field": "account.plan", "op": "=", "value": "basic"}, slug="small")
    do(marketer, what="add question wait-1")
    save(marketer, **{"1__fact": "segment", "1__was": "segment", "1__op": "in", "1__slug": "small"})
    assert branch_of()["if"] == {"segment": "small"}


def test_several_rules_stay_together(draft, marketer):
    do(marketer, what="add question wait-1")
    save(
        marketer, row=["1", "2"], mode="any",
        **{"1__fact": "refusal", "1__was": "refusal", "1__op": "said", "2__kind": "rule", "2__fact": "reaction",
           "2__was": "reaction", "2__op": "was", "2__reaction": "clicked", "2__step": "mail-1"},
    )  # fmt: skip
    assert branch_of()["if"] == {
        "any": [{"event": "crescendo.offer_refused"}, {"engagement": "clicked", "step": "mail-1"}]
    }
    words = words_of(marketer.get(page("", "seats-80")))
    assert "Message clicked (1. E-mail): at least once?" in words


def test_a_question_without_a_rule_is_refused_in_words(draft, marketer):
    do(marketer, what="add question wait-1")
    response = marketer.post(page("-step", "seats-80", "question-1"), {"mode": "all", "do": "save"})
    assert response.status_code == 422
    assert "Ask something" in words_of(response)
    assert branch_of()["if"] == {"engagement": "clicked", "step": "mail-1"}


def test_a_rule_that_is_not_filled_in_is_told_beside_it(draft, marketer):
    do(marketer, what="add question wait-1")
    response = save(marketer, **{"1__fact": "account.plan", "1__was": "account.plan", "1__op": "is"})
    assert response.status_code == 422
    assert "Choose a plan." in words_of(response)


def test_a_button_of_the_rules_redraws_them_with_and_without_script(draft, marketer):
    do(marketer, what="add question wait-1")
    data = fields_of(ask(marketer)) | {"do": ["add"]}
    url = page("-step", "seats-80", "question-1")
    whole, part = marketer.post(url, data), marketer.post(url, data, headers={"HX-Request": "true"})
    assert len(whole.context["tree"].rows) == len(part.context["tree"].rows) == 2
    assert b"<!DOCTYPE" not in part.content
    assert f'hx-post="{url}"' in part.content.decode()


def test_a_condition_that_no_row_can_say_is_kept_and_told(draft, marketer):
    document = CampaignVersion.objects.filter(campaign__slug="seats-80").latest("number")
    deep = {"any_contact": {"field": "contact.first_name", "op": "is_set"}}
    document.definition["steps"] += [
        {"key": "deep", "kind": "BRANCH", "if": deep, "then": "end", "else": "end"}, {"key": "end", "kind": "EXIT"},
    ]  # fmt: skip
    document.save(update_fields=["definition"])
    response = ask(marketer, "deep")
    assert "As written in the campaign file." in words_of(response)
    marketer.post(page("-step", "seats-80", "deep"), fields_of(response) | {"do": ["save"]})
    assert branch_of("deep")["if"] == deep


def test_a_step_moves_between_lanes_by_its_menu(draft, marketer):
    do(marketer, what="add question wait-1")
    page_now = shown_after(marketer, what="add sms question-1 no").content.decode()
    assert 'value="into text-1 question-1 yes"' in page_now
    do(marketer, what="into text-1 question-1 yes")
    assert (branch_of()["then"], branch_of()["else"]) == ("text-1", "end")
    do(marketer, what="out text-1")
    assert [step["key"] for step in steps_of()] == ["mail-1", "wait-1", "question-1", "text-1"]


def test_a_question_before_the_message_it_asks_about_is_refused(draft, marketer):
    do(marketer, what="add question wait-1")
    do(marketer, what="up question-1")
    assert "must come after that message" in words_of(shown_after(marketer, what="up question-1"))


def test_the_texts_of_a_task_are_edited(draft, marketer):
    do(marketer, what="add csm_task wait-1")
    url = reverse("admin:studio-campaign-wording", args=["seats-80", "call-1", "a"])
    assert "Talking points" in words_of(marketer.get(url))
    marketer.post(url, {"title": "Call them", "text": "Ask {{ contact.first_name }} about SSO."})
    content = branch_of("call-1")["variants"]["a"]["content"]["en"]
    assert content == {"title": "Call them", "text": "Ask {{ contact.first_name }} about SSO."}
