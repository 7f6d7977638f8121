from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from orchestrator import signing
from orchestrator.settings import environment, logs

ROOT = Path(__file__).resolve().parents[2]
GOOD = {
    "DJANGO_SETTINGS_MODULE": "orchestrator.settings.production",
    "SECRET_KEY": "k" * 60,
    "ADDRESS_HASH_KEY": "h" * 40,
    "DATABASE_URL": "postgresql://nobody@/none",
    "REDIS_URL": "unix:///none.sock",
    "ALLOWED_HOSTS": "crescendo.example",
    "PUBLIC_BASE_URL": "https://crescendo.example",
}


# Python and the libraries that settings import are loaded once; each start is a fork of that, with an environment and
# outputs of its own. None of our own modules is loaded before.
_STARTER = """
import json, os, sys, traceback
import django.conf, django.utils.csp, psycopg.conninfo
for line in sys.stdin:
    told = json.loads(line)
    child = os.fork()
    if not child:
        os.environ.clear()
        os.environ.update(told["environ"])
        for number, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(os.open(told[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        code = 0
        try:
            exec(told["code"])
        except BaseException:
            traceback.print_exc()
            code = 1
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Read(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


type ReadProduction = Callable[..., Read]


@pytest.fixture(scope="module")
def starter() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", _STARTER]
    bare = {"PATH": os.environ["PATH"]}
    with subprocess.Popen(
        command, cwd=ROOT, env=bare, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.communicate()


@pytest.fixture
def read_production(starter: subprocess.Popen[str], tmp_path: Path) -> ReadProduction:
    """A process that starts with production's settings and prints one expression over them."""

    def read(expression: str, **changes: str) -> Read:
        code = f"import sys; from django.conf import settings; settings.DEBUG; print({expression})"
        environ = {"PATH": os.environ["PATH"], "CRESCENDO_VAR": str(tmp_path), **GOOD, **changes}
        told = {"code": code, "environ": environ, "stdout": str(tmp_path / "out"), "stderr": str(tmp_path / "err")}
        assert starter.stdin is not None
        assert starter.stdout is not None
        print(json.dumps(told), file=starter.stdin, flush=True)
        ended = int(starter.stdout.readline())
        return Read(ended, (tmp_path / "out").read_text(), (tmp_path / "err").read_text())

    return read


def test_production_starts_with_what_it_needs_and_without_embedded_servers(read_production):
    result = read_production("settings.DEBUG, 'orchestrator.services' in sys.modules")

    assert result.stdout == "False False\n"


@pytest.mark.parametrize("name", ["SECRET_KEY", "ADDRESS_HASH_KEY", "DATABASE_URL", "REDIS_URL", "ALLOWED_HOSTS"])
def test_production_refuses_to_start_without(read_production, name):
    result = read_production("1", **{name: ""})

    assert result.returncode == 1
    assert f"Production needs {name}:" in result.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CLOCK_OFFSET", "/tmp/clock"),
        ("CAMPAIGN_WINDOW", "always"),
        ("COMPLIANCE_QUIET_HOURS", "off"),
        ("ALLOW_PRIVATE_WEBHOOKS", "1"),
    ],
)
def test_production_refuses_what_only_tests_may_set(read_production, name, value):
    result = read_production("1", **{name: value})

    assert result.returncode == 1
    assert f"{name}: only tests may set this" in result.stderr


def test_production_refuses_a_short_secret_key(read_production):
    assert "SECRET_KEY is too short" in read_production("1", SECRET_KEY="short").stderr


def test_a_secret_may_come_from_a_file(read_production, tmp_path):
    (tmp_path / "key").write_text("f" * 60 + "\n")

    result = read_production("settings.SECRET_KEY", SECRET_KEY_FILE=str(tmp_path / "key"))

    assert result.stdout == "f" * 60 + "\n"


@pytest.mark.parametrize(("proxy", "header"), [("", "None"), ("on", "('HTTP_X_FORWARDED_PROTO', 'https')")])
def test_the_proxys_word_counts_only_behind_a_proxy(read_production, proxy, header):
    result = read_production("settings.SECURE_PROXY_SSL_HEADER", BEHIND_PROXY=proxy)

    assert result.stdout == f"{header}\n"


def test_productions_cookies_are_bound_to_the_host(read_production):
    result = read_production("settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME")

    assert result.stdout == "__Host-sessionid __Host-csrftoken\n"


def test_a_lease_that_ends_during_a_providers_call_refuses_the_start(read_production):
    result = read_production("1", DELIVERY_LEASE_S="12", PROVIDER_TIMEOUT_S="10")

    assert result.returncode == 1
    assert "DELIVERY_LEASE_S (12) must be more than PROVIDER_TIMEOUT_S (10) + 2" in result.stderr


@pytest.mark.parametrize(("name", "read"), [("A_NUMBER", environment.env_int), ("A_SWITCH", environment.env_bool)])
def test_an_unreadable_setting_is_named_and_not_guessed(monkeypatch, name, read):
    monkeypatch.setenv(name, "perhaps")

    with pytest.raises(environment.SettingError, match=f"{name} must be .*, not 'perhaps'"):
        read(name, 1)


def log_line(message: str, *args: object, **extra: object) -> dict[str, object]:
    record = logging.makeLogRecord(
        {"name": "campaigns.delivery", "levelno": 20, "levelname": "INFO", "msg": message, "args": args, **extra}
    )
    line: dict[str, object] = json.loads(logs.JsonLines().format(record))
    return line


def test_a_log_line_is_one_json_object_with_its_extras():
    line = log_line("accepted by %s", "sendgrid", message_uuid="0b1e")

    assert (line["event"], line["logger"], line["level"]) == ("accepted by sendgrid", "campaigns.delivery", "info")
    assert line["message_uuid"] == "0b1e"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("refused: Dana.Levi+x@acme.example is gone", "refused: [email] is gone"),
        ("to <dana@acme.example>", "to <[email]>"),
        ("call +972501234567 now", "call [phone] now"),
        pytest.param(
            "Not Found: /c/" + signing.sign(signing.Purpose.CLICK, "1"), "Not Found: /c/[token]", id="a signed link"
        ),
        ("message 0b1e7c52-1111-4222-8333-444455556666", "message 0b1e7c52-1111-4222-8333-444455556666"),
    ],
)
def test_addresses_numbers_and_signed_links_do_not_reach_the_log(text, clean):
    assert log_line(text)["event"] == clean


def test_a_failed_jobs_arguments_are_not_logged():
    assert "arguments" not in log_line("job failed", arguments=["dana@acme.example"])
