"""HTTP to a provider over connections that stay open, and a plain word for how far a request got.

What may be repeated is decided by one question: had a byte of the request left? Before
that everything is `NotSent`. After it everything but an HTTP answer is `NoAnswer`, because
the provider may have taken the message. Nothing is ever repeated here.
"""

from __future__ import annotations

import http.client
import io
import os
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from orchestrator.http import Endpoint, ForbiddenAddress

# Load balancers forget quiet connections without a word; a new one costs less than a guess.
_IDLE_LIMIT_S = 30.0
_LONGEST_ANSWER = 256 * 1024


class NotSent(Exception):
    """Certainly nothing arrived: no connection was made."""


class NoAnswer(Exception):
    """The request had begun to leave and no usable HTTP answer came back."""


class _TooLateToLeave(Exception):
    """The moment until which this thread's requests may leave is over; the last byte is still here."""


_leaving = threading.local()


@contextmanager
def leave_before(limit: float) -> Iterator[None]:
    """Requests of this thread leave before `limit` (monotonic) or not at all, as `NotSent`.

    Looked at right before each write: a machine that was paused in the middle of building a request must not send it
    when somebody else may have.
    """
    _leaving.limit = limit
    try:
        yield
    finally:
        del _leaving.limit


def _limit() -> float:
    return float(getattr(_leaving, "limit", float("inf")))


class Answer:
    """An HTTP answer, read to its end. The methods are urllib's: SendGrid's official client reads that shape."""

    def __init__(self, response: http.client.HTTPResponse, body: bytes) -> None:
        self.code = response.status
        self.reason = response.reason
        self.hdrs = response.headers
        self._body = body

    def getcode(self) -> int:
        return self.code

    def read(self) -> bytes:
        return self._body

    def info(self) -> Any:
        return self.hdrs


