from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from campaigns.delivery import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("webhooks/sendgrid/events", views.sendgrid_events, name="sendgrid_events"),
    path("webhooks/sendgrid/inbound/<str:secret>", views.sendgrid_inbound, name="sendgrid_inbound"),
    path("webhooks/twilio/status/<str:message>", views.twilio_status, name="twilio_status"),
    path("webhooks/twilio/inbound", views.twilio_inbound, name="twilio_inbound"),
]
