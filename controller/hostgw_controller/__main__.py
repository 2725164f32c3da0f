"""`hostgw-controller`: read the settings, then run until somebody asks it to stop.

Exit status: 0 asked to stop, 1 something failed, 2 a setting is wrong and nothing was touched.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from hostgw_controller.settings import PROGRAM, Settings, asked, describe, parse
from hostgw_core import __version__
from hostgw_core.settings import SettingsError


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; give its exit status."""
    words = sys.argv[1:] if argv is None else argv
    wanted = asked(words)
    if wanted == "version":
        _say(f"hostgw-controller {__version__}")
        return 0
    if wanted == "help":
        from hostgw_core.settings.page import help_text  # noqa: PLC0415 - only who asks pays

        _say(help_text(PROGRAM).rstrip())
        return 0
    try:
        settings = parse(words, os.environ, lambda path: Path(path).read_bytes())
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for warning in settings.warnings:
        sys.stderr.write(f"warning: {warning}\n")
    if settings.check:
        for name, value, origin in describe(settings):
            _say(f"{name} = {value}  ({origin})")
        return 0
    return asyncio.run(_run(settings))


async def _run(settings: Settings) -> int:
    # Imported here, so that --version and a wrong setting answer at once.
    from hostgw_controller.controller import control  # noqa: PLC0415 - as said above
    from hostgw_core import logs  # noqa: PLC0415 - as said above

    logs.start(level=settings.log_level, style=settings.log_format)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    status = 0
    try:
        await control(settings, stop)
    except* OSError as failed:
        # The port is taken, or a file of the settings cannot be read: the message says which.
        status = 1
        for error in failed.exceptions:
            sys.stderr.write(f"hostgw-controller: {error}\n")
    return status


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
