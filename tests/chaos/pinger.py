"""Packets in flight, in a process of its own: every container asks every other every 5 ms.

One process for all, with one socket in each container's namespace: the kernel of the other end
answers (ICMP echo), so that a packet costs one send and one receive. Not run from the driver's
process, whose threads would hold it up.

It is told what to do by lines of JSON, and answers each by one:

    {"open": [0, "/run/netns/hgw-x-n1-c1", "10.244.7.2"]}   a container of host 0: ask and be asked
    {"close": 0}                                           its host has no power: nobody asks it
    {"report": true}     what has happened since the last report: sent, answered, losses

A packet counts as lost when it is not answered within `PATIENCE` seconds. Moments are those of
CLOCK_MONOTONIC, which all processes share.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import socket
import struct
import sys
import time
from collections import OrderedDict
from typing import Any

PERIOD = 0.005  # seconds between two packets of a pair
PATIENCE = 1.5  # seconds that an answer may take
ON_THE_WIRE = 0.02  # seconds that it takes as a rule, at the most

_CLONE_NEWNET = 0x40000000  # linux/sched.h
_LIBC = ctypes.CDLL(None, use_errno=True)
_ECHO = struct.Struct("!BBHHHQ")  # type, code, checksum, id, sequence; ours: the packet's number
_REQUEST, _REPLY = 8, 0


class Container:
    """A container's socket and address."""

    def __init__(self, host: int, namespace: str, address: str) -> None:
        self.host = host
        self.address = address
        self.socket = _socket_in(namespace)


class Pinger:
    """Sends, receives and counts."""

    def __init__(self) -> None:
        self.containers: dict[int, Container] = {}
        self.poll = select.epoll()
        self.number = 0
        self.sent = 0
        self.answered = 0
        self.late = 0
        self.pending: OrderedDict[int, tuple[int, int, float]] = OrderedDict()
        self.losses: list[tuple[int, int, float]] = []

    def run(self) -> None:
        """Go on until the driver closes the pipe."""
        commands = sys.stdin.fileno()
        os.set_blocking(commands, False)
        self.poll.register(commands, select.EPOLLIN)
        buffer = b""
        due = time.monotonic()
        while True:
            for descriptor, _ in self.poll.poll(max(0.0, due - time.monotonic())):
                if descriptor == commands:
                    data = os.read(commands, 1 << 16)
                    if not data:
                        return
                    *lines, buffer = (buffer + data).split(b"\n")
                    for line in lines:
                        self.obey(json.loads(line))
                else:
                    self.receive(descriptor)
            now = time.monotonic()
            if now >= due:
                # Whoever was not scheduled sends no burst afterwards.
                due = max(due + PERIOD, now + PERIOD / 2)
                self.send(now)
                self.give_up(now)

    def obey(self, command: dict[str, Any]) -> None:
        """Do what the driver says, and answer."""
        answer: dict[str, Any] = {}
        if "open" in command:
            host, namespace, address = command["open"]
            self.close(host)
            self.containers[host] = made = Container(host, namespace, address)
            self.poll.register(made.socket, select.EPOLLIN)
        elif "close" in command:
            self.close(command["close"])
        else:
            answer = {"sent": self.sent, "answered": self.answered, "losses": self.losses}
            self.sent = self.answered = 0
            self.losses = []
        os.write(1, json.dumps(answer).encode() + b"\n")

    def close(self, host: int) -> None:
        """Forget a container; an open socket would keep its namespace alive.

        What is on the wire at that moment goes down with the host, and is not counted at all.
        """
        if (known := self.containers.pop(host, None)) is None:
            return
        self.poll.unregister(known.socket)
        known.socket.close()
        since = time.monotonic() - ON_THE_WIRE
        for number, (source, target, sent) in list(self.pending.items()):
            if host in (source, target) and sent > since:
                del self.pending[number]
                self.sent -= 1

    def send(self, now: float) -> None:
        """Send one packet of each pair. One that the kernel does not take is lost, too."""
        for source in self.containers.values():
            for target in self.containers.values():
                if target is source:
                    continue
                self.number += 1
                self.sent += 1
                self.pending[self.number] = (source.host, target.host, now)
                packet = _ECHO.pack(_REQUEST, 0, 0, 0, self.number & 0xFFFF, self.number)
                try:
                    source.socket.sendto(packet, (target.address, 0))
                except OSError:
                    continue

    def receive(self, descriptor: int) -> None:
        """Take every answer that has come to a socket."""
        for each in self.containers.values():
            if each.socket.fileno() == descriptor:
                break
        else:
            return
        while True:
            try:
                data = each.socket.recv(64)
            except BlockingIOError:
                return
            except OSError:
                continue  # an ICMP error about an earlier packet: that one stays unanswered
            if len(data) >= _ECHO.size:
                kind, *_, number = _ECHO.unpack_from(data)
                if kind == _REPLY and self.pending.pop(number, None) is not None:
                    self.answered += 1

    def give_up(self, now: float) -> None:
        """Count as lost what has waited too long."""
        while self.pending:
            number, (source, target, sent) = next(iter(self.pending.items()))
            if now - sent < PATIENCE:
                return
            del self.pending[number]
            self.losses.append((source, target, sent))


def _socket_in(namespace: str) -> socket.socket:
    """Make a ping socket (icmp(7)) inside a namespace, and come home."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    there = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _enter(there)
        try:
            made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
        finally:
            _enter(home)
    finally:
        os.close(there)
        os.close(home)
    made.setblocking(False)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    return made


def _enter(descriptor: int) -> None:
    if _LIBC.setns(descriptor, _CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


if __name__ == "__main__":
    Pinger().run()
