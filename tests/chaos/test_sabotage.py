"""Whoever judges must be able to condemn: each invariant is broken on purpose, and told."""

import signal
import time

import pytest

from chaos.fault import Fault, Ground, nothing, on
from chaos.faults import BY_NAME
from chaos.runner import Runner
from chaos.schedule import Shape, episode
from chaos.stage import Stage
from chaos.store_witness import LEASES
from support.lab_fixtures import lab_name

pytestmark = pytest.mark.root


def drop_packets(stage, injection):
    """Lose what a host forwards, for a moment."""
    host = stage.hosts[injection.host]
    rule = "table ip sabotage { chain c { type filter hook forward priority 0; drop; }; }"
    host.run("nft", "-f", "-", input=rule)
    time.sleep(0.1)  # the sabotage is that long
    host.run("nft", "delete", "table", "ip", "sabotage")


def delete_foreign(stage, injection):
    """Delete a route of somebody else."""
    stage.hosts[injection.host].ip("route", "delete", "203.0.113.0/24", "proto", "4")


def delete_ours(stage, injection):
    """Delete a route to a host that stands, without saying that this fault does."""
    BY_NAME["route-deleted"].inject(stage, injection)


def steal(stage, injection):
    """Let another node write a host's lease, and let the daemons see neither that nor its end."""
    for host in stage.hosts:
        host.signal_daemon(signal.SIGSTOP)
    key = LEASES + str(stage.subnets[injection.host]).replace("/", "-")
    value = stage.etcd.ctl("get", "--print-value-only", key).stdout.strip()
    stage.etcd.ctl("put", "--ignore-lease", key, '{"NodeID": "a thief"}')
    stage.etcd.ctl("put", "--ignore-lease", key, value)
    for host in stage.hosts:
        host.signal_daemon(signal.SIGCONT)


def deafen(stage, injection):
    """Freeze a daemon, and never let it go on."""
    stage.hosts[injection.host].signal_daemon(signal.SIGSTOP)


def sabotage(name, ground, inject):
    """Give a fault that allows nothing."""
    return Fault(name, on(ground), inject, nothing, lasts=(0.1, 0.1))


SABOTAGES = {
    "packets": sabotage("drop-packets", Ground.HOST, drop_packets),
    "routes to the living": sabotage("delete-ours", Ground.HOST, delete_ours),
    "one subnet, one node": sabotage("steal", Ground.STORE, steal),
    "foreign routes": sabotage("delete-foreign", Ground.HOST, delete_foreign),
    "ready": sabotage("deafen", Ground.DAEMON, deafen),
}


def test_each_invariant_that_is_broken_is_told():
    """Those that nobody mends come last, for they are told again and again."""
    faults = {fault.name: fault for fault in SABOTAGES.values()}
    told = {}
    with Stage.up(Shape(3, 1), lab_name()) as stage:
        runner = Runner(stage, faults)
        runner.begin()
        for invariant, fault in SABOTAGES.items():
            outcome = runner.run(episode(7, [fault], shapes=[Shape(3, 1)]))
            told[invariant] = {each.invariant for each in outcome.violations}
    assert {name for name, found in told.items() if name not in found} == set()
    assert told["packets"] == {"packets"}
