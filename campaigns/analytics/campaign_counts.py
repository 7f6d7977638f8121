"""The figures of many campaigns at once: by as many statements for a hundred as for one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count

from campaigns.delivery.models import Message
from campaigns.sequences.models import Campaign, Enrolment, Entry

RECENTLY = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Counts:
    """`accounts` entered, those held out included; `on_the_way` are contacts with steps before them; `sent` counts
    the messages that a provider took in the last seven days, `waiting` those that are not at their end."""

    accounts: int = 0
    on_the_way: int = 0
    sent: int = 0
    waiting: int = 0


def count_campaigns(*, campaigns: Collection[Campaign], now: datetime) -> dict[int, Counts]:
    """By campaign id. Test sends do not count."""
    ids, slugs = [one.pk for one in campaigns], [one.slug for one in campaigns]
    entered = Entry.objects.filter(campaign__in=ids).exclude(outcome=Entry.Outcome.NOT_ENROLLED)
    accounts = dict(entered.order_by().values_list("campaign").annotate(n=Count("account", distinct=True)))
    moving = Enrolment.objects.filter(campaign__in=ids, state=Enrolment.State.OPEN)
    on_the_way = dict(moving.order_by().values_list("campaign").annotate(n=Count("pk")))
    messages = Message.objects.counted().filter(origin_campaign__in=slugs).order_by()
    lately = messages.filter(accepted_at__gt=now - RECENTLY, accepted_at__lte=now)
    sent = dict(lately.values_list("origin_campaign").annotate(n=Count("pk")))
    open_ones = messages.filter(state__in=[state.value for state in Message.OPEN])
    waiting = dict(open_ones.values_list("origin_campaign").annotate(n=Count("pk")))
    return {
        one.pk: Counts(
            accounts.get(one.pk, 0), on_the_way.get(one.pk, 0), sent.get(one.slug, 0), waiting.get(one.slug, 0)
        )
        for one in campaigns
    }
