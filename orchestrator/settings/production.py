"""Production: everything named in the environment, nothing embedded, no setting that only tests may use."""

from __future__ import annotations

import os

from orchestrator.settings.base import *  # noqa: F403
from orchestrator.settings.base import (
    ALLOWED_HOSTS,
    BEHIND_PROXY,
    DATABASE_URL,
    LOGGING,
    REDIS_URL,
    SECRET_KEY,
    database,
    redis_queues,
)
from orchestrator.settings.environment import SettingError

_REQUIRED = {
    "SECRET_KEY": SECRET_KEY,
    "DATABASE_URL": DATABASE_URL,
    "REDIS_URL": REDIS_URL,
    "ALLOWED_HOSTS": ALLOWED_HOSTS,
    # Addresses are found by their keyed hash: the key in the source would let anybody look them up.
    "ADDRESS_HASH_KEY": os.environ.get("ADDRESS_HASH_KEY") or os.environ.get("ADDRESS_HASH_KEY_FILE"),
}
_missing = [name for name, value in _REQUIRED.items() if not value]
if _missing:
    raise SettingError(f"Production needs {', '.join(_missing)}: set them, or NAME_FILE for a secret kept in a file.")
if len(SECRET_KEY) < 50:
    raise SettingError("SECRET_KEY is too short: links and sessions are signed with it. Use 50 random characters.")

# What bends time or opens a door for tests: with any of these the start is refused.
_OFF, _ON = {"off", "0", "false", "no"}, {"1", "true", "on", "yes"}
_TEST_ONLY = {"CAMPAIGN_WINDOW": {"always"}, "COMPLIANCE_QUIET_HOURS": _OFF, "ALLOW_PRIVATE_WEBHOOKS": _ON}
_refused = [name for name, values in _TEST_ONLY.items() if os.environ.get(name, "").lower() in values]
if os.environ.get("CLOCK_OFFSET"):
    _refused.append("CLOCK_OFFSET")
if _refused:
    raise SettingError(f"{', '.join(_refused)}: only tests may set this. Remove it from production's environment.")

DATABASES = {"default": database(DATABASE_URL)}
RQ_QUEUES = redis_queues(REDIS_URL)

SECURE_SSL_REDIRECT = True
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]  # asked by machines inside the network
SECURE_HSTS_SECONDS = 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# The __Host- prefix makes a browser refuse the cookie unless it is secure, for this host and for every path.
SESSION_COOKIE_NAME = "__Host-sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken"
LANGUAGE_COOKIE_NAME = "__Host-language"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = True

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
LOGGING["handlers"]["stderr"]["level"] = "INFO"
