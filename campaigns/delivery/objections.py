"""What rooms above know against a marketing message at its last moment, asked after the locks.

This room knows neither campaigns nor offers. Whoever does registers a question when the apps are loaded; it is asked
once for each slice that is begun, so it takes all messages at once and answers cheaply where there is nothing to say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

# {message id: a Message.Reason} of those that must not go.
type Objection = Callable[[Sequence[int]], Mapping[int, str]]

_asked: list[Objection] = []


def register(objection: Objection) -> None:
    if objection not in _asked:
        _asked.append(objection)


def find(*, message_ids: Sequence[int]) -> dict[int, str]:
    found: dict[int, str] = {}
    if message_ids:
        for objection in _asked:
            found |= objection(message_ids)
    return found
