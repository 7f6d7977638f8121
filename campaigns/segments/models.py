"""Stored audiences: a definition in JSON, compiled to one SQL statement, refreshed as a diff."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from campaigns.operations.fields import Xid8Field
from campaigns.profiles.models import Account, Contact


class Segment(models.Model):
    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=200)
    live_version = models.ForeignKey(
        "SegmentVersion", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True, blank=True)
    refreshed_at = models.DateTimeField(null=True, blank=True)
    size = models.IntegerField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class SegmentVersion(models.Model):
    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="versions")
    number = models.IntegerField()
    definition = models.JSONField()
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=150, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["segment", "number"], name="a_segment_version_has_its_own_number")
        ]

    def __str__(self) -> str:
        return f"{self.segment_id} v{self.number}"


class SegmentMembership(models.Model):
    """A stay in a segment: from entering until leaving. Entering again makes a new row.

    Leaving does not renew `xid`: a pull of this table sees each entering once.
    """

    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="stays")
    account = models.ForeignKey(Account, null=True, blank=True, on_delete=models.CASCADE)
    contact = models.ForeignKey(Contact, null=True, blank=True, on_delete=models.CASCADE)
    entered_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True, blank=True)
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

    def __str__(self) -> str:
        return f"{self.account_id or self.contact_id} in {self.segment_id}"


class SegmentRefresh(models.Model):
    """One run of a segment's statement: how long it took, whom it moved, or why it failed."""

    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="refreshes")
    started_at = models.DateTimeField()
    milliseconds = models.IntegerField(null=True, blank=True)
    size = models.IntegerField(null=True, blank=True)
    entered = models.IntegerField(default=0)
    left = models.IntegerField(default=0)
    error = models.TextField(blank=True)

    class Meta:
        indexes = [models.Index(fields=["segment", "-started_at"], name="refreshes_of_a_segment")]
        verbose_name_plural = "segment refreshes"

    def __str__(self) -> str:
        return f"refresh of {self.segment_id}"
