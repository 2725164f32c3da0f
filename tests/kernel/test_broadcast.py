"""The broadcast experiment on real namespaces, small: who hears a start is who the law says."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from bench.broadcast import cost, counting
from bench.broadcast.attachment import BRIDGE, every
from bench.broadcast.law import Arrangement, Audience
from bench.broadcast.voice import Voice
from bench.broadcast.witness import Witness, audience_of

from hostgw_cli.lab.netns import DIRECTORY
from hostgw_cli.lab.topology import LabError
from support.debian_tree import ROOT
from support.lab_fixtures import lab_name, left_behind
from support.waiting import eventually

pytestmark = pytest.mark.root

# Two hosts with two containers each, counted on paper: stacks, interfaces, frames.
ON_PAPER = {
    # n1, and n1/c1; the sender's port and the bridge of n1 are two interfaces
    Arrangement.HOST_GW: Audience(2, 3, 3),
    # n1, n1/c1, n2, n2/c1, n2/c2; on n1 a port, bridge, c1; on n2 uplink, bridge, c1, c2
    Arrangement.FLAT_BRIDGE: Audience(5, 7, 7),
    # n1/c1, n2, n2/c1, n2/c2; not n1, the parent of the sender
    Arrangement.FLAT_MACVLAN: Audience(4, 4, 4),
}


def test_a_start_is_heard_as_the_law_says_in_every_arrangement():
    """The same lab, attached three ways; the first packet is answered in each, or count raises."""
    name = lab_name()
    found = {each.arrangement: counting.count(each) for each in every(name, [(2, 2)])}
    assert {each: count.announced for each, count in found.items()} == ON_PAPER
    asked = {each: (count.asked.stacks, count.asked.interfaces) for each, count in found.items()}
    assert asked == {each: (on.stacks, on.interfaces) for each, on in ON_PAPER.items()}
    assert all(count.lawful for count in found.values())
    # By host-gw n2 asks its two containers; n1 asks n2 unless it knows it already.
    assert found[Arrangement.HOST_GW].others in {(2,), (1, 2)}
    assert found[Arrangement.FLAT_BRIDGE].others == found[Arrangement.FLAT_MACVLAN].others == ()
    assert left_behind(name) == []


def test_the_witness_misses_who_does_not_hear_and_costs_are_of_what_was_sent():
    """A link that is down is one listener less; a bridge that is down, an interface alone."""
    for attachment in every(lab_name(), [(2, 2)]):
        if attachment.arrangement is not Arrangement.FLAT_BRIDGE:
            assert attachment.arrangement is Arrangement.HOST_GW or not cost.measure(attachment)
            continue
        assert measured(attachment).stacks == 5
        first, second = attachment.lab.hosts
        sender = first.containers[0]
        with second.containers[0].namespace.links() as links:
            links.down("eth0")
        heard = said_by(attachment, sender)
        assert listeners(heard, besides=sender) == Audience(4, 6, 6)
        assert audience_of(heard, heard[0].frame.mac) == Audience(5, 7, 7)  # its own, by hairpin
        assert {each.frame.sender for each in heard} == {sender.address}
        with first.namespace.links() as links:
            links.down(BRIDGE)
        assert listeners(said_by(attachment, sender), besides=sender) == Audience(0, 1, 1)


def said_by(attachment, sender):
    """Let a container announce itself once; give what the witness has heard."""
    with Witness.open(counting.stacks(attachment.lab)) as witness, Voice.of(sender) as voice:
        voice.say()
        return witness.collect()


def listeners(heard, *, besides):
    """Count who heard the one sender."""
    return audience_of(heard, heard[0].frame.mac, besides=besides.namespace.name)


def measured(attachment):
    """Measure the cost, again when the machine was too busy for it."""

    def look():
        try:
            return cost.measure(attachment)
        except LabError as error:
            raise AssertionError(str(error)) from error

    return eventually(look, within=60)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing_and_says_so(number):
    """Namespaces, processes, files: all are gone when the program ends."""
    with subprocess.Popen(
        [sys.executable, "-m", "bench.broadcast", "--quick"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        name = f"broadcast{process.pid}"
        try:
            eventually(
                lambda: any(each.name.startswith(f"hgw-{name}-n1") for each in DIRECTORY.iterdir()),
                within=60,
            )
            process.send_signal(number)
            said, complained = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, said) == (130, "")
    assert "Interrupted; everything is taken down" in complained
    assert left_behind(name) == []
