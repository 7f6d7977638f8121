"""Tests: the services of development, with a database and a Redis number of their own, and cheap hashing."""

from __future__ import annotations

import os
import zlib
from pathlib import Path

os.environ["CLOCK_OFFSET"] = ""  # the demo's clock is not the tests'; the fixture `business_clock` gives one
if _xdist_worker := os.environ.get("PYTEST_XDIST_WORKER"):
    # A pull waits for every open transaction of its server (docs/adr): each test process has servers of its own,
    # and the processes that it starts use the same ones.
    _var = Path(os.environ.get("CRESCENDO_VAR") or Path(__file__).resolve().parents[2] / "var")
    if _var.name != f"test-{_xdist_worker}":
        os.environ["CRESCENDO_VAR"] = str(_var / f"test-{_xdist_worker}")

from orchestrator.settings.environment import env_text
from orchestrator.settings.local import *  # noqa: F403
from orchestrator.settings.local import DATABASE_URL, REDIS_URL, database, redis_queues

DEBUG = False
SECRET_KEY = "tests-only"  # noqa: S105
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
_NAME = env_text("CRESCENDO_TEST_DB", "test_crescendo")
_WORKER = int(env_text("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))

DATABASES = {"default": {**database(DATABASE_URL), "CONN_MAX_AGE": 0, "TEST": {"NAME": _NAME}}}
DATABASES["default"]["OPTIONS"].pop("pool", None)
# Redis offers 16 numbers; 0 is development's.
REDIS_URL = f"{REDIS_URL.partition('?')[0]}?db={1 + (zlib.crc32(_NAME.encode()) + _WORKER) % 15}"
RQ_QUEUES = redis_queues(REDIS_URL)

LOGGING = {"version": 1, "disable_existing_loggers": False, "loggers": {"rq": {"level": "WARNING"}}}
SENDER_NAME = "Acme Cloud"
SENDER_POSTAL_ADDRESS = "1 Test Street, Haifa"
SENDGRID_FROM_EMAIL = "hello@acme.example"
# The suite runs at any hour of any day, on Shabbat, too; the tests of quiet hours switch them on.
COMPLIANCE_QUIET_HOURS = False
