"""Models of which thousands are read at a time."""

from __future__ import annotations

import functools
from collections.abc import Collection
from typing import Any, Self

from django.db import models
from django.db.models.base import ModelState


class QuickRow(models.Model):
    """Read from the database at a quarter of the cost: the columns go straight into the object, without a signal and
    without asking each field. For models none of whose fields wants to be told of its value."""

    class Meta:
        abstract = True

    @classmethod
    def from_db(
        cls, db: str | None, field_names: Collection[str], values: Collection[Any], *, fetch_mode: Any = None
    ) -> Self:
        columns = _columns(cls)
        if len(values) != len(columns):
            return super().from_db(db, field_names, values, fetch_mode=fetch_mode)
        row = cls.__new__(cls)
        row._state = state = ModelState()
        row.__dict__ |= zip(columns, values, strict=True)
        state.adding, state.db = False, db
        if fetch_mode is not None:
            state.fetch_mode = fetch_mode
        return row


@functools.cache
def _columns(model: type[models.Model]) -> tuple[str, ...]:
    return tuple(one.attname for one in model._meta.concrete_fields)
