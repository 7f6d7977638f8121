"""Calls that somebody is to make, as tasks in HubSpot, found again by our own id: writing twice changes nothing."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from html import escape
from itertools import batched
from typing import Any

from orchestrator.connectors.contract import TaskUpsert
from orchestrator.connectors.hubspot import batches
from orchestrator.connectors.hubspot.api import HubSpotApi

TASK_ID = "upsell_task_id"
OUTCOME = "upsell_task_outcome"
_GROUP = "task"

PROPERTIES: Sequence[Mapping[str, Any]] = (
    {
        "name": TASK_ID,
        "label": "Upsell: task",
        "type": "string",
        "fieldType": "text",
        "groupName": _GROUP,
        "hasUniqueValue": True,
    },
    {"name": OUTCOME, "label": "Upsell: outcome", "type": "string", "fieldType": "text", "groupName": _GROUP},
)
# HubSpot knows no task that was called off: it stays on the record as put off.
_STATUS = {"OPEN": "NOT_STARTED", "DONE": "COMPLETED", "CANCELLED": "DEFERRED"}


def upsert_tasks(api: HubSpotApi, tasks: Sequence[TaskUpsert]) -> Mapping[str, str]:
    """Each task by our id, then its company and contact. Of two states of one task the later in `tasks` stands."""
    refused: dict[str, str] = {}
    until = batches.end()
    newest = {task.task_id: task for task in tasks}
    for batch in batched(newest.values(), batches.BATCH):
        written, reasons = batches.write(
            functools.partial(batches.upsert, api, "tasks"),
            [_input(task) for task in batch],
            lambda result: str((result.properties or {}).get(TASK_ID)),
            until=until,
        )
        refused |= reasons
        linked = [(task, written[task.task_id]) for task in batch if task.task_id in written]
        companies = [(task.task_id, own_id, task.company_id) for task, own_id in linked]
        people = [(task.task_id, own_id, task.contact_id) for task, own_id in linked if task.contact_id]
        refused |= batches.link(api, source="tasks", target="companies", links=companies, until=until)
        refused |= batches.link(api, source="tasks", target="contacts", links=people, until=until)
    return refused


def _input(task: TaskUpsert) -> batches.Input:
    properties = {
        TASK_ID: task.task_id,
        OUTCOME: task.outcome,
        "hs_task_subject": task.title,
        # HubSpot shows the body as HTML.
        "hs_task_body": escape(task.body).replace("\n", "<br>"),
        "hs_task_status": _STATUS[task.state],
        "hs_task_type": "CALL",
        "hs_timestamp": batches.iso(task.due_at),
    }
    return {"id": task.task_id, "idProperty": TASK_ID, "properties": properties}