class Transport:
    """One kept-alive connection per thread to one host. A call takes at most `timeout_s` after DNS."""

    def __init__(self, *, base_url: str, timeout_s: float, longest_answer: int = _LONGEST_ANSWER) -> None:
        self._base = urlsplit(base_url)
        self._timeout_s = timeout_s
        self._longest_answer = longest_answer
        self._local = threading.local()
        self._tls = ssl.create_default_context() if self._base.scheme == "https" else None

    def exchange(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        deadline = time.monotonic() + self._timeout_s
        connection = self._connected(deadline)
        parts = urlsplit(url)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        try:
            connection.deadline, connection.limit = deadline, _limit()
            connection.sock.settimeout(max(deadline - time.monotonic(), 0.001))
            connection.request(method, path, body=body, headers=dict(headers))
            response = connection.getresponse()
            answer = Answer(response, response.read(self._longest_answer))
        except _TooLateToLeave:
            self._forget(connection)
            raise NotSent("It was too late to send it.") from None
        except (OSError, http.client.HTTPException) as error:
            self._forget(connection)
            raise NoAnswer(f"{type(error).__name__} after the request had been sent.") from None
        if response.will_close or not response.isclosed():
            self._forget(connection)
        connection.last_used = time.monotonic()
        return answer

    def _connected(self, deadline: float) -> _Connection:
        connection: _Connection | None = getattr(self._local, "connection", None)
        if connection is not None and connection.is_usable():
            return connection
        if connection is not None:
            self._forget(connection)
        connection = self._new_connection(deadline)
        try:
            connection.connect()
        except (OSError, UnicodeError, http.client.HTTPException) as error:
            connection.close()
            raise NotSent(f"No connection: {type(error).__name__}.") from None
        self._local.connection = connection
        return connection

    def _new_connection(self, deadline: float) -> _Connection:
        host, port = self._base.hostname or "", self._base.port
        if self._tls is None:
            return _PlainConnection(host, port, deadline)
        return _TlsConnection(host, port, deadline, self._tls)

    def _forget(self, connection: _Connection) -> None:
        connection.close()
        self._local.connection = None


def post_once(
    *,
    endpoint: Endpoint,
    headers: Mapping[str, str],
    body: bytes,
    timeout_s: float,
    is_allowed: Callable[[str], bool],
) -> Answer:
    """One POST on a connection of its own. The name is looked up once, and every IP address that it has must be
    allowed; the connection goes to one of just these. No redirect is followed.

    Raises ForbiddenAddress, NotSent, NoAnswer. Takes at most `timeout_s` after DNS.
    """
    deadline = time.monotonic() + timeout_s
    connection: _Connection
    if endpoint.is_tls:
        connection = _TlsConnection(endpoint.host, endpoint.port, deadline, ssl.create_default_context())
    else:
        connection = _PlainConnection(endpoint.host, endpoint.port, deadline)
    connection.is_allowed = is_allowed
    try:
        try:
            connection.connect()
        except (OSError, UnicodeError, http.client.HTTPException) as error:
            raise NotSent(f"No connection: {type(error).__name__}.") from None
        try:
            connection.sock.settimeout(max(deadline - time.monotonic(), 0.001))
            connection.request("POST", endpoint.path, body=body, headers=dict(headers))
            response = connection.getresponse()
            return Answer(response, response.read(_LONGEST_ANSWER))
        except _TooLateToLeave:
            raise NotSent("It was too late to send it.") from None
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswer(f"{type(error).__name__} after the request had been sent.") from None
    finally:
        connection.close()


class _DeadlineReader(io.RawIOBase):
    """Socket reads that share one deadline, so that a dribbling answer cannot hold a worker."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock = sock
        self._deadline = deadline
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Connection(http.client.HTTPConnection):
    deadline: float
    last_used: float
    limit: float
    is_allowed: Callable[[str], bool] | None = None

    def _prepare(self, deadline: float) -> None:
        self.deadline, self.limit = deadline, _limit()
        self.last_used = time.monotonic()
        self._made_in = os.getpid()
        self._create_connection = self._dial

    def is_usable(self) -> bool:
        """False for a connection that was closed, went quiet too long, or belongs to the process we forked from."""
        if self.sock is None or self._made_in != os.getpid():
            return False
        if time.monotonic() - self.last_used > _IDLE_LIMIT_S:
            return False
        # An idle connection has nothing to say: anything readable is the other side's goodbye.
        poll = select.poll()
        poll.register(self.sock, select.POLLIN | select.POLLHUP | select.POLLERR)
        return not poll.poll(0)

    def send(self, data: Any) -> None:
        """Head and body are written one after the other: without the body no provider does anything."""
        if time.monotonic() > self.limit:
            raise _TooLateToLeave
        super().send(data)

    def _dial(self, address: tuple[str, int], timeout: Any, source_address: Any) -> socket.socket:
        """socket.create_connection, but one time-out for all of a name's addresses together."""
        failure: OSError = OSError("the name has no address")
        found = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)
        if self.is_allowed is not None and not all(self.is_allowed(str(one[4][0])) for one in found):
            raise ForbiddenAddress(f"{address[0]} leads to an address inside the network.")
        for family, kind, proto, _, target in found:
            sock = socket.socket(family, kind, proto)
            try:
                sock.settimeout(max(self.deadline - time.monotonic(), 0.001))
                sock.connect(target)
            except OSError as error:
                sock.close()
                failure = error
            else:
                return sock
        raise failure

    def response_class(self, sock: socket.socket, *args: Any, **kwargs: Any) -> http.client.HTTPResponse:  # type: ignore[override]
        response = http.client.HTTPResponse(sock, *args, **kwargs)
        response.fp.close()
        response.fp = io.BufferedReader(_DeadlineReader(sock, self.deadline))
        return response


class _PlainConnection(_Connection):
    def __init__(self, host: str, port: int | None, deadline: float) -> None:
        super().__init__(host, port)
        self._prepare(deadline)


class _TlsConnection(_Connection, http.client.HTTPSConnection):
    def __init__(self, host: str, port: int | None, deadline: float, context: ssl.SSLContext) -> None:
        http.client.HTTPSConnection.__init__(self, host, port, context=context)
        self._prepare(deadline)
