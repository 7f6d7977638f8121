"""What a web server runs. All that requests need is loaded here, before the server parts into processes: they share
what they do not change."""

from __future__ import annotations

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orchestrator.settings.local")

application = get_wsgi_application()
# Resolving is what loads every page's code.
get_resolver().resolve("/healthz")
# Looking for garbage would write to what is shared.
gc.collect()
gc.freeze()
