"""The ground says what a walk through all subnets would say, however its blocks are cut."""

from ipaddress import ip_network

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from hostgw_daemon import ground as module
from hostgw_daemon.ground import Ground

SUBNETS = st.one_of(
    st.builds(
        lambda length, at: ip_network((0x0A000000 + (at << (32 - length)), length)),
        st.integers(24, 28),
        st.integers(0, 15),
    ),
    st.builds(lambda at: ip_network((0xFD << 120 | at << 64, 64)), st.integers(0, 15)),
)


class Land(RuleBasedStateMachine):
    """A ground beside a dict of what is held, and former copies beside what they held."""

    def __init__(self):
        super().__init__()
        self.held = {}
        self.ground = Ground()
        self.former = []

    def walk(self, held, subnet):
        """Give the holders of everything that overlaps a subnet, the last one first."""
        there = [s for s in held if s.version == subnet.version and s.overlaps(subnet)]
        return [held[s] for s in sorted(there, reverse=True)]

    @rule(subnet=SUBNETS)
    def take(self, subnet):
        if not self.walk(self.held, subnet):
            self.held[subnet] = key = str(subnet).encode()
            self.ground.take(subnet, key)

    @rule(subnet=SUBNETS)
    def free(self, subnet):
        if self.held.pop(subnet, None):
            self.ground.free(subnet)

    @rule()
    def copy(self):
        self.former.append((self.ground, dict(self.held)))
        self.ground = self.ground.copy()

    @rule(subnet=SUBNETS)
    def ask(self, subnet):
        assert self.ground.holder(subnet) == next(iter(self.walk(self.held, subnet)), None)

    @invariant()
    def former_copies_stay(self):
        for ground, held in self.former[-2:]:
            for subnet, key in held.items():
                assert ground.holder(subnet) == key
            for subnet in self.held:
                assert ground.holder(subnet) == next(iter(self.walk(held, subnet)), None)


@pytest.mark.parametrize("block", [2, 3, 128])
def test_the_ground_says_what_a_walk_says(monkeypatch, block):
    """Whatever is taken and freed, in blocks of a few subnets as in one."""
    monkeypatch.setattr(module, "BLOCK", block)
    machine = Land.TestCase
    machine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
    machine().runTest()
