from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from orchestrator.channels import kept_alive
from orchestrator.channels.kept_alive import NotSent, Transport

URL = "/v3/mail/send"


class _Provider(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        if len(self.rfile.read(length)) < length:
            self.close_connection = True
            return
        self.server.taken += 1  # type: ignore[attr-defined]
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        """Silent."""


@pytest.fixture
def provider() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Provider)
    server.daemon_threads, server.block_on_close = True, False
    server.taken = 0  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def post(transport: Transport) -> int:
    return transport.exchange("POST", URL, {}, b"{}").code


def transport_to(provider: ThreadingHTTPServer) -> Transport:
    return Transport(base_url=f"http://127.0.0.1:{provider.server_port}", timeout_s=5)


def test_in_time_it_leaves(provider):
    with kept_alive.leave_before(time.monotonic() + 60):
        assert post(transport_to(provider)) == 202


def test_too_late_it_stays_and_the_next_one_goes(provider):
    """given a moment that is over, then nothing leaves; without one the same thread sends as ever"""
    transport = transport_to(provider)
    with kept_alive.leave_before(time.monotonic() - 1), pytest.raises(NotSent):
        post(transport)
    assert provider.taken == 0

    assert (post(transport), provider.taken) == (202, 1)


def test_frozen_between_head_and_body_the_body_stays(provider, monkeypatch):
    """given a process that stands still after the head has left, when it wakes too late, then the provider got half a
    request and took nothing"""
    written: list[bytes] = []
    send = http.client.HTTPConnection.send

    def stand_still(connection: http.client.HTTPConnection, data: bytes) -> None:
        send(connection, data)
        written.append(data)
        connection.limit = time.monotonic() - 1  # type: ignore[attr-defined]

    monkeypatch.setattr(http.client.HTTPConnection, "send", stand_still)
    with kept_alive.leave_before(time.monotonic() + 60), pytest.raises(NotSent):
        transport_to(provider).exchange("POST", URL, {}, b"x" * 200_000)

    assert (len(written), provider.taken) == (1, 0)
