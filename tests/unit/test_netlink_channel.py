from __future__ import annotations

import errno
import struct
from ipaddress import ip_address

import pytest

from hostgw_daemon.kernel import Route, Verb, Verdict, Write
from hostgw_daemon.netlink import rtmsg, wire
from hostgw_daemon.netlink.channel import RESTARTS, Channel, size_buffer
from hostgw_daemon.netlink.routes import NetlinkKernel

ROUTE = Route(ip_address("10.1.0.0").packed, 24, 2000, ip_address("192.0.2.1").packed, 2)
INTERRUPTED = wire.NLM_F_DUMP_INTR


class ScriptedSocket:
    """A socket whose answers a test wrote down: bytes are read, an errno is raised."""

    def __init__(self, *answers: bytes | int) -> None:
        self.answers = list(answers)
        self.sent: list[bytes] = []

    def getsockname(self):
        """Give a port id."""
        return (4711, 0)

    def send(self, data):
        """Keep what is sent."""
        self.sent.append(data)

    def recv(self, _size, _flags=0):
        """Give the next answer; with none left, what an empty socket gives."""
        if not self.answers:
            raise BlockingIOError(errno.EAGAIN, "empty")
        answer = self.answers.pop(0)
        if isinstance(answer, int):
            raise OSError(answer, "scripted")
        return answer


def _answer(seq: int, code: int = 0) -> bytes:
    body = struct.pack("=i", -code) + bytes(16)
    return struct.pack("=IHHII", 36, wire.NLMSG_ERROR, wire.NLM_F_CAPPED, seq, 0) + body


def _done(seq: int, *, flags: int = 0, code: int = 0) -> bytes:
    return struct.pack("=IHHIIi", 20, wire.NLMSG_DONE, flags, seq, 0, -code)


def _told(seq: int, route: Route = ROUTE, *, flags: int = 0) -> bytes:
    packed = rtmsg.pack(Write(Verb.CREATE, route), seq)
    return packed[:6] + struct.pack("=H", flags) + packed[8:]


def _kernel(*answers):
    sock = ScriptedSocket(*answers)
    return NetlinkKernel(Channel(sock)), sock


def test_an_answer_that_comes_too_late_belongs_to_nobody():
    """A refusal left over from an earlier batch is not taken for one of this."""
    kernel, _ = _kernel(_answer(1), _answer(1, errno.EEXIST) + _answer(2))
    assert [o.verdict for o in kernel.write([Write(Verb.CREATE, ROUTE)])] == [Verdict.CREATED]
    assert [o.verdict for o in kernel.write([Write(Verb.CREATE, ROUTE)])] == [Verdict.CREATED]


def test_silence_is_a_failure_of_every_write():
    """Writes whose answers never come are `failed`, with the errno that says so."""
    kernel, _ = _kernel()
    (outcome,) = kernel.write([Write(Verb.CREATE, ROUTE)])
    assert (outcome.verdict, outcome.errno) == (Verdict.FAILED, errno.ETIMEDOUT)


def test_an_interrupted_dump_is_read_again():
    """A dump that the kernel calls interrupted is thrown away whole and asked for again."""
    other = ROUTE._replace(metric=7)
    kernel, sock = _kernel(_told(1, other), _done(1, flags=INTERRUPTED), _told(1), _done(1))
    assert kernel.routes(4) == {ROUTE}
    assert len(sock.sent) == 2


def test_a_restless_table_is_an_error_in_the_end():
    """A table that changes during every dump is not read for ever."""
    kernel, sock = _kernel(*[_told(1, flags=INTERRUPTED) + _done(1)] * RESTARTS)
    with pytest.raises(OSError, match="changed during each") as caught:
        kernel.routes(4)
    assert caught.value.errno == errno.EAGAIN
    assert len(sock.sent) == RESTARTS


def test_a_failed_dump_leaves_nothing_in_the_socket():
    """After a failure the rest of the dump is read away: the next one is not refused for it."""
    kernel, sock = _kernel(_told(1), errno.ENOBUFS, _told(1), _done(1))
    with pytest.raises(OSError, match="scripted"):
        kernel.routes(4)
    assert sock.answers == []


def test_the_end_of_a_dump_may_be_a_refusal():
    """An error at the end of a dump is an error, not a short table."""
    kernel, _ = _kernel(_told(1), _done(1, code=errno.ENOMEM))
    with pytest.raises(OSError, match="Cannot allocate") as caught:
        kernel.routes(4)
    assert caught.value.errno == errno.ENOMEM


def test_a_family_that_is_switched_off_has_no_routes():
    """Without IPv6 the kernel answers with IPv4's routes: they are not ours of that family."""
    kernel, _ = _kernel(_told(1) + _done(1))
    assert kernel.routes(6) == frozenset()


def test_sequence_numbers_wrap_before_they_overflow():
    """The numbers of one batch are always in a row and fit into 32 bits."""
    channel = Channel(ScriptedSocket())
    channel._seq = (1 << 32) - 500
    first = channel.reserve(1000)
    assert (first, first + 999 < 1 << 32) == (1, True)


def test_a_buffer_is_sized_as_far_as_permitted():
    """Without the privilege to go past the system's limit the plain option is used."""

    class Refusing:
        def __init__(self):
            self.set = []

        def setsockopt(self, _level, option, size):
            if option == 33:
                raise PermissionError(errno.EPERM, "no")
            self.set.append((option, size))

    sock = Refusing()
    size_buffer(sock, 33, 8, 4096)
    assert sock.set == [(8, 4096)]
