"""Who the customers are: accounts pay, contacts are people, memberships join them."""

from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.operations.fields import Xid8Field
from campaigns.operations.quick_row import QuickRow


class ProfileQuerySet(models.QuerySet):
    def current(self) -> ProfileQuerySet:
        """Neither merged into another nor erased: what every segment means by everyone."""
        return self.filter(merged_into__isnull=True, erased_at__isnull=True)


class Account(QuickRow):
    """A paying customer. `external_id` is the first id seen and never replaced; others are aliases.

    `traits` are the newest values; `trait_times` the corrected time of each, so that merging
    is per key and order-free. `revision` is bumped with every MRR movement, when a critical ticket opens, a
    payment fails, a cancellation is announced or an offer is refused: a message planned under an older revision is
    planned anew, unless there is a reason to leave.
    """

    external_id = models.CharField(_("id"), max_length=200, unique=True)
    name = models.CharField(_("name"), max_length=300, blank=True)
    domain = models.CharField(_("domain"), max_length=255, blank=True)
    country = models.CharField(
        _("country"), max_length=60, blank=True, help_text=_("As the source writes it, e.g. IL.")
    )
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)
    created_at = models.DateTimeField(_("created at"), null=True, blank=True, help_text=_("In the source system, UTC."))
    traits = models.JSONField(_("traits"), default=dict, blank=True)
    trait_times = models.JSONField(default=dict, blank=True, editable=False)
    revision = models.IntegerField(_("revision"), default=0)
    added_at = models.DateTimeField(_("added at"))
    merged_into = models.ForeignKey(
        "self", verbose_name=_("merged into"), null=True, blank=True, on_delete=models.PROTECT
    )
    erased_at = models.DateTimeField(_("erased at"), null=True, blank=True)

    objects = ProfileQuerySet.as_manager()

    class Meta:
        indexes = [GinIndex(fields=["traits"], name="account_traits", opclasses=["jsonb_path_ops"])]
        verbose_name = _("account")
        verbose_name_plural = _("accounts")

    def __str__(self) -> str:
        return self.name or self.external_id


class Contact(QuickRow):
    """A person. E-mail and phone are in clear beside a lookup hash (docs/adr on disk encryption)."""

    external_id = models.CharField(_("id"), max_length=200, unique=True)
    email = models.CharField(_("e-mail"), max_length=320, blank=True)
    phone = models.CharField(_("phone"), max_length=20, blank=True, help_text=_("E.164."))
    email_hash = models.BinaryField(max_length=32, null=True, blank=True, db_index=True, editable=False)
    phone_hash = models.BinaryField(max_length=32, null=True, blank=True, db_index=True, editable=False)
    first_name = models.CharField(_("first name"), max_length=150, blank=True)
    last_name = models.CharField(_("last name"), max_length=150, blank=True)
    locale = models.CharField(_("language"), max_length=10, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)
    country = models.CharField(
        _("country"), max_length=60, blank=True, help_text=_("As the source writes it, e.g. IL.")
    )
    created_at = models.DateTimeField(_("created at"), null=True, blank=True, help_text=_("In the source system, UTC."))
    last_active_at = models.DateTimeField(_("last active at"), null=True, blank=True)
    traits = models.JSONField(_("traits"), default=dict, blank=True)
    trait_times = models.JSONField(default=dict, blank=True, editable=False)
    added_at = models.DateTimeField(_("added at"))
    merged_into = models.ForeignKey(
        "self", verbose_name=_("merged into"), null=True, blank=True, on_delete=models.PROTECT
    )
    erased_at = models.DateTimeField(_("erased at"), null=True, blank=True)

    objects = ProfileQuerySet.as_manager()

    class Meta:
        indexes = [GinIndex(fields=["traits"], name="contact_traits", opclasses=["jsonb_path_ops"])]
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")

    def __str__(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or self.external_id


class AccountAlias(models.Model):
    """Another system's id of an account, for example the billing customer."""

    source = models.CharField(_("source"), max_length=60)
    value = models.CharField(_("value"), max_length=200)
    account = models.ForeignKey(Account, verbose_name=_("account"), on_delete=models.CASCADE, related_name="aliases")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "value"], name="an_alias_names_one_account")]
        # for the front doors: an id that is nobody's primary one, from whatever source
        indexes = [models.Index(fields=["value"], name="accounts_by_alias")]
        verbose_name = _("account alias")
        verbose_name_plural = _("account aliases")

    def __str__(self) -> str:
        return f"{self.source}:{self.value}"


