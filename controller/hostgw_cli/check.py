"""`hostgwctl check`: everything that is wrong with this host's daemon, or would be, with its cure.

The daemon is asked where one runs. Where none does, `hostgwd --check` looks at what one would
need, with the arguments that are given after `--`: a program of its own, found beside this one or
in PATH.

Exit status: 0 nothing is wrong, 1 something is, 2 wrong usage or settings, 3 neither could be
asked.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from hostgw_cli.daemon_socket import DaemonSocket, local
from hostgw_cli.endings import Unreachable
from hostgw_cli.output import Shape, emit, shaped

STATUSES = (
    "\b\nExit status: 0 nothing is wrong (a notice is not), 1 something is, 2 wrong usage or"
    "\nsettings, 3 neither the daemon nor `hostgwd --check` could be asked."
)
HARMLESS = frozenset({"ok", "notice"})
LONGEST = 120.0  # seconds that a preflight may take: a store that hangs is waited for


@click.command(epilog=STATUSES)
@click.argument("arguments", nargs=-1, metavar="[-- HOSTGWD'S ARGUMENTS...]")
@shaped
@local
def check(daemon: DaemonSocket, shape: Shape, arguments: tuple[str, ...]) -> None:
    """Check this host: the daemon that runs here, or what one would need.

    What is found has a line, and below it the cure. Arguments after `--` are for a daemon that does
    not run yet: its own settings, as its unit has them.
    """
    if arguments:
        _preflight(arguments, shape)
    try:
        status = json.loads(daemon.get("/v1/status"))
    except Unreachable as error:
        click.echo(f"{error.message}; what a daemon would need is looked at instead.", err=True)
        _preflight((), shape)
    found = list(findings(status))
    if shape is Shape.TABLE:
        for line in lines(found):
            click.echo(line)
    else:
        emit({"asked": "daemon", "findings": found}, shape)
    sys.exit(0 if all(each["severity"] in HARMLESS for each in found) else 1)


def findings(status: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Give what stands in the status of a daemon: whether it is ready, and its conditions."""
    if status["ready"]:
        yield _finding("ok", "ready", f"{status['node']} is ready: it may be given work")
    for why in status["why_not"]:
        cure = "see what stands below; after a start, wait a moment"
        yield _finding("error", "ready", why, cure)
    for each in status["conditions"]:
        said = f"{each['title'].rstrip('.')}: {each['detail']}" if each["detail"] else each["title"]
        yield _finding(each["severity"], each["code"], said, each["cure"])
    if status["ready"] and not status["conditions"]:
        yield _finding("ok", "conditions", "none stands")


def _finding(severity: str, subject: str, sentence: str, cure: str = "") -> dict[str, str]:
    return {"severity": severity, "subject": subject, "sentence": sentence, "cure": cure}


def lines(found: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """Say it to a person, the cure below what is wrong, as `hostgwd --check` does."""
    width = max(len(each["subject"]) for each in found)
    for each in found:
        yield f"{each['severity']:8} {each['subject']:{width}} {each['sentence']}"
        if each["cure"]:
            yield f"{'':8} {'':{width}} Cure: {each['cure']}"


def _preflight(arguments: Sequence[str], shape: Shape) -> None:
    """Let hostgwd look, and end as it does."""
    argv = [_hostgwd(), "--check", *arguments]
    if shape is Shape.TABLE:
        sys.exit(_run(argv, capture=False).returncode)
    done = _run(argv, capture=True)
    said = [*done.stdout.splitlines(), *done.stderr.splitlines()]
    emit({"asked": "hostgwd --check", "status": done.returncode, "said": said}, shape)
    sys.exit(done.returncode)


def _run(argv: Sequence[str], *, capture: bool) -> subprocess.CompletedProcess[str]:
    sys.stdout.flush()
    try:
        return subprocess.run(argv, capture_output=capture, text=True, timeout=LONGEST, check=False)
    except subprocess.TimeoutExpired:
        raise Unreachable(f"`{' '.join(argv)}` did not end within {LONGEST:g} s") from None
    except OSError as error:
        raise Unreachable(f"{argv[0]} cannot be run: {error.strerror}") from error


def _hostgwd() -> str:
    """Give the program: the one that was installed with this one, or that of PATH."""
    beside = Path(sys.executable).with_name("hostgwd")
    found = str(beside) if beside.exists() else shutil.which("hostgwd")
    if found is None:
        raise Unreachable("there is no hostgwd beside this command, nor in PATH: install it")
    return found
