from __future__ import annotations

import json
from typing import Any

from orchestrator.channels.contract import Busy


def read(body: bytes) -> Any:
    """A JSON answer; Busy where it is none, for then nothing is known and asking again does no harm."""
    try:
        return json.loads(body)
    except ValueError:
        pass
    raise Busy("SendGrid's answer is unreadable: it is no JSON.", code="unreadable")
