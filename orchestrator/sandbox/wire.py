"""What passes between the socket and the simulated vendors, and the small HTTP server under them."""

from __future__ import annotations

import gzip
import json
import logging
import socket
import struct
import sys
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

log = logging.getLogger(__name__)
MAX_BODY = 40 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """One request, its path without the vendor's prefix; header names in lower case."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes

    def parameter(self, name: str, default: str = "") -> str:
        values = self.query.get(name)
        return values[0] if values else default

    def json(self) -> Any:
        """Raises ValueError when the body is no JSON."""
        return json.loads(self.body)

    @property
    def bearer(self) -> str:
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() in {"bearer", "basic"} else ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: a document that becomes JSON, or bytes whose type stands in the headers. `wait_s` delays it and
    `cut` closes the connection instead: both after the work is done."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    wait_s: float = 0.0
    cut: bool = False


class LoopbackServer(ThreadingHTTPServer):
    """Threads, kept-alive connections, loopback only."""

    daemon_threads = True
    request_queue_size = 256
    block_on_close = False

    def __init__(self, *, port: int, answer: Callable[[Request], Answer]) -> None:
        self.answer = answer
        super().__init__(("127.0.0.1", port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is its own affair; anything else is ours."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            log.exception("The sandbox failed while talking to %s.", client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "CrescendoSandbox"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024
    server: LoopbackServer

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        try:
            body = self._body()
        except ValueError as error:
            self.close_connection = True
            self._reply(Answer(400, {"message": str(error)}))
            return
        request = Request(
            method=self.command,
            path=parts.path,
            query=parse_qs(parts.query, keep_blank_values=True),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=body,
        )
        try:
            answer = self.server.answer(request)
        except Exception:
            log.exception("The sandbox failed at %s %s.", request.method, request.path)
            answer = Answer(500, {"message": "The sandbox itself failed: see its log."})
        if answer.wait_s:
            time.sleep(answer.wait_s)
        if answer.cut:
            self._cut()
            return
        self._reply(answer)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve  # noqa: N815 - http.server's names

    def _body(self) -> bytes:
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY:
            raise ValueError("body too large")
        raw = self.rfile.read(length) if length else b""
        if self.headers.get("Content-Encoding", "").lower() != "gzip":
            return raw
        try:
            return gzip.decompress(raw)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError("the body is no gzip") from error

    def _reply(self, answer: Answer) -> None:
        is_document = not isinstance(answer.body, bytes | None)
        body = json.dumps(answer.body, ensure_ascii=False).encode() if is_document else answer.body or b""
        self.send_response(answer.status, HTTPStatus(answer.status).phrase)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if is_document:
            self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _cut(self) -> None:
        """A hard reset, as from a dying load balancer."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: the log that counts is the vendors' own."""
