"""hostgwd: read the settings, hold the lock, run the agent; the exit status tells the truth.

| status | meaning |
|---|---|
| 0 | asked to stop (SIGTERM, SIGINT), and stopped; or --help, --version, --check were answered |
| 1 | it failed; the reason is the last line of the log; or --check has found something wrong |
| 2 | a setting is wrong: every error was printed, nothing was touched |
| 75 | another hostgwd already runs in this network namespace |
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import signal
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast

from hostgw_core import __version__, logs
from hostgw_core.settings import SettingsError
from hostgw_core.settings.page import help_text
from hostgw_daemon.declarations import PROGRAM
from hostgw_daemon.settings import Settings, asked, describe, files, parse

if TYPE_CHECKING:
    from hostgw_daemon.agent import Agent

STOP_BUDGET = 10.0  # seconds from SIGTERM to the end, whatever hangs
WRITERS = 2  # threads: the files that are written, none of which waits for the other's disk
EXIT_STUCK = 70  # EX_SOFTWARE of sysexits.h: the budget was not kept


def main(argv: Sequence[str] | None = None) -> int:
    """Run hostgwd with these arguments, by default the process's own; give the exit status."""
    argv = sys.argv[1:] if argv is None else argv
    match asked(argv):
        case "version":
            print(f"hostgwd {__version__}")
            return 0
        case "help":
            print(help_text(PROGRAM))
            return 0
        case _:
            pass
    try:
        settings = parse(argv, os.environ, lambda path: Path(path).read_bytes())
        problems = [*map(str, unreadable(settings))]
    except SettingsError as error:
        settings, problems = None, [*map(str, error.problems)]
    if settings is None or problems:
        for problem in problems:
            print(f"hostgwd: {problem}", file=sys.stderr)
        return 2
    if settings.check:
        return _show(settings)
    return _run(settings)


def unreadable(settings: Settings) -> list[str]:
    """Give a sentence for each file that a setting names and that cannot be read."""
    problems = []
    for name, path in files(settings):
        try:
            with open(path, "rb"):  # noqa: PTH123 - only to see whether it can be opened
                pass
        except OSError as error:
            origin = settings.provenance[name].origin
            problems.append(f"{name} ({origin}): {path} cannot be read: {error.strerror}")
    return problems


def _show(settings: Settings) -> int:
    """Answer --check: which settings are in force, and whether a daemon could work with them."""
    from hostgw_daemon.preflight.inspection import inspect  # noqa: PLC0415 - slow to load
    from hostgw_daemon.preflight.verdict import lines, wrong  # noqa: PLC0415 - as above

    for warning in settings.warnings:
        print(f"hostgwd: {warning}", file=sys.stderr)
    for name, value, origin in describe(settings):
        if origin != "default":
            print(f"{name} = {value}  ({origin})")
    print("The settings are right.")
    found = asyncio.run(inspect(settings, os.environ))
    for line in lines(found):
        print(line)
    return 1 if wrong(found) else 0


def _run(settings: Settings) -> int:
    # Imported here, so that --check and a wrong setting are answered at once.
    from hostgw_daemon.agent import Agent  # noqa: PLC0415 - as said above
    from hostgw_daemon.lock import EXIT_BUSY, Busy, Lock  # noqa: PLC0415 - as said above

    faulthandler.enable()  # the watchdog's SIGABRT, and any crash, says where each thread stood
    control = logs.start(
        level=cast("logs.Level", settings.log_level),
        style=cast("logs.Style", settings.log_format),
    )
    log = logs.get(program="hostgwd")
    for warning in settings.warnings:
        log.warning(str(warning))
    _wait_for_children_without_threads()
    try:
        with Lock():
            agent = Agent(settings, environ=os.environ, log=log, level=control)
            asyncio.run(_until_told(agent))
    except Busy as error:
        log.error(str(error))
        return EXIT_BUSY
    except Exception as error:  # the program's edge: said, and told by the status
        log.error("It failed", exc_info=error)
        return 1
    log.info("Stopped; the routes stay")
    return 0


def crew(size: int) -> ThreadPoolExecutor:
    """Give threads that have all begun: beginning one later may fail, and for want of memory hangs.

    Python waits for a new thread's first sign of life, and one that finds no memory gives none.
    """
    made, all_here = ThreadPoolExecutor(size), threading.Barrier(size)
    for begun in [made.submit(all_here.wait) for _ in range(size)]:
        begun.result()
    return made


def _wait_for_children_without_threads() -> None:
    """Do on Python 3.11 what later ones do by themselves: a pidfd for each child, not a thread."""
    if sys.version_info < (3, 12):
        with suppress(OSError):  # a kernel before Linux 5.3, or a filter of system calls
            os.close(os.pidfd_open(os.getpid()))
            asyncio.set_child_watcher(asyncio.PidfdChildWatcher())


async def _until_told(agent: Agent) -> None:
    """Run the agent until a signal; a stop that hangs is cut off when its budget is spent.

    SIGHUP: look at everything anew. SIGUSR1: log everything; SIGUSR2: log as the settings say.
    """
    stop = asyncio.Event()
    asyncio.get_running_loop().set_default_executor(crew(WRITERS))

    def stopping() -> None:
        stop.set()
        agent.farewell()
        last_resort = threading.Timer(STOP_BUDGET, os._exit, [EXIT_STUCK])
        last_resort.daemon = True
        last_resort.start()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping)
    loop.add_signal_handler(signal.SIGHUP, agent.look)
    loop.add_signal_handler(signal.SIGUSR1, agent.controls.loud)
    loop.add_signal_handler(signal.SIGUSR2, agent.controls.usual)
    await agent.run(stop)


if __name__ == "__main__":
    sys.exit(main())
