"""Twilio's official client over connections that stay open, at whatever address its hosts really are.

The client has a seam for this: an HTTP client of one's own. The shipped one costs three times the CPU, logs
what it sends and cannot tell a request that never left from one that was not answered.
"""

from __future__ import annotations

import threading
from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from twilio.http import HttpClient
from twilio.http.response import Response

from orchestrator.channels.kept_alive import Transport

_LONGEST_WAIT_S = 3600.0


class KeptAliveHttpClient(HttpClient):
    """`bases` maps a product (api, messaging, lookups) to its base address, which may end in a path.

    Raises NotSent and NoAnswer of `channels.kept_alive`; the client raises its own errors for HTTP answers.
    """

    def __init__(self, *, bases: Mapping[str, str], timeout_s: float) -> None:
        # Not super().__init__: it wants a logger, and nothing that is sent here may be logged.
        self.is_async = False
        self._local = threading.local()
        self._paths = {product: urlsplit(base).path.rstrip("/") for product, base in bases.items()}
        self._transports = {product: Transport(base_url=base, timeout_s=timeout_s) for product, base in bases.items()}

    @property
    def last_retry_after_s(self) -> float | None:
        """What this thread's last answer asked to wait, which the official client's errors do not tell."""
        wait: float | None = getattr(self._local, "retry_after_s", None)
        return wait

    def request(
        self,
        method: str,
        uri: str,
        params: dict[str, object] | None = None,
        data: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """One exchange. `timeout` and `allow_redirects` are the transport's own: fixed, and never."""
        parts = urlsplit(uri)
        product = (parts.hostname or "").partition(".")[0]
        query = urlencode(params, doseq=True) if params else parts.query
        target = f"{self._paths[product]}{parts.path}{'?' + query if query else ''}"
        sent = dict(headers or {})
        if auth is not None:
            sent["Authorization"] = f"Basic {b64encode(':'.join(auth).encode()).decode()}"
        body = urlencode(data, doseq=True).encode() if data is not None else None
        answer = self._transports[product].exchange(method.upper(), target, sent, body)
        self._local.retry_after_s = _seconds(answer.info().get("Retry-After"))
        return Response(answer.code, answer.read().decode("utf-8", "replace"), _headers(answer.info()))


def _seconds(text: str | None) -> float | None:
    """Of Retry-After; None for a date, and for more than an hour, which makes no sense here."""
    if not text or not text.isascii() or not text.strip().isdigit():
        return None
    return float(text) if len(text) < 6 and float(text) <= _LONGEST_WAIT_S else None


def _headers(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
