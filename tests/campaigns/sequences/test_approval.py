"""What counts as another thing than what was looked at."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.delivery.models import TemplateVersion
from campaigns.sequences import approval, launch, snippets
from tests.connections import Worker, wait_until_blocked
from tests.factories import sequences as make
from tests.factories.segments import make_segment

pytestmark = pytest.mark.django_db
NOW = make.NOW


@pytest.fixture
def campaign():
    make.market()
    make.ready_account()
    for slug in ("sign", "unused"):
        snippets.save(slug=slug, name=slug, content={"en": "Regards", "he": "בברכה"}, by="ron", now=NOW)
    steps = make.document()["steps"]
    for variant in steps[0]["variants"].values():
        mjml = make.MJML.format("{% include 'sign' %} {{ links.unsubscribe }}")
        variant["content"] = {locale: {"subject": "Hi", "mjml": mjml} for locale in ("en", "he")}
    return make.drafted(steps=steps)


def change(slug, **content):
    later = NOW + timedelta(minutes=1)
    snippets.save(slug=slug, name=slug, content={"en": "Regards", "he": "בברכה"} | content, by="ron", now=later)


@pytest.mark.parametrize(
    ("slug", "content", "same"),
    [("sign", {"he": "מבצע"}, False), ("sign", {"ro": "x"}, True), ("unused", {"en": "x"}, True)],
)
def test_texts_are_others_where_a_reader_would_read_others(campaign, slug, content, same):
    seen = approval.of_draft(campaign=campaign)
    change(slug, **content)
    assert (approval.find_change(seen=seen, campaign=campaign) is None) is same


@pytest.mark.parametrize(
    "step",
    [
        {"key": "ask", "kind": "BRANCH", "if": {"segment": "outer"}, "then": "end"},
        {"key": "ask", "kind": "WAIT", "until": {"segment": "outer"}, "at_most": "2d"},
    ],
)
def test_a_segment_that_a_condition_reaches_is_looked_at_too(campaign, step):
    make_segment(slug="inner")
    make_segment({"segment": "inner"}, slug="outer")
    draft = make.drafted(steps=[*make.document()["steps"][:-1], step, make.document()["steps"][-1]])
    seen = approval.of_draft(campaign=draft)
    make_segment({"not": {"all": []}}, slug="inner")
    found = approval.find_change(seen=seen, campaign=draft)
    assert found is not None
    assert found.code == "audience_changed"


def test_what_a_form_brings_back_is_what_it_was_given(campaign):
    seen = approval.of_draft(campaign=campaign)
    assert approval.read(version=str(seen.version), digest=seen.digest) == seen


@pytest.mark.parametrize(
    ("version", "digest"), [("", "a-b-c"), ("x", "a-b-c"), ("²", "a-b-c"), ("9" * 30, "a-b-c"), ("1", ""), ("1", "a-b")]
)
def test_what_no_form_of_ours_says_is_no_approval(version, digest):
    assert approval.read(version=version, digest=digest) is None


def test_nothing_of_a_refused_launch_is_kept(campaign):
    seen = approval.of_draft(campaign=campaign)
    change("sign", en="50 % OFF")
    with pytest.raises(launch.LaunchRefused) as refused:
        launch.launch(campaign=campaign, by="dana", now=NOW, seen=seen)
    assert [one.code for one in refused.value.findings] == ["draft_changed"]
    campaign.refresh_from_db()
    assert (campaign.status, campaign.live_version, campaign.experiment) == ("DRAFT", None, None)


@pytest.mark.django_db(transaction=True)
def test_a_snippet_saved_while_it_is_launched_comes_after_it(campaign, monkeypatch):
    seen = approval.of_draft(campaign=campaign)
    saving = Worker(lambda: change("sign", en="50 % OFF"))
    real = approval.find_change

    def looked_at(**given):
        found = real(**given)
        # From here on what is stored must be what was compared.
        saving.start()
        wait_until_blocked(saving)
        return found

    monkeypatch.setattr(approval, "find_change", looked_at)
    launch.launch(campaign=campaign, by="dana", now=NOW, seen=seen)
    saving.finish()
    assert all("50 % OFF" not in str(one.content) for one in TemplateVersion.objects.all())
