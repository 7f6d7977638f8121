"""A test whose campaign was stopped for good goes on counting who is in it, and nobody comes any more."""

from __future__ import annotations

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from campaigns.experiments.models import Experiment
from campaigns.operations.models import AuditEntry
from campaigns.sequences.models import Campaign


def is_over(*, campaign: Campaign) -> bool:
    """Of a campaign with a test that nobody has decided."""
    experiment = campaign.experiment
    is_open = experiment is not None and experiment.status == Experiment.Status.RUNNING
    return is_open and campaign.status == Campaign.Status.STOPPED


def sentence(*, campaign: Campaign) -> str:
    """Empty where accounts can still come in."""
    if not is_over(campaign=campaign):
        return ""
    stops = AuditEntry.objects.filter(action="campaign.stopped", subject=f"campaign:{campaign.slug}")
    at = stops.order_by("-at").values_list("at", flat=True).first()
    if at is None:
        return _("The campaign was stopped: nobody comes into the test any more.")
    day = date_format(timezone.localtime(at), "j F Y")
    return _("The campaign was stopped on %(day)s: nobody comes into the test any more.") % {"day": day}
