"""The daemon ends, crashes, freezes, is upgraded, or starts while etcd is down.

None of it may cost a packet: the routes are the kernel's, and the daemon never stood in their way.
"""

from __future__ import annotations

import resource
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from chaos.fault import Act, Fault, Ground, Injection, nothing, on
from chaos.stage import Stage
from hostgw_cli.lab.topology import LabError

_EACH: Final = 4.0  # seconds for one of an upgrade
_START: Final = 8.0  # seconds for a daemon to start on a busy machine, and then two


def _end(number: signal.Signals) -> Act:
    def inject(stage: Stage, injection: Injection) -> None:
        stage.end(injection.host, number)

    return inject


def _start(stage: Stage, injection: Injection) -> None:
    stage.start(injection.host)


def _send(number: signal.Signals) -> Act:
    def act(stage: Stage, injection: Injection) -> None:
        stage.hosts[injection.host].signal_daemon(number)

    return act


def _exhaust(stage: Stage, injection: Injection) -> None:
    """Let a daemon open nothing more: no connection, no file."""
    _limit(stage, injection, lambda used, _most: used)


def _relieve(stage: Stage, injection: Injection) -> None:
    _limit(stage, injection, lambda _used, most: most)


def _limit(stage: Stage, injection: Injection, choose: Callable[[int, int], int]) -> None:
    process = stage.hosts[injection.host].daemon
    assert process is not None
    used = len(list(Path(f"/proc/{process.pid}/fd").iterdir()))
    _, most = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (choose(used, most), most))


def _end_all(number: signal.Signals) -> Act:
    def inject(stage: Stage, _injection: Injection) -> None:
        for host in stage.hosts:
            host.signal_daemon(number)
        for each, _ in enumerate(stage.hosts):
            stage.end(each, number)

    return inject


def _start_all(stage: Stage, _injection: Injection) -> None:
    for number, _ in enumerate(stage.hosts):
        stage.start(number)


def _start_one_by_one(stage: Stage, _injection: Injection) -> None:
    """Start one when the one before is ready; one that cannot be holds up no other."""
    for number, _ in enumerate(stage.hosts):
        stage.start(number)
        with suppress(LabError):
            stage.wait_back(frozenset({number}), within=_EACH)


def _start_without_etcd(stage: Stage, injection: Injection) -> None:
    stage.end(injection.host, signal.SIGTERM)
    stage.etcd.stop()
    stage.start(injection.host)


def _start_etcd(stage: Stage, _injection: Injection) -> None:
    stage.etcd.start()


FAULTS: Final = (
    Fault(
        "daemon-stopped",
        on(Ground.DAEMON),
        _end(signal.SIGTERM),
        _start,
        silences=True,
        within=_START,
    ),
    Fault(
        "daemon-killed",
        on(Ground.DAEMON),
        _end(signal.SIGKILL),
        _start,
        silences=True,
        within=_START,
    ),
    Fault(
        "daemon-frozen",
        on(Ground.DAEMON),
        _send(signal.SIGSTOP),
        _send(signal.SIGCONT),
        lasts=(1.0, 12.0),
        silences=True,
    ),
    Fault(
        "daemon-frozen-a-minute",  # longer than its presence lives in etcd
        on(Ground.DAEMON),
        _send(signal.SIGSTOP),
        _send(signal.SIGCONT),
        lasts=(62.0, 70.0),
        silences=True,
        within=5.0,
    ),
    Fault(
        "all-restarted",
        on(Ground.DAEMON),
        _end_all(signal.SIGTERM),
        _start_all,
        whole=True,
        lasts=(0.0, 1.0),
        silences=True,
        within=_START,
    ),
    Fault(
        "all-killed",
        on(Ground.DAEMON),
        _end_all(signal.SIGKILL),
        _start_all,
        whole=True,
        lasts=(0.0, 1.0),
        silences=True,
        within=_START,
    ),
    Fault(
        "upgrade",
        on(Ground.DAEMON),
        _end_all(signal.SIGTERM),
        _start_one_by_one,
        whole=True,
        lasts=(0.0, 1.0),
        silences=True,
        within=_START,
    ),
    Fault(
        "started-without-etcd",
        on(Ground.DAEMON, Ground.STORE),
        _start_without_etcd,
        _start_etcd,
        lasts=(2.0, 5.0),
        silences=True,
        within=_START,
    ),
    Fault(
        "descriptors-exhausted",
        on(Ground.DAEMON),
        _exhaust,
        _relieve,
        lasts=(1.0, 6.0),
        silences=True,
        within=5.0,
    ),
    Fault("reloaded", on(Ground.DAEMON), _send(signal.SIGHUP), nothing),
)
