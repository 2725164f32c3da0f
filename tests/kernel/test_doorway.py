"""The host's own child of the uplink, made by a real kernel and judged by `ip -json`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from ipaddress import ip_interface
from typing import Any

import pytest

from hostgw_cli.lab.netns import CommandError, Namespace
from hostgw_daemon.cni.doorway import Doorway
from hostgw_daemon.kernel import Child
from hostgw_daemon.netlink.children import Children
from hostgw_daemon.netlink.monitor import Monitor
from support.loops import running
from support.netns_fixtures import Underlay
from support.waiting import eventually, eventually_async

pytestmark = pytest.mark.root

NAME = "hostgw0"
IPV4, IPV6 = "10.5.1.1/24", "fd00:5:0:1::1/64"
SOON = 5.0  # seconds


@dataclass
class Site:
    """A host with a doorway, and what it said last."""

    host: Namespace
    uplink: int
    doorway: Doorway = field(init=False)
    monitor: Monitor = field(init=False)
    said: list[str] = field(default_factory=list)

    def child(self, *addresses: str, **changes: Any) -> Child:
        """Give what may be wanted."""
        made = Child("macvlan", self.uplink, 1500, frozenset(map(ip_interface, addresses)))
        return replace(made, **changes)

    def make(self, child: Child | None) -> float | None:
        """Want this, and have it made; give what the step gives."""
        self.doorway.want(child)
        return self.doorway.step()

    @property
    def link(self) -> dict[str, Any]:
        """The link as `ip` shows it, {} when it is not there."""
        links = self.host.ip_json("-d", "link", "show")
        return next((link for link in links if link["ifname"] == NAME), {})

    @property
    def addresses(self) -> set[str]:
        """Its global addresses that can be used."""
        return {
            f"{each['local']}/{each['prefixlen']}"
            for link in self.host.ip_json("address", "show", "dev", NAME)
            for each in link["addr_info"]
            if each["scope"] == "global" and not each.get("tentative")
        }


@pytest.fixture
def site(underlay: Underlay) -> Iterator[Site]:
    """Make a host whose uplink is u0."""
    made = Site(underlay.netns, underlay.link)
    with ExitStack() as ends:
        with underlay.netns.enter():
            children = ends.enter_context(Children.open())
            made.monitor = ends.enter_context(Monitor.open(echo_of=0))
        made.doorway = Doorway(children, told=made.said.append)
        yield made


def test_it_is_made_with_everything_that_containers_need(site: Site):
    """Up, in bridge mode, of our group, with both addresses usable at once; then left alone."""
    assert site.make(site.child(IPV4, IPV6, mtu=1400)) is None
    link = site.link
    assert link["linkinfo"]["info_kind"] == "macvlan"
    assert link["linkinfo"]["info_data"]["mode"] == "bridge"
    assert (link["link"], link["mtu"], link["group"]) == ("u0", 1400, "104")
    assert "UP" in link["flags"]
    assert site.addresses == {IPV4, IPV6}
    site.monitor.read()
    assert site.doorway.step() is None
    assert site.monitor.read() == []
    assert site.said == ["", ""]


def test_another_subnet_and_another_mtu_change_the_same_link(site: Site):
    """Containers that talk through it keep it."""
    site.make(site.child(IPV4, mtu=1400))
    index = site.link["ifindex"]
    site.make(site.child("10.5.9.1/24", IPV6))
    assert site.addresses == {"10.5.9.1/24", IPV6}
    assert (site.link["ifindex"], site.link["mtu"]) == (index, 1500)


def test_a_link_that_is_put_back_is_the_neighbour_that_it_was(site: Site):
    """Containers know its MAC address: it is a function of the parent's, and nobody else has it."""
    site.make(site.child(IPV4))
    first = site.link["address"]
    site.host.ip("link", "delete", NAME)
    assert site.doorway.step() is None
    assert site.link["address"] == first
    others = {link["address"] for link in site.host.ip_json("link", "show")} - {first}
    assert len(others) == len(site.host.ip_json("link", "show")) - 1
    other = site.host.ip_json("link", "show", "u1")[0]["ifindex"]
    site.make(site.child(IPV4, parent=other))
    assert site.link["address"] not in {first, *others}


def test_another_parent_is_another_link(site: Site):
    """The uplink was another interface than it is now."""
    site.make(site.child(IPV4))
    other = site.host.ip_json("link", "show", "u1")[0]["ifindex"]
    assert site.make(site.child(IPV4, parent=other)) is None
    assert site.link["link"] == "u1"
    assert site.addresses == {IPV4}


