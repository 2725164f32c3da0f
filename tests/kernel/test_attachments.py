"""Who reaches whom by each attachment: our conflist, real plugins, two hosts, both families.

The table in docs/containers.md is what is tried here. ipvlan is tried where the kernel has it.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from ipaddress import ip_address
from pathlib import Path

import pytest

from hostgw_cli.lab.netns import Namespace
from hostgw_cli.lab.topology import LabError
from hostgw_daemon.cni.conflist import Attachment
from hostgw_daemon.rules.firewall import NftFirewall
from hostgw_daemon.rules.ruleset import desired
from support.attachment_site import MTU, AttachmentSite, build, has_ipvlan
from support.netns_fixtures import Lan, MakeNamespace
from support.pod_site import source_seen, spec
from support.waiting import eventually

pytestmark = pytest.mark.root

NOBODY = "10.5.1.99"
ETH_P_ARP = 0x0806  # linux/if_ether.h


@pytest.fixture
def site(
    lan: Callable[[int], Lan], make_netns: MakeNamespace, tmp_path: Path
) -> Iterator[AttachmentSite]:
    """Make two hosts and a neighbour."""
    with build(lan(3), make_netns, tmp_path) as made:
        yield made


@pytest.fixture(params=Attachment)
def attachment(request: pytest.FixtureRequest, site: AttachmentSite) -> Attachment:
    """Try every attachment that the kernel offers."""
    kind: Attachment = request.param
    if kind is Attachment.IPVLAN and (why := has_ipvlan(site.nodes[0].host)):
        pytest.skip(f"this kernel has no ipvlan: {why}")
    return kind


def reaches(sender: Namespace, receiver: Namespace, address: str) -> str:
    """Send until it arrives; give the source address that the receiver sees."""

    def look() -> str:
        try:
            return source_seen(sender, receiver, address, within=1.0)
        except TimeoutError:
            return ""
        except OSError as error:  # an address that is still looked for
            raise AssertionError(f"{address}: {error}") from error

    return eventually(look, within=10.0, what=f"a datagram to {address}")


def lost(sender: Namespace, receiver: Namespace, address: str) -> bool:
    """Tell whether a datagram is refused at once, or does not arrive within a second."""
    try:
        source_seen(sender, receiver, address, within=1.0)
    except OSError:  # TimeoutError is one
        return True
    return False


def test_everybody_reaches_everybody(site: AttachmentSite, attachment: Attachment):
    """Containers of one host and of two, and both hosts; each is seen with its own address."""
    one, two, far = site.attached(attachment)
    near, other = site.nodes
    for family in (4, 6):
        pairs = [
            (one.namespace, one.addresses, two.namespace, two.addresses),
            (one.namespace, one.addresses, far.namespace, far.addresses),
            (far.namespace, far.addresses, one.namespace, one.addresses),
            (one.namespace, one.addresses, near.host, near.addresses),
            (one.namespace, one.addresses, other.host, other.addresses),
        ]
        for sender, own, receiver, at in pairs:
            assert reaches(sender, receiver, at[family]) == own[family]
        gateway = {4: "10.5.1.1", 6: "fd00:5:0:1::1"}[family]
        assert reaches(near.host, one.namespace, one.addresses[family]) == gateway
        assert reaches(other.host, one.namespace, one.addresses[family])
        assert reaches(one.namespace, near.host, gateway) == one.addresses[family]


async def test_what_leaves_the_network_is_masqueraded(site: AttachmentSite, attachment: Attachment):
    """By the daemon's rules on the host, which every container's packet passes; no plugin does."""
    one, _, far = site.attached(attachment)
    node = site.nodes[0]
    with node.host.enter():
        adapter = NftFirewall(nft=node.host.argv("nft"))
    with adapter:
        await adapter.write(desired(spec()), ())
    for family, neighbour in ((4, "192.168.50.3"), (6, "fd50::3")):
        assert reaches(one.namespace, site.neighbour, neighbour) == node.addresses[family]
        seen = reaches(one.namespace, far.namespace, far.addresses[family])
        assert seen == one.addresses[family]


def test_a_container_is_as_the_conflist_says(site: AttachmentSite, attachment: Attachment):
    """Its MTU, the first free address of each family, a default route of each by the gateway."""
    container = site.nodes[0].attach(site.make(), attachment)
    assert container.addresses == {4: "10.5.1.2", 6: "fd00:5:0:1::2"}
    assert container.shown("link", "show", "eth0")[0]["mtu"] == MTU
    for family, gateway in (("-4", "10.5.1.1"), ("-6", "fd00:5:0:1::1")):
        (route,) = container.shown(family, "route", "show", "default")
        assert route["gateway"] == gateway
    site.nodes[0].plugins.check(container.namespace)
    site.nodes[0].plugins.detach(container.namespace)
    assert container.shown("link", "show", "dev", "lo")
    assert [link["ifname"] for link in container.shown("link", "show")] == ["lo"]


def test_after_the_lease_has_moved_new_containers_are_attached(
    site: AttachmentSite, attachment: Attachment
):
    """A bridge of the former subnet is no obstacle, nor is the child of the host."""
    node, other = site.nodes
    node.attach(site.make(), attachment)
    other.host.ip("route", "add", "10.5.7.0/24", "via", "192.168.50.1")
    moved = node.attach(site.make(), attachment, number=7)
    assert moved.addresses[4] == "10.5.7.2"
    assert reaches(other.host, moved.namespace, "10.5.7.2") == "192.168.50.2"
    assert reaches(moved.namespace, other.host, "192.168.50.2") == "10.5.7.2"


@pytest.mark.parametrize("kind", [Attachment.BRIDGE, Attachment.PTP, Attachment.MACVLAN])
def test_a_mapped_port(site: AttachmentSite, kind: Attachment):
    """From a neighbour, the other node, and a container there: by the host's address to it."""
    node, other = site.nodes
    mapping = {"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}
    served = node.attach(site.make(), kind, "portmap", given={"portMappings": [mapping]})
    far = other.attach(site.make(), kind)
    serve = ["python3", "-m", "http.server", "80", "--bind", "10.5.1.2", "--directory", "/run"]
    with served.namespace.popen(serve, stdout=-3, stderr=-3) as server:
        try:
            for client in (site.neighbour, other.host, far.namespace, node.host):
                eventually(
                    lambda client=client: fetches(client, "192.168.50.1:8080"),
                    what=f"an answer to {client.name}",
                )
        finally:
            server.kill()


def fetches(client: Namespace, where: str) -> bool:
    """Tell whether a web server answers there."""
    script = f"import urllib.request as r; r.urlopen('http://{where}/', timeout=2).read()"
    return client.run("python3", "-c", script, check=False).returncode == 0


@pytest.mark.parametrize("kind", [Attachment.BRIDGE, Attachment.PTP])
def test_a_limit_of_the_bandwidth(site: AttachmentSite, kind: Attachment):
    """It hangs on the host's end of the container's cable."""
    node = site.nodes[0]
    given = {"bandwidth": {"ingressRate": 8_000_000, "ingressBurst": 8_000_000}}
    node.attach(site.make(), kind, "bandwidth", given=given)
    kinds = {each["kind"] for each in json.loads(node.host.run("tc", "-j", "qdisc", "show").stdout)}
    assert "tbf" in kinds


def test_what_has_no_cable_has_no_limit(site: AttachmentSite):
    """The plugin refuses a macvlan child: that is why the settings refuse the pair."""
    given = {"bandwidth": {"ingressRate": 8_000_000, "ingressBurst": 8_000_000}}
    with pytest.raises(LabError, match="bandwidth"):
        site.nodes[0].attach(site.make(), Attachment.MACVLAN, "bandwidth", given=given)


def test_without_the_hosts_child_a_macvlan_container_is_alone(site: AttachmentSite):
    """It reaches its like on the same host, and nobody else: that is what the child is for."""
    one, two, far = site.attached(Attachment.MACVLAN)
    near, other = site.nodes
    for node in site.nodes:
        node.doorway.want(None)
        assert node.doorway.step() is None
    assert reaches(one.namespace, two.namespace, two.addresses[4]) == one.addresses[4]
    assert lost(one.namespace, near.host, near.addresses[4])
    assert lost(one.namespace, other.host, other.addresses[4])
    assert lost(one.namespace, far.namespace, far.addresses[4])
    assert lost(near.host, one.namespace, one.addresses[4])


@pytest.mark.parametrize(
    ("kind", "heard"),
    [
        (Attachment.BRIDGE, ["fellow"]),
        (Attachment.PTP, []),
        (Attachment.MACVLAN, ["fellow", "neighbour", "far"]),
    ],
)
def test_who_hears_a_containers_broadcast(site: AttachmentSite, kind: Attachment, heard: list[str]):
    """A macvlan child's goes to all on the wire, the others' stay on the host: why to route."""
    one, two, far = site.attached(kind)
    names = {"fellow": two.namespace, "neighbour": site.neighbour, "far": far.namespace}
    with ExitStack() as ends:
        ears = {name: ends.enter_context(arp_ear(inside)) for name, inside in names.items()}
        one.namespace.run("ping", "-n", "-c", "1", "-W", "1", NOBODY, check=False)
        got = {name for name, ear in ears.items() if asked_for(ear, NOBODY)}
    assert got == set(heard)


def arp_ear(inside: Namespace) -> socket.socket:
    """Listen to ARP from now on; close it."""
    with inside.enter():
        ear = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ARP))
    ear.setblocking(False)
    return ear


def asked_for(ear: socket.socket, address: str) -> bool:
    """Tell whether any request that was heard asks for an address (RFC 826: at offset 38)."""
    wanted = ip_address(address).packed
    with suppress(BlockingIOError):
        while True:
            if ear.recv(2048)[38:42] == wanted:
                return True
    return False
