"""Secrets are taken out of a text, and what is none stays."""

from __future__ import annotations

import json

import pytest

from hostgw_cli.bundle.scrub import REMOVED, scrub

SECRET = "hunter2-and-more"
PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    "text",
    [
        f"password={SECRET}",
        f"PASSWORD: {SECRET}",
        f"--etcd-password={SECRET} --x=1",
        f"HOSTGW_ETCD_PASSWORD={SECRET}",
        f'{{"password": "{SECRET}", "x": 1}}',
        json.dumps({"value": json.dumps({"authToken": SECRET})}),
        json.dumps({"api_key": f'with "{SECRET}" in it'.replace('"', "")}),
        f"http://root:{SECRET}@192.0.2.1:2379",
        f"Authorization: Bearer {SECRET}",
        f"authorization=Basic {SECRET}",
        f"before {PEM} after",
        f"-----BEGIN PRIVATE KEY-----\n{SECRET}",
        json.dumps({"pem": PEM}),
        f"token eyJhbGciOiJIUzI1NiJ9.{SECRET}.signature",
        f"client_secret = {SECRET}",
    ],
)
def test_secrets_go(text: str):
    """Whatever form they have; and it is seen that something was there."""
    found = scrub(text)
    assert SECRET not in found
    assert REMOVED in found


def test_what_stands_beside_a_secret_stays():
    """The text is of use still, and JSON stays JSON."""
    document = {"password": SECRET, "node": "n1", "inner": json.dumps({"token": SECRET, "a": 1})}
    found = json.loads(scrub(json.dumps(document)))
    assert found["node"] == "n1"
    assert json.loads(found["inner"]) == {"token": REMOVED, "a": 1}
    assert scrub(f"a {PEM} b").endswith(" b")
    assert scrub(f"--etcd-password={SECRET} --x=1").endswith(" --x=1")


@pytest.mark.parametrize(
    "text",
    [
        "10.5.1.0/24 via 192.0.2.1 dev eth0 proto 104 metric 1500",
        '{"PublicIP":"192.0.2.1","BackendType":"host-gw"}',
        "etcd-password-file=/etc/hostgw/password",
        "http://192.0.2.1:2379",
        "a basic thing, and the bearer of it",
        '{"key": "/coreos.com/network/config"}',
    ],
)
def test_what_is_none_stays(text: str):
    """A support archive without routes and keys would help nobody."""
    assert scrub(text) == text


def test_what_is_known_goes_wherever_it_stands():
    """The longest first; a value of three letters would take half of the text along."""
    assert scrub("xx opensesame yy opensesame2", ["opensesame", "opensesame2"]) == (
        f"xx {REMOVED} yy {REMOVED}"
    )
    assert scrub("abcabc", ["abc", ""]) == "abcabc"