def test_it_goes_when_it_is_not_wanted(site: Site):
    """As after a restart with another attachment; where there is none, nothing is done."""
    assert site.doorway.step() is None  # nobody has said anything: it stays as it is
    site.make(site.child(IPV4))
    assert site.make(None) is None
    assert site.link == {}
    assert site.make(None) is None
    assert site.said[-1] == ""


@pytest.mark.parametrize("kind", ["macvlan", "bridge"])
def test_a_link_of_somebody_else_is_named_and_left_alone(site: Site, kind: str):
    """Whatever is wanted; when it is gone, ours is made."""
    parent = ["link", "u0"] if kind == "macvlan" else []
    site.host.ip("link", "add", NAME, *parent, "type", kind)
    index = site.link["ifindex"]
    for wanted in (site.child(IPV4), None):
        assert site.make(wanted)
        assert "that hostgwd has not made" in site.said[-1]
        assert f"ip link delete {NAME}" in site.said[-1]
        assert site.link["ifindex"] == index
    site.host.ip("link", "delete", NAME)
    assert site.make(site.child(IPV4)) is None
    assert site.addresses == {IPV4}


def test_a_parent_that_is_not_there_is_a_sentence(site: Site):
    """The kernel's words, and the next try later; nothing is raised."""
    assert site.make(site.child(IPV4, parent=4711))
    assert site.said[-1].startswith(f"{NAME}: ")
    assert site.link == {}


async def test_what_others_do_to_it_is_put_right(site: Site):
    """Deleted, set down, its address taken: back as soon as the kernel tells, by no timer."""
    site.doorway.want(site.child(IPV4, IPV6))
    async with running(site.doorway.run):
        site.monitor.start(site.doorway.hear)
        await eventually_async(lambda: site.link and site.addresses == {IPV4, IPV6}, within=SOON)
        for spoil in (
            ("link", "delete", NAME),
            ("link", "set", NAME, "down"),
            ("address", "del", IPV4, "dev", NAME),
            ("address", "add", "10.9.9.9/32", "dev", NAME),
            ("link", "set", NAME, "mtu", "1400"),
        ):
            await asyncio.to_thread(site.host.ip, *spoil)
            await eventually_async(
                lambda: site.link.get("mtu") == 1500 and site.addresses == {IPV4, IPV6},
                within=SOON,
                what=" ".join(spoil),
            )


def test_a_parent_that_is_down_is_no_obstacle(site: Site):
    """The child is made, and stands when the parent goes down and comes again."""
    site.host.ip("link", "set", "u0", "down")
    assert site.make(site.child(IPV4)) is None
    site.host.ip("link", "set", "u0", "up")
    eventually(lambda: "LOWER_UP" in site.link["flags"], within=SOON)
    site.host.ip("link", "set", "u0", "down")
    site.host.ip("link", "set", "u0", "up")
    eventually(lambda: "LOWER_UP" in site.link["flags"], within=SOON)
    assert site.doorway.step() is None
    assert site.addresses == {IPV4}


async def test_what_the_kernel_refuses_is_done_when_its_reason_is_gone(site: Site):
    """A parent in a bridge takes no macvlan; out of it, the child is there without a long wait."""
    site.host.ip("link", "add", "lan0", "type", "bridge")
    site.host.ip("link", "set", "u0", "master", "lan0")
    site.doorway.want(site.child(IPV4))
    async with running(site.doorway.run):
        site.monitor.start(site.doorway.hear)
        await eventually_async(lambda: site.said and site.said[-1], within=SOON)
        assert site.link == {}
        site.host.ip("link", "set", "u0", "nomaster")
        await eventually_async(lambda: site.link and site.addresses == {IPV4}, within=SOON)
        await eventually_async(lambda: site.said[-1] == "", within=SOON)


def test_a_child_of_kind_ipvlan(site: Site):
    """In mode l3s; on a kernel without ipvlan, a sentence and no link."""
    wanted = site.child(IPV4, kind="ipvlan")
    try:
        site.host.ip("link", "add", "probe", "link", "u0", "type", "ipvlan")
    except CommandError as error:
        assert site.make(wanted)
        assert site.said[-1].startswith(f"{NAME}: ")
        assert site.link == {}
        pytest.skip(f"this kernel has no ipvlan: {error.stderr.strip()}")
    site.host.ip("link", "delete", "probe")
    assert site.make(wanted) is None
    assert site.link["linkinfo"]["info_data"]["mode"] == "l3s"
    eventually(lambda: site.addresses == {IPV4}, within=SOON)
