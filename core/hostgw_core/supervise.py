"""Every task has a parent, a name and one way to end.

The tasks of a program run side by side for as long as it lives. The first that ends, for whatever
reason, ends all: a failure, because the program is no longer whole; a quiet return too, because
nothing here is meant to return. They are then cancelled and waited for, and the reason is raised.

A task whose work may fail and be tried again (the store is away, a port is busy) says so with
`persistent`: that is the one place where any exception is caught, counted and told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import NoReturn, TypeAlias

from hostgw_core.backoff import Backoff

Work: TypeAlias = Callable[[], Awaitable[object]]


class Ended(Exception):
    """A task returned that was meant to run for ever: a mistake of the program."""


class _Stop(Exception):
    """The group is to end because somebody asked for it."""


async def run_together(works: Mapping[str, Work], stop: asyncio.Event) -> None:
    """Run every work under its name until `stop` is set; return when all have ended.

    Raise the ExceptionGroup of what failed, or of Ended for a work that returned.
    """
    try:
        async with asyncio.TaskGroup() as group:
            for name, work in works.items():
                group.create_task(_for_ever(name, work), name=name)
            group.create_task(_until(stop), name="stop")
    except* _Stop:
        pass


async def _for_ever(name: str, work: Work) -> NoReturn:
    await work()
    raise Ended(f"the task {name} has ended without being asked to")


async def _until(stop: asyncio.Event) -> NoReturn:
    await stop.wait()
    raise _Stop


async def persistent(
    work: Work, *, backoff: Backoff, failed: Callable[[Exception, float], None]
) -> NoReturn:
    """Do a work that is meant to run for ever again after each failure, further and further apart.

    `failed` is told the exception and the seconds until the next try. A work that went on for
    longer than the longest pause had recovered: its next failure is a first one.
    """
    clock = asyncio.get_running_loop().time
    while True:
        began = clock()
        try:
            await work()
            error: Exception = Ended("it ended without being asked to")
        except Exception as caught:  # noqa: BLE001 - the loop's edge: told to `failed`, tried again
            error = caught
        if clock() - began > backoff.longest:
            backoff.succeeded()
        pause = backoff.failed()
        failed(error, pause)
        await asyncio.sleep(pause)
