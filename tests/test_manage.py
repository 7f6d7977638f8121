"""`manage.py` as a part of a pipeline."""

from __future__ import annotations

import os
import sys

import pytest
from django.core import management

import manage


def run_with(monkeypatch, command, *, is_read: bool) -> None:
    reads, writes = os.pipe()
    with os.fdopen(writes, "w") as printed:
        if not is_read:
            os.close(reads)
        monkeypatch.setattr(sys, "stdout", printed)
        monkeypatch.setattr(management, "execute_from_command_line", lambda _argv: command(printed))
        try:
            manage.main()
        finally:
            if is_read:
                os.close(reads)


def test_a_reader_that_has_read_enough_ends_it_quietly(monkeypatch):
    with pytest.raises(SystemExit) as ended:
        run_with(monkeypatch, lambda printed: printed.write("line\n"), is_read=False)
    assert ended.value.code == manage.CLOSED_PIPE


def test_another_pipe_that_breaks_is_told(monkeypatch):
    def fail(_printed):
        raise BrokenPipeError("A socket.")

    with pytest.raises(BrokenPipeError, match="A socket"):
        run_with(monkeypatch, fail, is_read=True)
