from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.profiles import addresses

LETTERS, ASCII = "dana@bücher.example", "dana@xn--bcher-kva.example"


@pytest.mark.parametrize(
    "written", ["dana@customer.example", " Dana@Customer.EXAMPLE ", "Dana Levi <dana@customer.example>"]
)
def test_an_address_has_one_spelling_whatever_stands_around_it(written):
    assert addresses.normalise_email(written) == "dana@customer.example"


def test_the_hash_of_a_stored_address_is_the_one_it_always_had():
    assert addresses.normalise_email(LETTERS) == LETTERS
    assert addresses.normalise_email(ASCII) == ASCII


@pytest.mark.parametrize(
    ("written", "known"),
    [
        (LETTERS, (LETTERS, ASCII)),
        (f"Dana <{ASCII}>", (ASCII, LETTERS)),
        ("dana@straße.example", ("dana@straße.example", "dana@xn--strae-oqa.example")),
        ("dana@customer.example", ("dana@customer.example",)),
        ("dana@xn--ü.example", ("dana@xn--ü.example",)),
        ("+972501234567", ("+972501234567",)),
    ],
)
def test_a_domain_is_known_in_letters_and_in_ascii(written, known):
    assert addresses.spellings(written)[: len(known)] == known


@given(st.text(max_size=40))
def test_whatever_a_provider_writes_has_a_spelling(written):
    assert addresses.spellings(written)[0] == addresses.normalise_email(written)
