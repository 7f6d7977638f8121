"""How many parts a text message takes. The provider's own count after sending is authoritative."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Characters; a provider refuses more (Twilio's error 21617).
LONGEST = 1600
_EXTENDED = frozenset("\f^{}\\[~]|€")


@dataclass(frozen=True, slots=True)
class SmsSize:
    """`units`: septets (GSM-7) or UTF-16 units (UCS-2). An empty text takes no segment.

    `left`: how many more plain characters go into the last segment.
    """

    encoding: Literal["GSM-7", "UCS-2"]
    units: int
    segments: int
    left: int = field(default=0, compare=False)


def count_segments(text: str) -> SmsSize:
    """One character outside GSM-7 turns all to UCS-2. Extension characters and emoji never straddle two parts."""
    if all(letter in _BASIC or letter in _EXTENDED for letter in text):
        sizes = [2 if letter in _EXTENDED else 1 for letter in text]
        return SmsSize("GSM-7", sum(sizes), *_parts(sizes, whole=160, part=153))
    sizes = [2 if ord(letter) > 0xFFFF else 1 for letter in text]
    return SmsSize("UCS-2", sum(sizes), *_parts(sizes, whole=70, part=67))


def _parts(sizes: list[int], *, whole: int, part: int) -> tuple[int, int]:
    if sum(sizes) <= whole:
        return (1 if sizes else 0), whole - sum(sizes)
    parts, used = 1, 0
    for size in sizes:
        if used + size > part:
            parts, used = parts + 1, 0
        used += size
    return parts, part - used
