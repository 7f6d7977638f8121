"""The timetable and the bells: the one place that knows which jobs follow which event.

`manage.py rqcron campaigns.cron` rings `tick` every second; a worker then claims the slots that are due, so
that two beats, a restarted beat or a beat that slept do no harm.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.utils.module_loading import import_string
from rq import cron

from campaigns.operations import ticks
from orchestrator import clock
from orchestrator.jobs import beat, bells, queues

log = logging.getLogger(__name__)

TICK = "tick"

# bell -> seconds between two ticks that ring it, should its own ring have been lost
TIMETABLE = {
    "messages_due": 1,
    "usage_stored": 5,
    "profiles_changed": 5,
    "usage_rolled": 5,
    "segments_due": 5,
    "audience_changed": 5,
    "enrolments_due": 5,
    "snags_due": 5,
    "feedback_stored": 5,
    "reconcile": 5,
    "conversions_due": 5,
    "writebacks_due": 5,
    "brakes": 60,
    "kept_out_left": 60,
    "crm_sync": 300,
    "snapshots": 300,
    "opt_outs_due": 10,
    "confirmations_due": 10,
    "erasures_due": 300,
    "partitions": 3600,
    "conversions_swept": 3600,
    "kept_out_due": 3600,
    "opt_outs_compared": 86400,
    "api_answers_old": 86400,
    "retention": 86400,
}

# A message's path: usage_stored -> usage_rolled -> segments_due -> audience_changed -> enrolments_due
# -> messages_due. Each job rings the next bell itself when it has left something to do.
BELLS = {
    "usage_stored": ["campaigns.intake.jobs.process_inbound"],
    "profiles_changed": ["campaigns.intake.jobs.replay_parked"],
    "usage_rolled": ["campaigns.usage.jobs.notice_crossings"],
    "segments_due": ["campaigns.segments.jobs.refresh_live"],
    "audience_changed": ["campaigns.sequences.jobs.enrol"],
    "enrolments_due": ["campaigns.sequences.jobs.advance"],
    "many_enrolments_due": ["campaigns.sequences.jobs.advance_many"],
    "snags_due": ["campaigns.sequences.jobs.try_again"],
    "kept_out_due": ["campaigns.sequences.jobs.look_again"],
    "kept_out_left": ["campaigns.sequences.jobs.end_look"],
    "messages_due": ["campaigns.delivery.jobs.dispatch"],
    "feedback_stored": ["campaigns.delivery.jobs.apply_feedback"],
    "reconcile": ["campaigns.delivery.jobs.reconcile", "campaigns.offers.jobs.finish_accepting"],
    "conversions_due": [
        "campaigns.usage.jobs.announce_plan_changes",
        "campaigns.conversions.jobs.find_conversions",
    ],
    "writebacks_due": ["campaigns.crm.jobs.push_writebacks"],
    "opt_outs_due": ["campaigns.consent.jobs.push_opt_outs"],
    "opt_outs_compared": ["campaigns.consent.jobs.compare_lists", "campaigns.crm.jobs.compare_opt_outs"],
    "confirmations_due": ["campaigns.delivery.jobs.ask_for_confirmations"],
    "api_answers_old": ["campaigns.api.jobs.forget_answers"],
    "erasures_due": ["campaigns.privacy.jobs.erase_marked"],
    "brakes": ["campaigns.sequences.jobs.brake_unwelcome"],
    "crm_sync": ["campaigns.crm.jobs.sync_all"],
    "snapshots": ["campaigns.analytics.jobs.snapshot_experiments"],
    "partitions": ["campaigns.operations.jobs.make_partitions"],
    "conversions_swept": ["campaigns.conversions.jobs.sweep_conversions"],
    # From the roof down: a room unhooks its rows before the one below lets go of what they pointed at.
    "retention": [
        "campaigns.sequences.jobs.prune_old",
        "campaigns.segments.jobs.prune_old",
        "campaigns.intake.jobs.prune_old",
        "campaigns.experiments.jobs.prune_old",
        "campaigns.delivery.jobs.prune_old",
        "campaigns.crm.jobs.prune_old",
        "campaigns.usage.jobs.prune_old",
        "campaigns.consent.jobs.prune_old",
        "campaigns.operations.jobs.prune_old",
    ],
    TICK: ["campaigns.cron.tick"],
}

# Longer than the longest interval: a beat whose clock is a little slow must find what another has claimed.
KEEP_SLOTS = timedelta(hours=2)


def answer_bell(name: str, **kwargs: object) -> None:
    """Run what the bell sets off. A failing job does not keep the others from running; the first error
    is raised at the end, so that RQ shows the bell as failed for a week.
    """
    first: Exception | None = None
    for path in BELLS[name]:
        try:
            import_string(path)(**kwargs)
        except Exception as error:
            if first is None:
                first = error  # RQ logs what is raised
            else:
                log.exception("The job %s of bell %s failed too.", path, name)
    if first is not None:
        raise first


def tick(**_kwargs: object) -> None:
    """Ring the bells whose slot has come and which no other tick has claimed."""
    now = clock.wall_now()
    for bell in ticks.claim_slots(slots=beat.due_slots(TIMETABLE, now), keep_since=now - KEEP_SLOTS):
        bells.ring(bell)


cron.register(tick, queue_name=queues.NOW, interval=1, name=TICK)
