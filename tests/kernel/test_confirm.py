"""A neighbour that is asked for anew keeps whatever else is known of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import pytest

from hostgw_cli.lab.netns import Namespace
from hostgw_daemon.netlink.neighbour_watch import NeighbourWatch
from hostgw_daemon.netlink.neighbours import SETTLES, Neighbours
from support.netns_fixtures import Lan
from support.waiting import eventually

pytestmark = pytest.mark.root

THERE, THERE6, NOWHERE = "192.168.50.2", "fd50::2", "192.168.50.99"


@dataclass(frozen=True)
class Known:
    """Two hosts on a link, who asks on the first of them, and who hears its table."""

    host: Namespace
    other: Namespace
    neighbours: Neighbours
    watch: NeighbourWatch
    link: int

    def confirm(self, address: str) -> bool:
        """Have the kernel ask for one."""
        return self.neighbours.confirm(self.link, ip_address(address))

    def shown(self, address: str) -> set[str]:
        """Give the words of `ip` about an entry: its state, and what it is kept by."""
        said = self.host.ip("-d", "neigh", "show", "nud", "all", "to", address, "dev", "eth0")
        words = {"managed", "extern_learn", "router", "PERMANENT", "NOARP", "PROBE", "REACHABLE"}
        return set(said.split()) & (words | {"STALE", "FAILED", "INCOMPLETE"})

    def write(self, address: str, *words: str) -> None:
        """Let there be an entry with the other host's hardware address."""
        mac = self.other.ip_json("link", "show", "eth0")[0]["address"]
        self.host.ip("neigh", "replace", address, "lladdr", mac, "dev", "eth0", *words)

    def told(self) -> list[tuple[str, bool | None]]:
        """Give what the watch has heard of the link since it was asked last."""
        return [(str(a), good) for at, a, good, _ in self.watch.read() if at == self.link]


@pytest.fixture
def known(lan: Callable[[int], Lan]) -> Iterator[Known]:
    """Make two hosts that can reach each other."""
    host, other = lan(2).hosts
    link = int(host.ip_json("link", "show", "eth0")[0]["ifindex"])
    with host.enter():
        neighbours, watch = Neighbours.open(), NeighbourWatch.open()
    with neighbours, watch:
        yield Known(host, other, neighbours, watch, link)


@pytest.mark.parametrize(
    ("address", "words", "kept"),
    [
        (THERE, ("nud", "stale", "extern_learn"), {"extern_learn"}),
        (THERE6, ("nud", "stale", "router"), {"router"}),
        (THERE, ("nud", "stale", "managed", "extern_learn"), {"managed", "extern_learn"}),
        (THERE, ("nud", "stale"), set()),
    ],
)
def test_it_is_asked_for_and_its_marks_stay(
    known: Known, address: str, words: tuple[str, ...], kept: set[str]
):
    """A router is a router, who keeps it goes on keeping it; and it is reachable in the end."""
    with known.other.enter():  # or it would say itself that it is no router
        Path("/proc/sys/net/ipv6/conf/all/forwarding").write_text("1", encoding="ascii")
    known.write(address, *words)
    assert kept <= known.shown(address)
    known.told()
    assert known.confirm(address) is False
    eventually(lambda: (address, True) in known.told(), within=SETTLES)
    assert kept <= known.shown(address)
    eventually(lambda: known.shown(address) == kept | {"REACHABLE"}, within=SETTLES)


@pytest.mark.parametrize("state", ["permanent", "noarp"])
def test_one_that_was_written_in_for_good_stays_so(known: Known, state: str):
    """It is told, and nothing is written."""
    known.write(THERE, "nud", state)
    assert known.confirm(THERE) is True
    assert known.shown(THERE) == {state.upper()}


def test_asking_for_one_leaves_what_was_written_in_for_good(known: Known):
    """A hold asks for many; of what somebody wrote in for good, nothing can be found out."""
    known.write(THERE, "nud", "permanent")
    asked = known.neighbours.ask(known.link, map(ip_address, (THERE, THERE6)))
    assert asked == {ip_address(THERE6)}
    assert known.shown(THERE) == {"PERMANENT"}


def test_asking_for_one_leaves_what_it_is_kept_by(known: Known):
    """Also when a hold asks for many."""
    known.write(THERE, "nud", "stale", "managed", "extern_learn")
    assert known.neighbours.ask(known.link, [ip_address(THERE)])
    assert {"managed", "extern_learn"} <= known.shown(THERE)


def test_one_that_nobody_knows_is_not_written(known: Known):
    """No entry is made; the next packet asks."""
    assert known.confirm(NOWHERE) is False
    assert known.shown(NOWHERE) == set()


def test_what_goes_is_told_beside_what_answers(known: Known):
    """Deleted, or flushed with its link, in either family."""
    known.told()
    known.neighbours.ask(known.link, map(ip_address, (THERE, THERE6)))
    heard: list[tuple[str, bool | None]] = []

    def hears(*wanted: tuple[str, bool | None]) -> bool:
        heard.extend(known.told())
        return set(wanted) <= set(heard)

    eventually(lambda: hears((THERE, True), (THERE6, True)), within=SETTLES)
    heard.clear()
    known.host.ip("neigh", "del", THERE, "dev", "eth0")
    known.host.ip("neigh", "del", THERE6, "dev", "eth0")
    eventually(lambda: hears((THERE, None), (THERE6, None)), within=SETTLES)


def test_what_is_missed_is_counted(known: Known):
    """More news than the buffer holds: the watch goes on, and says that it was deaf for a while."""
    known.watch._socket.setsockopt(1, 8, 1)
    for number in range(10, 60):
        known.write(f"192.168.50.{number}", "nud", "reachable")
    heard = known.told()
    assert 0 < len(heard) < 50
    assert known.watch.missed == 1
    known.write("192.168.50.70", "nud", "reachable")
    assert known.told() == [("192.168.50.70", True)]
