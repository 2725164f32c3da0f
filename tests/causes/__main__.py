"""A vigil over five healthy, busy nodes: no cause may be named all the while.

    make vigil                     # an hour
    make vigil ARGS="--minutes 5"

Containers of all nodes ping each other without a pause. Every second every node is asked what it
says of every other; whatever is not `ok` is a false alarm, printed with its moment and reason.
Exit status: 0 none, 1 some, or a packet lost.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from itertools import pairwise

from causes.cluster import NODES, Cluster
from hostgw_cli.lab.build import Lab
from hostgw_cli.lab.echo import COUNTS, Echo
from hostgw_cli.lab.topology import LabSpec

EVERY = 1.0  # seconds between two questions


def main() -> int:
    """Keep the vigil."""
    parser = argparse.ArgumentParser(prog="make vigil", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    minutes = parser.parse_args().minutes
    spec = replace(LabSpec(name="vigil"), nodes=len(NODES), containers=2)
    with Lab.up(spec, say=print) as lab:
        cluster = Cluster(lab)
        cluster.all_well(within=60.0)
        print(f"{len(NODES)} nodes are well; the vigil lasts {minutes:g} minutes", flush=True)
        with ExitStack() as stack:
            ring = pairwise((*NODES, NODES[0]))
            pings = [stack.enter_context(_pinging(cluster, *each)) for each in ring]
            alarms, asked, answered = _watch(cluster, minutes * 60)
            echoes = [_ended(ping) for ping in pings]
    lost = sum(echo.lost for echo in echoes)
    sent = sum(echo.sent for echo in echoes)
    print(f"{alarms} alarms in {minutes:g} minutes; {lost} of {sent} packets lost")
    print(f"each node was asked {asked} times; the nodes' probes: {answered}")
    return 1 if alarms or lost else 0


def _pinging(cluster: Cluster, one: str, other: str) -> subprocess.Popen[str]:
    """Ping from one node's container to another's, without a line for each answer."""
    to = str(cluster.host(other).container(1).address)
    argv = ["ping", "-n", "-q", "-i", "0.02", to]
    within = cluster.host(one).container(0).namespace
    return within.popen(argv, stdout=subprocess.PIPE, text=True)


def _ended(ping: subprocess.Popen[str]) -> Echo:
    """End a ping and give what it counted; the last request may be under way."""
    ping.send_signal(signal.SIGINT)
    said, _ = ping.communicate(timeout=10)
    counts = COUNTS.search(said)
    if counts is None:
        raise SystemExit(f"ping gave no report: {said}")
    sent, received = int(counts[1]), int(counts[2])
    return Echo(received if sent == received + 1 else sent, received)


def _watch(cluster: Cluster, seconds: float) -> tuple[int, int, str]:
    """Watch so long; give the alarms, how often was asked, and what the nodes count."""
    end, alarms, asked = time.monotonic() + seconds, 0, 0
    before: dict[tuple[str, str], str] = {}
    while time.monotonic() < end:
        said = cluster.verdicts()
        asked += 1
        for pair, state in said.items():
            if before.get(pair) != state:
                alarms += 1
                print(f"{time.strftime('%H:%M:%S')} {pair[0]} of {pair[1]}: {state}", flush=True)
        before = said
        time.sleep(EVERY)
    names = ("asked", "answered", "lost")
    counts = {name: sum(cluster.probes(node, name) for node in NODES) for name in names}
    return alarms, asked, ", ".join(f"{count} {name}" for name, count in counts.items())


if __name__ == "__main__":
    sys.exit(main())
