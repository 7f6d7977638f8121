from __future__ import annotations

import pytest

from campaigns.delivery import content
from campaigns.delivery.models import TemplateVersion
from orchestrator.templating.errors import TemplateError
from tests.factories.delivery import BANNER, MAIL, NOW

pytestmark = pytest.mark.django_db


def store(wording, channel="email"):
    return content.store_version(slug="mail", name="Mail", channel=channel, content=wording, now=NOW)


def test_a_changed_wording_is_a_new_version_and_the_same_is_not():
    first, again = store(MAIL), store(MAIL)
    second = store({"en": {**MAIL["en"], "subject": "Another"}})

    assert (first.number, again.pk, second.number) == (1, first.pk, 2)


def test_a_wrong_wording_is_refused_with_its_language_and_nothing_is_stored():
    with pytest.raises(TemplateError, match=r"^he: "):
        store({"en": MAIL["en"], "he": {"subject": "{{ broken", "mjml": MAIL["en"]["mjml"]}})

    assert not TemplateVersion.objects.exists()


def test_a_message_without_any_text_is_refused():
    with pytest.raises(TemplateError):
        store({})


@pytest.mark.parametrize(
    ("wanted", "best"), [("he", "he"), ("he-IL", "he"), ("he_IL", "he"), ("ro", "en"), ("", "en"), ("en-GB", "en")]
)
def test_people_get_their_language_or_english(wanted, best):
    assert content.best_locale(available={"en": 1, "he": 1}, wanted=wanted) == best


def test_without_english_there_is_still_something():
    assert content.best_locale(available={"ro": 1, "he": 1}, wanted="en") == "he"


def test_marketing_mail_gets_the_footer_and_a_receipt_does_not():
    version = store(MAIL)

    offer = content.compiled_for(version_id=version.pk, locale="en", purpose="MARKETING")
    receipt = content.compiled_for(version_id=version.pk, locale="en", purpose="TRANSACTIONAL")

    assert "links.unsubscribe" in offer.html
    assert "links.unsubscribe" not in receipt.html


def test_a_banners_button_shows_only_with_an_offer():
    version = store(BANNER, channel="in_app")

    compiled = content.compiled_for(version_id=version.pk, locale="en", purpose="MARKETING")

    assert "{% if links.offer %}" in compiled.html
