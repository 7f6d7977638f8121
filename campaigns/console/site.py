from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.contrib import admin
from django.core.exceptions import FieldDoesNotExist
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import SimpleTemplateResponse
from django.urls import URLPattern, URLResolver
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class CrescendoAdminSite(admin.AdminSite):
    """Django's admin with the marketers' pages in front: the index is their home page, and the
    model list moves to /admin/data/."""

    site_header = "Crescendo"
    site_title = "Crescendo"
    index_title = _("Data")
    site_url = None
    enable_nav_sidebar = True

    def get_urls(self) -> list[URLPattern | URLResolver]:
        from django.urls import path

        from campaigns.console import urls  # the studio's views need the app registry

        return [
            *urls.studio_urls(self.admin_view),
            path("data/", self.admin_view(self.show_data), name="data"),
            *super().get_urls(),
        ]

    def admin_view[View: Callable[..., HttpResponseBase]](self, view: View, cacheable: bool = False) -> View:
        return super().admin_view(_in_readers_zone(_of_known_fields(view)), cacheable)

    def index(  # type: ignore[override]  # a page of our own, not the template response of Django's index
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        from campaigns.console import urls

        return urls.index_of(request)

    def show_data(self, request: HttpRequest) -> HttpResponse:
        return super().index(request)


def _in_readers_zone[View: Callable[..., HttpResponseBase]](view: View) -> View:
    """Every time on every page behind the login is told in the reader's own zone, and what they type is meant so."""

    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        from campaigns.console import pages

        with timezone.override(pages.time_zone_of(request)):
            response = view(request, *args, **kwargs)
            # Django's own pages are rendered after their view.
            return response.render() if isinstance(response, SimpleTemplateResponse) else response

    return cast("View", shown)


def _of_known_fields[View: Callable[..., HttpResponseBase]](view: View) -> View:
    """Django looks an object up by whatever field the address names, and fails over one that is empty."""

    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            return view(request, *args, **kwargs)
        except FieldDoesNotExist as error:
            raise Http404("There is no such field.") from error

    return cast("View", shown)
