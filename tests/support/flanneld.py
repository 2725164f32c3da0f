"""A stand-in for flanneld in etcd mode (host-gw, IPv4): a program that is run inside a host.

It leaves the same traces as flannel v0.28.9 does: keys, values, etcd leases, routes, rules,
`subnet.env` (docs/flannel.md says which, and how they were found). It works through `etcdctl`, `ip`
and `iptables` alone: nothing of the programs under test is in it.

SIGUSR1 makes a renewal due at once. Not here: the resync of rules every 5 s.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import random
import re
import select
import signal
import subprocess
import sys
import time
from ipaddress import IPv4Interface, IPv4Network
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

from support.flannel_kernel import Routes, log, run, set_rules

TTL = 86400  # seconds; local_manager.go, subnetTTL: a constant
CHECK = 10.0  # seconds; route_network.go, routeCheck
# subnet.go, subnetRegex: open at its start, a dot is any character.
KEY = re.compile(r"(\d+\.\d+.\d+.\d+)-(\d+)(?:&([a-f\d:]+)-(\d+))?$")


class Record(NamedTuple):
    """A lease of somebody, as flannel keeps it."""

    subnet: IPv4Network
    gateway: str
    backend: str


class Etcd:
    """etcd by way of etcdctl."""

    def __init__(self, endpoints: str) -> None:
        self.command = ("env", "ETCDCTL_API=3", "etcdctl", f"--endpoints={endpoints}")

    def ask(self, *words: str, text: str | None = None) -> Any:
        """Run a command of etcdctl and read its JSON."""
        return json.loads(run(*self.command, "-w", "json", *words, text=text))

    def put(self, key: str, value: str) -> None:
        """Write a key on a new etcd lease, whatever stands there: `updateSubnet`."""
        lease = self.ask("lease", "grant", str(TTL))["ID"]
        run(*self.command, "put", f"--lease={lease:x}", key, "--", value)

    def create(self, key: str, value: str) -> bool:
        """Write a key if that very key is not there: `createSubnet`."""
        lease = self.ask("lease", "grant", str(TTL))["ID"]
        quoted = value.replace('"', '\\"')
        text = f'ver("{key}") = "0"\n\nput --lease={lease:x} "{key}" "{quoted}"\n\n\n'
        return bool(self.ask("txn", text=text).get("succeeded"))

    def watch(self, prefix: str, revision: int) -> subprocess.Popen[bytes]:
        """Follow what changes from a revision on, a line of JSON a response; it dies with us."""
        words = ["watch", "--prefix", f"--rev={revision}", "-w", "json", prefix]
        argv = ["setpriv", "--pdeathsig", "KILL", *self.command, *words]
        return subprocess.Popen(argv, stdout=subprocess.PIPE)


def key_of(entry: dict[str, Any]) -> str:
    """Read the key of an entry or event."""
    return base64.b64decode(entry["key"]).decode()


def record_of(entry: dict[str, Any]) -> Record | None:
    """Understand an entry; None for one that flannel cannot read."""
    found = KEY.search(key_of(entry))
    try:
        value = json.loads(base64.b64decode(entry.get("value", "")))
        subnet = IPv4Network(f"{found[1]}/{found[2]}") if found else None
        gateway, backend = value["PublicIP"], value["BackendType"]
    except (ValueError, TypeError, KeyError):
        return None
    return Record(subnet, gateway, backend) if subnet else None


class Flanneld:
    """One process of it."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.etcd = Etcd(options.etcd_endpoints)
        self.prefix = f"{options.etcd_prefix}/subnets"  # without a slash at its end
        self.routes = Routes(options.iface)
        (link,) = json.loads(run("ip", "-json", "-4", "address", "show", "dev", options.iface))
        self.address: str = link["addr_info"][0]["local"]
        self.mtu: int = link["mtu"]
        self.renew_at = inf  # seconds of time.monotonic
        self.asked = False

    @property
    def value(self) -> str:
        """What stands under the key of our lease."""
        return f'{{"PublicIP":"{self.address}","PublicIPv6":null,"BackendType":"host-gw"}}'

    def list(self) -> tuple[list[Record], int]:
        """List the leases; what cannot be read is passed over."""
        answer = self.etcd.ask("get", "--prefix", self.prefix)
        records = map(record_of, answer.get("kvs", []))
        return [each for each in records if each], answer["header"]["revision"]

    def config(self) -> tuple[IPv4Network, int]:
        """Wait for the network's configuration."""
        key = f"{self.options.etcd_prefix}/config"
        while not (found := self.etcd.ask("get", key).get("kvs")):
            log("Couldn't fetch network config")
            time.sleep(1)
        config = json.loads(base64.b64decode(found[0]["value"]))
        return IPv4Network(config["Network"]), config.get("SubnetLen", 24)

    def acquire(self, network: IPv4Network, length: int) -> IPv4Network:
        """Take the lease with our address, else the subnet of the file, else a free one."""
        leases, _ = self.list()

        def fits(subnet: IPv4Network) -> bool:
            return subnet.prefixlen == length and subnet.subnet_of(network)

        mine = next((each.subnet for each in leases if each.gateway == self.address), None)
        if mine is not None and fits(mine):
            log(f"Found lease (ip: {mine}) for current IP ({self.address}), reusing")
            self.etcd.put(self.key(mine), self.value)
            return mine
        if mine is not None:
            run(*self.etcd.command, "del", self.key(mine))
        taken = [each.subnet for each in leases]
        before = self.previous()
        if before is not None and before not in taken and fits(before):
            log(f"Found previously leased subnet ({before}), reusing")
            chosen = before
        else:
            free = list(network.subnets(new_prefix=length))[1:]
            free = [each for each in free if not any(map(each.overlaps, taken))]
            chosen = random.choice(free[:100])
        if not self.etcd.create(self.key(chosen), self.value):
            sys.exit("subnet already exists")
        return chosen

    def key(self, subnet: IPv4Network) -> str:
        """Name the lease of a subnet."""
        return f"{self.prefix}/{subnet.network_address}-{subnet.prefixlen}"

    def previous(self) -> IPv4Network | None:
        """Give the subnet that the file names."""
        path = Path(self.options.subnet_file)
        text = path.read_text() if path.exists() else ""
        found = re.search("^FLANNEL_SUBNET=(.+)$", text, re.MULTILINE)
        return IPv4Interface(found[1]).network if found else None

    def write_file(self, network: IPv4Network, subnet: IPv4Network) -> None:
        """Write `subnet.env`."""
        masquerade = "true" if self.options.ip_masq else "false"
        Path(self.options.subnet_file).write_text(
            f"FLANNEL_NETWORK={network}\n"
            f"FLANNEL_SUBNET={subnet.network_address + 1}/{subnet.prefixlen}\n"
            f"FLANNEL_MTU={self.mtu}\n"
            f"FLANNEL_IPMASQ={masquerade}\n"
        )

    def follow(self, own: IPv4Network) -> None:
        """Keep the routes to all others, until our own key goes."""
        records, revision = self.list()
        for each in records:
            if each.subnet != own:
                self.added(each)
        watch = self.etcd.watch(self.prefix, revision + 1)
        assert watch.stdout is not None
        try:
            rest, due = b"", time.monotonic() + CHECK
            while True:
                if select.select([watch.stdout], [], [], 0.1)[0]:
                    data = os.read(watch.stdout.fileno(), 1 << 20)
                    if not data:
                        sys.exit("etcdctl has ended")
                    *lines, rest = (rest + data).split(b"\n")
                    for line in filter(None, lines):
                        for event in json.loads(line).get("Events") or []:
                            self.heard(event, own)
                if time.monotonic() > due:
                    due = time.monotonic() + CHECK
                    self.routes.recover()
                if self.asked or time.monotonic() >= self.renew_at:
                    self.asked, self.renew_at = False, inf
                    self.etcd.put(self.key(own), self.value)
                    log("Lease renewed")
        finally:
            watch.kill()
            watch.wait()

    def heard(self, event: dict[str, Any], own: IPv4Network) -> None:
        """Follow one change; one that cannot be read withdraws *every* route."""
        entry, found = event["kv"], KEY.search(key_of(event["kv"]))
        deleted = event.get("type") == 1
        if deleted and found:
            subnet = IPv4Network(f"{found[1]}/{found[2]}")
            if subnet == own:
                log("Lease has been revoked. Shutting down daemon.")
                sys.exit(0)
            if subnet in self.routes.known:
                self.routes.remove(subnet)
            return
        record = record_of(entry)
        if record is None:
            log("error parsing etcd event")
            for subnet in list(self.routes.known):
                self.routes.remove(subnet)
        elif record.subnet == own:
            # Whoever wrote it: its etcd lease says when it is to be renewed, which may be now.
            left = self.etcd.ask("lease", "timetolive", f"{entry.get('lease', 0):x}")["ttl"]
            margin = 60 * self.options.subnet_lease_renew_margin
            self.renew_at = time.monotonic() + left - margin
        else:
            self.added(record)

    def added(self, record: Record) -> None:
        """Route to a lease of somebody else, wherever it lies."""
        if record.backend != "host-gw":
            log(f"Ignoring non-host-gw subnet: type={record.backend}")
            return
        log(f"Subnet added: {record.subnet} via {record.gateway}")
        self.routes.add(record.subnet, record.gateway)

    def run(self) -> None:
        """Do all of it, in flannel's order. Nothing is taken back at the end."""
        network, length = self.config()
        own = self.acquire(network, length)
        set_rules(network, own, masquerade=self.options.ip_masq)
        self.write_file(network, own)
        log("Running backend.")
        self.follow(own)


def main() -> None:
    """Read the flags (Go's take one hyphen or two) and run."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("-etcd-endpoints", required=True)
    parser.add_argument("-etcd-prefix", default="/coreos.com/network")
    parser.add_argument("-iface", default="eth0")
    parser.add_argument("-subnet-file", default="/run/flannel/subnet.env")
    parser.add_argument("-ip-masq", action="store_true")
    parser.add_argument("-subnet-lease-renew-margin", type=int, default=60)  # minutes
    flanneld = Flanneld(parser.parse_args())

    def renew(_number: int, _frame: object) -> None:
        flanneld.asked = True  # a flag of its own: a reading under way sets the moment anew

    signal.signal(signal.SIGUSR1, renew)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    flanneld.run()


if __name__ == "__main__":
    main()
