from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from campaigns.delivery.models.ledger import Message
from campaigns.operations.fields import Xid8Field
from campaigns.profiles.models import Account, Contact


class CsmTask(models.Model):
    """A call that a customer success manager makes instead of a message. Our own row is the delivery: exactly once.

    `body` is plain text with talking points. All times are business time.
    """

    class State(models.TextChoices):
        OPEN = "OPEN", _("Open")
        DONE = "DONE", _("Done")
        CANCELLED = "CANCELLED", _("Called off")

    class Outcome(models.TextChoices):
        INTERESTED = "INTERESTED", _("Interested")
        NOT_NOW = "NOT_NOW", _("Not now")
        NO_ANSWER = "NO_ANSWER", _("Nobody answered")
        WRONG_PERSON = "WRONG_PERSON", _("Wrong person")

    # What a message is marked with whose call, made by a campaign, a customer asked for as well.
    ASKED_AT = "call_asked_at"
    # The title of one that was about somebody who has been erased.
    FORGOTTEN = "–"
    _CALL = "csm_task"

    message = models.OneToOneField(
        Message, verbose_name=_("message"), on_delete=models.CASCADE, related_name="csm_task"
    )
    account = models.ForeignKey(Account, verbose_name=_("account"), on_delete=models.CASCADE, related_name="csm_tasks")
    contact = models.ForeignKey(Contact, verbose_name=_("contact"), on_delete=models.CASCADE, related_name="csm_tasks")
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("assigned to"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    title = models.CharField(_("title"), max_length=300)
    body = models.TextField(_("talking points"), blank=True)
    state = models.CharField(_("state"), max_length=20, choices=State, default=State.OPEN)
    outcome = models.CharField(_("outcome"), max_length=20, choices=Outcome, blank=True)
    note = models.TextField(_("note"), blank=True)
    added_at = models.DateTimeField(_("added at"))
    due_at = models.DateTimeField(_("due at"))
    snoozed_until = models.DateTimeField(_("put off until"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("closed by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    xid = Xid8Field()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state="OPEN", closed_at__isnull=True) | (~Q(state="OPEN") & Q(closed_at__isnull=False)),
                name="a_closed_task_says_when",
            ),
            models.CheckConstraint(
                condition=~Q(state="DONE") | ~Q(outcome=""), name="a_task_done_says_what_came_of_it"
            ),
            models.UniqueConstraint(
                fields=["account"], condition=Q(state="OPEN"), name="an_account_has_one_open_task_at_most"
            ),
        ]
        indexes = [
            # for the queue of a customer success manager
            models.Index(fields=["due_at", "id"], condition=Q(state="OPEN"), name="csm_tasks_to_do"),
            models.Index(fields=["account", "-added_at"], name="csm_tasks_of_an_account"),
            models.Index(fields=["xid", "id"], name="csm_tasks_to_pull"),
        ]
        verbose_name = _("CSM task")
        verbose_name_plural = _("CSM tasks")

    def __str__(self) -> str:
        return self.title

    @classmethod
    def asked_for(cls) -> Q:
        """Those of `is_asked_for`."""
        return ~Q(message__channel=cls._CALL) | Q(message__context__has_key=cls.ASKED_AT)

    @property
    def is_asked_for(self) -> bool:
        """By the customer: it hangs on what they answered and not on a campaign's call, or that call is marked."""
        return self.message.channel != self._CALL or self.ASKED_AT in self.message.context

    @property
    def asked_at(self) -> datetime:
        """When a customer first asked, of one that is asked for."""
        marked = self.message.context.get(self.ASKED_AT)
        return datetime.fromisoformat(marked) if marked else self.added_at
