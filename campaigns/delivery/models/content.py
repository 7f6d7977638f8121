from __future__ import annotations

from django.db import models


class Template(models.Model):
    slug = models.SlugField(max_length=120, unique=True)
    name = models.CharField(max_length=200)
    channel = models.CharField(max_length=20)

    def __str__(self) -> str:
        return self.name


class TemplateVersion(models.Model):
    """Finished wording, never edited. `content` maps a locale to its source fields
    (email: subject, mjml, text; in_app: title, body, button; sms: text);
    `compiled` maps a locale to what rendering starts from (MJML already turned into HTML)."""

    template = models.ForeignKey(Template, on_delete=models.PROTECT, related_name="versions")
    number = models.IntegerField()
    content = models.JSONField()
    compiled = models.JSONField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["template", "number"], name="a_template_version_has_its_own_number")
        ]

    def __str__(self) -> str:
        return f"{self.template_id} v{self.number}"
