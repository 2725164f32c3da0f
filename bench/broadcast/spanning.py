"""The loop with a spanning tree (IEEE 802.1D, the kernel's own): no storm, and who waits for it.

Every bridge takes part, the switches' and the hosts'. A port that comes up listens and learns for a
forward delay each before it forwards anything: so long a container that starts is silent, and so
long half of the network is away when the cable fails that the tree had chosen. The kernel's
forward delay is 15 s by default and 2 s at least (BR_MIN_FORWARD_DELAY).

Silence is measured by announcements: the container sends one every few milliseconds, and the
witness in another one takes the time of the first that it hears.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bench.broadcast.attachment import FORWARDING, ports
from bench.broadcast.counting import stacks
from bench.broadcast.law import Arrangement, Audience, audience
from bench.broadcast.twin import TRUNKS, Twin
from bench.broadcast.voice import Voice
from bench.broadcast.witness import Witness, audience_of

from hostgw_cli.lab.container import Container
from hostgw_cli.lab.topology import LabError
from hostgw_cli.lab.waiting import wait_for

LEAST, DEFAULT = 2, 15  # seconds of forward delay
_EVERY: Final = 0.01  # seconds between two announcements
_SPARE: Final = 30.0  # seconds beyond what the tree may take


@dataclass(frozen=True, slots=True)
class Spanning:
    """The same loop under a spanning tree with a forward delay of so many seconds.

    `announced` is who heard one broadcast in the loop that was cut. `start` are the seconds from
    when a container is attached to the first of its broadcasts that a neighbour heard; `failure`
    those from the failure of the cable in use to the first that reached the other switch.
    """

    hosts: int
    containers: int
    forward_delay: int
    announced: Audience
    start: float
    failure: float

    @property
    def law(self) -> Audience:
        """Who must have heard it, and once each."""
        return audience(Arrangement.FLAT_BRIDGE, self.hosts, self.containers)


def measure(twin: Twin, forward_delay: int) -> Spanning:
    """Start the trees, close the loop, and measure. Raise LabError, CommandError, OSError."""
    hosts, within = twin.lab.hosts, 2 * forward_delay + _SPARE
    first, starter, last = (
        hosts[0].containers[0],
        hosts[0].containers[-1],
        hosts[-1].containers[-1],
    )
    _grow(twin, forward_delay)
    twin.close()
    wait_for(lambda: _settled(twin), what="a spanning tree", within=within)
    with Witness.open(stacks(twin.lab)) as witness, Voice.of(first) as voice:
        voice.say()
        announced = audience_of(witness.collect(), voice.mac, besides=first.namespace.name)
    used = next(each for each, states in twin.trunks().items() if set(states) == {FORWARDING})

    def fail() -> None:
        with twin.lab.switch.links() as links:
            links.down(used)

    start = _silence(starter, first, lambda: twin.attachment.plug(hosts[0], starter), within=within)
    failure = _silence(first, last, fail, within=within)
    with twin.lab.switch.links() as links:
        links.up(used)
    return Spanning(len(hosts), len(hosts[0].containers), forward_delay, announced, start, failure)


def _grow(twin: Twin, forward_delay: int) -> None:
    """Switch the spanning tree on in every bridge; the first switch is its root."""
    for number, (inside, name) in enumerate(twin.bridges(), 1):
        inside.ip(
            *["link", "set", name, "type", "bridge", "forward_delay", str(forward_delay * 100)],
            *["priority", str(min(number, 8) * 4096), "stp_state", "1"],
        )


def _settled(twin: Twin) -> bool:
    """Tell whether every port forwards but one end of a trunk, which is blocked."""
    ends = [state for states in twin.trunks().values() for state in states]
    others = [
        state
        for inside, name in twin.bridges()
        for port, state in ports(inside, name).items()
        if port not in TRUNKS
    ]
    return sorted(ends) == ["blocking", *[FORWARDING] * 3] and set(others) == {FORWARDING}


def _silence(sender: Container, ear: Container, act: Callable[[], None], *, within: float) -> float:
    """Do something to the network; give the seconds until the ear hears the sender (again)."""
    with Witness.open([ear.namespace]) as witness:
        act()
        began = time.monotonic()
        with Voice.of(sender) as voice:
            while time.monotonic() < began + within:
                voice.say()
                for heard in witness.collect(quiet=_EVERY):
                    if heard.frame.mac == voice.mac:
                        return heard.when - began
    raise LabError(f"{ear.name} does not hear {sender.name} within {within:g} s")
