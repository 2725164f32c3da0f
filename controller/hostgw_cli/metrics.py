"""`hostgwctl metrics`: what Prometheus reads, for a person without one.

Exit status: 0 done, 1 with --grep nothing matches, 2 wrong usage, 3 the daemon could not be asked.
"""

from __future__ import annotations

import re
import sys

import click

from hostgw_cli.daemon_socket import DaemonSocket, local

STATUSES = (
    "\b\nExit status: 0 done, 1 with --grep: nothing matches, 2 wrong usage,"
    "\n3 the daemon of this host could not be asked."
)


@click.command(epilog=STATUSES)
@click.option(
    "-g",
    "--grep",
    "pattern",
    metavar="REGEX",
    help="Only the samples whose line matches, without their help texts.",
)
@local
def metrics(daemon: DaemonSocket, pattern: str | None) -> None:
    """Print the metrics of the daemon of this host, as /metrics gives them."""
    wanted = _compiled(pattern)
    text = daemon.get("/metrics").decode(errors="replace")
    if wanted is None:
        click.echo(text, nl=False)
        return
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    found = [line for line in lines if wanted.search(line)]
    for line in found:
        click.echo(line)
    sys.exit(0 if found else 1)


def _compiled(pattern: str | None) -> re.Pattern[str] | None:
    try:
        return re.compile(pattern) if pattern is not None else None
    except re.error as error:
        raise click.UsageError(f"--grep {pattern!r} is no regular expression: {error}") from error
