"""Everything that can be known from outside of a daemon that is not as a test expects it.

A test that only says "not within 20 s" has told nothing. So the daemon is asked for its reasons,
the kernel of its host for the neighbours it knows, and a daemon that does not answer is ended with
SIGABRT, as systemd's watchdog does it: its last words are where each of its threads stood.
"""

from __future__ import annotations

import signal
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

from hostgw_cli.lab.netns import CommandError

if TYPE_CHECKING:
    from support.daemon import Daemon

PATIENCE = 5.0  # seconds for its last words
TAIL = 12_000  # characters of the log: stacks are long


def account(daemon: Daemon) -> str:
    """Ask the daemon, its host and its log; one that does not answer is ended for its stacks."""
    try:
        answers = [f"{path}:\n{daemon.ask(path).body}" for path in ("/readyz?verbose", "/livez")]
        answers.append(f"conditions: {daemon.conditions}")
        answers.append(f"store: {daemon.status['store']}")
    except (OSError, AssertionError) as error:
        answers = [f"it does not answer: {error!r}", _abort(daemon)]
    return "\n".join([*answers, _neighbours(daemon), f"its log:\n{daemon.tail(TAIL)}"])


def _abort(daemon: Daemon) -> str:
    """Make it write its stacks."""
    if daemon.process is None or daemon.process.poll() is not None:
        return "it does not run"
    daemon.send(signal.SIGABRT)
    daemon.send(signal.SIGCONT)
    with suppress(subprocess.TimeoutExpired):
        daemon.process.wait(PATIENCE)
    return f"pid {daemon.process.pid} was aborted; the log ends with where its threads stood"


def _neighbours(daemon: Daemon) -> str:
    try:
        return f"its host's neighbours:\n{daemon.host.ip('-s', 'neighbour')}"
    except CommandError as error:
        return f"its host's neighbours: {error}"
