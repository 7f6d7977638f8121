from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class ApiKey(models.Model):
    """Who may call the API. The key itself is shown once; only its hash is kept."""

    class Role(models.TextChoices):
        ANALYST = "ANALYST", _("Analyst: may read")
        MARKETER = "MARKETER", _("Marketer: may read, and bring people in")
        ADMIN = "ADMIN", _("Admin: may do everything the API does")

    name = models.CharField(_("name"), max_length=120, unique=True, help_text=_("Who calls with it."))
    role = models.CharField(_("role"), max_length=20, choices=Role)
    key_hash = models.BinaryField(max_length=32, unique=True, editable=False)
    created_at = models.DateTimeField(_("created at"))
    last_used_at = models.DateTimeField(_("last used at"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")

    def __str__(self) -> str:
        return self.name


class KeptAnswer(models.Model):
    """What a POST with an Idempotency-Key was answered: the same call again gets the same answer.

    Without a status the call is under way; `begun_at` tells for how long.
    """

    api_key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="kept_answers")
    idempotency_key = models.CharField(max_length=200)
    request_hash = models.BinaryField(help_text="SHA-256 of method, path and body.")
    begun_at = models.DateTimeField(help_text="Wall time.")
    attempt = models.IntegerField(default=1)
    status = models.SmallIntegerField(null=True, blank=True)
    body = models.JSONField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["api_key", "idempotency_key"], name="an_idempotency_key_stands_for_one_call"
            ),
            models.CheckConstraint(
                condition=Q(status__isnull=True, body__isnull=True) | Q(status__isnull=False, body__isnull=False),
                name="a_kept_answer_has_a_status_and_a_body",
            ),
        ]
        indexes = [models.Index(fields=["begun_at"], name="kept_answers_by_age")]

    def __str__(self) -> str:
        return f"{self.idempotency_key} of {self.api_key}"
