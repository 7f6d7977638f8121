"""The connection to the system of record for accounts: what we pull and what we tell it."""

from __future__ import annotations

from django.db import models
from django.db.models.fields.json import KeyTextTransform
from django.utils.translation import gettext_lazy as _


class CrmConnection(models.Model):
    slug = models.SlugField(_("short name"), max_length=60, unique=True)
    kind = models.CharField(_("kind"), max_length=30, help_text=_("A key of the setting CONNECTORS."))
    is_active = models.BooleanField(_("active"), default=True)
    last_synced_at = models.DateTimeField(_("last synced at"), null=True, blank=True)

    class Meta:
        verbose_name = _("CRM connection")
        verbose_name_plural = _("CRM connections")

    def __str__(self) -> str:
        return self.slug


class FieldMapping(models.Model):
    """One CRM property and the field of ours that it fills (the CSV mapping's targets), or the meter whose value of
    the day it is (`usage.<meter>`). A kind without any mapping is not pulled."""

    class Kind(models.TextChoices):
        ACCOUNT = "account", _("company")
        CONTACT = "contact", _("contact")
        TICKET = "ticket", _("support ticket")

    connection = models.ForeignKey(
        CrmConnection, verbose_name=_("connection"), on_delete=models.CASCADE, related_name="mappings"
    )
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    property = models.CharField(_("property"), max_length=120, help_text=_("Its name inside the CRM, not its label."))
    target = models.CharField(_("target"), max_length=120)
    type = models.CharField(_("read as"), max_length=20, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "kind", "property"], name="a_property_fills_one_field")
        ]
        verbose_name = _("field mapping")
        verbose_name_plural = _("field mappings")

    def __str__(self) -> str:
        return f"{self.property} → {self.target}"


class SyncCursor(models.Model):
    connection = models.ForeignKey(CrmConnection, on_delete=models.CASCADE)
    kind = models.CharField(max_length=20)
    watermark = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "kind"], name="a_kind_has_one_sync_cursor")]

    def __str__(self) -> str:
        return f"{self.kind} up to {self.watermark}"


class SyncRun(models.Model):
    class State(models.TextChoices):
        RUNNING = "RUNNING", _("Running")
        DONE = "DONE", _("Finished")
        FAILED = "FAILED", _("Failed")

    connection = models.ForeignKey(
        CrmConnection, verbose_name=_("connection"), on_delete=models.CASCADE, related_name="runs"
    )
    state = models.CharField(_("state"), max_length=20, choices=State, default=State.RUNNING)
    started_at = models.DateTimeField(_("started at"))
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    counts = models.JSONField(_("counts"), default=dict, blank=True)
    error = models.TextField(_("error"), blank=True)

    class Meta:
        verbose_name = _("sync run")
        verbose_name_plural = _("sync runs")

    def __str__(self) -> str:
        return f"{self.get_state_display()} · {self.started_at:%Y-%m-%d %H:%M}"


class WriteBack(models.Model):
    """One thing to tell the CRM: an upsert, so at least once is right. `key` makes it once per fact."""

    class State(models.TextChoices):
        PENDING = "PENDING", _("Waiting")
        DONE = "DONE", _("Finished")
        FAILED = "FAILED", _("Given up: a person must look")

    class Kind(models.TextChoices):
        DEAL = "DEAL", _("A won upsell")
        ACCOUNT_STATUS = "ACCOUNT_STATUS", _("Upsell properties of a company")
        CONTACT_STATUS = "CONTACT_STATUS", _("Upsell properties of a contact")
        TASK = "TASK", _("A call of a customer success manager")

    connection = models.ForeignKey(
        CrmConnection, verbose_name=_("connection"), on_delete=models.CASCADE, related_name="write_backs"
    )
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    key = models.CharField(_("key"), max_length=120)
    payload = models.JSONField(_("content"))
    state = models.CharField(_("state"), max_length=20, choices=State, default=State.PENDING)
    attempts = models.IntegerField(_("attempts"), default=0)
    next_at = models.DateTimeField(_("next try at"), help_text=_("Wall time of the next try."))
    queued_at = models.DateTimeField(_("queued at"))
    done_at = models.DateTimeField(_("done at"), null=True, blank=True)
    last_error = models.TextField(_("last error"), blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "kind", "key"], name="a_fact_is_written_back_once")
        ]
        indexes = [
            # for the write-back worker: what is due
            models.Index(fields=["next_at"], condition=models.Q(state="PENDING"), name="write_backs_due"),
            # for the comparison by night: what the CRM was told of some contacts
            models.Index(
                KeyTextTransform("external_id", "payload"),
                condition=models.Q(kind="CONTACT_STATUS"),
                name="told_of_a_contact",
            ),
        ]
        verbose_name = _("write-back")
        verbose_name_plural = _("write-backs")

    def __str__(self) -> str:
        return f"{self.get_kind_display()} · {self.key}"
