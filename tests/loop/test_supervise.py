"""Tasks that live and end together, in virtual time."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from hostgw_core.backoff import Backoff
from hostgw_core.supervise import Ended, persistent, run_together
from support.loops import now, running, settled

pytestmark = pytest.mark.looptime


class Work:
    """Works for an hour unless it is told otherwise; notes what happened to it."""

    def __init__(self, *, lasts=3600.0, error=None, cleanup=0.0, failing_cleanup=None):
        self.lasts, self.error = lasts, error
        self.cleanup, self.failing_cleanup = cleanup, failing_cleanup
        self.name = ""
        self.cleaned = False

    async def __call__(self):
        """Work."""
        task = asyncio.current_task()
        assert task is not None
        self.name = task.get_name()
        try:
            await asyncio.sleep(self.lasts)
            if self.error:
                raise self.error
        finally:
            await asyncio.sleep(self.cleanup)
            self.cleaned = True
            if self.failing_cleanup:
                raise self.failing_cleanup


async def test_the_first_that_fails_ends_all():
    """One failure cancels the others, waits for their cleanup, and is what is raised."""
    begun = now()
    failing, other = Work(lasts=5, error=KeyError("x")), Work(cleanup=2)
    with pytest.raises(ExceptionGroup) as raised:
        await run_together({"a": failing, "b": other}, asyncio.Event())
    assert [type(error) for error in raised.value.exceptions] == [KeyError]
    assert other.cleaned
    assert now() - begun == pytest.approx(7)


async def test_a_quiet_return_is_a_mistake():
    """A task that returns ends all, and the reason names it."""
    with pytest.raises(ExceptionGroup) as raised:
        await run_together({"view": Work(lasts=1), "claim": Work()}, asyncio.Event())
    (error,) = raised.value.exceptions
    assert isinstance(error, Ended)
    assert "view" in str(error)


async def test_two_failures_are_told_together():
    """What fails while the others end is not lost behind the first failure."""
    first, second = Work(lasts=1, error=KeyError("x")), Work(failing_cleanup=OSError("disk"))
    with pytest.raises(ExceptionGroup) as raised:
        await run_together({"a": first, "b": second}, asyncio.Event())
    assert {type(error) for error in raised.value.exceptions} == {KeyError, OSError}


async def test_stopping_is_clean_and_waits_for_cleanup():
    """Asked to stop, it returns as soon as every task has put its things in order."""
    stop, works = asyncio.Event(), {"a": Work(cleanup=3), "b": Work(cleanup=1)}
    begun = now()
    asyncio.get_running_loop().call_later(10, stop.set)
    await run_together(works, stop)
    assert now() - begun == pytest.approx(13)
    assert all(work.cleaned for work in works.values())


async def test_a_failure_while_stopping_is_still_told():
    """A cleanup that fails makes an ordered stop a failure: the exit status tells the truth."""
    stop = asyncio.Event()
    stop.set()
    with pytest.raises(ExceptionGroup) as raised:
        await run_together({"a": Work(failing_cleanup=OSError("disk"))}, stop)
    assert [type(error) for error in raised.value.exceptions] == [OSError]


async def test_tasks_have_the_names_of_their_works():
    """A stack dump of the process says which part hangs."""
    stop, works = asyncio.Event(), {"view": Work(), "claim": Work()}
    asyncio.get_running_loop().call_later(1, stop.set)
    await run_together(works, stop)
    assert {name: work.name for name, work in works.items()} == {"view": "view", "claim": "claim"}


async def test_cancelling_the_caller_ends_its_tasks():
    """Whoever runs the group may be cancelled itself: nothing is left behind."""
    work = Work()
    async with running(lambda: run_together({"a": work}, asyncio.Event())):
        await settled()
    assert work.cleaned


BUSY = OSError("busy")


class Trying:
    """Fails or returns after the given seconds, one after the other; notes when it began."""

    def __init__(self, *lives, error=BUSY):
        self.lives, self.error = list(lives), error
        self.began = []
        self.failed = []

    async def __call__(self):
        """Live for as long as it is this time."""
        self.began.append(now())
        await asyncio.sleep(self.lives.pop(0) if self.lives else 3600)
        if self.error:
            raise self.error

    def note(self, error, pause):
        """Be told of a failure."""
        self.failed.append((error, pause))


async def test_a_persistent_work_is_tried_again_further_and_further_apart():
    """Each failure is told with its pause, and the pause is kept to the moment."""
    work = Trying(*[0] * 8)
    backoff = Backoff(1.0, 8.0, chance=lambda: 1.0)
    async with running(lambda: persistent(work, backoff=backoff, failed=work.note)):
        await asyncio.sleep(100)
    assert [pause for _, pause in work.failed] == [1, 2, 4, 8, 8, 8, 8, 8]
    assert all(error is work.error for error, _ in work.failed)
    pauses = [late - early for early, late in pairwise(work.began)]
    assert pauses == pytest.approx([1, 2, 4, 8, 8, 8, 8, 8])


async def test_a_long_good_run_makes_the_next_failure_a_first_one():
    """What ran for longer than the longest pause had recovered."""
    work = Trying(0, 0, 0, 9, 0)
    backoff = Backoff(1.0, 8.0, chance=lambda: 1.0)
    async with running(lambda: persistent(work, backoff=backoff, failed=work.note)):
        await asyncio.sleep(100)
    assert [pause for _, pause in work.failed] == [1, 2, 4, 1, 2]


async def test_a_persistent_work_that_returns_has_failed():
    """A work meant to run for ever that ends quietly is told, and begun again."""
    work = Trying(0, error=None)
    backoff = Backoff(1.0, 8.0)
    async with running(lambda: persistent(work, backoff=backoff, failed=work.note)):
        await asyncio.sleep(10)
    assert [type(error) for error, _ in work.failed] == [Ended]
    assert len(work.began) == 2


async def test_cancelling_a_persistent_work_ends_it():
    """Being cancelled is no failure: it is not told and not tried again."""
    work = Trying()
    async with running(lambda: persistent(work, backoff=Backoff(1.0, 8.0), failed=work.note)):
        await settled()
    assert work.failed == []
    assert len(work.began) == 1
