"""Neighbours that a real kernel keeps resolved, judged by what `ip neigh` shows.

No packet is sent to them by anybody but the kernel itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

from hostgw_cli.lab.netns import Namespace
from hostgw_core.model import IPAddress
from hostgw_daemon.netlink.managed import ManagedNeighbours
from hostgw_daemon.netlink.neighbours import Neighbours
from hostgw_daemon.switches import Neighbour
from support.netns_fixtures import Lan
from support.waiting import eventually

pytestmark = pytest.mark.root

THERE, THERE6, NOWHERE = map(ip_address, ("192.168.50.2", "fd50::2", "192.168.50.99"))
SOON = 20.0  # seconds
MANAGED = ["managed", "extern_learn"]


@dataclass(frozen=True)
class Kept:
    """Two hosts on a link, and who writes the first one's neighbours."""

    host: Namespace
    other: Namespace
    entries: ManagedNeighbours
    link: int

    def shown(self, address: IPAddress) -> dict[str, Any]:
        """Give an entry as `ip` shows it, with "flags" for what it is kept by; {} for none."""
        for line in self.host.ip("-d", "neigh", "show", "nud", "all", "dev", "eth0").splitlines():
            words = line.split()
            if words[0] == str(address):
                mac = words[words.index("lladdr") + 1] if "lladdr" in words else ""
                proto = words[words.index("proto") + 1] if "proto" in words else ""
                flags = [word for word in words if word in MANAGED]
                state = next(word for word in words if word.isupper())
                return {"mac": mac, "proto": proto, "flags": flags, "state": state}
        return {}

    def state(self, address: IPAddress) -> str:
        """Give an entry's state."""
        return str(self.shown(address).get("state", ""))

    def mac(self) -> str:
        """Give the other host's hardware address."""
        return str(self.other.ip_json("link", "show", "eth0")[0]["address"])

    def age(self) -> None:
        """Let entries grow old, and dead ones be seen, within a second."""
        with self.host.enter():
            for family in ("ipv4", "ipv6"):
                folder = Path(f"/proc/sys/net/{family}/neigh/eth0")
                (folder / "base_reachable_time_ms").write_text("1000")
                (folder / "delay_first_probe_time").write_text("1")
                (folder / "retrans_time_ms").write_text("200")


@pytest.fixture
def kept(lan: Callable[[int], Lan]) -> Iterator[Kept]:
    """Make two hosts that can reach each other."""
    host, other = lan(2).hosts
    link = int(host.ip_json("link", "show", "eth0")[0]["ifindex"])
    with host.enter():
        entries = ManagedNeighbours.open()
    with entries:
        yield Kept(host, other, entries, link)


def test_a_gateway_is_resolved_before_any_packet_goes_there(kept: Kept):
    """In both families, with our mark, and read back as ours."""
    kept.entries.create(kept.link, [THERE, THERE6])
    for address in (THERE, THERE6):
        eventually(lambda a=address: kept.state(a) == "REACHABLE", within=SOON)
        shown = kept.shown(address)
        assert (shown["mac"], shown["proto"], shown["flags"]) == (kept.mac(), "104", MANAGED)
        seen = kept.entries.table(kept.link)[address]
        assert seen == Neighbour(managed=True, ours=True, used=True)


def test_it_stays_resolved_while_nothing_is_sent(kept: Kept):
    """An entry of the kernel's own grows old; a managed one is asked for again and again."""
    kept.age()
    kept.entries.create(kept.link, [THERE])
    eventually(lambda: kept.state(THERE) == "REACHABLE", within=SOON)
    answers = 0
    with kept.host.popen(["ip", "monitor", "neigh"], stdout=PIPE, text=True) as monitor:
        try:
            for line in monitor.stdout or ():
                answers += str(THERE) in line and "REACHABLE" in line
                if answers == 2:
                    break
        finally:
            monitor.terminate()
    assert answers == 2
    assert kept.shown(THERE)["flags"] == MANAGED


