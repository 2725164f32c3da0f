"""Containers attached by each of the CNI plugins, and what this kernel has for them."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from ipaddress import IPv4Address, IPv6Address

from hostgw_cli.lab.build import Lab
from hostgw_cli.lab.conflist import Json
from hostgw_cli.lab.host import Host
from hostgw_cli.lab.netns import Namespace
from hostgw_cli.lab.topology import LabSpec
from support.attachment_site import has_ipvlan
from support.lab_fixtures import lab_name

MTU = 1400  # not the link's, so that it is seen whose it is
PATIENCE = 5.0  # seconds that a connection may take


@contextmanager
def attached_lab(attachment: str, *daemon_args: str) -> Iterator[Lab]:
    """Make two hosts with two containers each, in both families."""
    spec = LabSpec(
        name=lab_name(),
        nodes=2,
        containers=2,
        attachment=attachment,
        families=(4, 6),
        daemon_args=(f"--mtu={MTU}", *daemon_args),
    )
    with Lab.up(spec) as lab:
        yield lab


@contextmanager
def guest(host: Host, given: Json) -> Iterator[Namespace]:
    """Attach one more container to a host, with the runtime's arguments by capability."""
    inside = Namespace.create(f"{host.namespace.name}-{secrets.token_hex(3)}")
    try:
        host.plugins.attach(inside, host.conflist(), given)
        try:
            yield inside
        finally:
            host.plugins.detach(inside)
    finally:
        inside.delete()


@cache
def no_ipvlan() -> str:
    """Say why there is no ipvlan here; nothing if there is."""
    with _probe() as inside:
        inside.ip("link", "add", "eth0", "type", "veth", "peer", "name", "other")
        why = has_ipvlan(inside)
    return f"this kernel has no ipvlan: {why}" if why else ""


@cache
def no_shaping() -> str:
    """Say why the plugin bandwidth cannot work here; nothing if it can."""
    rate = "tc qdisc add dev i root tbf rate 8mbit burst 16kb latency 25ms"
    shape = f"ip link add i type ifb; {rate}; tc qdisc add dev i ingress"
    with _probe() as inside:
        done = inside.run("sh", "-ec", shape, check=False)
    return f"this kernel does not shape: {done.stderr.strip()}" if done.returncode else ""


@contextmanager
def _probe() -> Iterator[Namespace]:
    inside = Namespace.create(f"hgt-{secrets.token_hex(4)}")
    try:
        yield inside
    finally:
        inside.delete()


def source_of_connection(
    client: Namespace, server: Namespace, *, to: IPv4Address | IPv6Address, port: int, inside: int
) -> str:
    """Open a TCP connection `to` an address and port; give the address that the server sees.

    The server listens on the port `inside`, on all of its addresses. Raise OSError when no
    connection comes about.
    """
    domain = socket.AF_INET if to.version == 4 else socket.AF_INET6
    with server.enter():
        ear = socket.create_server(("", inside), family=domain)
    with client.enter():
        mouth = socket.socket(domain, socket.SOCK_STREAM)
    with ear, mouth:
        ear.settimeout(PATIENCE)
        mouth.settimeout(PATIENCE)
        mouth.connect((str(to), port))
        line, peer = ear.accept()
        line.close()
    seen: str = peer[0]
    return seen


def mtus(namespaces: Sequence[Namespace]) -> list[int]:
    """Give the MTU of each one's eth0."""
    return [each.ip_json("link", "show", "dev", "eth0")[0]["mtu"] for each in namespaces]
