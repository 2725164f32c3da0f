"""Cold start: from the start of a program to the last of its routes in the kernel.

hostgwd finds the leases in etcd; `ip -batch` and BIRD are handed the same prefixes in a file, so
they do less. Rounds take turns. The *install* is the time from the first route to the last, as the
witness saw it: what the kernel and the program need for the routes alone.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.population import Peer, peers
from bench.samples import Samples
from bench.stage import LINK, PROTOCOL, Stage, end

IP_PROTOCOL = 199  # nobody's: `ip -batch` writes with it
BIRD_PROTOCOL = 12  # RTPROT_BIRD
WITHIN = 120.0  # seconds
ONE_METRIC = 1024


@dataclass(frozen=True, slots=True)
class Start:
    """One start: seconds to the last route, and seconds from the first route to the last."""

    whole: float
    install: float


Contender = Callable[[Stage, Sequence[Peer]], Start]


def hostgwd(stage: Stage, wanted: Sequence[Peer]) -> Start:
    """Start the daemon; its leases are in etcd."""
    stage.forget_daemon()
    return _timed(stage, stage.daemon_argv(), wanted, PROTOCOL)


def ip_batch(stage: Stage, wanted: Sequence[Peer], *, spread: bool) -> Start:
    """Let iproute2 read a file of `route add`."""
    batch = stage.folder / "routes.batch"
    batch.write_text("".join(f"{line}\n" for line in batch_lines(wanted, spread=spread)))
    return _timed(stage, ["ip", "-batch", str(batch)], wanted, IP_PROTOCOL)


def bird(stage: Stage, wanted: Sequence[Peer], *, spread: bool) -> Start:
    """Let BIRD read static routes and export them to the kernel."""
    conf = stage.folder / "bird.conf"
    conf.write_text(bird_conf(wanted, spread=spread))
    argv = ["bird", "-f", "-c", str(conf), "-s", str(stage.folder / "bird.ctl")]
    return _timed(stage, argv, wanted, BIRD_PROTOCOL)


CONTENDERS: Mapping[str, Contender] = {
    "hostgwd": hostgwd,
    "ip -batch, our metrics": lambda stage, wanted: ip_batch(stage, wanted, spread=True),
    "ip -batch, one metric": lambda stage, wanted: ip_batch(stage, wanted, spread=False),
    "BIRD, our metrics": lambda stage, wanted: bird(stage, wanted, spread=True),
    "BIRD, one metric": lambda stage, wanted: bird(stage, wanted, spread=False),
}


@dataclass(frozen=True, slots=True)
class ColdStarts:
    """What one contender took with `count` routes."""

    count: int
    contender: str
    whole: Samples
    install: Samples


def measure(stage: Stage, sizes: Iterable[tuple[int, int]]) -> list[ColdStarts]:
    """Measure every contender with each (count, rounds)."""
    found = []
    for count, rounds in sizes:
        wanted = peers(count)
        stage.writer.populate(wanted)
        starts: dict[str, list[Start]] = {name: [] for name in CONTENDERS}
        for _ in range(rounds):
            for name, run in CONTENDERS.items():
                starts[name].append(run(stage, wanted))
        found += [
            ColdStarts(
                count,
                name,
                Samples.of(each.whole for each in taken),
                Samples.of(each.install for each in taken),
            )
            for name, taken in starts.items()
        ]
    return found


def _timed(stage: Stage, argv: Sequence[str], wanted: Sequence[Peer], protocol: int) -> Start:
    """Start a program, wait for its routes, see with `ip` that they are right, and clean up."""
    stage.witness.read()
    began = time.perf_counter()
    process = stage.start(argv)
    try:
        first, last = stage.witness.arrivals(protocol, len(wanted), within=WITHIN)
        stage.check(wanted, protocol)
    finally:
        _finish(process, protocol)
        stage.flush(protocol)
    return Start(last - began, last - first)


def _finish(process: subprocess.Popen[bytes], protocol: int) -> None:
    if protocol == BIRD_PROTOCOL:
        process.kill()  # told to end, it would first take its routes away, one by one
        process.wait()
    else:
        end(process)


def batch_lines(wanted: Iterable[Peer], *, spread: bool) -> list[str]:
    """Give the lines for `ip -batch`."""
    return [
        f"route add {peer.subnet} via {peer.gateway} dev {LINK} proto {IP_PROTOCOL} "
        f"metric {peer.metric if spread else ONE_METRIC}"
        for peer in wanted
    ]


def bird_conf(wanted: Iterable[Peer], *, spread: bool) -> str:
    """Give a configuration for BIRD 2."""
    routes = "".join(
        f"  route {peer.subnet} via {peer.gateway}"
        f" {{ krt_metric = {peer.metric if spread else ONE_METRIC}; }};\n"
        for peer in wanted
    )
    return (
        "router id 198.18.0.1;\n"
        "protocol device { }\n"
        "protocol kernel { persist; metric 0; ipv4 { import none; export all; }; }\n"
        f"protocol static {{\n  ipv4;\n{routes}}}\n"
    )
