"""The script that host applications load: one file, read once per process."""

from __future__ import annotations

import functools
import gzip
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from django.conf import settings

_FILE = "static/inapp/crescendo.js"


@dataclass(frozen=True, slots=True)
class Script:
    plain: bytes
    packed: bytes
    digest: str


def script() -> Script:
    path = Path(settings.ROOT) / _FILE
    return _read(path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=1)
def _read(path: Path, changed: int) -> Script:
    """`changed` makes a new version of the file a new entry."""
    plain = path.read_bytes()
    return Script(plain, gzip.compress(plain, 9, mtime=0), sha256(plain).hexdigest()[:32])
