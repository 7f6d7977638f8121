from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command

from campaigns.billing.models import Plan
from campaigns.consent.models import ConsentTopic
from campaigns.usage.models import Meter
from orchestrator.sandbox import catalogue


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "catalog.json"
    path.write_text(json.dumps(catalogue.catalog()))
    return path


@pytest.mark.django_db
def test_a_catalogue_file_fills_plans_meters_and_topics_and_comes_out_again(file, capsys):
    call_command("catalog", "apply", str(file))
    applied = json.loads(capsys.readouterr().out)
    call_command("catalog", "export")
    exported = capsys.readouterr().out

    assert applied == {"meters": 5, "plans": {"created": 4, "updated": 0, "unchanged": 0}, "topics": 3}
    assert (Plan.objects.count(), Meter.objects.count()) == (4, 5)
    assert ConsentTopic.objects.get(slug="offers").permitted_without_record == ["in_app"]
    assert ConsentTopic.objects.get(slug="tips").name_in("ro") == "Sfaturi și noutăți despre produs"
    file.write_text(exported)
    call_command("catalog", "apply", str(file))
    assert json.loads(capsys.readouterr().out)["plans"]["unchanged"] == 4


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not JSON"),
        ("[]", "no object"),
        ('{"plans": [{"code": "x"}]}', "plans[0].rank"),
        ('{"meters": [{"code": "x", "kind": "ODD"}]}', "meters[0].kind"),
        ('{"meters": 5}', '"meters"'),
        ('{"topics": {"offers": 1}}', '"topics"'),
        ('{"topics": [5]}', '"topics[0]"'),
        ('{"topics": [{"name": "Offers"}]}', "topics[0].slug"),
        ('{"topics": [{"slug": "offers", "permitted_without_record": ["pigeon"]}]}', "permitted_without_record"),
        ('{"topics": [{"slug": "offers", "words": []}]}', "topics[0].words"),
        ('{"topics": [{"slug": "offers", "words": {"he": "x"}}]}', "topics[0].words.he"),
        ('{"topics": [{"slug": "offers", "words": {"he": {"title": "x"}}}]}', "topics[0].words.he.title"),
        ('{"topics": [{"slug": "offers", "words": {"he": {"name": 5}}}]}', "topics[0].words.he.name"),
    ],
)
def test_a_wrong_file_is_refused_with_its_place_and_changes_nothing(file, text, words):
    file.write_text(text)

    with pytest.raises(CommandError) as refused:
        call_command("catalog", "apply", str(file))

    assert words in str(refused.value)
    assert refused.value.returncode == 2
    assert not Plan.objects.exists()
    assert not Meter.objects.exists()


def test_a_missing_file_is_wrong_input(tmp_path):
    with pytest.raises(CommandError) as refused:
        call_command("catalog", "apply", str(tmp_path / "none.json"))

    assert refused.value.returncode == 2
