from __future__ import annotations

from uuid import uuid4

import pytest

from campaigns.offers import links
from orchestrator import signing


def test_a_link_names_its_quote_and_its_reader():
    uuid = uuid4()
    assert links.read_offer_token(links.offer_token(quote_uuid=uuid, contact_id=7)) == (uuid, 7)


def test_the_link_stands_on_the_public_address(settings):
    settings.PUBLIC_BASE_URL = "https://go.example.com"
    assert links.offer_url(quote_uuid=uuid4(), contact_id=7).startswith("https://go.example.com/o/")


@pytest.mark.parametrize(
    "token",
    ["", "x", signing.sign(signing.Purpose.OFFER, "7"), signing.sign(signing.Purpose.CLICK, "7:7")],
    ids=["nothing", "no token", "not a quote and a contact", "a token for clicks"],
)
def test_anything_else_is_no_link(token):
    with pytest.raises(signing.BadTokenError):
        links.read_offer_token(token)
