"""Stored audiences: a definition in JSON, compiled to one SQL statement, refreshed as a diff."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from campaigns.operations.fields import Xid8Field
from campaigns.operations.quick_row import QuickRow
from campaigns.profiles.models import Account, Contact


class Segment(models.Model):
    slug = models.SlugField(_("short name"), max_length=80, unique=True)
    name = models.CharField(_("name"), max_length=200)
    live_version = models.ForeignKey(
        "SegmentVersion",
        verbose_name=_("live version"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    created_at = models.DateTimeField(_("created at"))
    archived_at = models.DateTimeField(_("archived at"), null=True, blank=True)
    refreshed_at = models.DateTimeField(_("refreshed at"), null=True, blank=True)
    size = models.IntegerField(_("size"), null=True, blank=True)

    class Meta:
        verbose_name = _("segment")
        verbose_name_plural = _("segments")

    def __str__(self) -> str:
        return self.name


class SegmentVersion(models.Model):
    segment = models.ForeignKey(Segment, verbose_name=_("segment"), on_delete=models.CASCADE, related_name="versions")
    number = models.IntegerField(_("number"))
    definition = models.JSONField(_("definition"))
    created_at = models.DateTimeField(_("created at"))
    created_by = models.CharField(_("created by"), max_length=150, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["segment", "number"], name="a_segment_version_has_its_own_number")
        ]
        verbose_name = _("segment version")
        verbose_name_plural = _("segment versions")

    def __str__(self) -> str:
        return f"{self.segment_id} v{self.number}"


class SegmentMembership(QuickRow):
    """A stay in a segment: from entering until leaving. Entering again makes a new row.

    Leaving does not renew `xid`: a pull of this table sees each entering once.
    """

    segment = models.ForeignKey(Segment, verbose_name=_("segment"), on_delete=models.CASCADE, related_name="stays")
    account = models.ForeignKey(Account, verbose_name=_("account"), null=True, blank=True, on_delete=models.CASCADE)
    contact = models.ForeignKey(Contact, verbose_name=_("contact"), null=True, blank=True, on_delete=models.CASCADE)
    entered_at = models.DateTimeField(_("entered at"))
    left_at = models.DateTimeField(_("left at"), null=True, blank=True)
    xid = Xid8Field()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(account__isnull=False, contact__isnull=True)
                | Q(account__isnull=True, contact__isnull=False),
                name="a_member_is_an_account_or_a_contact",
            ),
            models.UniqueConstraint(
                fields=["segment", "account"], condition=Q(left_at__isnull=True), name="an_account_stays_once_at_a_time"
            ),
            models.UniqueConstraint(
                fields=["segment", "contact"], condition=Q(left_at__isnull=True), name="a_contact_stays_once_at_a_time"
            ),
        ]
        indexes = [models.Index(fields=["segment", "xid", "id"], name="stays_to_pull")]
        verbose_name = _("stay in a segment")
        verbose_name_plural = _("stays in segments")

    def __str__(self) -> str:
        return f"{self.account_id or self.contact_id} · {self.segment_id}"


class SegmentRefresh(models.Model):
    """One run of a segment's statement: how long it took, whom it moved, or why it failed."""

    segment = models.ForeignKey(Segment, verbose_name=_("segment"), on_delete=models.CASCADE, related_name="refreshes")
    started_at = models.DateTimeField(_("started at"))
    milliseconds = models.IntegerField(_("milliseconds"), null=True, blank=True)
    size = models.IntegerField(_("size"), null=True, blank=True)
    entered = models.IntegerField(_("newly in"), default=0)
    left = models.IntegerField(_("newly out"), default=0)
    error = models.TextField(_("error"), blank=True)

    class Meta:
        indexes = [models.Index(fields=["segment", "-started_at"], name="refreshes_of_a_segment")]
        verbose_name = _("segment refresh")
        verbose_name_plural = _("segment refreshes")

    def __str__(self) -> str:
        return f"{self.segment_id} · {self.started_at:%Y-%m-%d %H:%M}"
