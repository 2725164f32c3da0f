"""One host of the lab: a namespace, its daemon, and the containers on its subnet.

The daemon is a real `hostgwd` process with folders of its own. The containers are attached by real
CNI plugins, with the very list that the daemon writes for them.
"""

from __future__ import annotations

import http.client
import shutil
import signal
import sys
from collections.abc import Sequence
from ipaddress import ip_interface
from pathlib import Path

from hostgw_cli.lab import processes
from hostgw_cli.lab.conflist import Conflist, of_subnet_env, read
from hostgw_cli.lab.container import Container
from hostgw_cli.lab.interrupt import held
from hostgw_cli.lab.ledger import Ledger
from hostgw_cli.lab.machine import build_machine, remove_machine
from hostgw_cli.lab.netns import Namespace
from hostgw_cli.lab.plugins import Plugins
from hostgw_cli.lab.topology import Interface, LabError, MachinePlan, Topology
from hostgw_cli.lab.waiting import tail, wait_for
from hostgw_core.model import Family, IPNetwork

HTTP_PORT = 9745
READY_WITHIN = 30.0  # seconds
CONFLIST_WITHIN = 10.0  # seconds after subnet.env
_SUBNET_LINES: dict[Family, str] = {4: "FLANNEL_SUBNET", 6: "FLANNEL_IPV6_SUBNET"}


