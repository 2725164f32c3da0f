"""`make chaos`: inject faults into a real cluster with packets in flight, and judge what is seen.

make chaos                                            200 faults, 25 minutes: writes README.md
make chaos ARGS="--faults 20 --seed 7"                fewer, and other ones: only prints
make chaos ARGS="--seed 1234 --only wiped,link-flap"  one episode, as a failure prints it
make chaos ARGS="--faults 60 --only wiped,link-flap"  many, of these alone and together
make chaos ARGS="--list"                              the faults
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from bench import machine

from chaos.faults import BY_NAME, FAULTS, named
from chaos.runner import Outcome, Runner
from chaos.schedule import Episode, by_shape, episode, run
from chaos.stage import Stage
from chaos.tally import place, render
from hostgw_cli.lab.interrupt import Interrupted, interruptible
from hostgw_cli.lab.ledger import HOME
from hostgw_cli.lab.netns import CommandError
from hostgw_cli.lab.topology import LabError

PAGE = Path(__file__).with_name("README.md")
MANY = 200  # faults of a long run: its table is written down


def main(argv: Sequence[str] | None = None) -> int:
    """Run; give the exit status: 0 when every invariant held."""
    asked = _parser().parse_args(argv)
    if asked.list:
        print("\n".join(f"{fault.name:24} {fault.allowance.why}".rstrip() for fault in FAULTS))
        return 0
    if os.geteuid() != 0:
        print("make chaos makes network namespaces: run it as root", file=sys.stderr)
        return 1
    os.environ.pop("PYTHONPATH", None)  # the daemons are found where they are installed
    seed = random.SystemRandom().getrandbits(32) if asked.seed is None else asked.seed
    outcomes: list[Outcome] = []
    interrupted = False
    try:
        faults = named(asked.only) if asked.only else list(FAULTS)
        if asked.only and asked.faults is None:
            episodes = [episode(seed, faults)]
        else:
            episodes = list(run(seed, faults, asked.faults or MANY, pairs=asked.pairs))
        with interruptible():
            for outcome in play(episodes, keep=asked.keep):
                outcomes.append(outcome)
                _tell(outcome, len(outcomes), len(episodes))
    except Interrupted:
        print("Interrupted; everything is taken down", file=sys.stderr)
        interrupted = True
    except (LabError, CommandError, ValueError) as error:
        print(f"chaos: {error}", file=sys.stderr)
        return 1
    text = render(outcomes, BY_NAME, machine=machine.describe(), seed=seed)
    print(text)
    if interrupted:
        return 130
    if sum(len(each.episode.names) for each in outcomes) >= MANY and not (
        asked.only or asked.pairs
    ):
        PAGE.write_text(place(PAGE.read_text(), text))
    return 0 if outcomes and all(each.well for each in outcomes) else 1


def play(episodes: Sequence[Episode], *, keep: bool = False) -> Iterator[Outcome]:
    """Run episodes, those of one shape on one cluster; after a failure it is built anew.

    With `keep`, the cluster in which one failed stands until Ctrl-C.
    """
    for number, (shape, some) in enumerate(by_shape(episodes)):
        left = list(some)
        while left:
            with ExitStack() as ends:
                name = f"chaos{os.getpid()}_{number}_{len(left)}"
                stage = ends.enter_context(Stage.up(shape, name))
                runner = Runner(stage, BY_NAME)
                runner.begin()
                while left:
                    outcome = runner.run(left.pop(0))
                    yield outcome
                    if outcome.well:
                        continue
                    _save(stage, outcome)
                    if keep:
                        print(f"it stands until Ctrl-C: hostgwctl lab status --name {name}")
                        signal.pause()
                    break


def _save(stage: Stage, outcome: Outcome) -> None:
    """Keep the logs of a cluster that failed."""
    folder = Path(os.environ.get("CHAOS_LOGS", ".build/chaos")) / str(outcome.episode.seed)
    folder.mkdir(parents=True, exist_ok=True)
    for log in (HOME / stage.lab.spec.name).glob("*.log"):
        (folder / log.name).write_bytes(log.read_bytes())
    (folder / "verdict").write_text(
        "\n".join([str(outcome.episode), outcome.episode.command, *map(str, outcome.violations)])
    )


def _tell(outcome: Outcome, number: int, count: int) -> None:
    when = time.strftime("%H:%M:%S")
    lost = f"{outcome.lost - outcome.excused} lost, {outcome.excused} where allowed"
    verdict = f"well after {outcome.converged:.2f} s" if outcome.well else "FAILED"
    print(
        f"{when} {number}/{count} {outcome.episode}: {outcome.sent} sent, {lost}; {verdict}",
        flush=True,
    )
    if not outcome.well:
        for violation in outcome.violations:
            print(f"    {violation}", flush=True)
        print(f"    again: {outcome.episode.command}", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="chaos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, help="what is done follows from it")
    parser.add_argument("--faults", type=int, help=f"how many, {MANY} by default")
    parser.add_argument("--only", default="", help="names with commas")
    parser.add_argument(
        "--keep", action="store_true", help="leave the cluster of a failure until Ctrl-C"
    )
    parser.add_argument("--pairs", action="store_true", help="no fault alone")
    parser.add_argument("--list", action="store_true", help="show the faults")
    return parser


if __name__ == "__main__":
    sys.exit(main())
