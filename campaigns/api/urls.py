"""The JSON API. Its description is for whoever may see the studio; calls need a key of their own, never a cookie."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.csp import CSP
from django.views.decorators.csp import csp_override
from ninja import NinjaAPI, Swagger

from campaigns.api.views import access, answers, entries

# Swagger UI sets styles from its script. Nothing else is loosened.
_POLICY: Mapping[str, Collection[str] | str] = {
    "default-src": [CSP.SELF],
    "style-src": [CSP.SELF, CSP.UNSAFE_INLINE],
    "img-src": [CSP.SELF, "data:"],
    "object-src": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.NONE],
}


class OwnPage(Swagger):
    """The package's files from this site: the package itself takes them from a CDN unless it is an installed app."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        told = json.dumps({**self.settings, "url": self.get_openapi_url(api, kwargs)})
        return render(request, "api/docs.html", {"api": api, "swagger_settings": told})


api = NinjaAPI(
    title="Crescendo",
    version="1",
    urls_namespace="api-v1",
    auth=access.BearerKey(),
    docs=OwnPage({"validatorUrl": None}),
    docs_decorator=lambda view: staff_member_required(csp_override(_POLICY)(view)),
)
api.add_router("", entries.router)
answers.install(api)

_patterns, _app, _namespace = api.urls
urlpatterns = [path("api/v1/", (answers.in_own_form(_patterns), _app, _namespace))]
