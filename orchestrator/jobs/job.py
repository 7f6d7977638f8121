"""The only kind of job that workers run. Redis is not trusted: a job names its function as text."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.conf import settings
from rq.job import Job
from rq.utils import import_attribute


class AllowListedJob(Job):
    """Runs functions defined in the modules of settings.ALLOWED_JOBS, and nothing else.

    Anything else ends as FAILED with PermissionError, before it is imported. Callbacks and RQ's own
    webhooks are paths and addresses too, so that a job that has any is refused whole.
    """

    @property
    def func(self) -> Callable[..., Any]:
        name = self.func_name or ""
        module = name.rpartition(".")[0]
        if self.instance is not None or not any(re.fullmatch(allowed, module) for allowed in settings.ALLOWED_JOBS):
            raise PermissionError(f"{name} is not in a module of settings.ALLOWED_JOBS.")
        function = import_attribute(name)
        if getattr(function, "__module__", None) != module or isinstance(function, type):
            raise PermissionError(f"{name} is not a function of {module}.")
        return function

    def perform(self) -> Any:
        callbacks = (self._success_callback_name, self._failure_callback_name, self._stopped_callback_name)
        if any(callbacks) or getattr(self, "webhooks", None):
            raise PermissionError("A job with callbacks or webhooks is not run.")
        return super().perform()

    @property
    def success_callback(self) -> None:
        return None

    @property
    def failure_callback(self) -> None:
        return None

    @property
    def stopped_callback(self) -> None:
        return None

    def send_webhooks(self, *_args: object, **_kwargs: object) -> None:
        return None
