"""The `Store` port on etcd's own API.

Two kinds of verbs. Reading, renewing and revoking may be done twice: they go round the members
until one has answered or the time is up. A commit, a grant or a watch may not: sent again, a commit
would lose against its own first copy. For these a member is first asked whether it has a quorum
and knows our login; what was sent then is never sent again, and its outcome may stay unknown.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from types import TracebackType
from typing import Self, TypeVar

from hostgw_core.etcd.api import (
    GRANT,
    KEEP_ALIVE,
    RANGE,
    REVOKE,
    STATUS,
    TXN,
    Method,
    Request,
    Response,
)
from hostgw_core.etcd.api import etcd_pb2 as pb
from hostgw_core.etcd.connection import Connection
from hostgw_core.etcd.discovery import srv_endpoints
from hostgw_core.etcd.failures import Absent, Forbidden, Outdated, Stale, joint
from hostgw_core.etcd.login import Login
from hostgw_core.etcd.members import Discover, Members
from hostgw_core.etcd.messages import entry_of, header_of, page, past, quorum, room_of, transaction
from hostgw_core.etcd.settings import EtcdSettings, Observer, Unobserved
from hostgw_core.etcd.watching import WatchStream
from hostgw_core.store import (
    Batch,
    Committed,
    Compare,
    Entry,
    Grant,
    Header,
    Listing,
    Progress,
    Room,
    Span,
    StoreError,
    StoreUnavailable,
    Write,
)

T = TypeVar("T")

PAGE = 2_000  # keys
_PORT = StoreError.__module__
_STARTS = 5  # how often a list begins anew when it is compacted away


class Etcd:
    """The store, as etcd keeps it. Constructing it does no I/O; close it, or use `async with`.

    Every request ends within `settings.timeout` seconds; a list counts them for each page.
    """

    def __init__(
        self,
        settings: EtcdSettings,
        *,
        observer: Observer | None = None,
        discover: Discover = srv_endpoints,
    ) -> None:
        self._observer = observer or Unobserved()
        self._timeout = settings.timeout
        self._login = Login(settings)
        self._members = Members(settings, observer=self._observer, discover=discover)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection; what still waits for an answer gets StoreUnavailable."""
        await self._members.aclose()

    # -- the port -----------------------------------------------------------------------------

    async def list(self, *spans: Span) -> Listing:
        """Do as the port says."""
        if not spans:
            return Listing(await self._ask("list", self._header), ())
        return await self._ask("list", lambda member, timeout: self._list(member, timeout, spans))

    async def commit(self, compares: Sequence[Compare], writes: Sequence[Write]) -> Committed:
        """Do as the port says."""
        request = transaction(compares, writes)
        answer = await self._ask("commit", self._request("commit", TXN, request), once=True)
        return Committed(answer.succeeded, header_of(answer.header))

    async def grant(self, ttl: int) -> Grant:
        """Do as the port says."""
        request = pb.LeaseGrantRequest(TTL=ttl)
        answer = await self._ask("grant", self._request("grant", GRANT, request), once=True)
        return Grant(answer.ID, answer.TTL)

    async def keep_alive(self, lease: int) -> int:
        """Do as the port says."""
        request = pb.LeaseKeepAliveRequest(ID=lease)

        async def renew(member: Connection, timeout: float) -> int:
            async def send(token: str, timeout: float) -> pb.LeaseKeepAliveResponse:
                return await member.exchange(
                    KEEP_ALIVE, request, op="keep_alive", timeout=timeout, token=token
                )

            # etcd answers for a lease that is gone without an error, with a TTL of 0 or below.
            return max(0, (await self._logged_in(member, timeout, send)).TTL)

        return await self._ask("keep_alive", renew)

    async def revoke(self, lease: int) -> None:
        """Do as the port says."""
        request = pb.LeaseRevokeRequest(ID=lease)
        try:
            await self._ask("revoke", self._request("revoke", REVOKE, request))
        except Absent:
            return

    async def watch(self, since: Mapping[Span, int]) -> AsyncGenerator[Batch | Progress, None]:
        """Do as the port says."""

        async def begin(member: Connection, timeout: float) -> tuple[Connection, WatchStream]:
            token = await self._login.token(member, timeout)
            stream = WatchStream(member, since, token)
            await stream.open(timeout)
            return member, stream

        member, stream = await self._ask("watch", begin, once=True)
        async with member.used(), aclosing(stream.told()) as everything:
            try:
                async for told in everything:
                    yield told
            except StoreUnavailable:
                await self._members.leave(member)
                raise

    async def room(self) -> Room:
        """Do as the port says."""
        return room_of(await self._ask("room", self._request("room", STATUS, pb.StatusRequest())))

    async def recalls(self, key: bytes, revision: int) -> bool:
        """Do as the port says."""

        async def look(member: Connection, timeout: float) -> bool:
            try:
                await self._request("recalls", RANGE, past(key, revision))(member, timeout)
            except Outdated:
                return False
            return True

        return await self._ask("recalls", look)

    # -- how a member is asked ----------------------------------------------------------------

    async def _ask(
        self, op: str, act: Callable[[Connection, float], Awaitable[T]], *, once: bool = False
    ) -> T:
        """Do `act` at a member, and tell the observer; `once`: what was sent is not sent again."""
        began, result = time.monotonic(), "cancelled"
        try:
            answer = await self._go_round(op, act, once=once)
            lost = isinstance(answer, pb.TxnResponse) and not answer.succeeded
            result = "lost" if lost else "ok"
        except StoreError as error:
            # The name that the port gives it, not that of a finer kind.
            result = next(k.__name__ for k in type(error).__mro__ if k.__module__ == _PORT)
            raise
        else:
            return answer
        finally:
            self._observer.request(op, result, time.monotonic() - began)

    async def _go_round(
        self, op: str, act: Callable[[Connection, float], Awaitable[T]], *, once: bool
    ) -> T:
        deadline = time.monotonic() + self._timeout
        reasons: dict[str, str] = {}
        for left in range(await self._members.count(self._timeout), 0, -1):
            member = await self._members.current(deadline)
            share = max(0.0, deadline - time.monotonic()) / left
            sent = not once
            async with member.used():
                try:
                    if once:
                        await self._alive(member, share)
                    sent = True
                    answer = await act(member, deadline - time.monotonic() if once else share)
                except StoreUnavailable as error:
                    await self._members.leave(member)
                    if once and sent:
                        raise StoreUnavailable(f"{error}; it may have been done") from None
                    reasons[str(member.endpoint)] = str(error)
                else:
                    self._members.answered(member)
                    return answer
        # A token of a history that is gone (etcd restored from a backup) is not refused: it waits
        # for a raft index that will not come.
        self._login.forget()
        raise joint(reasons, op=op)

    def _request(
        self, op: str, method: Method[Request, Response], request: Request
    ) -> Callable[[Connection, float], Awaitable[Response]]:
        """Give what asks a member one thing, logged in."""

        async def act(member: Connection, timeout: float) -> Response:
            async def send(token: str, timeout: float) -> Response:
                return await member.ask(method, request, op=op, timeout=timeout, token=token)

            return await self._logged_in(member, timeout, send)

        return act

    async def _logged_in(
        self, member: Connection, timeout: float, send: Callable[[str, float], Awaitable[T]]
    ) -> T:
        """Send with a token; with a new one if it was refused. A refused request was not done."""
        deadline = time.monotonic() + timeout
        token = await self._login.token(member, timeout)
        try:
            return await send(token, deadline - time.monotonic())
        except Stale:
            if not self._login.forget(token):
                raise
        token = await self._login.token(member, deadline - time.monotonic())
        return await send(token, deadline - time.monotonic())

    async def _alive(self, member: Connection, timeout: float) -> None:
        """See that a member answers with a quorum behind it, and that it knows our login.

        A quorum: what a member forwards to a leader that has just died is lost without a word.
        """
        try:
            await self._request("check", RANGE, quorum())(member, timeout)
        except Forbidden:
            return

    # -- reading ------------------------------------------------------------------------------

    async def _header(self, member: Connection, timeout: float) -> Header:
        try:
            answer = await self._request("list", RANGE, quorum())(member, timeout)
        except Forbidden:
            # A quorum has been asked before the permission was. What this member has now is
            # not older, and its status needs no permission.
            status = await self._request("list", STATUS, pb.StatusRequest())(member, timeout)
            return header_of(status.header)
        return header_of(answer.header)

    async def _list(self, member: Connection, timeout: float, spans: Sequence[Span]) -> Listing:
        """Read everything at one revision; compacted meanwhile, begin again."""
        for left in reversed(range(_STARTS)):
            try:
                return await self._snapshot(member, timeout, spans)
            except Outdated:
                if not left:
                    raise
        raise AssertionError  # never reached: the last round returned or raised

    async def _snapshot(self, member: Connection, timeout: float, spans: Sequence[Span]) -> Listing:
        found: dict[bytes, Entry] = {}  # spans may overlap
        header: Header | None = None
        for span in spans:
            after: bytes | None = None
            more = True
            while more:
                revision = header.revision if header else 0
                request = page(span, limit=PAGE, revision=revision, after=after)
                answer = await self._request("list", RANGE, request)(member, timeout)
                header = header or header_of(answer.header)
                found.update((kv.key, entry_of(kv)) for kv in answer.kvs)
                more = answer.more
                after = answer.kvs[-1].key if answer.kvs else None
        assert header is not None
        return Listing(header, tuple(found[key] for key in sorted(found)))
