"""The root URLconf. What is mounted is decided in campaigns/urls.py."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [path("", include("campaigns.urls"))]
handler500 = "campaigns.cli.views.server_error"
handler404 = "campaigns.cli.views.not_found"
handler400 = "campaigns.cli.views.bad_request"
