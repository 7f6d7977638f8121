"""Snippets: included by name, in the reader's language, safe in every channel, frozen by a launch."""

from __future__ import annotations

import pytest
import time_machine

from campaigns.delivery.models import TemplateVersion
from campaigns.sequences import check, launch, snippets, wording
from campaigns.sequences.models import SnippetVersion
from tests.factories import sequences as make

pytestmark = pytest.mark.django_db
INCLUDE = "{% include 'sign-off' %}"


def save(now=make.NOW, slug="sign-off", **content):
    return snippets.save(slug=slug, name="Sign-off", content=content, by="maria", now=now)


def expanded(channel, texts, locale="en", **more):
    return wording.delivery_content(channel=channel, content={locale: texts}, has_offer=False, **more)[locale]


def test_a_text_says_what_its_snippet_says_in_its_language_or_in_english():
    save(en="Yours, {{ account.name }}", he="שלכם")
    assert expanded("sms", {"text": f"Hi. {INCLUDE}"})["text"] == "Hi. Yours, {{ account.name }}"
    assert expanded("sms", {"text": INCLUDE}, "he")["text"] == "שלכם"
    assert expanded("sms", {"text": INCLUDE}, "ro")["text"] == "Yours, {{ account.name }}"


def test_both_kinds_of_quotes_and_trimmed_tags_are_includes():
    save(en="Yours")
    assert expanded("sms", {"text": '{%- include "sign-off" -%}'})["text"] == "Yours"


def test_in_a_mail_a_snippet_is_text_whatever_it_holds():
    save(en='<script>alert(1)</script> "a" & b\n{{ account.name }}')
    made = expanded("email", {"subject": "s", "mjml": f"<mj-text>{INCLUDE}</mj-text>"})["mjml"]
    words = "&lt;script&gt;alert(1)&lt;/script&gt; &quot;a&quot; &amp; b<br />{{ account.name }}"
    assert made == f"<mj-text>{words}</mj-text>"


def test_a_snippet_includes_nothing():
    save(en="a {% include 'other' %}")
    save(slug="other", en="b {% include 'sign-off' %}")
    assert expanded("sms", {"text": INCLUDE})["text"] == "a {% include 'other' %}"


def test_what_is_saved_again_unchanged_is_no_new_version():
    save(en="a")
    assert save(en="a").number == 1
    assert save(en="b").number == 2
    assert SnippetVersion.objects.count() == 2


def test_a_new_version_does_not_change_what_was_launched():
    with time_machine.travel(make.NOW, tick=False):
        make.market()
        make.ready_account()
        save(en="Yours, Maria")
        mail = make.document()["steps"][0]
        mail["variants"]["a"]["content"]["en"]["subject"] += f" {INCLUDE}"
        campaign = make.drafted(steps=[mail, *make.document()["steps"][1:]])
        launch.launch(campaign=campaign, by="maria", now=make.NOW)
    save(now=make.NOW + make.days(1), en="Yours, Dana")
    stored = [one.content["en"]["subject"] for one in TemplateVersion.objects.all() if "subject" in one.content["en"]]
    assert any("Yours, Maria" in subject for subject in stored)
    assert not any("include" in subject or "Dana" in subject for subject in stored)
    assert expanded("sms", {"text": INCLUDE}, at=make.NOW)["text"] == "Yours, Maria"
    assert [one.pk for one in snippets.used_by(slugs=["sign-off"])["sign-off"]] == [campaign.pk]


def test_a_snippet_that_is_not_there_blocks_the_launch():
    with time_machine.travel(make.NOW, tick=False):
        make.market()
        mail = make.document()["steps"][0]
        mail["variants"]["a"]["content"]["en"]["subject"] = "{% include 'nobody' %}"
        campaign = make.drafted(steps=[mail, *make.document()["steps"][1:]])
        codes = {one.code for one in check.check_campaign(campaign=campaign, now=make.NOW)}
    assert "unknown_snippet" in codes
    assert snippets.used_by(slugs=["other"]) == {}
