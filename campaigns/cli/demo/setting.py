"""What one checkout's demo is about: written once, so that the next run goes on with the same company."""

from __future__ import annotations

import base64
import json
import secrets
import socket
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

MARK = "CRESCENDO_DEMO"
EVIDENCE_WINDOW_S = 10
TWILIO_ACCOUNT = "AC" + "5a" * 16
TWILIO_SERVICE = "MG" + "5a" * 16


class DemoMismatchError(ValueError):
    """This checkout's data belongs to a demo with another seed or size."""


@dataclass(frozen=True, slots=True)
class DemoSetting:
    """`until` is the last day of the generated history, `started_at` business time."""

    seed: int
    accounts: int
    days: int
    until: str
    started_at: str
    port: int
    sandbox_port: int
    write_key: str
    signing_secret: str
    stripe_secret: str
    sendgrid_private_key: str
    sendgrid_public_key: str
    twilio_auth_token: str = "sandbox"  # noqa: S105 - what a demo that was set up without SMS goes on with

    @property
    def last_day(self) -> date:
        return date.fromisoformat(self.until)

    @property
    def product_base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def sandbox_base(self) -> str:
        return f"http://127.0.0.1:{self.sandbox_port}"

    def environment(self) -> dict[str, str]:
        """What every process of the demo reads: the sandbox as the outside world."""
        return {
            MARK: "1",
            "PUBLIC_BASE_URL": self.product_base,
            "SENDGRID_API_KEY": "SG.sandbox",
            "SENDGRID_API_BASE": f"{self.sandbox_base}/sendgrid",
            "SENDGRID_WEBHOOK_PUBLIC_KEY": self.sendgrid_public_key,
            "SENDGRID_FROM_EMAIL": "hello@harbourline.example",
            "SENDGRID_FROM_NAME": "Harbourline",
            "SENDER_NAME": "Harbourline Ltd",
            "SENDER_POSTAL_ADDRESS": "12 Harbour Street, Haifa 3303112, Israel",
            "TWILIO_ACCOUNT_SID": TWILIO_ACCOUNT,
            "TWILIO_AUTH_TOKEN": self.twilio_auth_token,
            "TWILIO_MESSAGING_SERVICE_SID": TWILIO_SERVICE,
            "TWILIO_API_BASE": f"{self.sandbox_base}/twilio",
            "HUBSPOT_ACCESS_TOKEN": "pat-sandbox",
            "HUBSPOT_API_BASE": f"{self.sandbox_base}/hubspot",
            "STRIPE_API_KEY": "sk_test_sandbox",
            "STRIPE_API_BASE": f"{self.sandbox_base}/stripe",
            "STRIPE_WEBHOOK_SECRET": self.stripe_secret,
            "EVIDENCE_WINDOW_EMAIL_S": str(EVIDENCE_WINDOW_S),
            "EVIDENCE_WINDOW_SMS_S": str(EVIDENCE_WINDOW_S),
        }


def open_setting(
    *, folder: Path, seed: int | None, accounts: int | None, days: int, port: int | None, now: datetime
) -> DemoSetting:
    """The stored setting, or a new one that is stored. Raises DemoMismatchError."""
    file = folder / "setting.json"
    if file.exists():
        setting = DemoSetting(**json.loads(file.read_text()))
        _refuse_another(setting=setting, seed=seed, accounts=accounts)
        # Another program may have taken a port since.
        setting = replace(setting, port=port or _free_port(setting.port), sandbox_port=_free_port(setting.sandbox_port))
    else:
        setting = _new(seed=seed or 1, accounts=accounts or 1000, days=days, port=port, now=now)
        folder.mkdir(parents=True, exist_ok=True)
    _write_privately(file, asdict(setting))
    _write_privately(folder / "environment.json", setting.environment())
    return setting


def _write_privately(file: Path, document: dict[str, Any]) -> None:
    """Whole or not at all, and readable by nobody else: it holds the demo's keys."""
    scratch = file.with_suffix(".new")
    scratch.touch(mode=0o600)
    scratch.write_text(json.dumps(document, indent=1))
    scratch.replace(file)


def _refuse_another(*, setting: DemoSetting, seed: int | None, accounts: int | None) -> None:
    if seed in (None, setting.seed) and accounts in (None, setting.accounts):
        return
    raise DemoMismatchError(
        f"This checkout already holds a demo with seed {setting.seed} and {setting.accounts} accounts. "
        "Run it without --seed and --accounts to go on with it, or `make clean` to start anew."
    )


def _new(*, seed: int, accounts: int, days: int, port: int | None, now: datetime) -> DemoSetting:
    private = ec.generate_private_key(ec.SECP256R1())
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    public = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return DemoSetting(
        seed=seed,
        accounts=accounts,
        days=days,
        until=(now.date() - timedelta(days=1)).isoformat(),
        started_at=now.isoformat(),
        port=port or _free_port(8000),
        sandbox_port=_free_port(0),
        write_key=f"wk_{secrets.token_urlsafe(16)}",
        signing_secret=f"whsec_{base64.b64encode(secrets.token_bytes(24)).decode()}",
        stripe_secret=f"whsec_{secrets.token_hex(16)}",
        sendgrid_private_key=pem,
        sendgrid_public_key=base64.b64encode(public).decode(),
        twilio_auth_token=secrets.token_hex(16),
    )


def _free_port(wanted: int) -> int:
    for port in (wanted, 0):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("No free port on 127.0.0.1.")
