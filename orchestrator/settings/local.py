"""Development: whatever services the environment names, else embedded ones with their data in var/."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from orchestrator.settings import running_demo

# The demo's clock lives in a file, so that `up` goes on at the day where the demo ended.
_VAR = Path(os.environ.get("CRESCENDO_VAR") or Path(__file__).resolve().parents[2] / "var")
os.environ.setdefault("CLOCK_OFFSET", str(_VAR / "clock.offset"))
if os.environ.get("DJANGO_SETTINGS_MODULE") == "orchestrator.settings.local":
    running_demo.adopt(_VAR)

from orchestrator import services  # noqa: E402
from orchestrator.settings.base import *  # noqa: E402, F403
from orchestrator.settings.base import (  # noqa: E402
    ALLOWED_HOSTS,
    DATABASE_URL,
    REDIS_URL,
    SECRET_KEY,
    VAR,
    database,
    redis_queues,
)
from orchestrator.settings.environment import env_bool  # noqa: E402

# Off unless asked for, so that the demo and `up` run at production's speed and show production's error pages.
DEBUG = env_bool("DEBUG", False)
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
SECRET_KEY = SECRET_KEY or "development-only-never-in-production"
ALLOWED_HOSTS = [*ALLOWED_HOSTS, "127.0.0.1", "localhost", "[::1]", "testserver"]

REVIVE_SERVICES = partial(services.revive, VAR, postgres=not DATABASE_URL, redis=not REDIS_URL)
DATABASE_URL = DATABASE_URL or services.start_postgres(VAR)
REDIS_URL = REDIS_URL or services.start_redis(VAR)
DATABASES = {"default": database(DATABASE_URL)}
RQ_QUEUES = redis_queues(REDIS_URL)
