"""etcd stops, crashes, freezes, loses members, compacts: what it holds stays what it was.

A store that is away changes nothing: no packet may be lost in any of these.
"""

from __future__ import annotations

import signal
from typing import Final

from chaos.fault import Fault, Ground, Injection, nothing, on
from chaos.stage import Stage

_QUORUM: Final = 3
_CLIENT: Final = 10.0  # seconds in which a client leaves a member that says nothing, and then two


def _member(stage: Stage, injection: Injection) -> int:
    return injection.chance.randrange(len(stage.etcd.members))


def _stop(stage: Stage, _injection: Injection) -> None:
    stage.etcd.stop()


def _kill(stage: Stage, _injection: Injection) -> None:
    stage.etcd.stop(signal.SIGKILL)


def _start(stage: Stage, _injection: Injection) -> None:
    stage.etcd.start()


def _freeze(stage: Stage, injection: Injection) -> None:
    stage.etcd.pause([_member(stage, injection)])


def _freeze_all(stage: Stage, _injection: Injection) -> None:
    stage.etcd.pause()


def _resume(stage: Stage, _injection: Injection) -> None:
    stage.etcd.resume()
    stage.etcd.wait_healthy()


def _lose_member(stage: Stage, injection: Injection) -> None:
    stage.etcd.members[_member(stage, injection)].stop(signal.SIGKILL)


def _lose_quorum(stage: Stage, injection: Injection) -> None:
    stays = _member(stage, injection)
    for number, member in enumerate(stage.etcd.members):
        if number != stays:
            member.stop(signal.SIGKILL)


def _freeze_leader(stage: Stage, _injection: Injection) -> None:
    stage.leader.send(signal.SIGSTOP)


def _kill_leader(stage: Stage, _injection: Injection) -> None:
    stage.leader.stop(signal.SIGKILL)


def _change_leader(stage: Stage, injection: Injection) -> None:
    leader = stage.leader
    said = stage.etcd.ctl_json("member", "list")["members"]
    others = [each["ID"] for each in said if each["name"] != leader.name]
    number = stage.etcd.members.index(leader)
    chosen = injection.chance.choice(others)
    stage.etcd.ctl("move-leader", f"{chosen:x}", members=[number])


def _compact(stage: Stage, _injection: Injection) -> None:
    """Write a little, then forget all history up to now."""
    for _ in range(3):
        stage.move_canary()
    revision = stage.etcd.ctl_json("get", "/")["header"]["revision"]
    stage.etcd.ctl("compact", str(revision), "--physical", members=[0])


def _compact_while_frozen(stage: Stage, injection: Injection) -> None:
    stage.hosts[injection.host].signal_daemon(signal.SIGSTOP)
    _compact(stage, injection)


def _thaw(stage: Stage, injection: Injection) -> None:
    stage.hosts[injection.host].signal_daemon(signal.SIGCONT)


def _defragment(stage: Stage, _injection: Injection) -> None:
    stage.etcd.ctl("defrag")


FAULTS: Final = (
    Fault("etcd-stopped", on(Ground.STORE), _stop, _start, within=5.0, lasts=(0.5, 6.0)),
    Fault("etcd-killed", on(Ground.STORE), _kill, _start, within=5.0, lasts=(0.5, 6.0)),
    Fault("etcd-frozen", on(Ground.STORE), _freeze_all, _resume, within=_CLIENT, lasts=(1.0, 12.0)),
    Fault(
        "member-frozen",
        on(Ground.STORE),
        _freeze,
        _resume,
        members=_QUORUM,
        within=_CLIENT,
        lasts=(1.0, 12.0),
    ),
    Fault("member-lost", on(Ground.STORE), _lose_member, _start, members=_QUORUM, within=5.0),
    Fault(
        "quorum-lost",
        on(Ground.STORE),
        _lose_quorum,
        _start,
        members=_QUORUM,
        within=_CLIENT,
        lasts=(1.0, 6.0),
    ),
    Fault(
        "leader-frozen",
        on(Ground.STORE),
        _freeze_leader,
        _resume,
        members=_QUORUM,
        within=_CLIENT,
        lasts=(1.0, 6.0),
    ),
    Fault("leader-killed", on(Ground.STORE), _kill_leader, _start, members=_QUORUM, within=5.0),
    Fault("leader-changed", on(Ground.STORE), _change_leader, nothing, members=_QUORUM),
    Fault("compacted", on(Ground.STORE), _compact),
    Fault(
        "compacted-while-frozen",
        on(Ground.STORE, Ground.DAEMON),
        _compact_while_frozen,
        _thaw,
        silences=True,
        within=5.0,
    ),
    Fault("defragmented", on(Ground.STORE), _defragment),
)
