"""The API called as its own description says, and as it says one can not: through WSGI, with keys that are real.

Schemathesis makes up the calls from the OpenAPI document; a new operation is here without being named.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from campaigns.api import keys
from campaigns.api.models import ApiKey
from campaigns.api.urls import api
from orchestrator import clock
from orchestrator.wsgi import application
from tests.factories import sequences as make
from tests.faults.toll import answered, in_time
from tests.scale import examples

pytestmark = pytest.mark.faults
some = settings(max_examples=examples(10), deadline=None, suppress_health_check=list(HealthCheck))
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]

described = schemathesis.openapi.from_dict(json.loads(json.dumps(api.get_openapi_schema())))
described.app = application
operations = [one.ok() for one in described.get_all_operations() if isinstance(one, Ok)]


def calls(mode: GenerationMode) -> st.SearchStrategy[Any]:
    return st.one_of([one.as_strategy(generation_mode=mode) for one in operations])


@contextmanager
def as_in_a_test() -> Iterator[None]:
    """A server closes the connection between two requests; here it holds what the test has written."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


class Described(TestCase):
    secrets: ClassVar[list[str]]

    @classmethod
    def setUpTestData(cls) -> None:
        make.launched(holdout_percent=None)
        make.ready_account(external_id="0")
        cls.secrets = [
            keys.create_key(name=role, role=role, by="tests", now=clock.utcnow()).secret for role in ApiKey.Role
        ]

    @some
    @given(call=calls(GenerationMode.POSITIVE), who=st.integers(-1, 2), is_known=st.booleans())
    def test_calls_as_they_are_described(self, call, who, is_known):
        self.make(call, who, is_known)

    @some
    @given(call=calls(GenerationMode.NEGATIVE), who=st.integers(-1, 2), is_known=st.booleans())
    def test_calls_as_they_are_not_described(self, call, who, is_known):
        self.make(call, who, is_known)

    def make(self, call: Any, who: int, is_known: bool) -> None:
        """Every answer, also a refusal, is one that the description lists, in the form that it gives."""
        if is_known and "slug" in (call.path_parameters or {}):
            call.path_parameters["slug"] = "seats-80"
        secret = self.secrets[who] if who >= 0 else "crk_unknown"
        with in_time(), as_in_a_test():
            response = call.call(headers={"Authorization": f"Bearer {secret}"})
        answered(response, call)
        call.validate_response(response, checks=CHECKS)