class ContactAlias(models.Model):
    source = models.CharField(_("source"), max_length=60)
    value = models.CharField(_("value"), max_length=200)
    contact = models.ForeignKey(Contact, verbose_name=_("contact"), on_delete=models.CASCADE, related_name="aliases")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "value"], name="an_alias_names_one_contact")]
        # for the front doors: an id that is nobody's primary one, from whatever source
        indexes = [models.Index(fields=["value"], name="contacts_by_alias")]
        verbose_name = _("contact alias")
        verbose_name_plural = _("contact aliases")

    def __str__(self) -> str:
        return f"{self.source}:{self.value}"


class Membership(QuickRow):
    class Role(models.TextChoices):
        OWNER = "OWNER", _("Owner")
        ADMIN = "ADMIN", _("Admin")
        BILLING = "BILLING", _("Billing")
        MEMBER = "MEMBER", _("Member")

    account = models.ForeignKey(
        Account, verbose_name=_("account"), on_delete=models.CASCADE, related_name="memberships"
    )
    contact = models.ForeignKey(
        Contact, verbose_name=_("contact"), on_delete=models.CASCADE, related_name="memberships"
    )
    role = models.CharField(_("role"), max_length=20, choices=Role, default=Role.MEMBER)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "contact"], name="a_contact_is_a_member_of_an_account_once")
        ]
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")

    def __str__(self) -> str:
        return f"{self.contact} · {self.account} · {self.get_role_display()}"


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


class SupportTicket(models.Model):
    """A question or complaint of an account, as another system last told it: `updated_at` is when that was.

    Of several reports the newest stands. `subject` is free text that people wrote: it may be personal.
    """

    class Priority(models.TextChoices):
        LOW = "LOW", _("Low")
        NORMAL = "NORMAL", _("Normal")
        HIGH = "HIGH", _("High")
        URGENT = "URGENT", _("Urgent")

    CRITICAL = (Priority.HIGH, Priority.URGENT)

    source = models.CharField(_("source"), max_length=60)
    external_id = models.CharField(_("id"), max_length=200)
    account = models.ForeignKey(Account, verbose_name=_("account"), on_delete=models.CASCADE, related_name="tickets")
    contact = models.ForeignKey(
        Contact, verbose_name=_("contact"), null=True, blank=True, on_delete=models.SET_NULL, related_name="tickets"
    )
    subject = models.CharField(_("subject"), max_length=300, blank=True)
    priority = models.CharField(_("priority"), max_length=10, choices=Priority, default=Priority.NORMAL)
    opened_at = models.DateTimeField(_("opened at"))
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    updated_at = models.DateTimeField(_("changed at"), help_text=_("When the source last changed it, UTC."))
    xid = Xid8Field()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "external_id"], name="a_source_names_a_ticket_once"),
            models.CheckConstraint(
                condition=models.Q(priority__in=["LOW", "NORMAL", "HIGH", "URGENT"]),
                name="a_ticket_has_one_of_four_priorities",
            ),
        ]
        indexes = [
            # for the gate: what is open and critical
            models.Index(
                fields=["account"],
                condition=models.Q(closed_at__isnull=True, priority__in=["HIGH", "URGENT"]),
                name="critical_tickets_of_an_account",
            ),
            models.Index(fields=["account", "-opened_at"], name="tickets_of_an_account"),
            models.Index(fields=["xid", "id"], name="tickets_to_pull"),
        ]
        verbose_name = _("support ticket")
        verbose_name_plural = _("support tickets")

    def __str__(self) -> str:
        return f"{self.source}:{self.external_id}"


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