class Host:
    """A host that stands (its namespace exists); the value of `plan` never changes."""

    def __init__(self, plan: MachinePlan, topology: Topology, ledger: Ledger) -> None:
        self.plan = plan
        self.name = plan.name
        self.namespace = Namespace(plan.namespace)
        self.run = self.namespace.run
        self.ip = self.namespace.ip
        self.ip_json = self.namespace.ip_json
        self.containers = [Container(each) for each in plan.containers]
        self.folder = ledger.folder / plan.name
        self.log = ledger.folder / f"{plan.name}.log"
        self.plugins = Plugins(self.namespace, self.folder / "cni")
        self._topology = topology
        self._ledger = ledger

    # -- the cable -------------------------------------------------------------------------------

    @property
    def _switch(self) -> Namespace:
        return Namespace(self._topology.switch)

    def unplug(self) -> None:
        """Pull the cable at the switch: the host's eth0 loses its carrier."""
        with self._switch.links() as links:
            links.down(self.name)

    def plug(self) -> None:
        """Put the cable back."""
        with self._switch.links() as links:
            links.up(self.name)

    def power_off(self) -> None:
        """Cut the power: no process, container or cable is left, and only the disk's files."""
        with held():
            remove_machine(self.plan, self._topology)
            shutil.rmtree(self.folder / "run", ignore_errors=True)
            self.subnet_file.unlink(missing_ok=True)
            self.conflist_file.unlink(missing_ok=True)
            self.plugins.forget()

    def power_on(self) -> None:
        """Boot again, with the same disk: the daemon is for the caller to start."""
        with held():
            build_machine(self.plan, self._topology)

    # -- the daemon ------------------------------------------------------------------------------

    @property
    def subnet_file(self) -> Path:
        """The daemon's subnet.env."""
        return self.folder / "subnet.env"

    @property
    def conflist_file(self) -> Path:
        """The daemon's CNI configuration; the lab has it on a disk that forgets, as subnet.env."""
        return self.folder / "10-hostgw.conflist"

    @property
    def socket(self) -> Path:
        """The daemon's unix socket."""
        return self.folder / "run" / "hostgwd.sock"

    @property
    def settings(self) -> dict[str, str]:
        """What this host's daemon is told, setting by setting; not the lab's own arguments."""
        return {
            "etcd-endpoints": self._topology.endpoints,
            "node-name": self.name,
            "state-dir": str(self.folder / "state"),
            "run-dir": str(self.folder / "run"),
            "subnet-file": str(self.subnet_file),
            "http-address": f"127.0.0.1:{HTTP_PORT}",
            "cni-conf": str(self.conflist_file),
            "cni-attachment": self._topology.spec.attachment,
        }

    @property
    def environment(self) -> dict[str, str]:
        """The same as variables, so that `hostgwctl` finds this daemon and its store."""
        return {
            f"HOSTGW_{name.upper().replace('-', '_')}": value
            for name, value in self.settings.items()
        }

    def daemon_argv(self, extra: Sequence[str] = ()) -> list[str]:
        """Give the command of this host's daemon; the flags of the lab come last but for `extra`.

        `-P` keeps the folder that the lab was started in out of the daemon's module path.
        """
        return [
            *[sys.executable, "-P", "-m", "hostgw_daemon"],
            *(f"--{name}={value}" for name, value in self.settings.items()),
            *self._topology.spec.daemon_args,
            *extra,
        ]

    @property
    def daemon(self) -> processes.Process | None:
        """The daemon that was started last."""
        return self._ledger.process(self.name)

    @property
    def running(self) -> bool:
        """Whether the daemon's process runs."""
        return self.daemon is not None and self.daemon.alive

    def start_daemon(self, *extra: str, wait: bool = True) -> processes.Process:
        """Start the daemon, its subnet.env of a former run left where it is.

        With `wait`, give it back only when it is ready. Raise LabError.
        """
        if self.running:
            raise LabError(f"the daemon of {self.name} runs already")
        self.folder.mkdir(parents=True, exist_ok=True)
        with held():
            process = processes.start(
                self.name,
                self.daemon_argv(extra),
                inside=self.namespace,
                log=self.log,
                environment={"PYTHONUNBUFFERED": "1"},
            )
            self._ledger.note(process)
        if wait:
            self.wait_ready()
        return process

    def stop_daemon(self, number: int = signal.SIGTERM, *, within: float = 10.0) -> bool:
        """End the daemon by a signal; False when it did not obey in time and was killed."""
        return self.daemon is None or processes.stop(self.daemon, number, within=within)

    def kill_daemon(self) -> None:
        """End the daemon as a crash does."""
        self.stop_daemon(signal.SIGKILL)

    def signal_daemon(self, number: int) -> None:
        """Send the daemon a signal, such as SIGSTOP or SIGHUP. Raise LabError if it is gone."""
        if self.daemon is None or not processes.send(self.daemon, number):
            raise LabError(f"the daemon of {self.name} does not run")

    def http(self, path: str, *, timeout: float = 2.0) -> tuple[int, str]:
        """GET a path of the daemon's HTTP server; give the status and the body. Raise OSError."""
        with self.namespace.enter():
            connection = http.client.HTTPConnection("127.0.0.1", HTTP_PORT, timeout=timeout)
            try:
                connection.request("GET", path)
                answer = connection.getresponse()
                return answer.status, answer.read().decode()
            finally:
                connection.close()

    @property
    def ready(self) -> bool:
        """Whether the daemon says that it is ready, and has published its subnet."""
        try:
            return self.http("/readyz")[0] == 200 and self.subnet_file.exists()
        except (OSError, http.client.HTTPException):
            return False

    def wait_ready(self, *, within: float = READY_WITHIN) -> None:
        """Wait until the daemon is ready. Raise LabError with its last words."""

        def look() -> bool:
            if not self.running:
                raise LabError(f"the daemon of {self.name} has ended; {tail(self.log)}")
            return self.ready

        wait_for(look, what=f"{self.name} ready", within=within, why=lambda: tail(self.log))

    # -- the containers --------------------------------------------------------------------------

    def subnet_env(self) -> dict[str, str]:
        """Read subnet.env: all that the daemon and the containers know of each other."""
        lines = self.subnet_file.read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def gateways(self) -> dict[Family, Interface]:
        """Give the first address of its subnet in each family that it has one of."""
        env = self.subnet_env()
        return {
            family: ip_interface(env[line]) for family, line in _SUBNET_LINES.items() if line in env
        }

    def subnets(self) -> dict[Family, IPNetwork]:
        """Give its subnet in each family, from subnet.env."""
        return {family: each.network for family, each in self.gateways().items()}

    def conflist(self) -> Conflist:
        """Give the CNI list of the daemon, for the subnets of subnet.env. Raise LabError.

        The daemon writes the two files one after the other. Where none was ever started (flannel
        has the host), the list is what flannel's own CNI plugin would make of subnet.env.
        """
        if self.daemon is None:
            mtu = int(self.subnet_env()["FLANNEL_MTU"])
            return of_subnet_env(*self.gateways().values(), mtu=mtu)

        def look() -> Conflist | None:
            if not self.conflist_file.exists():
                return None
            found = read(self.conflist_file.read_text(), source=str(self.conflist_file))
            return found if set(found.subnets) == set(self.subnets().values()) else None

        what = f"{self.conflist_file} names the subnets of {self.subnet_file}"
        return wait_for(look, what=what, within=CONFLIST_WITHIN, why=lambda: tail(self.log))

    def attach_containers(self, conflist: Conflist | None = None) -> None:
        """Have the CNI plugins give every container its link and addresses, in their order.

        Doing it again moves them to the subnets that are there now.
        """
        wanted = conflist or self.conflist()
        with held():
            self.plugins.detach_all(each.namespace for each in self.containers)
        for container in self.containers:
            with held():
                self.plugins.attach(container.namespace, wanted)

    def container(self, number: int) -> Container:
        """Give a container by its place, the first is 0."""
        return self.containers[number]

    def routes(self, *arguments: str, family: Family = 4) -> str:
        """Give the routes of a family as `ip route` shows them."""
        return self.ip(f"-{family}", "route", "show", *arguments)
