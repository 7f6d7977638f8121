"""The way production speaks: TLS, kept alive, with the other side's certificate checked."""

from __future__ import annotations

import pytest

from orchestrator.channels.contract import Busy
from orchestrator.channels.sendgrid.channel import SendGridChannel
from tests.contracts import provider
from tests.contracts.channel_cases import message
from tests.faults import tls


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return tls.self_signed(tmp_path_factory.mktemp("tls") / "both.pem")


@pytest.fixture
def server(certificate):
    with provider.running(provider.Reply(202, {"X-Message-Id": "mid"})) as running:
        running.tls = tls.serving(certificate)
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
