"""`make bench`: measure everything, print the report, and write it into docs/benchmarks.md.

`--quick` (make bench QUICK=1) measures less, in about two minutes, and only prints. So does
`--only`, which takes a part, and may be given again; `--crowd N` is that part with N preloaded
nodes, for a machine with more cores.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from bench import cold, crowd, idle, latency, machine, report, restore
from bench.results import Results
from bench.scale import FULL, QUICK, Scale
from bench.stage import Stage

from hostgw_cli.lab.interrupt import Interrupted, interruptible
from hostgw_cli.lab.netns import CommandError
from hostgw_cli.lab.topology import LabError

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
PARTS = ("cold", "latency", "flaps", "deletions", "idle", "crowds")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; give the exit status."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", action="append", choices=PARTS, default=[])
    parser.add_argument("--crowd", type=int, default=0)
    asked = parser.parse_args(argv)
    if os.geteuid() != 0:
        print("make bench makes network namespaces: run it as root", file=sys.stderr)
        return 1
    scale, parts = QUICK if asked.quick else FULL, asked.only or PARTS
    if asked.crowd:
        scale, parts = replace(scale, crowds=((asked.crowd, True),)), ["crowds"]
    began, before = time.monotonic(), machine.load()
    try:
        with interruptible():
            results = measure(scale, parts)
    except Interrupted:
        print("Interrupted; everything is taken down", file=sys.stderr)
        return 130
    except (LabError, CommandError, TimeoutError, AssertionError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    text = report.render(
        results,
        machine=machine.describe(),
        load=(before, machine.load()),
        took=time.monotonic() - began,
    )
    print(text)
    if scale is FULL and parts is PARTS:
        PAGE.write_text(report.place(PAGE.read_text(), text))
        _say(f"written into {PAGE}")
    return 0


def measure(scale: Scale, parts: Sequence[str]) -> Results:
    """Measure these parts. Raise LabError, CommandError, TimeoutError, AssertionError."""
    results = Results()
    with Stage.up(f"bench{os.getpid()}") as stage:
        todo: dict[str, Callable[[], None]] = {
            "cold": lambda: results.cold.extend(cold.measure(stage, scale.cold)),
            "latency": lambda: results.latencies.extend(
                latency.measure(stage, scale.latency, samples=scale.latency_samples)
            ),
            "flaps": lambda: results.flaps.extend(
                restore.flaps(stage, scale.restore, rounds=scale.flaps)
            ),
            "deletions": lambda: results.deletions.extend(
                restore.deletions(stage, scale.restore, samples=scale.deletions)
            ),
            "idle": lambda: results.idle.extend(
                idle.measure(stage, scale.idle, seconds=scale.idle_seconds)
            ),
        }
        for name, run in todo.items():
            if name in parts:
                _say(f"{name} ...")
                run()
    for nodes, preloaded in scale.crowds if "crowds" in parts else ():
        _say(f"{nodes} nodes at once ...")
        results.crowds.append(crowd.measure(f"crowd{os.getpid()}", nodes, preloaded=preloaded))
    return results


def _say(sentence: str) -> None:
    print(f"bench: {sentence}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
