"""A test's page six weeks after its start, with results that call for each of the verdicts."""

from __future__ import annotations

from datetime import timedelta

from django.urls import reverse

from campaigns.experiments.models import Experiment
from campaigns.sequences.models import Campaign
from tests.campaigns.console.reading import words_of
from tests.factories import sequences as make
from tests.factories.results import Arm, campaign_with_results, give_results

HOLDOUT_PERCENT = 20
LATER = make.NOW + timedelta(days=42)

AHEAD = {"a": Arm(200, 26, 48, 190, 185, 30, 4), "b": Arm(200, 70, 49, 190, 186, 45, 3), "holdout": Arm(100, 26, 20)}
NOT_YET = {"a": Arm(150, 12, 48, 145, 140, 20, 2), "b": Arm(150, 15, 49, 145, 140, 25, 2), "holdout": Arm(75, 4, 46)}
NO_DIFFERENCE = {"a": Arm(200, 30), "b": Arm(200, 31), "holdout": Arm(100, 18)}
HARM = {"a": Arm(200, 70), "b": Arm(200, 26), "holdout": Arm(100, 20)}
OPT_OUTS = {
    "a": Arm(200, 30, 48, 200, 200, 60, 4),
    "b": Arm(200, 70, 49, 200, 200, 90, 40),
    "holdout": Arm(100, 26),
}
DATA_PROBLEM = {"a": Arm(460, 40), "b": Arm(340, 41), "holdout": Arm(200, 26)}


def results(arms, **changes):
    """What the page reads. The shares drawn fit the arms' sizes unless a test says otherwise."""
    return campaign_with_results(arms=arms, holdout_percent=HOLDOUT_PERCENT, **changes)


def has_come_to(arms, **changes):
    """The same of a campaign that a module's tests share, launched when there were no accounts."""
    campaign = Campaign.objects.get()
    give_results(campaign, arms=arms, **changes)
    return campaign


def page(name="", *args):
    return reverse(f"admin:studio-test{name}", args=args or ["seats-80"])


def review(client):
    return words_of(client.get(page()))


def winner():
    return Experiment.objects.values_list("winner__key", flat=True).get()


def choose(client, choice, **data):
    return client.post(page("-decide", "seats-80", choice), data, follow=True)
