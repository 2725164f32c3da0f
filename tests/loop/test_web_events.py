"""`/v1/events` over real sockets: who waits is woken, waits no longer than he asked, and is cut."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import aiohttp
import pytest

from hostgw_daemon.link.uplink import NoUplink
from hostgw_daemon.told import web
from hostgw_daemon.told.polling import LONGEST_WAIT, Poll, poll_of
from support.waiting import eventually_async
from support.webview import LOOPBACK, FakeView, serving


class Counting(FakeView):
    """A view that knows how many wait."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def next_event(self, poll: Poll) -> asyncio.Future[None] | None:
        """Count, and wait as the daemon does."""
        self.asked += 1
        return super().next_event(poll)


@pytest.fixture
def view() -> Counting:
    """Show a daemon that has just started."""
    made = Counting()
    made.chronicle.started("1.0")
    return made


def happen(view: FakeView, number: int) -> None:
    """Let something happen."""
    view.chronicle.stands(NoUplink(f"reason {number}"), "a test")


async def read(client: aiohttp.ClientSession, address: str, query: str) -> dict[str, Any]:
    """Ask for events."""
    async with client.get(f"http://{address}/v1/events{query}") as answer:
        assert answer.status == 200, await answer.text()
        page: dict[str, Any] = await answer.json()
        return page


async def test_what_is_there_is_given_at_once(view: Counting, client: aiohttp.ClientSession):
    """However long one would wait."""
    async with serving(view, LOOPBACK) as address:
        page = await read(client, address, "?wait=60")
        assert (page["instance"], page["missed"], page["last"]) == ("i", 0, 1)
        (event,) = page["events"]
        assert event == {
            "number": 1,
            "moment": 1000.0,
            "kind": "started",
            "subject": "hostgwd",
            "says": "hostgwd 1.0 has started",
            "by": {"who": "hostgwd", "port": 0, "process": "", "protocol": 0},
            "cause": "",
            "revision": 0,
            "stood": None,
            "count": 1,
            "network": "",
        }


async def test_who_waits_is_woken_by_the_next_event(view: Counting, client: aiohttp.ClientSession):
    """All of them, each with the same one."""
    async with serving(view, LOOPBACK) as address, asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(read(client, address, "?since=1&wait=60"), name=f"reader {n}")
            for n in range(20)
        ]
        await eventually_async(lambda: view.asked == 20)
        happen(view, 1)
        pages = [await task for task in tasks]
    assert [[event["number"] for event in page["events"]] for page in pages] == [[2]] * 20


async def test_a_wait_ends_at_its_limit(view: Counting, client: aiohttp.ClientSession):
    """With nothing to tell the answer has no events; the one who asked may ask again."""
    async with serving(view, LOOPBACK) as address:
        begun = time.monotonic()
        page = await read(client, address, "?since=1&wait=1")
        assert page["events"] == []
        assert page["last"] == 1
        assert time.monotonic() - begun >= 0.9


async def test_who_waits_is_answered_when_the_server_ends(
    view: Counting, client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
):
    """At once: a daemon that is stopped does not wait for its readers."""
    monkeypatch.setattr(web, "FAREWELL", 3600.0)
    async with asyncio.TaskGroup() as group:
        async with serving(view, LOOPBACK) as address:
            task = group.create_task(read(client, address, "?since=1&wait=60"))
            await eventually_async(lambda: view.asked == 1)
        assert (await task)["events"] == []


async def test_who_goes_away_is_waited_for_no_longer(view: Counting):
    """Thousands who ask and leave would each hold something for a minute."""
    async with serving(view, LOOPBACK) as address:
        host, _, port = address.rpartition(":")
        for number in range(30):
            _, writer = await asyncio.open_connection(host, int(port))
            writer.write(b"GET /v1/events?since=1&wait=60 HTTP/1.1\r\nHost: x\r\n\r\n")
            await writer.drain()
            await eventually_async(lambda number=number: view.asked == number + 1)
            writer.close()
        await eventually_async(lambda: view.chronicle.news._callbacks in (None, []))


async def test_more_readers_than_places(
    view: Counting, client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
):
    """The oldest is cut, and health is answered."""
    monkeypatch.setattr(web, "CONNECTIONS", 4)
    async with serving(view, LOOPBACK) as address, asyncio.TaskGroup() as group:
        host, _, port = address.rpartition(":")
        ends = []
        for number in range(8):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(b"GET /v1/events?since=1&wait=60 HTTP/1.1\r\nHost: x\r\n\r\n")
            ends.append((group.create_task(reader.read(1), name=f"end {number}"), writer))
            await eventually_async(lambda number=number: view.asked == number + 1)
        async with client.get(f"http://{address}/livez") as answer:
            assert answer.status == 200
        await eventually_async(lambda: sum(task.done() for task, _ in ends) >= 4)
        happen(view, 1)
        for task, writer in ends:
            await asyncio.wait([task])
            writer.close()


@pytest.mark.parametrize(
    ("query", "poll"),
    [
        ({}, Poll()),
        ({"since": ["7"], "wait": ["5"], "instance": ["x"]}, Poll(7, "x", 5.0)),
        ({"since": ["7", "8"]}, Poll(7)),
        ({"wait": ["9999"]}, Poll(wait=LONGEST_WAIT)),
    ],
)
def test_what_is_asked(query: dict[str, list[str]], poll: Poll):
    """Nothing given is everything at once; a long wait is as long as any."""
    assert poll_of(query) == poll


@pytest.mark.parametrize(
    "query",
    ["since=-1", "since=x", "since=1e3", "since=" + "9" * 30, "wait=-1", "wait=0.5", "wait="],
)
async def test_what_cannot_be_asked_is_said(
    view: Counting, client: aiohttp.ClientSession, query: str
):
    """400 with a sentence, whether or not it would wait."""
    async with (
        serving(view, LOOPBACK) as address,
        client.get(f"http://{address}/v1/events?{query}&wait=60") as answer,
    ):
        assert answer.status == 400
        assert query.partition("=")[0] in (await answer.json())["error"]
