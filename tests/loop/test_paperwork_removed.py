"""The loop that keeps a file, where there is to be none any more."""

from __future__ import annotations

import asyncio

from hostgw_daemon.disk.paperwork import Paperwork
from support.loops import running
from support.waiting import eventually_async


class Disk:
    """A file that can be written and removed, or cannot be removed."""

    def __init__(self):
        self.content = None
        self.removed = 0
        self.fault = None
        self.told = []

    def write(self, content):
        """Write it."""
        self.content = content

    def remove(self):
        """Remove it."""
        if self.fault:
            raise self.fault
        self.content = None
        self.removed += 1


async def test_a_file_that_must_not_be_there_is_removed_once():
    """What comes in its place is somebody else's, however often anybody looks."""
    disk = Disk()
    papers = Paperwork[str](disk.write, done=disk.told.append, remove=disk.remove, audit=0.01)
    async with running(papers.run):
        papers.want("ours")
        await eventually_async(lambda: papers.there)
        papers.want_none()
        assert papers.pending
        await eventually_async(lambda: disk.content is None)
        await eventually_async(lambda: not papers.pending)
        assert not papers.there
        disk.content = "another program's"
        papers.again()
        await asyncio.sleep(0.5)
        papers.want_none()
        papers.again()
        await asyncio.sleep(0.3)
        assert (disk.content, disk.removed) == ("another program's", 1)
        papers.want("ours")
        await eventually_async(lambda: disk.content == "ours")
        assert disk.told == ["", "", ""]


async def test_a_file_that_cannot_be_removed_is_tried_again():
    """It is a trouble with a sentence; and who has nothing that removes wants nothing removed."""
    disk = Disk()
    papers = Paperwork[str](disk.write, done=disk.told.append, remove=disk.remove)
    papers.want("ours")
    await papers.step()
    disk.fault = OSError("read-only")
    papers.want_none()
    assert await papers.step() is not None
    assert (papers.trouble, papers.pending, papers.there) == ("read-only", True, True)
    disk.fault = None
    assert await papers.step() is None
    assert (disk.content, papers.pending) == (None, False)
    kept = Paperwork[str](disk.write, done=disk.told.append)
    kept.want("ours")
    kept.want_none()
    await kept.step()
    assert disk.content == "ours"
