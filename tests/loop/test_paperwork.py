"""The loop that keeps a file: in a thread, so in real time, with every moment that matters made."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager

from hostgw_daemon.disk.paperwork import Paperwork
from support.loops import running
from support.waiting import eventually_async


class Disk:
    """A file that can be full, slow or odd; it knows which thread wrote."""

    def __init__(self):
        self.content = None
        self.writes = []
        self.threads = set()
        self.fault = None
        self.torn = None
        self.gate = threading.Event()
        self.gate.set()
        self.told = []
        self.entered = threading.Event()

    def write(self, content):
        """Write, as the real one does: nothing for content that stands."""
        self.entered.set()
        assert self.gate.wait(10)
        self.threads.add(threading.get_ident())
        self.writes.append(content)
        if self.fault:
            raise self.fault
        self.content = content
        if self.torn:
            raise self.torn


@asynccontextmanager
async def keeping(disk):
    """Let the loop run, with short pauses after a failure."""
    papers = Paperwork[str](disk.write, done=disk.told.append)
    papers._backoff.first = 0.02
    papers._backoff.longest = 0.04
    async with running(papers.run):
        yield papers


async def test_nothing_is_written_before_something_is_wanted():
    """A daemon that knows nothing yet leaves the file of its former life alone."""
    disk = Disk()
    papers = Paperwork[str](disk.write, done=disk.told.append)
    assert await papers.step() is None
    assert disk.writes == []
    assert disk.told == []


async def test_what_is_wanted_is_written_once_and_told():
    """However often the same is wanted, one write."""
    disk = Disk()
    async with keeping(disk) as papers:
        for _ in range(5):
            papers.want("a")
        await eventually_async(lambda: disk.told == [""])
        for _ in range(5):
            papers.want("a")
            assert await papers.step() is None
        assert disk.writes == ["a"]
        assert papers.written == "a"


async def test_a_file_that_others_change_is_put_back():
    """When somebody asks for a look, and by itself after a while; not before a want."""
    disk = Disk()
    async with running((papers := Paperwork[str](disk.write, done=disk.told.append)).run):
        papers.again()
        assert await papers.step() is None
        papers.want("a")
        await eventually_async(lambda: disk.told == [""])
        disk.content = None
        papers.again()
        await eventually_async(lambda: disk.content == "a")
        assert len(disk.writes) == 2
    quick = Paperwork[str](disk.write, done=disk.told.append, audit=0.02)
    async with running(quick.run):
        quick.want("b")
        await eventually_async(lambda: disk.content == "b")
        disk.content = None
        await eventually_async(lambda: disk.content == "b")


async def test_of_many_wants_the_last_is_written():
    """What changes together is written once, and never an older content after a newer one."""
    disk = Disk()
    async with keeping(disk) as papers:
        for number in range(100):
            papers.want(f"{number}")
        await eventually_async(lambda: disk.content == "99")
        assert len(disk.writes) == 1


async def test_what_is_wanted_during_a_write_is_written_after_it():
    """A write that takes long is not the last word."""
    disk = Disk()
    disk.gate.clear()
    async with keeping(disk) as papers:
        papers.want("old")
        await eventually_async(disk.entered.is_set)
        papers.want("new")
        disk.gate.set()
        await eventually_async(lambda: disk.content == "new")
        assert disk.writes == ["old", "new"]


async def test_a_disk_that_hangs_holds_up_nothing():
    """The write is in a thread: the event loop goes on while it waits for the disk."""
    disk = Disk()
    disk.gate.clear()
    async with keeping(disk) as papers:
        papers.want("a")
        await eventually_async(disk.entered.is_set)
        for _ in range(100):
            await asyncio.sleep(0)
        assert disk.writes == []
        disk.gate.set()
        await eventually_async(lambda: disk.told)
        assert threading.get_ident() not in disk.threads


async def test_a_write_that_fails_is_a_trouble_and_is_tried_until_it_works():
    """The reason is told each time; with the success the trouble is over."""
    disk = Disk()
    disk.fault = OSError(28, "No space left on device")
    async with keeping(disk) as papers:
        papers.want("a")
        await eventually_async(lambda: len(disk.writes) >= 3)
        assert "No space left" in papers.trouble
        assert papers.written is None
        disk.fault = None
        await eventually_async(lambda: disk.content == "a")
        await eventually_async(lambda: disk.told[-1] == "")
        assert papers.trouble == ""
        assert all("No space left" in why for why in disk.told[:-1])
        writes = len(disk.writes)
        assert await papers.step() is None
        assert len(disk.writes) == writes


async def test_while_it_fails_the_newest_content_is_tried():
    """What was wanted before is forgotten, also by the tries that follow."""
    disk = Disk()
    disk.fault = OSError(5, "Input/output error")
    async with keeping(disk) as papers:
        papers.want("a")
        await eventually_async(lambda: disk.writes)
        papers.want("b")
        await eventually_async(lambda: disk.writes[-1] == "b")
        disk.fault = None
        await eventually_async(lambda: disk.content == "b")


async def test_going_back_to_what_was_written_ends_a_trouble():
    """After a failed change the old content is written again: nobody knows what the file holds."""
    disk = Disk()
    async with keeping(disk) as papers:
        papers.want("a")
        await eventually_async(lambda: disk.content == "a")
        disk.torn = OSError(5, "Input/output error")
        papers.want("b")
        await eventually_async(lambda: papers.trouble)
        disk.torn = None
        papers.want("a")
        await eventually_async(lambda: not papers.trouble)
        assert disk.content == "a"
        assert disk.told[-1] == ""


async def test_a_failing_disk_is_not_hurried_by_new_contents():
    """Content that changes a hundred times a second is not a hundred failing writes a second."""
    disk = Disk()
    disk.fault = OSError(28, "No space left on device")
    async with keeping(disk) as papers:
        papers.want("first")
        await eventually_async(lambda: disk.told)
        for number in range(1000):
            papers.want(f"{number}")
            await asyncio.sleep(0)
        assert len(disk.writes) <= 3


async def test_a_stop_writes_what_is_still_being_gathered():
    """What was wanted since the last write is on the disk when the loop has ended."""
    disk = Disk()
    papers = Paperwork[str](disk.write, done=disk.told.append, gather=3600.0)
    async with running(papers.run):
        papers.want("a")
        await eventually_async(lambda: disk.content == "a")
        papers.want("b")
        await asyncio.sleep(0)
    assert disk.content == "b"
    assert threading.get_ident() not in disk.threads


async def test_a_stop_writes_nothing_twice_and_nothing_that_nobody_wants():
    """A file that stands is left as it is, and so is one of which nothing is known yet."""
    disk = Disk()
    papers = Paperwork[str](disk.write, done=disk.told.append)
    async with running(papers.run):
        await asyncio.sleep(0)
    assert disk.writes == []
    async with running(papers.run):
        papers.want("a")
        await eventually_async(lambda: disk.told == [""])
    assert disk.writes == ["a"]


async def test_a_stop_amid_a_write_leaves_the_newest_content():
    """The write that is under way is waited for: an older content never comes after a newer one."""
    disk = Disk()
    disk.gate.clear()
    async with running((papers := Paperwork[str](disk.write, done=disk.told.append)).run):
        papers.want("old")
        await eventually_async(disk.entered.is_set)
        papers.want("new")
        asyncio.get_running_loop().call_later(0.05, disk.gate.set)
    assert disk.writes == ["old", "new"]


async def test_a_stop_tries_a_failing_disk_once_more_and_does_not_wait_for_one_that_hangs(
    monkeypatch,
):
    """The daemon ends in any case, and what is wrong has been told."""
    disk = Disk()
    disk.fault = OSError(28, "No space left on device")
    async with running((papers := Paperwork[str](disk.write, done=disk.told.append)).run):
        papers.want("a")
        await eventually_async(lambda: disk.told)
    assert disk.writes == ["a", "a"]
    assert len(disk.told) == 2
    monkeypatch.setattr("hostgw_daemon.disk.paperwork.FLUSH", 0.05)
    stuck = Disk()
    stuck.gate.clear()
    async with running((papers := Paperwork[str](stuck.write, done=stuck.told.append)).run):
        papers.want("a")
        await eventually_async(stuck.entered.is_set)
    assert stuck.writes == []
    stuck.gate.set()


async def test_a_look_that_is_asked_for_during_a_write_is_made_after_it():
    """Somebody spoils the file the moment it is there, and asks: the write began before that."""
    disk = Disk()
    async with keeping(disk) as papers:
        disk.gate.clear()
        papers.want("a")
        await eventually_async(disk.entered.is_set)
        papers.again()
        disk.gate.set()
        await eventually_async(lambda: disk.writes == ["a", "a"])
