"""Who gets which wording, drawn once per account, and what came of it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from campaigns.profiles.models import Account


class Experiment(models.Model):
    """One comparison. The arm of an account is SHA-256(salt:external id): anybody can recompute it.

    `planned_accounts` (N*), `alpha` and `minimum_days` are fixed when it starts.
    """

    class Status(models.TextChoices):
        DRAFT = "DRAFT", _("Draft")
        RUNNING = "RUNNING", _("Running")
        DECIDED = "DECIDED", _("Decided")

    slug = models.SlugField(_("short name"), max_length=80, unique=True)
    name = models.CharField(_("name"), max_length=200)
    salt = models.CharField(_("salt of the draw"), max_length=64)
    holdout_percent = models.DecimalField(_("held out, percent"), max_digits=5, decimal_places=2, default=0)
    goal_window_days = models.IntegerField(_("goal window in days"), default=14)
    planned_accounts = models.IntegerField(_("planned accounts"), default=5000)
    alpha = models.DecimalField(_("significance level"), max_digits=4, decimal_places=3, default="0.05")
    minimum_days = models.IntegerField(_("days at least"), default=7)
    status = models.CharField(_("status"), max_length=20, choices=Status, default=Status.DRAFT)
    started_at = models.DateTimeField(_("started at"), null=True, blank=True)
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    decided_by = models.CharField(_("decided by"), max_length=150, blank=True)
    decision_reason = models.TextField(_("reason of the decision"), blank=True)
    winner = models.ForeignKey(
        "Variant", verbose_name=_("winner"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(holdout_percent__gte=0, holdout_percent__lt=100), name="a_holdout_leaves_somebody"
            )
        ]
        verbose_name = _("experiment")
        verbose_name_plural = _("experiments")

    def __str__(self) -> str:
        return self.name


class Variant(models.Model):
    experiment = models.ForeignKey(
        Experiment, verbose_name=_("experiment"), on_delete=models.CASCADE, related_name="variants"
    )
    key = models.SlugField(_("key"), max_length=40)
    name = models.CharField(_("name"), max_length=200, blank=True)
    weight = models.IntegerField(_("weight"))
    position = models.IntegerField(
        _("position"), default=0, help_text=_("The first is the one others are compared with.")
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["experiment", "key"], name="an_experiment_names_a_variant_once"),
            models.CheckConstraint(condition=Q(weight__gte=0), name="a_weight_is_never_negative"),
        ]
        verbose_name = _("variant")
        verbose_name_plural = _("variants")

    def __str__(self) -> str:
        return self.key


class Assignment(models.Model):
    """The recorded draw of one account. `variant` null: held out."""

    experiment = models.ForeignKey(
        Experiment, verbose_name=_("experiment"), on_delete=models.PROTECT, db_index=False, related_name="assignments"
    )
    account = models.ForeignKey(
        Account, verbose_name=_("account"), on_delete=models.PROTECT, related_name="assignments"
    )
    variant = models.ForeignKey(Variant, verbose_name=_("variant"), null=True, blank=True, on_delete=models.PROTECT)
    x = models.FloatField(_("place in the draw"), help_text=_("The account's hash in [0, 1)."))
    at = models.DateTimeField(_("when"))

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["experiment", "account"], name="an_account_is_drawn_once_per_experiment")
        ]
        verbose_name = _("assignment")
        verbose_name_plural = _("assignments")

    def __str__(self) -> str:
        return f"{self.account_id} · {self.experiment_id}"


class Snapshot(models.Model):
    """A read-out as it stood at one moment, so that a page shows what people saw then."""

    experiment = models.ForeignKey(
        Experiment, verbose_name=_("experiment"), on_delete=models.CASCADE, related_name="snapshots"
    )
    at = models.DateTimeField(_("when"))
    results = models.JSONField(_("results"))

    class Meta:
        indexes = [models.Index(fields=["experiment", "-at"], name="newest_snapshot")]
        verbose_name = _("snapshot")
        verbose_name_plural = _("snapshots")

    def __str__(self) -> str:
        return f"{self.experiment_id} · {self.at:%Y-%m-%d %H:%M}"
