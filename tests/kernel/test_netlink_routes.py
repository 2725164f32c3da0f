from __future__ import annotations

import errno
import socket
import threading

import pytest

from hostgw_daemon.kernel import Verb, Verdict, Write
from hostgw_daemon.netlink import rtmsg, rtread
from hostgw_daemon.netlink.channel import Channel
from hostgw_daemon.netlink.routes import NetlinkKernel

pytestmark = pytest.mark.root


class CountingSocket:
    """A socket that counts what is sent and received; everything else is the real one's."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.sends = 0
        self.receives = 0

    def send(self, data):
        """Count and send."""
        self.sends += 1
        return self._sock.send(data)

    def recv(self, *arguments):
        """Count and receive."""
        self.receives += 1
        return self._sock.recv(*arguments)

    def __getattr__(self, name):
        return getattr(self._sock, name)


@pytest.fixture
def counted(underlay):
    """Give a kernel and the socket that counts for it."""
    with underlay.netns.enter():
        channel = Channel.open()
    channel._socket = counter = CountingSocket(channel._socket)
    with NetlinkKernel(channel) as kernel:
        yield kernel, counter


def _many(underlay, count):
    return [
        underlay.route(
            f"10.{n >> 8}.{n & 255}.0/24", f"172.16.{1 + (n >> 8)}.{n & 255}", metric=n + 1
        )
        for n in range(count)
    ]


def _create(kernel, *routes):
    return [
        outcome.verdict for outcome in kernel.write([Write(Verb.CREATE, each) for each in routes])
    ]


@pytest.mark.parametrize(("count", "sends"), [(1, 1), (1000, 1), (2500, 3)])
def test_a_thousand_routes_are_one_send(counted, underlay, count, sends):
    """Writes cost one send and one answer for each thousand of them."""
    kernel, counter = counted
    _create(kernel, *_many(underlay, count))
    assert (counter.sends, counter.receives) == (sends, sends)


def test_a_dump_costs_few_reads(counted, underlay):
    """Reading 3,000 routes is one request, answered in pieces of many routes each."""
    kernel, counter = counted
    routes = _many(underlay, 3000)
    _create(kernel, *routes)
    counter.sends = counter.receives = 0
    assert kernel.routes(4) == frozenset(routes)
    assert counter.sends == 1
    assert counter.receives <= 20


def test_an_empty_take_over_asks_nothing(counted):
    """No leftovers, no system call."""
    kernel, counter = counted
    assert kernel.take_over([]) == []
    assert counter.sends == 0


def test_every_write_of_a_send_may_be_refused(kernel, underlay):
    """A thousand refusals fit into the receive buffer, and each finds its write."""
    routes = _many(underlay, 1000)
    _create(kernel, *routes)
    assert _create(kernel, *routes) == [Verdict.CONFLICT] * 1000


def test_lost_answers_are_failures_and_the_socket_lives(underlay):
    """Answers that the kernel had to drop are `failed`; the dump then tells what became of them."""
    with underlay.netns.enter():
        channel = Channel.open(time_limit=0.5)
    channel._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with NetlinkKernel(channel) as kernel:
        routes = _many(underlay, 200)
        assert _create(kernel, *routes) == [Verdict.CREATED] * 200
        outcomes = kernel.write([Write(Verb.CREATE, route) for route in routes])
        assert {(outcome.verdict, outcome.errno) for outcome in outcomes} == {
            (Verdict.CONFLICT, errno.EEXIST),
            (Verdict.FAILED, errno.ENOBUFS),
        }
        assert kernel.routes(4) == frozenset(routes)
        assert _create(kernel, routes[0]) == [Verdict.CONFLICT]


def test_a_malformed_message_ends_in_the_time_limit(underlay):
    """A length that the kernel cannot follow swallows the acknowledgement: the wait ends anyway."""
    with underlay.netns.enter():
        channel = Channel.open(time_limit=0.2)
    with channel:
        good = rtmsg.pack(Write(Verb.CREATE, underlay.route("10.1.0.0/24", "172.16.0.9")), 1)
        replies = channel.batch(good + b"\x04\0\0\0" + bytes(12), 2)
        assert replies.lost != 0
        with NetlinkKernel(channel) as kernel:
            assert [route.prefix for route in kernel.routes(4)] == ["10.1.0.0/24"]


@pytest.mark.parametrize(
    ("family", "prefix", "one", "two"),
    [(4, "10.9.0.0/24", "172.16.0.2", "172.16.0.3"), (6, "fd09::/64", "fd00::2", "fd00::3")],
)
def test_a_moved_route_is_never_missing(underlay, kernel, prefix, *, family, one, two):
    """While a route moves to and fro, another socket's lookups always find a way."""
    old, new = underlay.route(prefix, one), underlay.route(prefix, two)
    _create(kernel, old)
    with underlay.netns.enter():
        channel = Channel.open()
    looked, missed, done = 0, 0, threading.Event()

    def look():
        nonlocal looked, missed
        while not done.is_set():
            seq = channel.reserve()
            try:
                piece = channel.ask(rtmsg.pack_lookup(old.destination[:-1] + b"\x05", seq=seq), seq)
                hop = rtread.read_hop(piece.data, piece.messages[0])
                found = hop is not None and hop.link == underlay.link
            except OSError:
                found = False
            looked, missed = looked + 1, missed + (not found)

    with channel:
        prober = threading.Thread(target=look)
        prober.start()
        try:
            for _ in range(300):
                for here, there in ((old, new), (new, old)):
                    outcomes = kernel.write([Write(Verb.APPEND, there), Write(Verb.DELETE, here)])
                    assert [o.verdict for o in outcomes] == [Verdict.CREATED, Verdict.DELETED]
        finally:
            done.set()
            prober.join()
    assert looked > 100
    assert missed == 0
    assert kernel.routes(family) == {old}


