"""The stage: a cluster of real hosts with packets in flight, and the witnesses of all of it.

Every second daemon reaches etcd through the proxy on the switch, the others directly. The daemons
audit their routes every few seconds, so that "one audit period apart" is soon.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from http import HTTPStatus
from ipaddress import IPv4Address, IPv4Network

from chaos.judge import OURS
from chaos.newcomer import Newcomer
from chaos.planted import plant
from chaos.proxy import Proxy, proxying
from chaos.record import Start
from chaos.route_witness import RouteWitness, witnessing
from chaos.schedule import Shape
from chaos.store_witness import LEASES, StoreWitness
from chaos.traffic import Pinging, pinging
from hostgw_cli.lab.build import Lab
from hostgw_cli.lab.host import Host
from hostgw_cli.lab.store import Member
from hostgw_cli.lab.topology import CLIENT_PORT, NETWORK, LabError, LabSpec
from hostgw_cli.lab.waiting import PAUSE, wait_for

AUDIT = 3.0  # seconds between two audits of a daemon here
HOLD = 20.0  # seconds that removals wait which look like an accident; as a rule it is minutes
FLAGS = (f"--audit-interval={AUDIT:g}s", f"--removal-hold={HOLD:g}s", "--log-level=debug")
CANARY = "10.244.240.0-24"  # a lease that moves after each fault: who follows it is not deaf
CONFIG = {"Network": str(NETWORK), "SubnetLen": 24, "SubnetMax": "10.244.99.0"}

_FIRST = IPv4Address("198.18.100.0")  # of the canary's gateways, of which the last is 250.0
NEVER = float("inf")

now = time.monotonic


class Stage:
    """What faults act on. Made by `Stage.up`."""

    def __init__(
        self, lab: Lab, *, proxy: Proxy, routes: RouteWitness, packets: Pinging, store: StoreWitness
    ) -> None:
        self.lab = lab
        self.etcd = lab.etcd
        self.proxy = proxy
        self.routes = routes
        self.packets = packets
        self.store = store
        self.starts: list[Start] = []
        self.subnets: list[IPv4Network] = []
        self.backup = lab.ledger.folder / "backup.db"
        self._canary = 0
        self._detached: set[int] = set()
        self._newcomer: Newcomer | None = None
        self._strangers: list[subprocess.Popen[bytes]] = []

    @classmethod
    @contextmanager
    def up(cls, shape: Shape, name: str) -> Iterator[Stage]:
        """Build it for as long as the block lasts."""
        spec = LabSpec(nodes=shape.hosts, etcd=shape.members, name=name, daemons=False)
        with ExitStack() as ends:
            lab = ends.enter_context(Lab.up(spec))
            targets = [(str(each.plan.address.ip), CLIENT_PORT) for each in lab.etcd.members]
            gateway = str(lab.topology.gateway.ip)
            stage = cls(
                lab,
                proxy=ends.enter_context(proxying(lab.switch, gateway, targets)),
                routes=ends.enter_context(witnessing()),
                packets=ends.enter_context(pinging()),
                store=StoreWitness(lab.etcd),
            )
            stage.configure()
            stage.store.open()
            ends.callback(stage.store.close)
            for number in range(shape.hosts):
                stage.boot(number)
            stage.wait_back(range(shape.hosts), within=60.0)
            stage.etcd.ctl("snapshot", "save", str(stage.backup), members=[0])
            stage.subnets = [stage.subnet(number) for number in range(shape.hosts)]
            yield stage

    # -- hosts and daemons --------------------------------------------------------------------

    @property
    def hosts(self) -> list[Host]:
        """The hosts."""
        return self.lab.hosts

    @property
    def leader(self) -> Member:
        """The member that leads, as etcd itself says."""
        said = self.etcd.ctl_json("endpoint", "status")
        (url,) = (
            each["Endpoint"]
            for each in said
            if each["Status"]["leader"] == each["Status"]["header"]["member_id"]
        )
        return next(member for member in self.etcd.members if member.url == url)

    def boot(self, number: int) -> None:
        """Let a host whose namespace is fresh take part: foreign routes, witness, daemon."""
        host = self.hosts[number]
        plant(host.namespace)
        self.routes.open(number, host.namespace)
        self._detached.add(number)
        self.start(number)

    def cut(self, number: int) -> None:
        """Cut a host's power."""
        self.packets.close(number)
        self.routes.close(number)
        self.hosts[number].power_off()

    def start(self, number: int, *extra: str) -> None:
        """Start a host's daemon; not waited for."""
        proxied = [f"--etcd-endpoints={self.proxy.endpoints}"] if number % 2 else []
        began = now()
        self.hosts[number].start_daemon(*FLAGS, *proxied, *extra, wait=False)
        self.starts.append(Start(number, began, NEVER))

    def end(self, number: int, by: signal.Signals) -> None:
        """End a host's daemon by a signal. Raise LabError when it does not obey in ten seconds."""
        if not self.hosts[number].stop_daemon(by):
            raise LabError(f"the daemon of n{number + 1} did not end within its budget")
        ended = now()  # one that was never ready: what it did is judged up to here
        self._note(number, ended)

    def _note(self, number: int, when: float) -> None:
        """Note that a daemon's first time is over, if it was not before."""
        self.starts = [
            replace(each, ready=when) if each.host == number and each.ready == NEVER else each
            for each in self.starts
        ]

    def subnet(self, number: int) -> IPv4Network:
        """Give the subnet that a host's containers have."""
        return IPv4Network(self.hosts[number].subnet_env()["FLANNEL_SUBNET"], strict=False)

    def is_back(self, number: int) -> bool:
        """Look whether a host is whole: its daemon ready, its containers attached and pinging."""
        host = self.hosts[number]
        if number in self._detached:
            # As a container runtime does: it needs subnet.env, and no daemon that is ready.
            if not host.subnet_file.exists():
                return False
            host.attach_containers()
            self.packets.open(number, host.container(0))
            self._detached.discard(number)
        if not host.ready:
            return False
        self._note(number, now())
        return True

    def is_detached(self, number: int) -> bool:
        """Tell whether a host's containers wait for its subnet."""
        return number in self._detached

    def wait_back(self, numbers: range | frozenset[int], *, within: float) -> None:
        """Wait until hosts are whole. Raise LabError."""
        left = set(numbers)

        def look() -> bool:
            left.difference_update([each for each in left if self.is_back(each)])
            return not left

        wait_for(look, what=f"{sorted(left)} whole", within=within)

    def rest(self, seconds: float) -> None:
        """Let time pass, and note which daemons become ready meanwhile."""
        end = now() + seconds
        while (left := end - now()) > 0:
            for each in self.starts:
                if each.ready == NEVER and self.hosts[each.host].running:
                    self.is_back(each.host)
            time.sleep(min(PAUSE, left))

    def admit_newcomer(self, number: int) -> None:
        """Let another host come with the address of one that stands."""
        self._newcomer = Newcomer.admit(self.lab, self.hosts[number], FLAGS)

    def expel_newcomer(self) -> bool:
        """Take it away; tell whether its daemon had become ready."""
        newcomer, self._newcomer = self._newcomer, None
        return newcomer is not None and newcomer.expel()

    # -- the store ----------------------------------------------------------------------------

    def configure(self, text: str = "") -> None:
        """Write the network's configuration, or any text in its place."""
        config = text or json.dumps({**CONFIG, "Backend": {"Type": "host-gw"}})
        self.etcd.ctl("put", "/coreos.com/network/config", config)

    def lease(self, key: str, gateway: str) -> None:
        """Write the lease of a node that is not ours, as flannel writes it."""
        value = {"PublicIP": gateway, "PublicIPv6": None, "BackendType": "host-gw"}
        self.etcd.ctl("put", LEASES + key, json.dumps(value))

    def move_canary(self) -> None:
        """Let the canary's node have another address from now on, the next higher one."""
        self._canary += 1
        self.lease(CANARY, str(_FIRST + self._canary))

    def transact(self, requests: list[str]) -> None:
        """Do requests such as `del KEY` in one transaction of etcd."""
        said = "\n".join(["", *requests, "", ""]) + "\n"
        words = ["ETCDCTL_API=3", f"ETCDCTL_ENDPOINTS={self.etcd.members[0].url}"]
        self.etcd.members[0].run("env", *words, "etcdctl", "txn", input=said)

    def keys(self) -> list[str]:
        """Give the keys of all leases."""
        return self.etcd.keys(LEASES)

    def stand_in(self) -> None:
        """Let another cluster answer where ours did, with a configuration and leases of its own.

        Not noted in the lab's ledger: whoever takes the lab down ends whatever is inside.
        """
        for member in self.etcd.members:
            words = [f"{word}x" if "token=" in word else word for word in member.argv()]
            words = [f"{word}-other" if "--data-dir=" in word else word for word in words]
            with member.log.open("ab") as log:
                self._strangers.append(
                    member.namespace.popen(
                        ["env", "ETCD_UNSUPPORTED_ARCH=arm64", *words],
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        start_new_session=True,
                    )
                )
        healthy = ("endpoint", "health")
        wait_for(
            lambda: self.etcd.ctl(*healthy, check=False).returncode == 0,
            what="the other cluster",
            within=20.0,
        )
        self.configure('{"Network": "10.99.0.0/16", "Backend": {"Type": "host-gw"}}')
        self.lease("10.99.7.0-24", "198.18.8.7")

    def send_away(self) -> None:
        """End the other cluster, and lose its data."""
        for process in self._strangers:
            process.kill()
            process.wait()
        self._strangers.clear()
        for member in self.etcd.members:
            shutil.rmtree(f"{member.data}-other", ignore_errors=True)

    # -- what hosts say ---------------------------------------------------------------------------

    def ours(self, number: int) -> dict[str, str]:
        """Give destination and gateway of our routes on a host, as `ip` sees them."""
        found = self.hosts[number].ip_json("-4", "route", "show", "proto", str(OURS))
        return {each["dst"]: each.get("gateway", "") for each in found}

    def held(self, number: int) -> frozenset[str]:
        """Give the subnets whose routes a host's daemon says that it holds on to."""
        status, body = self.hosts[number].http("/v1/peers")
        assert status == HTTPStatus.OK, body
        return frozenset(
            subnet
            for peer in json.loads(body)
            if peer["state"] == "held"
            for subnet in peer["subnets"]
        )
