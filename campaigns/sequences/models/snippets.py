"""Texts that wordings include by name."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Snippet(models.Model):
    """A named text that wordings include. What it says is its newest version."""

    slug = models.SlugField(_("short name"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=200)
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("snippet")
        verbose_name_plural = _("snippets")

    def __str__(self) -> str:
        return self.name


class SnippetVersion(models.Model):
    """`content` maps a locale to a text with Liquid. Never edited."""

    snippet = models.ForeignKey(Snippet, verbose_name=_("snippet"), on_delete=models.CASCADE, related_name="versions")
    number = models.IntegerField(_("number"))
    content = models.JSONField(_("content"))
    created_at = models.DateTimeField(_("created at"))
    created_by = models.CharField(_("created by"), max_length=150, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["snippet", "number"], name="a_snippet_version_has_its_own_number")
        ]
        verbose_name = _("snippet version")
        verbose_name_plural = _("snippet versions")

    def __str__(self) -> str:
        return f"{self.snippet_id} v{self.number}"
