from __future__ import annotations
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from campaigns.console import pages
def list_tests(request: HttpRequest) -> HttpResponse:
    return pages.show(request, "console/tests/list.html", {"section": "tests", "title": _("Tests")})
def show_test(request: HttpRequest, slug: str) -> HttpResponse:
    return list_tests(request)
export_numbers = show_test
