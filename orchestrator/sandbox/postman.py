"""Posts the vendors' signed webhooks to the product, again and again until it takes them."""

from __future__ import annotations

import heapq
import http.client
import itertools
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

FIRST_WAIT_S = 0.2
LONGEST_WAIT_S = 15.0
TIMEOUT_S = 30.0
CONCURRENCY = 8
Signer = Callable[[bytes], Mapping[str, str]]


@dataclass(slots=True)
class Parcel:
    """One webhook request. It is signed anew at every attempt, with that moment's time. `answered` gets the body
    of the answer once it was taken."""

    vendor: str
    path: str
    body: bytes
    sign: Signer
    tries: int = 0
    answered: Callable[[bytes], None] | None = None


class Product:
    """Kept-alive HTTP to the product under test, and to nothing else: one connection per thread.

    A connection that the other side closed while it was idle is opened anew; nothing else is repeated.
    """

    def __init__(self, base: str) -> None:
        parts = urlsplit(base)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"The product's base must be a plain http address, not {base!r}.")
        self._host, self._port, self._prefix = parts.hostname, parts.port or 80, parts.path.rstrip("/")
        self._local = threading.local()

    def call(self, method: str, path: str, *, body: bytes | None = None, headers: Mapping[str, str]) -> HttpReply:
        """Raises OSError or HTTPException when nobody answers properly."""
        known = getattr(self._local, "connection", None)
        if known is not None:
            try:
                return self._exchange(known, method, path, body, headers)
            except (ConnectionError, http.client.RemoteDisconnected):
                self._drop()
            except (OSError, http.client.HTTPException):
                self._drop()
                raise
        fresh = http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT_S)
        self._local.connection = fresh
        try:
            return self._exchange(fresh, method, path, body, headers)
        except (OSError, http.client.HTTPException):
            self._drop()
            raise

    def _exchange(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str],
    ) -> HttpReply:
        connection.request(method, self._prefix + path, body=body, headers=dict(headers))
        response = connection.getresponse()
        content = response.read()
        reply = HttpReply(response.status, {name.lower(): value for name, value in response.getheaders()}, content)
        if response.will_close:
            self._drop()
        return reply

    def _drop(self) -> None:
        connection = getattr(self._local, "connection", None)
        self._local.connection = None
        if connection is not None:
            connection.close()


@dataclass(frozen=True, slots=True)
class HttpReply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


class Postman:
    """Eight at a time; waits grow from 0.2 s to 15 s (wall time) and never end."""

    def __init__(self, product: Product, *, concurrency: int = CONCURRENCY) -> None:
        self._product = product
        self._concurrency = concurrency
        self._ready: queue.SimpleQueue[Parcel | None] = queue.SimpleQueue()
        self._later: list[tuple[float, int, Parcel]] = []
        self._order = itertools.count()
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._open = 0
        self.counts: Counter[str] = Counter()
        self.last_status: dict[str, str] = {}

    def start(self) -> None:
        threading.Thread(target=self._bring_back, name="sandbox-postman-waits", daemon=True).start()
        for _ in range(self._concurrency):
            threading.Thread(target=self._work, name="sandbox-postman", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()
        for _ in range(self._concurrency):
            self._ready.put(None)

    def post(self, parcel: Parcel) -> None:
        with self._lock:
            self._open += 1
        self._ready.put(parcel)

    def pending(self) -> int:
        """Parcels not yet accepted, those waiting for another try included."""
        with self._lock:
            return self._open

    def _work(self) -> None:
        while (parcel := self._ready.get()) is not None:
            parcel.tries += 1
            outcome = self._deliver(parcel)
            with self._lock:
                self.counts[f"{parcel.vendor}.tries"] += 1
                self.last_status[parcel.vendor] = outcome
                if outcome.startswith("2"):
                    self.counts[f"{parcel.vendor}.accepted"] += 1
                    self._open -= 1
                    continue
                self.counts[f"{parcel.vendor}.refused"] += 1
                wait = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** (parcel.tries - 1))
                heapq.heappush(self._later, (time.monotonic() + wait, next(self._order), parcel))

    def _deliver(self, parcel: Parcel) -> str:
        headers = {"Content-Type": "application/json", **parcel.sign(parcel.body)}
        try:
            reply = self._product.call("POST", parcel.path, body=parcel.body, headers=headers)
        except (OSError, http.client.HTTPException) as error:
            return type(error).__name__
        if parcel.answered is not None and reply.status < 300:
            parcel.answered(reply.body)
        return str(reply.status)

    def _bring_back(self) -> None:
        while not self._stopped.wait(0.05):
            with self._lock:
                while self._later and self._later[0][0] <= time.monotonic():
                    self._ready.put(heapq.heappop(self._later)[2])
