"""A stand: PostgreSQL, Redis, web, workers, cron and a simulated provider, all real, in a folder of their own.

Everything that a run breaks belongs to the stand. The provider's list of what it took is the truth; which came first,
a send that was begun or an opt-out, is told by PostgreSQL's own commit times.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from redis import Redis

from orchestrator import services
from tests import prepared
from tests.faults import addresses, crowd

ROOT = Path(__file__).resolve().parents[2]
EVIDENCE_WINDOW_S = 10
LEASE_S = 6
PROVIDER_TIMEOUT_S = 2
IN_FLIGHT = 50
VENDORS = {"email": "sendgrid", "sms": "twilio"}
NOT_INHERITED = {
    "DJANGO_SETTINGS_MODULE",
    "CLOCK_OFFSET",
    "DATABASE_URL",
    "REDIS_URL",
    "CRESCENDO_TEST_DB",
    "PYTEST_XDIST_WORKER",
    "CRESCENDO_SUPERVISOR",
}

# Which attempts were begun by which transaction: its commit time says whether an opt-out had come first.
_WITNESS = """
CREATE TABLE IF NOT EXISTS faults_begun (message_id bigint, number int, xid xid8);
CREATE INDEX IF NOT EXISTS faults_begun_newest ON faults_begun (message_id);
CREATE OR REPLACE FUNCTION faults_note_begun() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO faults_begun SELECT message_id, number, pg_current_xact_id() FROM fresh;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER faults_begun AFTER INSERT ON delivery_deliveryattempt
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION faults_note_begun();
"""


# Of several stands in one process; the embedded server knows no threads.
_STARTING = threading.Lock()


class StandError(RuntimeError):
    """The stand itself did not do what it is there for; the text says where to look."""


class Stand:
    """`batch` mails go in one request at most. `is_durable` False: the servers do not wait for the disk, which a
    kill of a process cannot tell apart."""

    def __init__(
        self,
        folder: Path,
        *,
        workers: int = 2,
        batch: int = 1,
        in_flight: int = IN_FLIGHT,
        seed: int = 1,
        is_durable: bool = True,
        web: int = 1,
    ) -> None:
        self.var, self.workers, self.batch, self.seed, self.is_durable = folder, workers, batch, seed, is_durable
        self.in_flight, self.web = in_flight, web
        self.port, self.provider_port = _free_port(), _free_port()
        key = ec.generate_private_key(ec.SECP256R1())
        self._pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
        public = key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self._public = base64.b64encode(public).decode()
        self.database_url = ""
        self._site: subprocess.Popen[str] | None = None
        self._provider: subprocess.Popen[str] | None = None
        self._inside: subprocess.Popen[str] | None = None
        self._connection: psycopg.Connection | None = None

    # -- life ---------------------------------------------------------------

    def start(self) -> None:
        with _STARTING:
            self._start_postgres()
        self._provider = self._launch("provider", "-m", "tests.faults.provider", *self._provider_words())
        self.start_site()
        self.sql(_WITNESS)
        self._inside = self._launch("inside", "-m", "tests.faults.inside")
        _answer_of(self._inside, "inside")

    def _start_postgres(self) -> None:
        prepared.lay(self.var)
        self.database_url = services.start_postgres(self.var)
        with psycopg.connect(self.database_url, autocommit=True) as server:
            server.execute("ALTER SYSTEM SET track_commit_timestamp = on")
            if not self.is_durable:
                server.execute("ALTER SYSTEM SET fsync = off")
                server.execute("ALTER SYSTEM SET full_page_writes = off")
        services.stop(self.var)
        self.database_url = services.start_postgres(self.var)

    def start_site(self, *, batch: int | None = None, in_flight: int | None = None) -> None:
        """Web, workers and cron under the product's own supervisor, until /readyz says yes."""
        self.batch, self.in_flight = batch or self.batch, in_flight or self.in_flight
        words = ["--port", str(self.port), "--workers", str(self.workers), "--web", str(self.web)]
        self._site = self._launch("up", "manage.py", "up", *words)
        assert self._site.stdout is not None
        if "ready" not in self._site.stdout.readline():
            raise StandError(f"The site did not start; see {self.var / 'up.err'}.")

    def stop_site(self) -> float:
        """SIGTERM, as a deploy does it; seconds until everything had ended."""
        assert self._site is not None
        began = time.monotonic()
        self._site.terminate()
        self._site.wait(timeout=120)
        return time.monotonic() - began

    def stop(self) -> None:
        for process in (self._inside, self._site, self._provider):
            if process is None:
                continue
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._connection is not None:
            self._connection.close()
        services.stop(self.var)
        services.release(self.var)

    @property
    def environment(self) -> dict[str, str]:
        provider = f"http://127.0.0.1:{self.provider_port}"
        return {
            **{name: value for name, value in os.environ.items() if name not in NOT_INHERITED},
            "DJANGO_SETTINGS_MODULE": "orchestrator.settings.local",
            "CRESCENDO_VAR": str(self.var),
            "PUBLIC_BASE_URL": f"http://127.0.0.1:{self.port}",
            "COMPLIANCE_QUIET_HOURS": "off",
            "SENDGRID_API_KEY": "SG.faults",
            "SENDGRID_API_BASE": f"{provider}/sendgrid",
            "SENDGRID_WEBHOOK_PUBLIC_KEY": self._public,
            "SENDGRID_FROM_EMAIL": "hello@harbourline.example",
            "SENDGRID_BATCH_SIZE": str(self.batch),
            "SENDGRID_IN_FLIGHT": str(self.in_flight),
            "SENDER_NAME": "Harbourline Ltd",
            "SENDER_POSTAL_ADDRESS": "12 Harbour Street, Haifa 3303112, Israel",
            "TWILIO_ACCOUNT_SID": f"AC{'0' * 32}",
            "TWILIO_AUTH_TOKEN": "sandbox",
            "TWILIO_FROM": "+15005550006",
            "TWILIO_API_BASE": f"{provider}/twilio",
            "TWILIO_IN_FLIGHT": str(self.in_flight),
            "EVIDENCE_WINDOW_EMAIL_S": str(EVIDENCE_WINDOW_S),
            "EVIDENCE_WINDOW_SMS_S": str(EVIDENCE_WINDOW_S),
            "DELIVERY_LEASE_S": str(LEASE_S),
            "PROVIDER_TIMEOUT_S": str(PROVIDER_TIMEOUT_S),
            "FAULTS_SENDGRID_PRIVATE_KEY": self._pem,
        }

    def _provider_words(self) -> list[str]:
        return [str(self.provider_port), f"http://127.0.0.1:{self.port}", str(self.seed)]

    def _launch(self, name: str, *words: str) -> subprocess.Popen[str]:
        with (self.var / f"{name}.err").open("ab") as errors:
            return subprocess.Popen(
                [sys.executable, *words],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
            )

    def launch_worker(self, number: int) -> subprocess.Popen[str]:
        """One more worker on `now`, beside the supervised ones. End it yourself."""
        return self._launch(f"extra-{number}", "manage.py", "rqworker", "now", "--skip-checks")

    # -- asking -------------------------------------------------------------

    def do(self, deed: str, **given: Any) -> Any:
        """A use case of the product (tests/faults/inside.py)."""
        assert self._inside is not None and self._inside.stdin is not None
        self._inside.stdin.write(json.dumps({"do": deed, **given}) + "\n")
        self._inside.stdin.flush()
        return _answer_of(self._inside, deed)

    def sql(self, statement: str, *params: Any) -> list[tuple[Any, ...]]:
        """Waits for a server that is away."""
        until = time.monotonic() + 60
        while True:
            try:
                if self._connection is None or self._connection.closed:
                    self._connection = psycopg.connect(self.database_url, autocommit=True)
                cursor = self._connection.execute(statement, params or None)
                return cursor.fetchall() if cursor.description else []
            except psycopg.OperationalError:
                if self._connection is not None:
                    self._connection.close()
                    self._connection = None
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)

    def count(self, condition: str, *params: Any) -> int:
        return int(self.sql(f"SELECT count(*) FROM delivery_message message WHERE {condition}", *params)[0][0])

    def provider(self, method: str, path: str, document: object = None) -> Any:
        """The sandbox's control pages."""
        connection = http.client.HTTPConnection("127.0.0.1", self.provider_port, timeout=30)
        try:
            body = None if document is None else json.dumps(document)
            connection.request(method, f"/_sandbox{path}", body=body)
            answer = connection.getresponse()
            if answer.status != http.HTTPStatus.OK:
                raise StandError(f"{path}: {answer.status}")
            return json.loads(answer.read())
        finally:
            connection.close()

    def set_faults(self, *, channel: str = "email", **plan: float) -> None:
        """From now on, and nothing else than these."""
        self.provider("POST", "/faults", {"vendor": VENDORS[channel], "hang_s": PROVIDER_TIMEOUT_S + 1, **plan})

    def taken(self, campaign: str, channel: str = "email") -> list[dict[str, Any]]:
        """Every message of the campaign that the provider took, in order, by the addresses it saw."""
        found: list[dict[str, Any]] = []
        begins = addresses.beginning(campaign, channel)
        seen = 0
        while True:
            page = self.provider("GET", f"/log?vendor={VENDORS[channel]}&after={seen}")
            found += [line for line in page["items"] if line["to"].startswith(begins)]
            seen += len(page["items"])
            if seen >= page["total"]:
                return found

    def requests(self, channel: str = "email") -> int:
        """Calls of the provider since `set_faults`, whatever came of them."""
        return int(self.provider_faults(channel)["seen"])

    def provider_faults(self, channel: str = "email") -> dict[str, int]:
        """What it did to calls since `set_faults`, by kind."""
        found: dict[str, int] = self.provider("GET", "/state")["faults"][VENDORS[channel]]
        return found

    def page(self, path: str) -> tuple[int, str]:
        """What a browser with a session gets; 0 when nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", path, headers={"Cookie": "sessionid=of-somebody-who-was-here-before"})
            answer = connection.getresponse()
            return answer.status, answer.read().decode(errors="replace")
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            connection.close()

    # -- breaking -----------------------------------------------------------

    def pids(self, kind: str) -> list[int]:
        """`now`, `bulk`, `web` or `cron`: who runs at this moment."""
        state = json.loads((self.var / "up.json").read_text())
        if kind in ("now", "bulk"):
            return [pid for name, pid in state["workers"].items() if name.startswith(kind)]
        found = state[kind]
        return list(found) if isinstance(found, list) else [found]

    def memory(self) -> dict[str, float]:
        """MB (PSS) of the site by kind of process; of `all`, those who serve and work: not who starts them again.
        Servers and provider are not of it."""
        state = json.loads((self.var / "up.json").read_text())
        numbers = {kind: self.pids(kind) for kind in ("web", "now", "bulk", "cron")}
        numbers |= {kind: [state[kind]] for kind in ("nursery", "up") if kind in state}
        found: Counter[str] = Counter()
        for kind, pids in numbers.items():
            for pid in pids:
                with contextlib.suppress(psutil.Error):
                    found[kind] += psutil.Process(pid).memory_full_info().pss
        megabytes = {kind: round(found[kind] / 1e6, 1) for kind in numbers}
        return {**megabytes, "all": round(sum(megabytes.values()) - megabytes["up"], 1)}

    def postmaster(self) -> int:
        return int((self.var / "pg" / "postmaster.pid").read_text().split("\n", 1)[0])

    def redis(self) -> Redis:
        return Redis.from_url(f"unix://{services.redis_socket(self.var)}?db=0")

    def redis_peak_mb(self) -> float:
        """The most that Redis itself says it has used since it was started last."""
        return round(self.redis().info("memory")["used_memory_peak"] / 1e6, 1)

    def redis_pid(self) -> int:
        return int((self.var / "redis" / "redis.pid").read_text())

    @contextlib.contextmanager
    def away(self, service: str) -> Iterator[None]:
        """`postgres` or `redis` killed, and kept from coming back until the block ends; `connections`: PostgreSQL is
        there, but others have all of its."""
        if service == "connections":
            with crowd.all_connections(self.database_url):
                yield
            return
        lock = self.var / "pg.lock" if service == "postgres" else self.var / "redis" / "start.lock"
        with lock.open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            if service == "postgres":
                os.kill(self.postmaster(), signal.SIGQUIT)
            else:
                os.kill(self.redis_pid(), signal.SIGKILL)
            yield


@contextlib.contextmanager
def standing(folder: Path, **options: Any) -> Iterator[Stand]:
    folder.mkdir(parents=True, exist_ok=True)
    stand = Stand(folder, **options)
    try:
        stand.start()
        yield stand
    finally:
        stand.stop()


def wait_for(condition: Callable[[], object], *, seconds: float, what: str, every: float = 0.1) -> float:
    """Seconds until it held. Raises StandError."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > seconds:
            raise StandError(f"After {seconds:.0f} s still not: {what}.")
        time.sleep(every)
    return time.monotonic() - began


def _answer_of(process: subprocess.Popen[str], name: str) -> Any:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise StandError(f"The helper inside the product ended at {name!r}; see inside.err in the stand's folder.")
    return json.loads(line)["ok"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
