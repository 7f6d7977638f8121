from __future__ import annotations

from django.db.models import Sum

from campaigns.intake.models import InboundEvent, Parked, Quarantined, Source


def count_events(*, source: str | None = None) -> dict[str, int]:
    """What became of what came, of one source (by slug) or of all. Raises Source.DoesNotExist."""
    sources = Source.objects.all()
    if source is not None:
        sources = sources.filter(pk=Source.objects.get(slug=source).pk)
    events = InboundEvent.objects.filter(source__in=sources)
    return {
        "stored": events.count(),
        "duplicates": sources.aggregate(total=Sum("duplicates"))["total"] or 0,
        "quarantined": Quarantined.objects.filter(source__in=sources).count(),
        "parked": Parked.objects.filter(source__in=sources).count(),
        "pending": events.filter(state=InboundEvent.State.PENDING).count(),
    }
