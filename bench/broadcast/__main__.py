"""`make broadcast`: count who hears a container start, and write docs/broadcast.md, .json and .svg.

`--quick` counts in small networks, in about a minute, and only prints. `--render` measures nothing:
it writes the page and the picture again from docs/broadcast.json.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import machine
from bench.broadcast import attachment, cost, counting, plot, report, spanning, storm
from bench.broadcast.results import Results, decode, encode
from bench.broadcast.spanning import DEFAULT, LEAST
from bench.broadcast.twin import Twin
from bench.report import place

from hostgw_cli.lab.interrupt import Interrupted, interruptible
from hostgw_cli.lab.netns import CommandError
from hostgw_cli.lab.topology import LabError

DOCS: Final = Path(__file__).parents[2] / "docs"
PAGE, DATA, PICTURE = (DOCS / f"broadcast.{each}" for each in ("md", "json", "svg"))


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured: the sizes (hosts, containers of each), the loop's, forward delays."""

    sizes: Sequence[tuple[int, int]]
    loop: tuple[int, int]
    delays: Sequence[int]


FULL: Final = Scale(
    [(hosts, containers) for hosts in (2, 4, 6, 8, 10) for containers in (5, 10, 20)],
    loop=(4, 10),
    delays=(LEAST, DEFAULT),
)
QUICK: Final = Scale(
    [(hosts, containers) for hosts in (2, 3) for containers in (2, 4)], loop=(2, 2), delays=(LEAST,)
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the experiment; give the exit status."""
    parser = argparse.ArgumentParser(prog="bench.broadcast", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--render", action="store_true")
    asked = parser.parse_args(argv)
    if asked.render:
        write(decode(DATA.read_bytes()))
        return 0
    if os.geteuid() != 0:
        print("make broadcast makes network namespaces: run it as root", file=sys.stderr)
        return 1
    try:
        with interruptible():
            results = measure(QUICK if asked.quick else FULL)
    except Interrupted:
        print("Interrupted; everything is taken down", file=sys.stderr)
        return 130
    except (LabError, CommandError, TimeoutError, OSError) as error:
        print(f"broadcast: {error}", file=sys.stderr)
        return 1
    print(report.render(results))
    if not asked.quick:
        DATA.write_bytes(encode(results))
        write(results)
    return 0


def measure(scale: Scale) -> Results:
    """Measure everything. Raise LabError, CommandError, TimeoutError, OSError."""
    began, name = time.monotonic(), f"broadcast{os.getpid()}"
    results = Results(machine.describe(), [machine.load()])
    for each in attachment.every(name, scale.sizes):
        found = counting.count(each)
        results.counts.append(found)
        if (took := cost.measure(each)) is not None:
            results.costs.append(took)
        _say(
            f"{found.hosts} hosts x {found.containers} containers, {found.arrangement}: "
            f"{found.announced.stacks} listeners"
        )
    with Twin.up(name, *scale.loop) as twin:
        results.storms.append(storm.measure(twin))
        _say(f"a storm: {results.storms[-1].heard[0]:,} frames at each container")
        for delay in scale.delays:
            results.spanning.append(spanning.measure(twin, delay))
            _say(f"a spanning tree with a forward delay of {delay} s: measured")
    results.load.append(machine.load())
    results.took = time.monotonic() - began
    return results


def write(results: Results) -> None:
    """Write the page and the picture."""
    plot.draw(results, PICTURE)
    text = report.render(results)
    PAGE.write_text(place(PAGE.read_text(), text, begin=report.BEGIN, end=report.END))
    _say(f"written: {PAGE}, {PICTURE}")


def _say(sentence: str) -> None:
    print(f"broadcast: {sentence}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
