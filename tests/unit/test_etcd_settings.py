"""Endpoints as people write them, and settings that show no secret."""

from __future__ import annotations

import pytest

from hostgw_core.etcd import Endpoint, EtcdSettings


@pytest.mark.parametrize(
    ("text", "tls", "whole", "target"),
    [
        ("http://10.0.0.1:2379", True, "http://10.0.0.1:2379", "ipv4:10.0.0.1:2379"),
        ("https://10.0.0.1", False, "https://10.0.0.1:2379", "ipv4:10.0.0.1:2379"),
        ("10.0.0.1:4001", False, "http://10.0.0.1:4001", "ipv4:10.0.0.1:4001"),
        ("10.0.0.1", True, "https://10.0.0.1:2379", "ipv4:10.0.0.1:2379"),
        ("https://[fd00::1]:99/", True, "https://[fd00::1]:99", "ipv6:[fd00::1]:99"),
        ("http://etcd.example", False, "http://etcd.example:2379", "dns:///etcd.example:2379"),
    ],
)
def test_an_endpoint_is_completed(text: str, tls: bool, whole: str, target: str) -> None:
    """Scheme and port are filled in; an address is given to gRPC as one, a name as a name."""
    endpoint = Endpoint.parse(text, tls=tls)
    assert (str(endpoint), endpoint.target) == (whole, target)


@pytest.mark.parametrize(
    "text", ["", "http://", "ftp://10.0.0.1", "http://u:p@10.0.0.1:1", "http://a:70000", "a:b"]
)
def test_what_is_no_endpoint_is_refused_with_a_sentence(text: str) -> None:
    """Nonsense is a ValueError that names what was read, before anything is connected."""
    with pytest.raises(ValueError, match="the etcd endpoint"):
        EtcdSettings((text,)).parsed()


def test_the_password_is_not_in_a_repr() -> None:
    """The settings can be logged."""
    assert "hunter2" not in repr(EtcdSettings(username="node", password="hunter2"))
