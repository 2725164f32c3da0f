"""Whatever happens, in any order: foreign routes are never touched, and in the end ours are right.

The machine plays the store, the host, the administrator and the kernel's moods. What should be in
the kernel is worked out by hand, from the records, by brute force; nothing of the program's own
judgement, projection or plan is asked.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import invariant, rule

from hostgw_daemon.kernel import Verdict
from support.node_world import NodeWorld
from support.reconciler_site import LINK, advance


class OneNode(NodeWorld):
    """One node whose world does what it likes, judged after every step and in the end."""

    # -- time ---------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.0, 0.0, 0.01, 0.06, 0.3, 3.0, 40.0]))
    def work(self, seconds):
        """Time passes, and what is due is done."""
        silent = not self.up
        before = len(self.site.kernel.writes)
        self.site.work(seconds)
        if silent:
            assert len(self.site.kernel.writes) == before

    @rule(data=st.data())
    def something_happens_during_a_pass(self, data):
        """A pass gives its turn to others, and one of them does something."""
        self.site.reconciler.look("a test")
        self.site.now += 0.06
        turn = self.site.turn()
        try:
            going = advance(turn)
        except OSError:
            return
        act = data.draw(
            st.sampled_from(["tell", "relist", "link_down", "link_up", "link_made_again", "flush"])
        )
        if act == "flush":
            self.flush(heard=True, times=1)
        elif act not in {"link_down", "link_up"} or (act == "link_down") == self.up:
            getattr(self, act)()
        if going:
            self.site.drive(turn)

    # -- what is always so --------------------------------------------------------------------

    @invariant()
    def foreign_routes_are_untouched(self):
        """Every foreign route is there, and is what it was; and there is no other one."""
        found = [
            (route_key, held)
            for route_key, several in self.site.kernel.held.items()
            for held in several
            if held.protocol != 104
        ]
        assert sorted(found) == sorted(self.strangers)

    @invariant()
    def nothing_that_is_leased_is_deleted(self):
        """No deletion hit a route that was right before and is right now."""
        right = self.right()
        lasting, self.were_right = self.were_right & right, right
        outcomes = self.site.kernel.outcomes
        for outcome in outcomes[self.judged :]:
            if outcome.verdict is Verdict.DELETED:
                assert outcome.write.route not in lasting
        self.judged = len(outcomes)

    @invariant()
    def every_moment_is_told_once(self):
        """No answer of the store is counted twice."""
        seen = [moment for report in self.site.reports for moment in report.seen]
        assert len(set(seen)) == len(seen)

    def teardown(self):
        """Heal everything and wait: what there is then is exactly what should be, and stays."""
        if not hasattr(self, "site"):
            return
        site = self.site
        site.kernel.faults.planted.clear()
        if not self.up:
            self.link_up()
        if self.pending:
            self.tell()
        site.work(150)  # the longest truce, the longest back-off, an audit
        held = {route_key for route_key, _ in self.strangers}
        right, there = self.right(), site.kernel.ours()
        on_link = {
            route for route in right if ip_address(route.gateway) in ip_network("172.16.0.0/16")
        }
        # Ours may stand behind a stranger's of the same key: it moved before he was heard of.
        sure = {route for route in on_link if route.key not in held}
        assert sure <= there <= on_link, f"\n{site.kernel}"
        state = site.reconciler.state
        assert {outcome.write.route for outcome in state.missing} == right - there
        assert (state.fights, state.installed) == ((), len(there))
        assert state.complete == (right == there)
        metrics = {route.key[:2]: route.metric for route in right}
        assert {(route.destination, route.length, route.metric) for route in state.shadows} == {
            route_key[:3]
            for route_key, _ in self.strangers
            if route_key[2] <= metrics.get(route_key[:2], -1)
        }
        seen = {moment for report in site.reports for moment in report.seen}
        assert seen >= set(self.lists)
        assert site.reports[-1].revision == site.revision
        for seconds in (0.1, 70.0):  # once more, and one audit later
            done = len(site.kernel.outcomes)
            site.reconciler.look("a test")
            site.work(seconds)
            again = site.kernel.outcomes[done:]
            assert {outcome.write.route for outcome in again} == right - there
            assert site.kernel.ours() == there
        self.foreign_routes_are_untouched()


OneNode.TestCase.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
TestOneNode = OneNode.TestCase
assert LINK == 2
