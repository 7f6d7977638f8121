from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.consent.models import channel_names


class Template(models.Model):
    slug = models.SlugField(_("short name"), max_length=120, unique=True)
    name = models.CharField(_("name"), max_length=200)
    channel = models.CharField(_("channel"), max_length=20, choices=channel_names)

    class Meta:
        verbose_name = _("template")
        verbose_name_plural = _("templates")

    def __str__(self) -> str:
        return self.name


class TemplateVersion(models.Model):
    """Finished wording, never edited. `content` maps a locale to its source fields
    (email: subject, mjml, text; in_app: title, body, button; sms: text);
    `compiled` maps a locale to what rendering starts from (MJML already turned into HTML)."""

    template = models.ForeignKey(
        Template, verbose_name=_("template"), on_delete=models.PROTECT, related_name="versions"
    )
    number = models.IntegerField(_("number"))
    content = models.JSONField(_("content"))
    compiled = models.JSONField()
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["template", "number"], name="a_template_version_has_its_own_number")
        ]
        verbose_name = _("template version")
        verbose_name_plural = _("template versions")

    def __str__(self) -> str:
        return f"{self.template_id} v{self.number}"
