from __future__ import annotations

from typing import Any

import pytest

from campaigns.segments import nodes, parse, store
from campaigns.segments.errors import DefinitionError
from tests.factories.consent import ConsentTopicFactory
from tests.factories.delivery import SendGateFactory
from tests.factories.segments import make_segment
from tests.factories.usage import NOW, MeterFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("node", "key"),
    [
        ({"usage": "seats", "agg": "last", "op": "is_set"}, "usage"),
        ({"crossing": "seats", "level": 80, "window": "7d"}, "crossing"),
        ({"consent": "email", "topic": "news", "is": "granted"}, "topic"),
        ({"engagement": "clicked", "campaign": "nobody"}, "campaign"),
        ({"engagement": "clicked", "channel": "pigeon"}, "channel"),
        ({"segment": "nobody"}, "segment"),
    ],
)
def test_a_name_that_does_not_exist_is_an_error_at_its_key(node: dict[str, Any], key: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        parse.parse_definition({"any": [{"all": []}, node]})
    assert caught.value.path == f"any[1].{key}"


def test_at_the_root_the_path_is_the_key_alone() -> None:
    with pytest.raises(DefinitionError) as caught:
        parse.parse_definition({"segment": "nobody"})
    assert caught.value.path == "segment"


def test_names_that_exist_are_accepted() -> None:
    MeterFactory(code="seats")
    ConsentTopicFactory(slug="news")
    SendGateFactory(slug="autumn", topic="news")
    make_segment(slug="somebody")
    definition = parse.parse_definition(
        {
            "all": [
                {"usage": "seats", "agg": "last", "op": "is_set"},
                {"consent": "sms", "topic": "news", "is": "unknown"},
                {"engagement": "clicked", "campaign": "autumn", "step": "any", "channel": "in_app"},
                {"segment": "somebody"},
                {"event": "never seen"},
                {"field": "account.traits.never_seen", "op": "is_set"},
            ]
        }
    )
    assert len(nodes.children_of(definition.root)) == 6


def test_segments_that_lead_in_a_circle_are_an_error() -> None:
    make_segment(slug="a")
    make_segment({"segment": "a"}, slug="b")
    make_segment({"not": {"segment": "b"}}, slug="c")
    with pytest.raises(DefinitionError, match="circle: a → c → b → a"):
        store.save_segment(slug="a", name="", definition={"all": [{"segment": "c"}]}, by="test", now=NOW)


def test_a_segment_may_not_name_itself() -> None:
    with pytest.raises(DefinitionError) as caught:
        store.save_segment(slug="a", name="", definition={"segment": "a"}, by="test", now=NOW)
    assert caught.value.path == "segment"


def test_two_ways_to_the_same_segment_are_no_circle() -> None:
    make_segment(slug="base")
    make_segment({"segment": "base"}, slug="left")
    make_segment({"segment": "base"}, slug="right")
    definition = parse.parse_definition({"all": [{"segment": "left"}, {"segment": "right"}, {"segment": "base"}]})
    assert len(nodes.children_of(definition.root)) == 3


def test_an_archived_segment_is_no_segment() -> None:
    segment = make_segment(slug="old")
    segment.archived_at = NOW
    segment.save()
    with pytest.raises(DefinitionError):
        parse.parse_definition({"segment": "old"})


def test_a_stored_segment_whose_names_went_away_is_told_where_it_is_named() -> None:
    meter = MeterFactory(code="seats")
    make_segment({"usage": "seats", "agg": "last", "op": "is_set"}, slug="users")
    meter.delete()
    with pytest.raises(DefinitionError, match="users can't be used: There is no meter seats") as caught:
        parse.parse_definition({"not": {"segment": "users"}})
    assert caught.value.path == "not.segment"
