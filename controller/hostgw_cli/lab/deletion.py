"""Delete a route as a person would, and measure how soon it is back.

The time runs from just before `ip` is handed the command until `ip monitor` has read that the route
is there again: more than the route was really away, never less. (Between two lines of `ip monitor`
there may be less: it reads both at once when it was scheduled late.) `ip -batch` waits inside the
namespace for the command, so that starting a program is no part of the time.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import IO

from hostgw_cli.lab.netns import Namespace
from hostgw_cli.lab.route_watch import returned, watch_routes
from hostgw_cli.lab.topology import LabError
from hostgw_cli.lab.waiting import wait_for


def time_to_return(inside: Namespace, route: str, *, within: float) -> float | None:
    """Delete a route (`10.244.2.0/24 proto 104`) and give the seconds until it is back.

    None when it is not back `within` seconds. Raise LabError when it could not be deleted.
    """
    prefix = route.split(maxsplit=1)[0]
    with (
        TemporaryFile("w+") as errors,
        watch_routes(inside) as watch,
        _shell(inside, errors) as order,
    ):

        def complaint() -> str:
            errors.seek(0)
            return f"ip said: {errors.read().strip() or 'nothing'}; seen: {watch.sightings()}"

        given = time.time()
        order(f"route delete {route}")
        wait_for(
            lambda: any(each.gone and each.prefix == prefix for each in watch.sightings()),
            what=f"the route {route} of {inside.name} deleted",
            within=5.0,
            why=complaint,
        )
        try:
            back = wait_for(
                lambda: returned(watch.sightings(), prefix), what=f"{prefix} back", within=within
            )
        except LabError:
            return None
    return back - given


@contextmanager
def _shell(inside: Namespace, errors: IO[str]) -> Iterator[Callable[[str], None]]:
    """Give what hands a command to an `ip -batch` that is inside and waiting."""
    with subprocess.Popen(
        ["ip", "-n", inside.name, "-batch", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        start_new_session=True,
    ) as process:
        given, said = process.stdin, process.stdout
        if given is None or said is None:
            raise AssertionError("both are pipes")

        def order(command: str) -> None:
            given.write(f"{command}\n")
            given.flush()

        try:
            order("link show lo")
            said.readline()  # it is inside, and reads
            yield order
        finally:
            process.kill()
