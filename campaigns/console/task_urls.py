"""The pages of calls for customer success managers inside the studio."""

from __future__ import annotations

from collections.abc import Callable

from django.http.response import HttpResponseBase
from django.urls import URLPattern, path

from campaigns.console.views import tasks

View = Callable[..., HttpResponseBase]


def task_urls(wrap: Callable[[View], View]) -> list[URLPattern]:
    """`wrap` is the admin site's admin_view: login, staff check, never cached."""
    return [
        path("studio/tasks/", wrap(tasks.list_tasks), name="studio-tasks"),
        path("studio/tasks/tasks.csv", wrap(tasks.export_tasks), name="studio-tasks-csv"),
        path("studio/tasks/<int:pk>/", wrap(tasks.show_task), name="studio-task"),
        path("studio/tasks/<int:pk>/change/", wrap(tasks.change_task), name="studio-task-change"),
        path("studio/tasks/<int:pk>/answer/", wrap(tasks.answer_task), name="studio-task-answer"),
    ]
