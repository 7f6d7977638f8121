"""Bad files: the CSV that names who is to come into a campaign, by the studio's page and by command."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import pytest
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from campaigns.sequences.enrol_file import MOST_BYTES
from campaigns.sequences.enrol_named import MOST
from tests.factories import sequences as make
from tests.faults.hostile import raw_bodies
from tests.faults.toll import answered, in_time
from tests.scale import examples, is_full

pytestmark = pytest.mark.faults
some = settings(max_examples=examples(10), deadline=None, suppress_health_check=list(HealthCheck))

CELLS = (
    "a1", "", " ", "=1+1", "@SUM(A1)", "\x00", "a\x00b", "\x0b", "\x7f", "\x85", "\u2028", "\ud800", "\u202e", "שלום",
    '"', '""', '"a\nb"', "x" * 250, "x" * 200_000, "\ufeff", "\r", "'", ";", "\t", "9" * 400, "-1", "NULL", "a,b",
)  # fmt: skip
HEADS = (
    "account", "contact", "account,contact", "Account ; Contact", "contact;account", "x,account,account",
    "\ufeffaccount", '"account"', '"acc"ount', "accounts", "", "account" + "," * 5000,
)  # fmt: skip
NAMES = (
    "people.csv",
    "../../etc/passwd",
    "x" * 300 + ".csv",
    "a\x00.csv",
    "שלום.csv",
    "\ud800",
    "\x01",
    "a\r\nb.csv",
    "-",
)


@st.composite
def tables(draw: st.DrawFn) -> bytes:
    rows = draw(st.lists(st.lists(st.sampled_from(CELLS) | st.text(max_size=8), max_size=4), max_size=8))
    separator, end = (
        draw(st.sampled_from([",", ";", "\t", ",,"])),
        draw(st.sampled_from(["\n", "\r\n", "\r", "\n\n\n"])),
    )
    text = end.join([draw(st.sampled_from(HEADS)), *(separator.join(row) for row in rows)])
    encoding = draw(st.sampled_from(["utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "cp1255", "utf-7"]))
    made = text.encode(encoding, "surrogatepass" if encoding.startswith("utf-8") else "replace")
    return (made * draw(st.sampled_from([1, 1, 1, 50])))[: MOST_BYTES + 1]


files = tables() | tables() | raw_bodies
FULL_FILE = b"account\n" + b"\n".join(b"nobody-%d" % n for n in range(MOST if is_full() else 5_000))


class Files(TestCase):
    path: ClassVar[str]
    client_: ClassVar[Client]

    @classmethod
    def setUpTestData(cls) -> None:
        make.launched(holdout_percent=None)
        make.ready_account(external_id="a1")
        cls.path = reverse("admin:studio-campaign-enrol", args=["seats-80"])
        cls.client_ = Client(raise_request_exception=False)
        cls.client_.force_login(get_user_model().objects.create_superuser("maria"))

    @some
    @given(content=files, name=st.sampled_from(NAMES), do=st.sampled_from(["", "enrol"]))
    @example(content=b"account\na1\n", name="a\x00.csv", do="enrol")
    @example(content=b"account\n" + b"a\n" * 2_400_000, name="people.csv", do="enrol")
    @example(content=FULL_FILE, name="people.csv", do="")
    @example(content=b"account\n" + b"x" * MOST_BYTES, name="people.csv", do="")
    @example(content=b'account\n"' + b"\n" * 100_000, name="people.csv", do="enrol")
    def test_a_file_given_to_the_page(self, content, name, do):
        name = name.encode(errors="replace").decode()
        with in_time():
            response = self.client_.post(self.path, {"file": SimpleUploadedFile(name, content), "do": do})
        answered(response, (name, content[:300]))

    @some
    @given(content=files, name=st.sampled_from(NAMES))
    @example(content=b"account\na1\n", name="a\x00.csv")
    def test_the_text_of_a_file_confirmed(self, content, name):
        sent = {"text": content.decode(errors="replace"), "name": name.encode(errors="replace").decode(), "do": "enrol"}
        with in_time():
            response = self.client_.post(self.path, sent)
        answered(response, (name, content[:300]))

    @some
    @given(content=files, is_dry=st.booleans())
    def test_a_file_given_to_the_command(self, content, is_dry):
        """It is done, or says why not (2) and has changed nothing."""
        with TemporaryDirectory() as folder, in_time():
            file = Path(folder) / "people.csv"
            file.write_bytes(content)
            try:
                call_command("campaign", "enrol", "seats-80", str(file), *(["--dry-run"] if is_dry else []))
            except SystemExit as end:
                assert end.code == 2
