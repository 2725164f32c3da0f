"""Start many daemons for the price of one start: a process that has imported everything, and forks.

Run as a program. Each line of its input is a JSON object with the `namespace`, the daemon's `argv`
(its arguments alone) and its `log`; each is answered with the number of a process that has become
that daemon, in that namespace. It ends when its input does; its children stay.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from hostgw_cli.lab.host import Host
from hostgw_cli.lab.netns import Namespace, set_namespace


class Preloaded:
    """The process that forks, seen from outside."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    @classmethod
    @contextmanager
    def up(cls) -> Iterator[Preloaded]:
        """Have it for as long as the block lasts; it has imported everything when that begins."""
        with subprocess.Popen(
            [sys.executable, "-m", "bench.preloaded"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            # The children open channels of their own; the parent has none.
            env={**os.environ, "GRPC_ENABLE_FORK_SUPPORT": "false"},
        ) as process:
            preloaded = cls(process)
            preloaded._answer()
            yield preloaded

    def start(self, hosts: Iterable[Host]) -> list[int]:
        """Start the daemon of every host; give their process ids."""
        return [self._start(host, host.daemon_argv()[4:]) for host in hosts]

    def _start(self, host: Host, arguments: Sequence[str]) -> int:
        host.folder.mkdir(parents=True, exist_ok=True)
        order = {"namespace": host.namespace.name, "argv": arguments, "log": str(host.log)}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())


def main() -> None:
    """Import, say so, and fork a daemon a line."""
    from hostgw_daemon import agent  # noqa: F401, PLC0415 - only this process needs them
    from hostgw_daemon.__main__ import main as hostgwd  # noqa: PLC0415 - as above
    from hostgw_daemon.told import web  # noqa: F401, PLC0415 - only this process needs them

    gc.freeze()  # a collection in a child would copy every page of these
    print(0, flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _become(order)
            os._exit(hostgwd(order["argv"]))
        print(pid, flush=True)
    os._exit(0)


def _become(order: dict[str, str]) -> None:
    """Leave everything that is the parent's."""
    os.setsid()
    with Namespace(order["namespace"]).path.open("rb") as namespace:
        set_namespace(namespace.fileno())
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)


if __name__ == "__main__":
    main()
