"""Who the customers are: accounts pay, contacts are people, memberships join them."""

from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.operations.fields import Xid8Field


class ProfileQuerySet(models.QuerySet):
    def current(self) -> ProfileQuerySet:
        """Neither merged into another nor erased: what every segment means by everyone."""
        return self.filter(merged_into__isnull=True, erased_at__isnull=True)


class Account(models.Model):
    """A paying customer. `external_id` is the first id seen and never replaced; others are aliases.

    `traits` are the newest values; `trait_times` the corrected time of each, so that merging
    is per key and order-free. `revision` is bumped with every MRR movement: a message planned
    under an older revision is planned anew.
    """

    external_id = models.CharField(max_length=200, unique=True)
    name = models.CharField(max_length=300, blank=True)
    domain = models.CharField(max_length=255, blank=True)
    country = models.CharField(max_length=60, blank=True, help_text="As the source writes it, e.g. IL.")
    time_zone = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(null=True, blank=True, help_text="In the source system, UTC.")
    traits = models.JSONField(default=dict, blank=True)
    trait_times = models.JSONField(default=dict, blank=True, editable=False)
    revision = models.IntegerField(default=0)
    added_at = models.DateTimeField()
    merged_into = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT)
    erased_at = models.DateTimeField(null=True, blank=True)

    objects = ProfileQuerySet.as_manager()

    class Meta:
        indexes = [GinIndex(fields=["traits"], name="account_traits", opclasses=["jsonb_path_ops"])]

    def __str__(self) -> str:
        return self.name or self.external_id


class Contact(models.Model):
    """A person. E-mail and phone are in clear beside a lookup hash (docs/adr on disk encryption)."""

    external_id = models.CharField(max_length=200, unique=True)
    email = models.CharField(max_length=320, blank=True)
    phone = models.CharField(max_length=20, blank=True, help_text="E.164.")
    email_hash = models.BinaryField(max_length=32, null=True, blank=True, db_index=True, editable=False)
    phone_hash = models.BinaryField(max_length=32, null=True, blank=True, db_index=True, editable=False)
    first_name = models.CharField(max_length=150, blank=True)
    last_name = models.CharField(max_length=150, blank=True)
    locale = models.CharField(max_length=10, blank=True)
    time_zone = models.CharField(max_length=64, blank=True)
    country = models.CharField(max_length=60, blank=True, help_text="As the source writes it, e.g. IL.")
    created_at = models.DateTimeField(null=True, blank=True, help_text="In the source system, UTC.")
    last_active_at = models.DateTimeField(null=True, blank=True)
    traits = models.JSONField(default=dict, blank=True)
    trait_times = models.JSONField(default=dict, blank=True, editable=False)
    added_at = models.DateTimeField()
    merged_into = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT)
    erased_at = models.DateTimeField(null=True, blank=True)

    objects = ProfileQuerySet.as_manager()

    class Meta:
        indexes = [GinIndex(fields=["traits"], name="contact_traits", opclasses=["jsonb_path_ops"])]

    def __str__(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or self.external_id


class AccountAlias(models.Model):
    """Another system's id of an account, for example the billing customer."""

    source = models.CharField(max_length=60)
    value = models.CharField(max_length=200)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="aliases")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "value"], name="an_alias_names_one_account")]
        # for the front doors: an id that is nobody's primary one, from whatever source
        indexes = [models.Index(fields=["value"], name="accounts_by_alias")]
        verbose_name = _("account alias")
        verbose_name_plural = _("account aliases")

    def __str__(self) -> str:
        return f"{self.source}:{self.value}"


class ContactAlias(models.Model):
    source = models.CharField(max_length=60)
    value = models.CharField(max_length=200)
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="aliases")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "value"], name="an_alias_names_one_contact")]
        # for the front doors: an id that is nobody's primary one, from whatever source
        indexes = [models.Index(fields=["value"], name="contacts_by_alias")]
        verbose_name = _("contact alias")
        verbose_name_plural = _("contact aliases")

    def __str__(self) -> str:
        return f"{self.source}:{self.value}"


class Membership(models.Model):
    class Role(models.TextChoices):
        OWNER = "OWNER"
        ADMIN = "ADMIN"
        BILLING = "BILLING"
        MEMBER = "MEMBER"

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="memberships")
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role, default=Role.MEMBER)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "contact"], name="a_contact_is_a_member_of_an_account_once")
        ]

    def __str__(self) -> str:
        return f"{self.contact} in {self.account} as {self.role}"


class Score(models.Model):
    """A dated verdict on an account: health, propensity, churn, uplift. The newest counts."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="scores")
    kind = models.CharField(max_length=20)
    value = models.DecimalField(max_digits=12, decimal_places=6)
    at = models.DateTimeField()
    reasons = models.JSONField(default=list, blank=True)

    class Meta:
        indexes = [models.Index(fields=["account", "kind", "-at"], name="newest_score_of_an_account")]

    def __str__(self) -> str:
        return f"{self.kind} {self.value} of {self.account_id}"


class AccountChange(models.Model):
    """Something about an account changed; segments pull this to know whom to judge again."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    kind = models.CharField(max_length=40)
    at = models.DateTimeField()
    xid = Xid8Field()

    class Meta:
        indexes = [models.Index(fields=["xid", "id"], name="account_changes_to_pull")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.account_id}"
