from __future__ import annotations

from datetime import date

from campaigns.console import dry_run
from campaigns.sequences.rehearse import Rehearsal, Sending

TODAY = date(2026, 12, 10)


def test_who_goes_one_way_is_not_counted_on_the_other_too():
    mails = [
        Sending(TODAY, "mail-1", "email", 30, is_first=True),
        *(Sending(TODAY, step, "email", 100, is_first=False, is_open=True) for step in ("clicked", "not-clicked")),
    ]
    made = Rehearsal(130, {}, 0, 130, 130, mails, most={(TODAY, "email"): 100})
    _channels, [day] = dry_run.days_of(document={}, rehearsal=made, today=TODAY)
    assert day.numbers == [130]
