"""What every process has in memory before its first request or job. Each name here was asked for; a new one is a
decision.

All pages' and jobs' code is there, so that the processes share it. Providers' SDKs, statistics and the sandbox are tens
of megabytes each: they come when they are needed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import json, sys
before = set(sys.modules)
from campaigns.operations import nursery
nursery.load()
names = {name.partition(".")[0] for name in set(sys.modules) - before}
print(json.dumps(sorted(name for name in names if name not in sys.stdlib_module_names)))
"""
# Small, and there only where something else that is installed brings them; typing_extensions only before Python 3.13.
BY_THE_WAY = {"cython_runtime", "greenlet", "typing_extensions"}
PACKAGES = [
    "annotated_types",
    "asgiref",
    "babel",
    "campaigns",
    "crispy_bootstrap5",
    "crispy_forms",
    "croniter",
    "cryptography",
    "dateutil",
    "django",
    "django_htmx",
    "django_rq",
    "importlib_resources",
    "jwt",
    "liquid",
    "markupsafe",
    "mrml",
    "nh3",
    "ninja",
    "orchestrator",
    "phonenumbers",
    "psutil",
    "psycopg",
    "psycopg_binary",
    "pydantic",
    "pydantic_core",
    "pytz",
    "redis",
    "rq",
    "six",
    "sqlparse",
    "standardwebhooks",
    "typing_inspection",
    "whitenoise",
]


def test_a_fresh_process_imports_only_what_is_listed():
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    places = {"DATABASE_URL": "postgresql:///none", "REDIS_URL": "unix:///none", "CRESCENDO_PROCESS": "nursery"}
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env={**environment, **places, "DJANGO_SETTINGS_MODULE": "orchestrator.settings.local"},
        capture_output=True,
        text=True,
        check=True,
    )
    imported = [name for name in json.loads(answer.stdout) if not name.startswith("_") and name not in BY_THE_WAY]
    assert imported == PACKAGES
