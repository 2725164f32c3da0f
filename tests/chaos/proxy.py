"""A TCP proxy on the switch, between some of the daemons and etcd: delay, silence, dropped streams.

For kernels without netem. One port for each member; its thread lives in the switch's namespace.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from hostgw_cli.lab.netns import Namespace

FIRST_PORT = 12379
_CHUNK = 1 << 16


class Proxy:
    """Carries bytes both ways, each `delay` seconds later; while not `flowing`, it keeps them.

    Made by `proxying`.
    """

    def __init__(self, address: str, targets: Sequence[tuple[str, int]]) -> None:
        self.endpoints = ",".join(
            f"http://{address}:{FIRST_PORT + number}" for number, _ in enumerate(targets)
        )
        self.delay = 0.0
        self._address = address
        self._targets = targets
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._end = asyncio.Event()

    def drop(self) -> None:
        """End every connection at once, as a middlebox that forgets does: with a reset."""
        self._call(self._abort())

    def stall(self, *, stalled: bool) -> None:
        """Let no byte through any more, and close nothing; or go on, with what was kept."""
        self._call(self._set(stalled=stalled))

    # -- in its own thread --------------------------------------------------------------------

    def run(self, inside: Namespace, ready: threading.Event) -> None:
        """Serve until `close`."""
        with inside.enter():
            asyncio.set_event_loop(self._loop)
            try:
                self._loop.run_until_complete(self._serve(ready))
            finally:
                asyncio.set_event_loop(None)
                self._loop.close()

    def close(self) -> None:
        """Let `run` end."""
        self._loop.call_soon_threadsafe(self._end.set)

    async def _serve(self, ready: threading.Event) -> None:
        tasks: set[asyncio.Task[None]] = set()

        def serve(number: int) -> Any:
            async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                task = asyncio.current_task()
                assert task is not None
                tasks.add(task)
                try:
                    await self._carry(self._targets[number], reader, writer)
                except asyncio.CancelledError:
                    pass  # by `_serve` alone, at the end; the server would log it
                finally:
                    tasks.discard(task)

            return accept

        servers = [
            await asyncio.start_server(serve(number), self._address, FIRST_PORT + number)
            for number, _ in enumerate(self._targets)
        ]
        ready.set()
        await self._end.wait()
        for server in servers:
            server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _carry(
        self, target: tuple[str, int], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._open.add(writer)
        other = None
        try:
            there, other = await asyncio.open_connection(*target)
            self._open.add(other)
            # The first end ends both, as a broken connection does.
            ways = [
                asyncio.create_task(self._copy(reader, other)),
                asyncio.create_task(self._copy(there, writer)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        except OSError:
            pass  # the member is away: the client's connection is reset
        finally:
            for each in (writer, other):
                if each is not None:
                    self._open.discard(each)
                    each.transport.abort()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one direction: what came first goes first, each piece at its own moment."""
        pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(64)

        async def deliver() -> None:
            while True:
                due, piece = await pieces.get()
                if not piece:
                    return
                await asyncio.sleep(max(0.0, due - self._loop.time()))
                await self._flowing.wait()
                writer.write(piece)
                await writer.drain()

        delivery = asyncio.create_task(deliver())
        try:
            with suppress(OSError):
                while piece := await reader.read(_CHUNK):
                    await pieces.put((self._loop.time() + self.delay, piece))
            await pieces.put((0.0, b""))
            with suppress(OSError):
                await delivery
        finally:
            delivery.cancel()

    async def _abort(self) -> None:
        for each in list(self._open):
            each.transport.abort()

    async def _set(self, *, stalled: bool) -> None:
        if stalled:
            self._flowing.clear()
        else:
            self._flowing.set()

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(5.0)


@contextmanager
def proxying(
    inside: Namespace, address: str, targets: Sequence[tuple[str, int]]
) -> Iterator[Proxy]:
    """Run a proxy in a namespace while the block lasts."""
    proxy, ready = Proxy(address, targets), threading.Event()
    thread = threading.Thread(target=proxy.run, args=(inside, ready), name="proxy", daemon=True)
    thread.start()
    try:
        if not ready.wait(5.0):
            raise AssertionError("the proxy does not listen")
        yield proxy
    finally:
        proxy.close()
        thread.join(5.0)
