from __future__ import annotations
from django.http import HttpRequest, HttpResponse
def decide(request: HttpRequest, slug: str, choice: str) -> HttpResponse:
    raise NotImplementedError