@pytest.mark.parametrize(
    ("family", "prefix", "gateway"), [(4, "10.9.0.0/24", "172.16.0.2"), (6, "fd09::/64", "fd00::2")]
)
@pytest.mark.parametrize("shape", ["blackhole", "device", "nexthop object", "multipath"])
def test_odd_shapes_of_our_protocol_can_be_deleted(
    underlay, kernel, witness, *, family, prefix, gateway, shape
):
    """A route of our protocol that somebody else made in another shape is seen, and removable."""
    ours = ["proto", "104", "metric", "2000"]
    if shape == "nexthop object":
        underlay.netns.ip(f"-{family}", "nexthop", "add", "id", "5", "via", gateway, "dev", "u0")
    spoken = {
        "blackhole": ["blackhole", prefix, *ours],
        "device": [prefix, "dev", "u0", *ours],
        "nexthop object": [prefix, "nhid", "5", *ours],
        "multipath": [
            *[prefix, *ours],
            *["nexthop", "via", gateway, "dev", "u0"],
            *["nexthop", "via", gateway[:-1] + "3", "dev", "u0"],
        ],
    }[shape]
    underlay.netns.ip(f"-{family}", "route", "add", *spoken)
    seen = kernel.routes(family)
    assert {route.prefix for route in seen} == {prefix}
    outcomes = kernel.write([Write(Verb.DELETE, route) for route in seen])
    assert {outcome.verdict for outcome in outcomes} == {Verdict.DELETED}
    assert witness.ours(family) == set()


def test_an_odd_shape_never_equals_what_we_write(underlay, kernel):
    """A blackhole on our key is not taken for our route."""
    underlay.netns.ip("route", "add", "blackhole", "10.9.0.0/24", "proto", "104", "metric", "2000")
    assert underlay.route("10.9.0.0/24", "172.16.0.2") not in kernel.routes(4)


def test_foreign_blackholes_are_seen(underlay, kernel):
    """A foreign route of any type counts: a blackhole shadows as well as a gateway does."""
    underlay.netns.ip("route", "add", "blackhole", "10.9.0.0/24", "proto", "static")
    route = underlay.route("10.9.0.0/24", "172.16.0.2")
    (found,) = kernel.foreign([(route.destination, route.length)])
    assert (found.protocol, found.metric, found.gateway) == (4, 0, b"")


def test_carrier_loss_loses_nothing(underlay, kernel):
    """Plain routes stay when the cable is pulled."""
    route = underlay.route("10.9.0.0/24", "172.16.0.2")
    _create(kernel, route)
    underlay.netns.ip("link", "set", "u1", "down")
    assert kernel.routes(4) == {route}


def test_the_socket_keeps_its_namespace(underlay, kernel, witness):
    """An adapter opened inside a namespace works there from a thread that is outside."""
    _create(kernel, underlay.route("10.9.0.0/24", "172.16.0.2"))
    assert witness.ours() == {("10.9.0.0/24", "172.16.0.2", 2000)}
