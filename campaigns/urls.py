"""The URL map: names that people script against. The rooms keep their own routes."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from campaigns.cli import views

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="root"),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("", include("campaigns.intake.urls")),
    path("", include("campaigns.delivery.urls")),
    path("", include("campaigns.public.urls")),
    path("", include("campaigns.api.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("admin/", admin.site.urls),
]
