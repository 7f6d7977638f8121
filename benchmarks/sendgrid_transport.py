"""CPU per mail through SendGridChannel, beside a bare http.client loop, against a sink on loopback.

    python benchmarks/sendgrid_transport.py [--sends 3000]

Prints one JSON line. The sink is a process of its own, so only the sender's CPU is counted.
Bar: the channel costs at most 1 CPU-ms per mail (the shipped transport: 31).
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import socketserver
import sys
import time
import uuid
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from orchestrator.channels.contract import OutboundMessage
from orchestrator.channels.sendgrid.channel import SendGridChannel

ANSWER = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nX-Message-Id: 14c5d75ce93.dfd.64b469\r\n\r\n"
HTML = "<p>You use 82% of your seats.</p>" * 300  # 10 KB, a usual mail


class _Sink(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self) -> None:
        while line := self.rfile.readline():
            length = 0
            while (line := self.rfile.readline()) not in (b"\r\n", b""):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            self.rfile.read(length)
            self.wfile.write(ANSWER)


def serve(pipe: Connection) -> None:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Sink) as server:
        server.daemon_threads = True
        pipe.send(server.server_address[1])
        server.serve_forever()


def message() -> OutboundMessage:
    return OutboundMessage(
        message_id=uuid.uuid4(),
        attempt=1,
        address="dana@customer.example",
        subject="You use 82% of your seats",
        text="Upgrade at https://crescendo.example/o/abc",
        html=HTML,
        headers={"List-Unsubscribe": "<https://crescendo.example/u/abc>"},
        campaign="seats-80",
    )


def through_the_channel(port: int) -> Callable[[], object]:
    channel = SendGridChannel(api_key="SG.bench", api_base=f"http://127.0.0.1:{port}", from_email="hi@acme.example")
    return lambda: channel.send(message())


def through_a_bare_loop(port: int) -> Callable[[], object]:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    headers = {"Authorization": "Bearer SG.bench", "Content-Type": "application/json"}

    def send() -> None:
        one = message()
        body = {"to": one.address, "id": str(one.message_id), "subject": one.subject, "html": one.html}
        connection.request("POST", "/v3/mail/send", body=json.dumps(body).encode(), headers=headers)
        connection.getresponse().read()

    return send


def measure(send: Callable[[], object], sends: int) -> dict[str, float]:
    for _ in range(50):
        send()
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(sends):
        send()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {"cpu_ms_per_send": round(cpu / sends * 1000, 3), "sends_per_s": round(sends / wall)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sends", type=int, default=3000)
    sends = parser.parse_args().sends
    here, there = multiprocessing.Pipe()
    sink = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    sink.start()
    try:
        port = here.recv()
        channel, bare = measure(through_the_channel(port), sends), measure(through_a_bare_loop(port), sends)
    finally:
        sink.terminate()
        sink.join()
    print(json.dumps({"benchmark": "sendgrid_transport", "sends": sends, "channel": channel, "bare_loop": bare}))


if __name__ == "__main__":
    main()
