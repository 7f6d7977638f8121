from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator import http
from orchestrator.http import Endpoint, ForbiddenAddress


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450:4001:82a::200e"])
def test_the_open_internet_is_public(address):
    assert http.is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.255.0.1", "169.254.169.254", "172.16.0.1", "192.0.0.1",
        "192.0.2.1", "192.168.1.1", "198.18.0.1", "203.0.113.9", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::",
        "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1", "100::1", "2001::1", "2001:db8::1",
        "2002:7f00:1::", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "ff02::1", "", "hooks.example",
    ],
)  # fmt: skip
def test_everything_else_is_not(address):
    assert not http.is_public(address)


@given(st.ip_addresses())
def test_what_is_public_is_global(address):
    assert not http.is_public(str(address)) or ipaddress.ip_address(str(address)).is_global


def test_an_address_is_read_into_its_parts():
    read = http.read_url("https://Hooks.Example:8443/services/T0/x?key=1#part", allow_private=False)
    assert read == Endpoint(True, "hooks.example", 8443, "/services/T0/x?key=1")
    assert http.read_url("https://hooks.example", allow_private=False) == Endpoint(True, "hooks.example", 443, "/")


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/", "ftp://hooks.example/", "//hooks.example/", "hooks.example", "https://",
        "https://u@hooks.example/", "https://u:p@hooks.example/", "https://hooks.example:0/", "https://hooks.example:99999/",
        "https://hooks.example\\@10.0.0.1/", "https://hooks example/", "https://hooks.example/\r\nHost: x", "https://[::1",
        "https://hooks.example/{{ x }}", "https://חנות.example/", "https://-x.example/",
        "https://hooks.example/" + "a" * 2000,
        "https://10.0.0.1/", "https://[::1]/", "https://localhost/", "",
    ],
)  # fmt: skip
def test_what_is_no_https_address_is_refused(url):
    with pytest.raises(ForbiddenAddress):
        http.read_url(url, allow_private=False)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000/x", "https://10.0.0.1/", "http://[::1]:80/", "http://localhost/"]
)
def test_tests_may_call_addresses_inside_the_network(url):
    assert http.read_url(url, allow_private=True).path


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text):
    try:
        read = http.read_url(f"https://{text}", allow_private=False)
    except ForbiddenAddress:
        return
    assert read.host.isascii()
    assert not set(read.path) & set(" \r\n")
