from __future__ import annotations

import pytest

from orchestrator.templating.sms import SmsSize, count_segments


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("", SmsSize("GSM-7", 0, 0)),
        ("a" * 160, SmsSize("GSM-7", 160, 1)),
        ("a" * 161, SmsSize("GSM-7", 161, 2)),
        ("a" * 306, SmsSize("GSM-7", 306, 2)),
        ("a" * 307, SmsSize("GSM-7", 307, 3)),
        ("€" * 80, SmsSize("GSM-7", 160, 1)),
        ("a€[", SmsSize("GSM-7", 5, 1)),
        ("à è é ù ß Ç", SmsSize("GSM-7", 11, 1)),
        ("ç", SmsSize("UCS-2", 1, 1)),
        ("ă", SmsSize("UCS-2", 1, 1)),
        ("ש" * 70, SmsSize("UCS-2", 70, 1)),
        ("ש" * 71, SmsSize("UCS-2", 71, 2)),
        ("ש" * 134, SmsSize("UCS-2", 134, 2)),
        ("😀" * 35, SmsSize("UCS-2", 70, 1)),
    ],
)
def test_segments(text, size):
    assert count_segments(text) == size


def test_an_extension_character_does_not_straddle_two_parts():
    assert count_segments("a" * 152 + "€" + "a" * 152).segments == 3
    assert count_segments("a" * 151 + "€" + "a" * 153).segments == 2


def test_an_emoji_does_not_straddle_two_parts():
    assert count_segments("ש" * 66 + "😀" + "ש" * 66).segments == 3
