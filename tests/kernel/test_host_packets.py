"""What is said of a host is so: each finding stands exactly where a packet is dropped.

The host that is looked at is the first of a `PodSite`: containers of the second send to its own,
and its own to them.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest

from hostgw_cli.lab.netns import Namespace, bridge, veth
from hostgw_core.model import Pool
from hostgw_daemon.host.facts import Circumstances
from hostgw_daemon.host.findings import findings
from hostgw_daemon.host.hostcheck import HostCheck
from hostgw_daemon.host.survey import Survey
from hostgw_daemon.host.sysctls import Changed, Sysctls
from hostgw_daemon.netlink.inspector import Inspector
from support.netns_fixtures import Lan, MakeNamespace
from support.pod_site import PATIENCE, PodSite, build, source_seen

pytestmark = pytest.mark.root

POOL = Pool(ip_network("10.5.0.0/16"), 24, IPv4Address("10.5.0.0"), IPv4Address("10.5.255.0"))
POOL6 = Pool(ip_network("fd00:5::/48"), 64, IPv6Address("fd00:5::"), IPv6Address("fd00:5:0:ffff::"))
OWN, OWN6 = ip_network("10.5.1.0/24"), ip_network("fd00:5:0:1::/64")
OTHERS = frozenset({ip_network("10.5.2.0/24"), ip_network("fd00:5:0:2::/64")})
POD, ELSEWHERE = "10.5.1.2", "10.5.2.2"
POD6, ELSEWHERE6 = "fd00:5:0:1::2", "fd00:5:0:2::2"
SERVICE = "10.96.0.10"
KUBE_PROXY = f"""
table ip kube-proxy {{
    chain prerouting {{
        type nat hook prerouting priority dstnat;
        ip daddr {SERVICE} udp dport 53 dnat to 10.5.1.67
    }}
}}
"""
SOON = 0.5  # seconds that a packet may take where none is expected


@dataclass(frozen=True)
class Checked:
    """The site, and who looks at its first host."""

    site: PodSite
    inspector: Inspector

    @property
    def about(self) -> Circumstances:
        """What the first host is wanted for."""
        uplink = next(link for link in self.inspector.links() if link.name == "eth0")
        return Circumstances(
            link=uplink, pools=(POOL, POOL6), own=(OWN, OWN6), peers=1, routed=OTHERS
        )

    def survey(self, **environ: str) -> Survey:
        """Make one that reads as the daemon does."""
        return Survey(self.inspector, Sysctls(), environ=environ)

    def codes(self, **environ: str) -> list[str]:
        """Give what is found."""
        with self.site.first.enter():
            return [found.code for found in findings(self.survey(**environ).read(self.about))]

    def set(self, *words: str) -> None:
        """Write sysctls of the first host."""
        self.site.run(f"sysctl -qw {' '.join(words)}")

    def arrives(self, sender: Namespace, receiver: Namespace, destination: str) -> bool:
        """Send a packet and tell whether it arrives."""
        try:
            source_seen(sender, receiver, destination, within=SOON)
        except TimeoutError:
            return False
        return True

    def comes_in(self, destination: str = POD) -> bool:
        """Send a packet from a container of the other host to ours."""
        return self.arrives(self.site.pod_elsewhere, self.site.pod, destination)

    def goes_out(self, destination: str = ELSEWHERE) -> bool:
        """Send one from ours to the other host's."""
        return self.arrives(self.site.pod, self.site.pod_elsewhere, destination)


@pytest.fixture
def checked(lan: Callable[[int], Lan], make_netns: MakeNamespace) -> Iterator[Checked]:
    """Make the site; nothing is wrong with it, and packets arrive."""
    site = build(lan, make_netns)
    site.wait_for_ipv6()
    site.run("sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth0.rp_filter=0")
    with site.first.enter():
        inspector = Inspector.open()
    with inspector:
        made = Checked(site, inspector)
        assert made.codes() == []
        assert made.comes_in()
        assert made.goes_out()
        assert made.comes_in(POD6)
        yield made


def test_without_forwarding_containers_are_cut_off(checked: Checked):
    """IPv4: no packet in, none out."""
    checked.set("net.ipv4.ip_forward=0")
    assert checked.codes() == ["forwarding_off"]
    assert not checked.comes_in()
    assert not checked.goes_out()


@pytest.mark.parametrize(("name", "cut"), [("eth0", "in"), ("pods", "out")])
def test_ipv4_asks_the_link_that_a_packet_came_by(checked: Checked, name: str, cut: str):
    """One direction is cut, the other goes on."""
    checked.set(f"net.ipv4.conf.{name}.forwarding=0")
    assert checked.codes() == ["forwarding_off"]
    assert checked.comes_in() is (cut == "out")
    assert checked.goes_out() is (cut == "in")


