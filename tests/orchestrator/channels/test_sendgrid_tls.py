"""The way production speaks: TLS, kept alive, with the other side's certificate checked."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from orchestrator.channels.contract import Busy
from orchestrator.channels.sendgrid.channel import SendGridChannel
from tests.contracts import provider
from tests.contracts.channel_cases import message


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A PEM with a key and a certificate for 127.0.0.1 that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def server(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with provider.running(provider.Reply(202, {"X-Message-Id": "mid"})) as running:
        running.tls = context
        yield running


def channel(server: provider.Provider) -> SendGridChannel:
    base = server.url.replace("http://", "https://")
    return SendGridChannel(api_key="SG.key", api_base=base, from_email="hi@acme.example", timeout_s=2)


def test_sends_share_one_checked_tls_connection(server, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    one = channel(server)
    for _ in range(3):
        assert one.send(message()).provider_id == "mid"
    assert {request.connection for request in server.requests} == {1}


def test_a_tls_connection_closed_while_idle_is_replaced_before_sending(server, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    one = channel(server)
    server.script.append(provider.Reply(202, {"X-Message-Id": "mid"}, then_close=True))
    one.send(message())
    server.settled.wait(2)
    assert one.send(message()).provider_id == "mid"
    assert [request.connection for request in server.requests] == [1, 2]


def test_a_certificate_that_nobody_vouches_for_sends_nothing(server):
    with pytest.raises(Busy):
        channel(server).send(message())
    assert server.requests == []


def test_a_plain_server_behind_an_https_address_gets_nothing():
    with provider.running(provider.Reply(202)) as plain, pytest.raises(Busy):
        channel(plain).send(message())
    assert plain.requests == []
