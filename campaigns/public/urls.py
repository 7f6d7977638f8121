from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from campaigns.public.views import click, confirm, in_app, mail, offer, preferences, unsubscribe

urlpatterns: list[URLPattern | URLResolver] = [
    path("u/<str:token>", unsubscribe.unsubscribe, name="unsubscribe"),
    path("p/<str:token>", preferences.preferences, name="preferences"),
    path("y/<str:token>", confirm.confirm, name="confirm_consent"),
    path("c/<str:token>", click.click, name="click"),
    path("o/<str:token>", offer.offer, name="offer"),
    path("v/<str:token>", mail.view_mail, name="view_mail"),
    path("inapp/v1/crescendo.js", in_app.script, name="in_app_script"),
    path("inapp/v1/feed", in_app.feed, name="in_app_feed"),
    path("inapp/v1/events", in_app.events, name="in_app_events"),
]
