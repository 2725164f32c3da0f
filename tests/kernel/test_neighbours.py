"""Whether a gateway answers, asked of a real kernel and judged by what `ip neigh` shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import pytest

from hostgw_cli.lab.netns import Namespace, bridge
from hostgw_daemon.netlink.neighbours import SETTLES, Neighbours
from support.netns_fixtures import Lan
from support.waiting import eventually

pytestmark = pytest.mark.root

THERE, NOWHERE = "192.168.50.2", "192.168.50.99"
THERE6, NOWHERE6 = "fd50::2", "fd50::99"
SAYS = {"REACHABLE", "STALE", "DELAY", "PROBE", "NOARP", "PERMANENT"}


@dataclass(frozen=True)
class Asked:
    """Two hosts on a link, and who asks on the first of them."""

    host: Namespace
    other: Namespace
    neighbours: Neighbours
    link: int

    def ask(self, *addresses: str) -> set[str]:
        """Ask for these; give those that were asked."""
        return set(map(str, self.neighbours.ask(self.link, map(ip_address, addresses))))

    def answering(self, *among: str) -> set[str]:
        """Give which of these answer, as the program sees it."""
        return set(among) & set(map(str, self.neighbours.answering(self.link)))

    def states(self) -> dict[str, str]:
        """Give the state of every neighbour, as `ip` sees it."""
        shown = self.host.ip_json("neigh", "show", "dev", "eth0")
        return {entry["dst"]: entry["state"][0] for entry in shown}

    def agrees(self, *addresses: str) -> bool:
        """Tell whether the program and `ip` say the same of these."""
        said = {a for a, state in self.states().items() if state in SAYS}
        assert self.answering(*addresses) == said & set(addresses), self.states()
        return True

    def grow_stale(self) -> None:
        """Let what is known of the other host be old."""
        mac = self.other.ip_json("link", "show", "eth0")[0]["address"]
        self.host.ip("neigh", "replace", THERE, "lladdr", mac, "nud", "stale", "dev", "eth0")
        assert self.states()[THERE] == "STALE"

    def set(self, name: str, value: int) -> None:
        """Set a sysctl below `net`."""
        with self.host.enter():
            Path(f"/proc/sys/net/{name}").write_text(str(value))


@pytest.fixture
def asked(lan: Callable[[int], Lan]) -> Iterator[Asked]:
    """Make two hosts that can reach each other."""
    host, other = lan(2).hosts
    link = int(host.ip_json("link", "show", "eth0")[0]["ifindex"])
    with host.enter():
        neighbours = Neighbours.open()
    with neighbours:
        yield Asked(host, other, neighbours, link)


def test_a_gateway_that_is_there_answers(asked: Asked):
    """Though no packet was ever sent to it, in both families; it is known at once."""
    assert asked.states().keys().isdisjoint({THERE, THERE6})
    assert asked.ask(THERE, THERE6) == {THERE, THERE6}
    eventually(lambda: asked.answering(THERE, THERE6) == {THERE, THERE6}, within=SETTLES)
    assert asked.agrees(THERE, THERE6)


def test_a_gateway_that_never_was_is_silent(asked: Asked):
    """Neither while it is asked for nor after it."""
    assert asked.ask(NOWHERE, NOWHERE6) == {NOWHERE, NOWHERE6}
    assert asked.answering(NOWHERE, NOWHERE6) == set()
    assert asked.states()[NOWHERE] == "INCOMPLETE"
    eventually(lambda: asked.states()[NOWHERE] == "FAILED", within=SETTLES)
    eventually(lambda: asked.states()[NOWHERE6] == "FAILED", within=SETTLES)
    assert asked.answering(NOWHERE, NOWHERE6) == set()


def test_a_gateway_that_has_gone_is_silent_when_the_time_is_over(asked: Asked):
    """A stale entry still counts as an answer; asked for, it fails within `settles` seconds."""
    asked.grow_stale()
    asked.other.ip("address", "flush", "dev", "eth0")
    assert asked.answering(THERE) == {THERE}
    asked.ask(THERE)
    assert asked.agrees(THERE)
    eventually(lambda: asked.answering(THERE) == set(), within=SETTLES)
    assert asked.states()[THERE] in {"FAILED", "INCOMPLETE"}


def test_a_stale_gateway_that_is_there_is_confirmed(asked: Asked):
    """Asking makes the kernel look, and it goes on answering."""
    asked.grow_stale()
    asked.ask(THERE)
    eventually(lambda: asked.states()[THERE] == "REACHABLE", within=SETTLES)
    assert asked.agrees(THERE)


def test_on_a_link_that_is_down_nobody_answers(asked: Asked):
    """The kernel forgets its neighbours with the link; asking neither fails nor finds any."""
    asked.ask(THERE)
    eventually(lambda: asked.answering(THERE) == {THERE}, within=SETTLES)
    asked.host.ip("link", "set", "eth0", "down")
    assert asked.answering(THERE) == set()
    asked.ask(THERE, NOWHERE)
    assert asked.agrees(THERE, NOWHERE)


def test_what_cannot_be_asked_is_told(asked: Asked):
    """On a link that is gone nobody is asked; on one without IPv6, nobody's IPv6 address."""
    asked.set("ipv6/conf/eth0/disable_ipv6", 1)
    assert THERE6 not in asked.ask(THERE, THERE6)
    asked.host.ip("link", "delete", "eth0")
    assert asked.ask(THERE) == set()
    assert asked.answering(THERE) == set()


def test_asking_for_nobody_asks_nothing(asked: Asked):
    """No request is sent."""
    assert asked.ask() == set()
    assert asked.states() == {}


def test_others_entries_of_another_link_say_nothing(asked: Asked):
    """An answer counts on the link that was asked alone."""
    bridge(asked.host, "other0")
    asked.host.ip("neigh", "add", NOWHERE, "lladdr", "02:00:00:00:00:01", "dev", "other0")
    assert asked.answering(NOWHERE) == set()
    asked.host.ip("neigh", "add", NOWHERE, "lladdr", "02:00:00:00:00:01", "dev", "eth0")
    assert asked.answering(NOWHERE) == {NOWHERE}
