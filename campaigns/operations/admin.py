"""RQ's dashboard of bells and workers, as its package makes it, but for two kinds of failure, and for superusers alone:
whoever opens it can empty what carries every message."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern
from django_rq.admin import QueueAdmin
from django_rq.models import Dashboard
from rq.exceptions import NoSuchJobError

# The dashboard's model has no table, and so none of an object's pages.
_OF_OBJECTS = {None, *(f"django_rq_dashboard_{act}" for act in ("add", "history", "delete", "change"))}
# A bell that was answered meanwhile, a queue or worker that is not there, an id that is none, a scheduler not in use.
_NOT_THERE = (NoSuchJobError, IndexError, ValueError, ImproperlyConfigured)


class BellsAdmin(QueueAdmin):
    def get_urls(self) -> list[URLPattern]:
        return [
            URLPattern(one.pattern, _for_superusers(_or_not_there(one.callback)), one.default_args, one.name)
            for one in super().get_urls()
            if one.name not in _OF_OBJECTS
        ]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return _is_superuser(request)

    def has_view_permission(self, request: HttpRequest, obj: Any | None = None) -> bool:
        return _is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Any | None = None) -> bool:
        return _is_superuser(request)


def _is_superuser(request: HttpRequest) -> bool:
    return request.user.is_active and request.user.is_superuser


def _for_superusers(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Who is not logged in is asked to be by the view itself."""

    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.user.is_authenticated and not _is_superuser(request):
            raise PermissionDenied("Only superusers see the bells.")
        return view(request, *args, **kwargs)

    return shown


def _or_not_there(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except _NOT_THERE as error:
            raise Http404("There is no such bell, queue or worker (any more).") from error

    return shown


admin.site.unregister(Dashboard)
admin.site.register(Dashboard, BellsAdmin)
