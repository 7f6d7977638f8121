"""The product as the outside world sees it, for tests of the outside world: pages, feed and webhook intake."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import stripe


class ProductDouble:
    """Verifies nothing by itself: every webhook request is kept with its headers for the test to judge."""

    def __init__(self) -> None:
        self.webhooks: list[tuple[str, dict[str, str], bytes]] = []
        self.visits: list[tuple[str, str, str]] = []
        self.posts: list[tuple[str, dict[str, str]]] = []
        self.in_app_events: list[dict] = []
        self.refusals_left = 0
        self.accept: Callable[[str], str] = lambda token: "upgraded"
        self.feed: Callable[[str], list[dict]] = lambda authorization: []
        self._lock = threading.Lock()
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = 65536

            def _serve(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                status, content, headers = double.respond(self.command, self.path, dict(self.headers.items()), body)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            do_GET = do_POST = do_HEAD = _serve  # noqa: N815

            def log_message(self, *args: object) -> None:
                return

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128
            block_on_close = False

            def handle_error(self, request, client_address) -> None:
                return

        self._server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def events(self, vendor: str) -> list[dict]:
        """Every event taken in so far, in the order of arrival."""
        with self._lock:
            bodies = [body for path, _, body in self.webhooks if f"/{vendor}" in path]
        documents = [json.loads(body) for body in bodies]
        return [event for each in documents for event in (each if isinstance(each, list) else [each])]

    def respond(self, method: str, target: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes, dict]:
        path = urlsplit(target).path
        with self._lock:
            if path.startswith("/webhooks/"):
                if self.refusals_left:
                    self.refusals_left -= 1
                    return 503, b"", {}
                self.webhooks.append((path, headers, body))
                return 200, b"", {}
            if path == "/inapp/v1/events":
                self.in_app_events.extend(json.loads(body)["events"])
                return 200, b"{}", {}
            if method == "POST":
                form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
                self.posts.append((path, form))
            else:
                self.visits.append((method, path, headers.get("User-Agent", "")))
        return self._page(method, path, headers, body)

    def _page(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes, dict]:
        kind, _, token = path.strip("/").partition("/")
        if path == "/inapp/v1/feed":
            messages = self.feed(headers.get("Authorization", ""))
            return 200, json.dumps({"messages": messages}).encode(), {"Content-Type": "application/json"}
        if kind == "c":
            return 302, b"", {"Location": f"{self.base}/o/{token}"}
        if kind == "o" and method != "POST":
            page = f'<form method="post"><input value="n-{token}" name=nonce type="hidden"><select name="reason">'
            page += '<option value="NO_BUDGET">No budget</option></select></form>'
            return 200, page.encode(), {"Content-Type": "text/html", "Set-Cookie": "visit=1; Path=/"}
        if kind == "o":
            form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
            result = "declined"
            if form["action"] == "accept":
                result = self.accept(token) if form.get("nonce") == f"n-{token}" else "expired"
            status = {"upgraded": 200, "declined": 200, "already_done": 409}.get(result, 410)
            return status, json.dumps({"result": result}).encode(), {"Content-Type": "application/json"}
        if kind == "u":
            return 200, b'<form method="post"><input type="hidden" name="confirm" value="yes"></form>', {}
        return 404, b"", {}


def upgrade_through_stripe(base_url: str) -> Callable[[str], str]:
    """How the product upgrades the account whose id is the token: the official client, one plan up."""
    client = stripe.StripeClient("sk_test", base_addresses={"api": f"{base_url}/stripe"}, max_network_retries=0)

    def upgrade(account_id: str) -> str:
        subscription = client.v1.subscriptions.retrieve(f"sub_{account_id}").to_dict()
        item = subscription["items"]["data"][0]
        plan, interval, currency = item["price"]["lookup_key"].split("_")
        above = {"basic": "team", "team": "pro"}[plan]
        client.v1.subscriptions.update(
            subscription["id"],
            params={"items": [{"id": item["id"], "price": f"price_{above}_{interval}_{currency}", "quantity": 1}]},
            options={"idempotency_key": f"accept-{account_id}"},
        )
        return "upgraded"

    return upgrade
