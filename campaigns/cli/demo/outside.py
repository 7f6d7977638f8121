"""The demo's view of the sandbox: the simulated outside world in a process of its own."""

from __future__ import annotations

import http.client
import json
import time
from typing import Any

from campaigns.cli.demo.setting import DemoSetting


class Outside:
    def __init__(self, setting: DemoSetting) -> None:
        self._setting = setting

    def wait_until_up(self, *, seconds: float = 30) -> None:
        for _ in range(int(seconds * 10)):
            try:
                self.idle()
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise TimeoutError("The sandbox did not answer; see var/log/sandbox.log.")

    def idle(self, *, within_s: int = 0) -> dict[str, Any]:
        """{"due": reactions due by now plus `within_s`, "posting": webhooks under way, "next_at": ISO 8601 or None}."""
        return self._ask("GET", f"/_sandbox/idle?within={within_s}")

    def begin(self) -> None:
        """People start to live: what they do unasked is counted from this moment."""
        self._ask("POST", "/_sandbox/begin")

    def announce_subscriptions(self) -> int:
        return int(self._ask("POST", "/_sandbox/announce")["events"])

    def truth(self) -> dict[str, Any]:
        return self._ask("GET", "/_sandbox/truth?accounts=0")

    def agents(self) -> dict[str, dict[str, int]]:
        return self._ask("GET", "/_sandbox/agents")

    def state(self) -> dict[str, Any]:
        return self._ask("GET", "/_sandbox/state")

    def accepted(self, *, vendor: str) -> list[dict[str, Any]]:
        """Every message the provider accepted, in order: the truth about lost and doubled messages."""
        found: list[dict[str, Any]] = []
        while True:
            page = self._ask("GET", f"/_sandbox/log?vendor={vendor}&after={len(found)}")
            found += page["items"]
            if len(found) >= page["total"]:
                return found

    def _ask(self, method: str, path: str) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self._setting.sandbox_port, timeout=30)
        try:
            connection.request(method, path)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()
