"""SendGrid's suppressions: our opt-outs go to one unsubscribe group; everything it lists for any reason is read.

A group and not the global list: the global one would stop receipts and security notices too. Our own mails do not
name the group, so that there is one truth about them, ours; the group is for whatever else sends through the account.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Self
from urllib.parse import quote

from django.conf import settings
from python_http_client.exceptions import HTTPError

from orchestrator.channels.contract import Busy, ChannelError, Refusal, Unclear
from orchestrator.channels.kept_alive import NoAnswer, NotSent, Transport
from orchestrator.channels.sendgrid import channel, json_answers
from orchestrator.channels.sendgrid.transport import KeptAliveClient
from orchestrator.channels.suppressions import Listed, ListedAs

PAGE = 500
_GLOBAL = "global"  # the list for everything that the account sends
_LATEST = 253402300799  # 9999-12-31T23:59:59Z: the last second that a datetime can hold
_LONGEST_ANSWER = 64 * 1024 * 1024
_DESCRIPTION = "People who want no marketing from us. Kept up to date by Crescendo."
# Their lists, and what each says about an address. Blocks are missing: a blocked address may be good tomorrow.
_LISTS: Mapping[str, ListedAs] = {
    "unsubscribes": ListedAs.UNSUBSCRIBED,
    "spam_reports": ListedAs.COMPLAINED,
    "bounces": ListedAs.BAD_ADDRESS,
    "invalid_emails": ListedAs.BAD_ADDRESS,
}


class SendGridList:
    settings_read: ClassVar[tuple[str, ...]] = (
        "SENDGRID_API_KEY",
        "SENDGRID_API_BASE",
        "SENDGRID_UNSUBSCRIBE_GROUP",
        "PROVIDER_TIMEOUT_S",
    )
    provider = "sendgrid"
    batch_size = 1000
    can_be_read = True

    def __init__(self, *, api_key: str, api_base: str, group: str, timeout_s: float = 10) -> None:
        """`group` is the name of the unsubscribe group; it is made where it lacks."""
        # 30 MB of helpers come with this import: only a process that talks to SendGrid pays for them.
        import sendgrid

        api = sendgrid.SendGridAPIClient(api_key, host=api_base.rstrip("/"))
        transport = Transport(base_url=api_base, timeout_s=timeout_s, longest_answer=_LONGEST_ANSWER)
        self._client = KeptAliveClient(
            transport=transport, host=api.host, request_headers=api.client.request_headers, version=3
        )
        self._name = group
        self._group: int | None = None

    @classmethod
    def from_settings(cls) -> Self | None:
        if not settings.SENDGRID_API_KEY:
            return None
        return cls(
            api_key=settings.SENDGRID_API_KEY,
            api_base=settings.SENDGRID_API_BASE,
            group=settings.SENDGRID_UNSUBSCRIBE_GROUP,
            timeout_s=settings.PROVIDER_TIMEOUT_S,
        )

    def add(self, addresses: Sequence[str]) -> Mapping[str, str]:
        self._call(self._suppressions().post, request_body={"recipient_emails": list(addresses)})
        return {}

    def remove(self, addresses: Sequence[str]) -> Mapping[str, str]:
        """From the global list too: it would go on stopping what the person asked for again."""
        for address in addresses:
            name = quote(address, safe="")
            self._call(self._suppressions()._(name).delete, is_fine=404)
            self._call(self._client.asm.suppressions._(_GLOBAL)._(name).delete, is_fine=404)
        return {}

    def read(self) -> Iterator[Listed]:
        for address in self._list(self._suppressions().get):
            if isinstance(address, str):
                yield Listed(address.strip().lower(), ListedAs.UNSUBSCRIBED)
        for name, listed_as in _LISTS.items():
            offset = 0
            while page := self._page(name, offset):
                yield from (one for row in page if (one := _listed(row, listed_as)) is not None)
                if len(page) < PAGE:
                    break
                offset += PAGE

    def _page(self, name: str, offset: int) -> list[Any]:
        return self._list(self._client.suppression._(name).get, query_params={"limit": PAGE, "offset": offset})

    def _suppressions(self) -> Any:
        if self._group is None:
            self._group = self._find_group()
        return self._client.asm.groups._(str(self._group)).suppressions

    def _find_group(self) -> int:
        for group in self._list(self._client.asm.groups.get):
            if isinstance(group, dict) and group.get("name") == self._name and isinstance(group.get("id"), int):
                return int(group["id"])
        made = json_answers.read(
            self._call(self._client.asm.groups.post, request_body={"name": self._name, "description": _DESCRIPTION})
        )
        if not isinstance(made, dict) or not isinstance(made.get("id"), int):
            raise Busy("SendGrid's answer is unreadable: the new group has no id.", code="unreadable")
        return int(made["id"])

    def _list(self, method: Any, **arguments: Any) -> list[Any]:
        found = json_answers.read(self._call(method, **arguments))
        if not isinstance(found, list):
            raise Busy("SendGrid's answer is unreadable: it is no list.", code="unreadable")
        return found

    def _call(self, method: Any, *, is_fine: int = 0, **arguments: Any) -> bytes:
        outcome = self._attempt(method, is_fine, arguments)
        # Raised outside the except blocks: a chained exception would carry addresses into logs.
        if isinstance(outcome, ChannelError):
            raise outcome
        return outcome

    def _attempt(self, method: Any, is_fine: int, arguments: dict[str, Any]) -> bytes | ChannelError:
        try:
            return bytes(method(**arguments).body or b"")
        except NotSent as error:
            return Busy(f"SendGrid could not be reached. {error}", code="not_sent")
        except NoAnswer as error:
            return Unclear(f"SendGrid gave no answer. {error}", code="no_answer")
        except HTTPError as error:
            return b"" if is_fine and int(error.status_code) == is_fine else _explain(error)


def _explain(error: HTTPError) -> ChannelError:
    """As for a mail; but a key without this scope is the list's own trouble, and every entry is good once mended."""
    told = channel.explain(error)
    if isinstance(told, Refusal):
        return Refusal(f"SendGrid refused the suppressions (HTTP {error.status_code}).", code=told.code)
    return told


def _listed(row: Any, listed_as: ListedAs) -> Listed | None:
    if not isinstance(row, dict) or not isinstance(row.get("email"), str):
        return None
    created = row.get("created")
    at = None
    if isinstance(created, int) and not isinstance(created, bool) and 0 < created <= _LATEST:
        at = datetime.fromtimestamp(created, UTC)
    return Listed(row["email"].strip().lower(), listed_as, at)
