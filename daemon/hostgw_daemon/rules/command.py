"""One run of a packet filter's command: its output, or a sentence that says why there is none.

No run outlives its deadline or the task that waits for it, and each speaks English: what it
complains about is passed on to an operator.
"""

from __future__ import annotations

import asyncio
import os
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence

from hostgw_daemon.rules.nftables import FirewallError, FirewallMissing


class Refused(FirewallError):
    """The command ran, and ended with another status than 0."""


async def run_command(
    command: Sequence[str], *, name: str, package: str, deadline: float, given: str = ""
) -> str:
    """Run a command with `given` as its input, and give what it prints.

    `name` and `package` are what the sentences call it and where Debian keeps it; `deadline` is in
    seconds. Raise Refused; FirewallMissing: it is not installed; FirewallError: it
    did not end in time, or could not be run.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, stderr=PIPE, env={**os.environ, "LC_ALL": "C"}
        )
    except FileNotFoundError as error:
        raise FirewallMissing(
            f"there is no `{name}` on this host: install the package {package}"
        ) from error
    except OSError as error:
        raise FirewallError(f"`{name}` cannot be run: {error}") from error
    printed, complaint = await _end(process, name=name, given=given, deadline=deadline)
    if process.returncode != 0:
        said = _sentence(complaint) or f"status {process.returncode}"
        raise Refused(f"{name} refused: {said}")
    return printed.decode(errors="replace")


async def _end(process: Process, *, name: str, given: str, deadline: float) -> tuple[bytes, bytes]:
    try:
        async with asyncio.timeout(deadline):
            return await process.communicate(given.encode())
    except TimeoutError as error:
        raise FirewallError(f"{name} did not end within {deadline:g} s") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _sentence(complaint: bytes) -> str:
    """Give the first line of a complaint, without the place in the input that nft begins with."""
    lines = complaint.decode(errors="replace").strip().splitlines()
    return lines[0].rpartition("Error: ")[2].strip() if lines else ""
