"""The pages of the template gallery and of snippets inside the studio."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpResponse
from django.urls import URLPattern, path

from campaigns.console.views import gallery, snippets

View = Callable[..., HttpResponse]


def gallery_urls(wrap: Callable[[View], View]) -> list[URLPattern]:
    """`wrap` is the admin site's admin_view: login, staff check, never cached."""
    one = "studio/templates/<slug:slug>/"
    wording = "studio/campaigns/<slug:slug>/steps/<slug:key>/<slug:letter>/"
    return [
        path("studio/templates/", wrap(gallery.list_templates), name="studio-templates"),
        path("studio/templates/undo/<slug:slug>/", wrap(gallery.undo_start), name="studio-template-undo"),
        path("studio/snippets/", wrap(snippets.list_snippets), name="studio-snippets"),
        path("studio/snippets/new/", wrap(snippets.make_snippet), name="studio-snippet-new"),
        path("studio/snippets/<slug:slug>/", wrap(snippets.edit_snippet), name="studio-snippet"),
        path(one, wrap(gallery.show_template), name="studio-template"),
        path(f"{one}preview/<slug:channel>/", wrap(gallery.show_preview), name="studio-template-preview"),
        path(f"{one}start/", wrap(gallery.start_campaign), name="studio-template-start"),
        path(f"{wording}templates/", wrap(gallery.take_texts), name="studio-campaign-templates"),
    ]
