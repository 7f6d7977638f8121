"""Settings shared by every environment. Typed readers fail loudly; every secret may come from NAME_FILE."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg.conninfo
from django.utils.csp import CSP

from orchestrator.settings.campaigns import *  # noqa: F403
from orchestrator.settings.campaigns import DELIVERY_LEASE_S, PROVIDER_TIMEOUT_S
from orchestrator.settings.environment import SettingError, env_bool, env_int, env_list, env_secret, env_text
from orchestrator.settings.logs import logging_config, process_name
from orchestrator.settings.patience import as_options, session_limits
from orchestrator.settings.queues import *  # noqa: F403

ROOT = Path(__file__).resolve().parents[2]
VAR = Path(env_text("CRESCENDO_VAR", str(ROOT / "var")))

DEBUG = False
SECRET_KEY = env_secret("SECRET_KEY")
SECRET_KEY_FALLBACKS: list[str] = env_list("SECRET_KEY_FALLBACKS")
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS")
PUBLIC_BASE_URL = env_text("PUBLIC_BASE_URL", "http://127.0.0.1:8000").rstrip("/")

# Floors from the ground up: docs/architecture.md.
ROOMS = [
    "operations",
    "profiles",
    "billing",
    "consent",
    "usage",
    "crm",
    "experiments",
    "delivery",
    "intake",
    "segments",
    "offers",
    "sequences",
    "conversions",
    "analytics",
    "privacy",
    "console",
    "public",
    "api",
    "cli",
]
INSTALLED_APPS = [
    "campaigns.console.apps.CrescendoAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "whitenoise.runserver_nostatic",
    "campaigns.cli",  # above django_rq: its rqcron enqueues JSON through the bells
    "django.contrib.staticfiles",
    "django_rq",
    "django_htmx",
    "crispy_forms",
    "crispy_bootstrap5",
    *[f"campaigns.{room}" for room in ROOMS if room not in {"console", "cli"}],
    "campaigns.console.apps.ConsoleConfig",
]

# A segment may have 200 conditions; each is some eight fields of its form.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "orchestrator.urls"
WSGI_APPLICATION = "orchestrator.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

SECURE_CSP = {
    "default-src": [CSP.SELF],
    "script-src": [CSP.SELF, CSP.NONCE],
    "style-src": [CSP.SELF, CSP.NONCE],
    "img-src": [CSP.SELF, "data:"],
    "object-src": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.NONE],
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
CSRF_COOKIE_SAMESITE = "Lax"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{rule}"}
    for rule in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("he", "עברית"), ("ro", "Română")]
LOCALE_PATHS = [ROOT / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "static/"
STATIC_ROOT = Path(env_text("CRESCENDO_STATIC_ROOT", str(VAR / "static")))
# The API's description is drawn by what django-ninja brings. As an installed app it would be in every process's memory.
_NINJA = find_spec("ninja")
assert _NINJA is not None and _NINJA.submodule_search_locations, "requirements.txt has it."
STATICFILES_DIRS = [ROOT / "static", ("ninja", Path(_NINJA.submodule_search_locations[0]) / "static" / "ninja")]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"


def database(url: str) -> dict[str, Any]:
    """libpq connection URLs (sockets too) as Django wants them."""
    info: dict[str, Any] = dict(psycopg.conninfo.conninfo_to_dict(url))
    settings: dict[str, Any] = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": info.pop("dbname", "postgres"),
        "USER": info.pop("user", ""),
        "PASSWORD": info.pop("password", ""),
        "HOST": info.pop("host", ""),
        "PORT": info.pop("port", ""),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"connect_timeout": 5, **info},
    }
    if limits := as_options(session_limits()):
        # What the address itself says comes last, and so wins.
        settings["OPTIONS"]["options"] = f"{limits} {info.get('options', '')}".strip()
    if process_name() == "web":
        # Threads share connections; a worker has one thread and reconnects by itself, without a pool's back-off.
        settings["OPTIONS"]["pool"] = {"min_size": 1, "max_size": env_int("DATABASE_POOL", 8), "timeout": 5}
        # For the few statements that ask for it (`campaigns.operations.prepared`).
        settings["OPTIONS"]["prepare_threshold"] = 0
    else:
        settings["CONN_MAX_AGE"] = 60
    return settings


DATABASE_URL = env_secret("DATABASE_URL")
REDIS_URL = env_secret("REDIS_URL")
# Who supervises asks this every second to start servers of our own again; only development has such servers.
REVIVE_SERVICES: Callable[[], list[str]] | None = None
BEHIND_PROXY = env_bool("BEHIND_PROXY", False)
# Off for those who run the workers elsewhere: /readyz then speaks for the web process and its services alone.
READY_NEEDS_WORKERS = env_bool("READY_NEEDS_WORKERS", True)
LOGGING = logging_config(folder=VAR / "log", level=env_text("LOG_LEVEL", "INFO"))

# Only tests and the demo move them; production refuses to start with any of them (orchestrator/checks.py).
CLOCK_OFFSET = env_text("CLOCK_OFFSET")
COMPLIANCE_QUIET_HOURS = env_bool("COMPLIANCE_QUIET_HOURS", True)
ALLOW_PRIVATE_WEBHOOKS = env_bool("ALLOW_PRIVATE_WEBHOOKS", False)

if DELIVERY_LEASE_S <= PROVIDER_TIMEOUT_S + 2:
    raise SettingError(
        f"DELIVERY_LEASE_S ({DELIVERY_LEASE_S}) must be more than PROVIDER_TIMEOUT_S ({PROVIDER_TIMEOUT_S}) + 2: "
        "a lease that ends during a provider's call would let a second worker send the same message."
    )
