"""A provider on loopback that misbehaves on request: what the outside world can do to an adapter."""

from __future__ import annotations

import json
import socket
import socketserver
import ssl
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import responses
from typing import Any

HANG = "hang"  # takes the request and says nothing
RESET = "reset"  # takes the request and resets the connection
CLOSE = "close"  # takes the request and closes the connection
GARBAGE = "garbage"  # answers with something that is not HTTP
CUT = "cut"  # promises a longer answer than it gives, and closes
DRIBBLE = "dribble"  # answers one byte at a time, without end


@dataclass(frozen=True)
class Reply:
    status: int = 202
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    then_close: bool = False  # closes the connection without announcing it

    @classmethod
    def of_json(cls, value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
        named = {"Content-Type": "application/json", **(headers or {})}
        return cls(status=status, headers=named, body=json.dumps(value).encode())


@dataclass(frozen=True)
class Received:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    connection: int

    @property
    def json(self) -> Any:
        return json.loads(self.body)


type Answer = Reply | str | Callable[[Received], Reply | str]


class Provider(socketserver.ThreadingTCPServer):
    """Answers from `script` first, then `default` (a fake with a memory is a function); keeps `requests`."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, default: Answer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.default = default
        self.script: deque[Reply | str] = deque()
        self.requests: list[Received] = []
        self.connections = 0
        self.released = threading.Event()
        self.settled = threading.Event()  # set when the server has closed a connection
        self.tls: ssl.SSLContext | None = None
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        connection.settimeout(20)
        if self.tls is not None:
            # The handshake is left to the connection's own thread.
            connection = self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self.settled.set()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is what some tests are about."""

    def answer_for(self, received: Received) -> Reply | str:
        with self.lock:
            self.requests.append(received)
            if self.script:
                return self.script.popleft()
            return self.default(received) if callable(self.default) else self.default


class _Handler(socketserver.StreamRequestHandler):
    server: Provider

    def handle(self) -> None:
        with self.server.lock:
            self.server.connections += 1
            number = self.server.connections
        while (received := self._read(number)) is not None:
            if not self._answer(self.server.answer_for(received)):
                return

    def _read(self, number: int) -> Received | None:
        try:
            line = self.rfile.readline().decode("latin-1").split()
            if len(line) != 3 or not line[2].startswith("HTTP/"):
                return None
            headers: dict[str, str] = {}
            while header := self.rfile.readline().decode("latin-1").strip():
                name, _, value = header.partition(":")
                headers[name.strip().title()] = value.strip()
            body = self.rfile.read(int(headers.get("Content-Length", "0")))
        except OSError:
            return None
        return Received(method=line[0], path=line[1], headers=headers, body=body, connection=number)

    def _answer(self, answer: Reply | str) -> bool:
        if isinstance(answer, Reply):
            self.wfile.write(_bytes(answer))
            return not answer.then_close
        if answer == HANG:
            self.server.released.wait(20)
        elif answer == RESET:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        elif answer == GARBAGE:
            self.wfile.write(b"\x00\xfe what is this\r\n\r\n")
        elif answer == CUT:
            self.wfile.write(b'HTTP/1.1 202 Accepted\r\nContent-Length: 900\r\n\r\n{"sid":')
        elif answer == DRIBBLE:
            self._dribble()
        return False

    def _dribble(self) -> None:
        try:
            self.wfile.write(b"HTTP/1.1 202 Accepted\r\nX-Slow: ")
            while not self.server.released.wait(0.05):
                self.wfile.write(b"z")
        except OSError:
            return


def _bytes(reply: Reply) -> bytes:
    head = [f"HTTP/1.1 {reply.status} {responses.get(reply.status, 'Odd')}", f"Content-Length: {len(reply.body)}"]
    head += [f"{name}: {value}" for name, value in reply.headers.items()]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + reply.body


@contextmanager
def running(default: Answer) -> Iterator[Provider]:
    provider = Provider(default)
    thread = threading.Thread(target=provider.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        provider.released.set()
        provider.shutdown()
        provider.server_close()


def closed_port() -> int:
    """A port of this machine that refuses connections."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
