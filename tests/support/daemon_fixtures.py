"""Fixtures: a site for the session, and for each test a prefix of its own and what lives below it.

Everything of one test lies under one prefix of the shared etcd, with hosts of its own, so that
tests cannot meet.
"""

from __future__ import annotations

import base64
import http.client
import itertools
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, TypeVar

import pytest

from support.daemon import Daemon
from support.site import Host, InsideCtl, Site

MOST_IN_ONE = 128
"""How many writes etcd takes in one transaction (--max-txn-ops)."""
T = TypeVar("T")

NETWORK: dict[str, object] = {"Network": "10.77.0.0/16", "Backend": {"Type": "host-gw"}}


def neighbours(count: int) -> dict[str, str]:
    """Give the subnets of so many peers, each with its gateway: those that tests begin with."""
    return {f"10.77.{n}.0/24": f"192.168.51.{n}" for n in range(201, 201 + count)}


class Cluster:
    """A prefix of a site's etcd, and the hosts and daemons of one test (or one module)."""

    def __init__(self, site: Site, folder: Path, ends: ExitStack) -> None:
        self.site = site
        self.prefix = f"/hgt-{secrets.token_hex(4)}"
        self.daemons: list[Daemon] = []
        self._folder = folder
        self._ends = ends

    @property
    def ctl(self) -> InsideCtl:
        """The witness of the store."""
        return self.site.ctl

    # -- the store ----------------------------------------------------------------------------

    def configure(self, **changes: object) -> None:
        """Write the network's configuration; `changes` go on top, None takes a field away."""
        fields = {**NETWORK, **changes}
        self.put("config", {k: v for k, v in fields.items() if v is not None})

    def put(self, key: str, value: object, *flags: str) -> None:
        """Write a key below the prefix: a text as it is, anything else as JSON."""
        text = value if isinstance(value, str) else json.dumps(value)
        self.ctl.run("put", *flags, f"{self.prefix}/{key}", stdin=text.encode())

    def lease(self, subnet: str, gateway: str, *flags: str) -> None:
        """Write another node's lease, as flannel writes it: `subnet` is spelled 10.77.9.0/24."""
        self.put(f"subnets/{subnet.replace('/', '-')}", flannels(gateway), *flags)

    def populate(self, peers: Mapping[str, str], **changes: object) -> None:
        """Write the network's configuration, as `configure` does, and the leases of these peers."""
        self.configure(**changes)
        for subnet, gateway in peers.items():
            self.lease(subnet, gateway)

    def burst(self, leases: Iterable[tuple[str, str]]) -> None:
        """Write a lease (subnet, gateway) after the other, each a revision of its own, quickly."""
        self.put_quickly(
            (subnet.replace("/", "-").encode(), json.dumps(flannels(gateway)).encode())
            for subnet, gateway in leases
        )

    def put_quickly(self, records: Iterable[tuple[bytes, bytes]]) -> None:
        """Write keys below `subnets/` one after the other, whatever bytes they are."""
        bodies = ({"key": self._key(name), "value": _base64(value)} for name, value in records)
        self._post("/v3/kv/put", bodies)

    def put_together(self, records: Iterable[tuple[bytes, bytes]]) -> None:
        """Write keys below the prefix, as many in each transaction as etcd takes."""
        puts = (
            {"requestPut": {"key": self._below(name), "value": _base64(value)}}
            for name, value in records
        )
        self._post("/v3/kv/txn", ({"success": some} for some in _some(puts, MOST_IN_ONE)))

    def delete_together(self, names: Iterable[bytes]) -> None:
        """Delete keys below the prefix, as many in each transaction as etcd takes."""
        deletes = ({"requestDeleteRange": {"key": self._below(name)}} for name in names)
        self._post("/v3/kv/txn", ({"success": some} for some in _some(deletes, MOST_IN_ONE)))

    def delete_quickly(self, names: Iterable[bytes]) -> None:
        """Delete keys below `subnets/` one after the other, whatever bytes they are."""
        self._post("/v3/kv/deleterange", ({"key": self._key(name)} for name in names))

    def _key(self, name: bytes) -> str:
        return self._below(b"subnets/" + name)

    def _below(self, name: bytes) -> str:
        return _base64(f"{self.prefix}/".encode() + name)

    def _post(self, path: str, bodies: Iterable[Mapping[str, object]]) -> None:
        """Ask etcd's JSON gateway: a process for each would take longer than what is tried."""
        server = self.site.etcd
        with self.site.switch.enter():
            connection = http.client.HTTPConnection(server.host, server.client_port, timeout=5)
            connection.connect()
        with closing(connection):
            for body in bodies:
                connection.request("POST", path, json.dumps(body))
                answer = connection.getresponse()
                assert answer.status == 200, answer.read()
                answer.read()

    def delete(self, *keys: str) -> None:
        """Delete keys below the prefix."""
        for key in keys:
            self.ctl.run("del", f"{self.prefix}/{key}")

    def leases(self) -> dict[str, dict[str, Any]]:
        """Give every lease by its subnet, spelled 10.77.9.0/24, as etcdctl has it."""
        prefix = f"{self.prefix}/subnets/"
        values = self.ctl.values(prefix)
        return {k.removeprefix(prefix).replace("-", "/"): json.loads(v) for k, v in values.items()}

    def key(self, key: str) -> dict[str, Any]:
        """Give a key's mod_revision, create_revision, lease and so on, as etcdctl has them."""
        found = self.ctl("get", f"{self.prefix}/{key}").get("kvs", [])
        return dict(found[0]) if found else {}

    # -- hosts and daemons --------------------------------------------------------------------

    def host(self, **wishes: Any) -> Host:
        """Make a host, as `Site.host` does."""
        return self._ends.enter_context(self.site.host(**wishes))

    def daemon(self, host: Host | None = None, *, node: str = "") -> Daemon:
        """Make a daemon, not started yet, on a new host by default."""
        number = len(self.daemons) + 1
        made = Daemon(
            host or self.host(),
            self._folder / f"d{number}",
            node=node or f"node{number}",
            prefix=self.prefix,
            endpoints=self.site.endpoints,
        )
        self.daemons.append(made)
        self._ends.callback(made.kill)
        return made


def _some(things: Iterable[T], count: int) -> Iterator[list[T]]:
    """Cut into lists of so many."""
    rest = iter(things)
    while some := list(itertools.islice(rest, count)):
        yield some


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def flannels(gateway: str, **more: object) -> dict[str, object]:
    """Give the value of a lease in flannel's words."""
    return {"PublicIP": gateway, "PublicIPv6": None, "BackendType": "host-gw", **more}


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Make the site that the session shares."""
    with Site.build(tmp_path_factory.mktemp("site")) as made:
        yield made


@pytest.fixture
def cluster(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Make a cluster of the test's own, its network configured, without a daemon yet."""
    with ExitStack() as ends:
        made = Cluster(site, tmp_path_factory.mktemp("c"), ends)
        made.configure()
        yield made


@pytest.fixture(scope="module")
def shared(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Make a cluster that the module's tests share, its network configured."""
    with ExitStack() as ends:
        made = Cluster(site, tmp_path_factory.mktemp("m"), ends)
        made.configure()
        yield made