def test_ipv4_does_not_ask_whether_all_links_forward(checked: Checked):
    """ip_forward off, and on again for the two links: all is well."""
    checked.set("net.ipv4.ip_forward=0")
    checked.set("net.ipv4.conf.eth0.forwarding=1", "net.ipv4.conf.pods.forwarding=1")
    assert checked.codes() == []
    assert checked.comes_in()
    assert checked.goes_out()


def test_ipv6_asks_whether_all_links_forward(checked: Checked):
    """The links themselves do not matter."""
    checked.set("net.ipv6.conf.all.forwarding=0")
    checked.set("net.ipv6.conf.eth0.forwarding=1", "net.ipv6.conf.pods.forwarding=1")
    assert checked.codes() == ["forwarding_off"]
    assert not checked.comes_in(POD6)
    assert not checked.goes_out(ELSEWHERE6)
    assert checked.comes_in()


@pytest.mark.parametrize(
    ("default", "mode", "routed", "arrives"),
    [
        # where the default route leads, rp_filter, whether our route back is there
        ("other0", 1, False, False),
        ("other0", 1, True, True),
        ("other0", 2, False, True),
        ("other0", 0, False, True),
        ("eth0", 1, False, True),
        ("", 1, False, False),
        ("", 2, False, False),
        ("", 0, False, True),
    ],
)
def test_strict_drops_what_has_no_way_back_through_the_uplink(
    checked: Checked, default: str, mode: int, routed: bool, arrives: bool
):
    """It is found where the default route leads elsewhere: there loose mode lets it in."""
    first = checked.site.first
    veth(first, "other0", first, "other1")
    first.ip("address", "add", "198.51.100.1/24", "dev", "other0")
    if default:
        gateway = {"other0": "198.51.100.9", "eth0": "192.168.50.2"}[default]
        first.ip("route", "add", "default", "via", gateway)
    if not routed:
        first.ip("route", "del", "10.5.2.0/24")
    checked.set(f"net.ipv4.conf.eth0.rp_filter={mode}")
    assert checked.comes_in() is arrives
    assert checked.codes() == (["rp_filter_strict"] if (default, mode) == ("other0", 1) else [])


@pytest.mark.parametrize(("call", "answers"), [(1, SERVICE), (0, "10.5.1.67")])
def test_a_service_answers_with_its_own_address_only_where_bridging_is_filtered(
    checked: Checked, make_netns: MakeNamespace, call: int, answers: str
):
    """Between two containers of one bridge, with what kube-proxy does; and only then is it said."""
    first, pods = checked.site.first, (make_netns(), make_netns())
    named = f"net.bridge.bridge-nf-call-iptables={call}"
    if first.run("sysctl", "-qw", named, check=False).returncode:
        pytest.skip("br_netfilter is not loaded here")
    bridge(first, "cni0", address="10.5.1.65/26")
    for number, pod in zip((66, 67), pods, strict=True):
        veth(first, f"v{number}", pod, "eth0")
        first.ip("link", "set", f"v{number}", "master", "cni0")
        pod.ip("address", "add", f"10.5.1.{number}/26", "dev", "eth0")
        pod.ip("route", "add", "default", "via", "10.5.1.65")
    first.run("nft", "-f", "-", input=KUBE_PROXY)
    assert answerer(*pods) == answers
    found = checked.codes(KUBERNETES_SERVICE_HOST="10.96.0.1")
    assert found == ([] if call else ["bridge_filter_off"])
    assert checked.codes() == []  # without kube-proxy nobody is passed by


def answerer(client: Namespace, server: Namespace) -> str:
    """Ask the service from one container; give the address that the client is answered from."""
    ends = []
    for pod in (client, server):
        with pod.enter():
            ends.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    with ends[0] as asking, ends[1] as serving:
        for each in ends:
            each.settimeout(PATIENCE)
        serving.bind(("", 53))
        asking.sendto(b"?", (SERVICE, 53))
        _, peer = serving.recvfrom(64)
        serving.sendto(b"!", peer)
        _, who = asking.recvfrom(64)
    return str(who[0])


@pytest.mark.parametrize("off", ["ip_forward", "conf.eth0.forwarding"])
def test_what_the_setting_writes_cures_it(checked: Checked, off: str):
    """The finding is gone, what it was is told, and packets arrive."""
    checked.set(f"net.ipv4.{off}=0", "net.ipv6.conf.all.forwarding=0")
    changed: list[Changed] = []
    sysctls = Sysctls()
    check = HostCheck(
        checked.survey(),
        sysctls,
        about=lambda: checked.about,
        told=lambda: None,
        changed=changed.append,
        clock=lambda: 0.0,
        fix=True,
    )
    with checked.site.first.enter():
        check.look()
    assert check.state.details() == {}
    written = {each.sysctl.name: (each.before, each.sysctl.value) for each in changed}
    assert written == {
        f"net.ipv4.{off}": (0, 1),
        "net.ipv6.conf.eth0.accept_ra": (1, 2),
        "net.ipv6.conf.all.forwarding": (0, 1),
    }
    assert checked.comes_in()
    assert checked.comes_in(POD6)
