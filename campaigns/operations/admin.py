"""RQ's dashboard of bells and workers, as its package makes it, but for two kinds of failure."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.core.exceptions import ImproperlyConfigured
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
            URLPattern(one.pattern, _or_not_there(one.callback), one.default_args, one.name)
            for one in super().get_urls()
            if one.name not in _OF_OBJECTS
        ]


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