def test_another_hardware_address_is_followed(kept: Kept):
    """The peer's card was changed, and it says nothing: the kernel finds out."""
    kept.age()
    kept.entries.create(kept.link, [THERE])
    eventually(lambda: kept.shown(THERE).get("mac") == kept.mac(), within=SOON)
    kept.other.ip("link", "set", "eth0", "address", "02:00:00:00:00:77")
    eventually(lambda: kept.shown(THERE).get("mac") == "02:00:00:00:00:77", within=60)
    assert kept.shown(THERE)["flags"] == MANAGED


def test_one_that_does_not_answer_is_asked_again_until_it_does(kept: Kept):
    """By the kernel alone: it fails, and is there as soon as somebody has the address."""
    kept.age()
    kept.entries.create(kept.link, [NOWHERE])
    eventually(lambda: kept.state(NOWHERE) == "FAILED", within=SOON)
    assert kept.entries.table(kept.link)[NOWHERE].failed
    kept.other.ip("address", "add", f"{NOWHERE}/24", "dev", "eth0")
    eventually(lambda: kept.state(NOWHERE) == "REACHABLE", within=SOON)


@pytest.mark.parametrize(
    "words",
    [
        "lladdr 02:00:00:00:00:01 nud permanent",
        "lladdr 02:00:00:00:00:01 nud noarp",
        "lladdr 02:00:00:00:00:01 nud reachable extern_learn",
        "lladdr 02:00:00:00:00:01 nud reachable proto zebra",
        "managed proto 4",
    ],
)
def test_what_somebody_wrote_is_seen_as_theirs(kept: Kept, words: str):
    """And creating ours in its place is refused by the kernel."""
    kept.host.ip("neigh", "add", str(THERE), "dev", "eth0", *words.split())
    before = kept.shown(THERE)
    assert kept.entries.table(kept.link)[THERE].taken
    kept.entries.create(kept.link, [THERE])
    assert kept.shown(THERE)["proto"] == before["proto"] != "104"
    assert kept.shown(THERE)["flags"] == before["flags"]


def test_an_entry_of_the_kernels_own_is_adopted_and_left_to_it_again(kept: Kept):
    """With its hardware address all the while: no packet waits."""
    kept.host.ip("neigh", "add", str(THERE), "lladdr", kept.mac(), "nud", "stale", "dev", "eth0")
    assert kept.entries.table(kept.link)[THERE] == Neighbour()
    kept.entries.adopt(kept.link, [THERE])
    assert kept.shown(THERE)["mac"] == kept.mac()
    assert kept.shown(THERE)["flags"] == MANAGED
    kept.entries.release(kept.link, [THERE])
    assert kept.shown(THERE)["mac"] == kept.mac()
    assert kept.shown(THERE)["flags"] == []
    seen = kept.entries.table(kept.link)[THERE]
    assert (seen.managed, seen.ours, seen.taken) == (False, True, False)


def test_what_is_dropped_is_gone_and_others_stay(kept: Kept):
    """One of ours, beside one that an administrator wrote."""
    good = ["lladdr", "02:00:00:00:00:01", "nud", "permanent", "dev", "eth0"]
    kept.host.ip("neigh", "add", str(NOWHERE), *good)
    kept.entries.create(kept.link, [THERE])
    kept.entries.drop(kept.link, [THERE])
    table = kept.entries.table(kept.link)
    assert THERE not in table or not table[THERE].managed
    assert kept.state(NOWHERE) == "PERMANENT"


def test_a_link_without_carrier_loses_them(kept: Kept):
    """Whoever wants them makes them again; asking as the warden does leaves them."""
    kept.entries.create(kept.link, [THERE])
    with kept.host.enter():
        neighbours = Neighbours.open()
    with neighbours:
        neighbours.ask(kept.link, [THERE])
    assert kept.entries.table(kept.link)[THERE].managed
    kept.other.ip("link", "set", "eth0", "up")
    kept.host.ip("link", "set", "eth0", "down")
    kept.host.ip("link", "set", "eth0", "up")
    assert THERE not in kept.entries.table(kept.link)


def test_of_a_link_that_is_gone_there_is_no_table(kept: Kept):
    """No error: nothing is there to be looked after."""
    kept.host.ip("link", "del", "eth0")
    assert kept.entries.table(kept.link) == {}
    kept.entries.create(kept.link, [THERE])
