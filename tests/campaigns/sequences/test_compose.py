from __future__ import annotations

import pytest

from campaigns.profiles.models import Contact
from campaigns.sequences import compose

TEXTS: dict[str, dict[str, str]] = {"en": {}, "he": {}, "ro": {}}


@pytest.mark.parametrize(("channel", "read"), [("email", "he"), ("in_app", "he"), ("csm_task", "en")])
def test_a_customer_reads_their_language_and_a_colleague_the_sites(channel, read):
    told = compose.pick_language(contact=Contact(locale="he-IL"), channel=channel, available=TEXTS)
    assert told == read


def test_a_site_in_another_language_has_its_tasks_in_it(settings):
    settings.LANGUAGE_CODE = "ro"
    assert compose.language_read(language="he", channel="csm_task", available=TEXTS) == "ro"
    assert compose.language_read(language="he", channel="csm_task", available={"en": {}, "he": {}}) == "en"
