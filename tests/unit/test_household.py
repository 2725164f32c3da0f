"""What a host is to have while a node leaves its networks one after the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hostgw_core.model import Subnets
from hostgw_daemon.halt import Halt
from hostgw_daemon.household import Household
from hostgw_daemon.link.uplink import NoUplink
from support.rule_specs import SPEC


@dataclass
class Papers:
    """The files of one network."""

    cleared: bool = False

    def clear(self) -> None:
        """Let them not be there."""
        self.cleared = True


@dataclass
class Member:
    """One network of the node: what it wants of the host, and whether it was left."""

    must: Any
    left: bool = False
    papers: Papers = field(default_factory=Papers)
    routed: Subnets = field(default_factory=Subnets)

    def perform(self, _uplink: object) -> Any:
        """Give what must be: nothing where there is no lease."""
        return None if self.left else self.must


@dataclass
class Must:
    """What a network wants: for this, only which one it is."""

    network: str
    containers: None = None
    rules: Any = field(default_factory=lambda: SPEC)

    def after(self, _before: object) -> Must:
        """Give these."""
        return self


class Host:
    """All who keep something on the host: it notes what they are told, by verb."""

    def __init__(self) -> None:
        self.told: dict[str, Any] = {}

    def __getattr__(self, verb: str) -> Any:
        def note(*said: Any, **more: Any) -> None:
            self.told[verb] = [*said[0]] if verb == "want" else (said, more)

        return note

    @property
    def wanted(self) -> list[str]:
        """Which networks want something of it."""
        return [each.network for each in self.told["want"]]


def test_a_network_that_was_left_has_nothing_here_while_another_is_waited_for():
    """Its subnet may be another node's by now: no runtime is to read that it is this host's."""
    red, blue, host = Member(Must("red")), Member(Must("blue")), Host()
    household = Household(
        {"red": red, "blue": blue},
        reconciler=host,
        surroundings=host,
        hosting=host,
        probing=host,
        uplink=lambda: NoUplink("none"),
        route_mtu=0,
        halt=Halt(),
        trouble=lambda *_: None,
    )
    household.follow()
    assert host.wanted == ["red", "blue"]
    red.left = True
    household.follow()
    assert host.wanted == ["blue"]
    assert (red.papers.cleared, blue.papers.cleared) == (True, False)
    assert "want_nothing" not in host.told
    red.left = False  # it was resumed
    household.follow()
    assert sorted(host.wanted) == ["blue", "red"]
    red.left = blue.left = True
    household.follow()
    assert "want_nothing" in host.told
    assert blue.papers.cleared
