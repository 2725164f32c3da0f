"""A loop in the flat network: the storm is real and ends for certain; a spanning tree has none."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import suppress

import pytest
from bench.broadcast import spanning, storm
from bench.broadcast.fuse import Fuse
from bench.broadcast.law import Audience
from bench.broadcast.spanning import LEAST
from bench.broadcast.twin import Twin

from hostgw_cli.lab.netns import Namespace, veth
from hostgw_cli.lab.topology import LabError
from support.debian_tree import ROOT
from support.lab_fixtures import lab_name, left_behind
from support.waiting import eventually

pytestmark = pytest.mark.root


def test_a_loop_storms_until_it_is_cut_and_a_spanning_tree_makes_it_wait_instead():
    """Two hosts with two containers each, the same loop; on paper 5 stacks and 7 interfaces."""
    name = lab_name()
    with Twin.up(name, 2, 2) as twin:
        stormed = storm.measure(twin)
        assert stormed.heard[0] > 100  # of one frame
        assert stormed.crossings > 100
        # Once, and not again and again; the kernels' own IPv6 reports may come by meanwhile.
        assert 1 <= stormed.after[0] <= stormed.after[1] < 20

        spanned = spanning.measure(twin, LEAST)
        assert spanned.announced == spanned.law == Audience(5, 7, 7)
        # Listening and learning, a forward delay each; the plugin takes a part of the first.
        assert spanned.start > LEAST
        assert spanned.failure > LEAST
    assert left_behind(name) == []


@pytest.fixture
def link(netns):
    """Make a namespace with a link that is up; its name is `a`."""
    veth(netns, "a", netns, "b")
    assert is_up(netns)
    return netns


def is_up(netns: Namespace) -> bool:
    """Tell whether the link is administratively up."""
    return "UP" in netns.ip_json("link", "show", "a")[0]["flags"]


def test_a_lit_fuse_cuts_when_its_time_is_over(link):
    """And says how long it took, which is never less."""
    with Fuse.armed(link, "a", 0.05) as fuse:
        assert is_up(link)
        fuse.light()
        assert fuse.blown() >= 0.05
        assert not is_up(link)


def test_a_fuse_cuts_when_its_block_ends_by_an_error(link):
    """Lit or not: the time that it was given is long."""
    with suppress(ZeroDivisionError), Fuse.armed(link, "a", 600) as fuse:
        fuse.light()
        raise ZeroDivisionError
    assert not is_up(link)


def test_a_fuse_outlives_whoever_lit_it_and_cuts(link):
    """The measuring program is killed in the middle of a storm."""
    program = (
        "import os, sys\n"
        "from bench.broadcast.fuse import Fuse\n"
        "from hostgw_cli.lab.netns import Namespace\n"
        f"with Fuse.armed(Namespace({link.name!r}), 'a', 600) as fuse:\n"
        "    fuse.light()\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    eventually(lambda: not is_up(link), what="the fuse blown")


def test_without_a_fuse_there_is_no_storm(capfd):
    """It cannot enter its namespace: the block is never entered."""
    with (
        pytest.raises(LabError, match="does not start: no storm"),
        Fuse.armed(Namespace("hgt-nobody"), "a", 1),
    ):
        pytest.fail("entered without a fuse")
    assert "FileNotFoundError" in capfd.readouterr().err
