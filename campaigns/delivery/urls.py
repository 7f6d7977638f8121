from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from campaigns.delivery import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("webhooks/sendgrid/events", views.sendgrid_events, name="sendgrid_events"),
]
