"""What is written to other nodes: a question by one of the ways, and the answer to theirs. Pure."""

from __future__ import annotations

from collections.abc import Callable

from hostgw_core.model import IPAddress
from hostgw_daemon.probe.datagram import SIZE, Ends, Question, Report, Way, answer, ask, asked
from hostgw_daemon.probe.port import Heard
from hostgw_daemon.probe.target import HEADERS, Target


def question(
    target: Target, way: Way, number: int, *, source: IPAddress, mtu: int
) -> tuple[bytes, Ends]:
    """Write a question, and say whence it goes where; a big one fills the `mtu`, in bytes."""
    to = {Way.HOST: target.host, Way.FORWARD: target.unused}.get(way) or target.gateway
    ends = Ends(source, to)
    size = mtu - HEADERS[4 if to.version == 4 else 6] if way is Way.BIG else SIZE
    return ask(Question(way, number, target.gateway), ends, node_id=target.node_id, size=size), ends


def reply(
    heard: Heard,
    *,
    node_id: str,
    asker: Callable[[IPAddress, IPAddress], Target | None],
    posture: Callable[[Target | None, IPAddress], Report],
) -> bytes | None:
    """Give the answer to a question to us, None to anything that is not to be answered.

    `asker` tells who asks from an address about one of our gateways, `posture` what we say of
    ourselves to him, about that gateway.
    """
    ends = Ends(heard.source, heard.here)
    found = asked(heard.data, ends, node_id=node_id)
    if found is None:
        return None
    report = posture(asker(heard.source, found.about), found.about)
    return answer(found, report, ends, node_id=node_id)
