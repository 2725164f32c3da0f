"""One real `hostgwd` process on a host of a site, with folders of its own, asked from outside.

Nothing here shares a word with the program: it is started as a unit starts it, asked over its
socket as an operator asks, and its files are read as others read them.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from support.postmortem import account
from support.site import Host
from support.waiting import eventually

READY_WITHIN = 20.0  # seconds
PLAIN = ("--removal-grace=0s", "--removal-hold=0s", "--probe=false")
"""What goes from the store goes from the kernel, and nobody is asked: tests of the guard and of the
probes say otherwise."""
FOREIGN = ("HOSTGW_", "FLANNELD_", "ETCD", "NOTIFY_", "WATCHDOG_", "NODE_NAME")


class Reply(NamedTuple):
    """An HTTP response."""

    status: int
    body: str

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=5)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def get(connection: http.client.HTTPConnection, path: str, *, accept: str = "") -> Reply:
    """Ask once and close. Raise OSError."""
    try:
        connection.request("GET", path, headers={"Accept": accept} if accept else {})
        answer = connection.getresponse()
        return Reply(answer.status, answer.read().decode())
    except http.client.HTTPException as error:
        raise OSError(f"no answer to {path}") from error
    finally:
        connection.close()


class Daemon:
    """A daemon that may be started, ended and started again; its folders outlive its processes."""

    def __init__(self, host: Host, folder: Path, *, node: str, prefix: str, endpoints: str) -> None:
        self.host = host
        self.folder = folder
        self.node = node
        self.prefix = prefix
        self.endpoints = endpoints
        self.state_dir = folder / "state"
        self.run_dir = folder / "run"
        self.subnet_file = folder / "subnet.env"
        self.log = folder / "log"
        self.process: subprocess.Popen[bytes] | None = None

    # -- its life -----------------------------------------------------------------------------

    def argv(self, *flags: str) -> list[str]:
        """Give its command; a flag that is given twice counts as it was given last."""
        return [
            *[sys.executable, "-P", "-m", "hostgw_daemon"],
            f"--etcd-endpoints={self.endpoints}",
            f"--etcd-prefix={self.prefix}",
            f"--node-name={self.node}",
            f"--state-dir={self.state_dir}",
            f"--run-dir={self.run_dir}",
            f"--subnet-file={self.subnet_file}",
            "--iptables-forward-rules=false",
            "--log-format=json",
            *PLAIN,
            *flags,
        ]

    def start(
        self,
        *flags: str,
        wait: bool = True,
        environment: Mapping[str, str] | None = None,
        wrapper: Sequence[str] = (),
        machine_id: str = "",
        instead: str = "",
    ) -> Daemon:
        """Start it; with `wait`, give it back when it is ready.

        `wrapper` is a command that is given the daemon's, such as prlimit; `machine_id` what
        /etc/machine-id says to it alone; `instead` is a script that is run instead of it.
        """
        assert self.process is None, "it runs already"
        argv = self.argv(*flags)
        if instead:
            argv[2:4] = ["-c", instead]
        argv = [*wrapper, *argv]
        self.folder.mkdir(parents=True, exist_ok=True)
        if machine_id:
            named = self.folder / "machine-id"
            named.write_text(f"{machine_id}\n")
            script = f'mount --bind {named} /etc/machine-id && exec "$@"'
            argv = ["unshare", "--mount", "sh", "-c", script, "sh", *argv]
        argv = ["setpriv", "--pdeathsig", "KILL", *argv]  # it never outlives the tests
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN)}
        with self.host.namespace.enter(), self.log.open("ab") as log:
            self.process = subprocess.Popen(
                argv,
                env={**inherited, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self, within: float = READY_WITHIN) -> None:
        """Wait until it says that it is ready, its subnet file is there, and its claim has spoken.

        It is ready before that by the lease it remembers; where the store cannot take a word, that
        is all. An AssertionError says why it is not, as far as that can be known.
        """

        def look() -> bool:
            if not self.running:
                raise RuntimeError(f"{self.node} has ended: {self.tail()}")
            return self.ready and self.subnet_file.exists() and self._has_spoken()

        try:
            eventually(look, within=within)
        except AssertionError:
            why = f"{self.node} is not ready within {within:g} s\n{account(self)}"
            raise AssertionError(why) from None

    def _has_spoken(self) -> bool:
        claiming = self.status["claim"]["phase"] == "claiming"
        return not claiming or "store_full" in self.conditions

    @property
    def running(self) -> bool:
        """Whether its process runs."""
        return self.process is not None and self.process.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGTERM, *, within: float = 12.0) -> int:
        """End it by a signal; give its exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        self.process.send_signal(signal.SIGCONT)
        return self.exit_status(within=within)

    def exit_status(self, *, within: float = 10.0) -> int:
        """Wait until it has ended; give its exit status."""
        assert self.process is not None
        status = self.process.wait(within)
        self.process = None
        return status

    def kill(self) -> None:
        """End it as a crash does; one that has ended is no error."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    # -- what it says -------------------------------------------------------------------------

    def ask(self, path: str, *, accept: str = "") -> Reply:
        """Ask over the socket. Raise OSError."""
        return get(_UnixConnection(self.run_dir / "hostgwd.sock"), path, accept=accept)

    def http(self, path: str, *, address: str = "127.0.0.1", port: int = 9745) -> Reply:
        """Ask over TCP, from its own host. Raise OSError."""
        with self.host.namespace.enter():
            return get(http.client.HTTPConnection(address, port, timeout=5), path)

    @property
    def ready(self) -> bool:
        """Whether it says so."""
        try:
            return self.ask("/readyz").status == 200
        except OSError:
            return False

    @property
    def status(self) -> dict[str, Any]:
        """Its whole status. An AssertionError when it does not answer yet."""
        try:
            return dict(self.ask("/v1/status").json)
        except OSError as error:
            raise AssertionError(f"{self.node} does not answer: {error}; {self.tail()}") from error

    @property
    def conditions(self) -> dict[str, str]:
        """The conditions that stand, and the detail of each.

        The neighbour table is one for all network namespaces: what fills it may be another test.
        """
        return {
            each["code"]: each["detail"]
            for each in self.status["conditions"]
            if each["code"] != "neighbour_table_small"
        }

    @property
    def well(self) -> bool:
        """Whether it is ready and nothing is wrong. An AssertionError shows what is."""
        wrong = [*self.conditions.items(), *self.status["why_not"]]
        assert wrong == [], wrong
        return True

    @property
    def subnet(self) -> str:
        """The subnet that it says it holds, "" for none."""
        subnets = self.status["claim"]["subnets"]
        return subnets[0] if subnets else ""

    def peers(self) -> dict[str, str]:
        """Give every peer's subnet and the state it is in."""
        return {each["subnets"][0]: each["state"] for each in self.ask("/v1/peers").json}

    def metric(self, name: str) -> float:
        """Give one sample, by its name with its labels as they are written."""
        for line in self.ask("/metrics").body.splitlines():
            if line.startswith(f"{name} "):
                return float(line.rpartition(" ")[2])
        raise AssertionError(f"no sample {name}")

    @property
    def resident(self) -> int:
        """How much memory its process has had at most, in MiB (VmHWM of proc(5))."""
        assert self.process is not None
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(text.partition("VmHWM:")[2].split()[0]) // 1024

    def subnet_env(self) -> dict[str, str]:
        """Read the subnet file."""
        lines = self.subnet_file.read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def lines(self) -> list[dict[str, Any]]:
        """Give what it has logged, as JSON; a line that is not has only an event."""
        found = []
        for line in self.log.read_text().splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                found.append({"event": line})
        return found

    def tail(self, size: int = 3000) -> str:
        """Give the end of its log, so many characters of it."""
        with suppress(OSError):
            return self.log.read_text()[-size:]
        return "no log"


def shows(daemon: Daemon, code: str) -> Callable[[], bool]:
    """Give a look for a condition that stands."""
    return lambda: code in daemon.conditions
