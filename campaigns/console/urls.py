"""The studio: the marketers' pages, mounted inside the admin site at /admin/studio/."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path

from campaigns.console.views import home

View = Callable[..., HttpResponse]


def studio_urls(wrap: Callable[[View], View]) -> list[URLPattern]:
    """`wrap` is the admin site's admin_view: login, staff check, never cached."""
    return [
        path("studio/", wrap(home.show_home), name="studio-home"),
    ]


def index_of(request: HttpRequest) -> HttpResponse:
    return home.show_home(request)
