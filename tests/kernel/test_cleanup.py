"""What hostgwd leaves, made by hand in a namespace, and removed by the command in a process."""

import socket
import sys
from subprocess import DEVNULL, PIPE

import pytest

from support.waiting import eventually

pytestmark = pytest.mark.root

MARKED = """
ip route add 10.244.1.0/24 via 10.9.0.2 metric 1100 proto 104
ip route append 10.244.1.0/24 via 10.9.0.3 metric 1100 proto 104
ip route add 10.244.2.0/24 metric 1200 proto 104 nexthop via 10.9.0.2 nexthop via 10.9.0.3
ip route add 10.244.3.0/24 via inet6 fd09::7 dev u0 proto 104
ip route add blackhole 10.244.9.0/24 proto 104 metric 3
ip route add unreachable 10.244.0.0/16 proto 104 table 77
ip -6 route add fd01::/64 via fd09::2 metric 2300 proto 104
ip -6 route add fd02::/64 metric 2300 proto 104 nexthop via fd09::2 nexthop via fd09::3
ip -6 route add blackhole fd03::/64 proto 104 table 77
nft add table ip hostgw
nft add table ip6 hostgw
iptables-nft -A FORWARD -s 10.244.0.0/16 -m comment --comment "hostgw: from a pod" -j ACCEPT
ip6tables-nft -A FORWARD -d fd00::/48 -m comment --comment "hostgw: to a pod" -j ACCEPT
ip link add link u0 name hostgw0 group 104 type macvlan mode bridge
ip neigh add 10.9.0.2 dev u0 managed extern_learn proto 104
"""
FOREIGN = """
ip route add 10.244.1.0/24 via 10.9.0.4 metric 7
ip route add 10.244.5.0/24 via 10.9.0.4 proto 105
ip -6 route add fd01::/64 via fd09::4 metric 7 proto 4
nft add table inet hostgw
iptables-nft -A FORWARD -s 10.244.0.0/16 -m comment --comment "somebody's" -j ACCEPT
ip6tables-nft -A FORWARD -s fd00::/48 -j ACCEPT
ip link add link u0 name theirs type macvlan mode bridge
ip link set u1 group 104
ip neigh add 10.9.0.3 dev u0 managed extern_learn proto 105
ip neigh add 10.9.0.4 dev u0 lladdr 02:00:00:00:00:01 nud permanent proto 104
"""


@pytest.fixture
def host(make_netns):
    """Make a host with a link in both families, and with things of others."""
    made = make_netns()
    made.run("sh", "-ec", "ip link add u0 type veth peer name u1")
    made.run("sh", "-ec", "ip addr add 10.9.0.1/16 dev u0; ip addr add fd09::1/64 dev u0 nodad")
    made.run("sh", "-ec", "ip link set u0 up; ip link set u1 up")
    made.run("sh", "-ec", FOREIGN)
    return made


@pytest.fixture
def paths(tmp_path):
    """Write the files of a daemon that serves two networks, and one of somebody else."""
    folder, conf = tmp_path / "flannel", tmp_path / "net.d"
    (folder / "networks").mkdir(parents=True)
    conf.mkdir()
    for path in (
        folder / "subnet.env",
        folder / "networks/blue.env",
        conf / "10-hostgw.conflist",
        conf / "99-hostgw-blue.conflist",
        conf / "20-other.conflist",
    ):
        path.write_text("{}")
    return [f"--subnet-file={folder / 'subnet.env'}", f"--cni-conf={conf / '10-hostgw.conflist'}"]


def clean(host, *arguments, check=True):
    """Run the command on the host."""
    command = [sys.executable, "-P", "-m", "hostgw_cli", "cleanup", *arguments]
    return host.run(*command, check=check, timeout=60)


def everything(host):
    """Give the host's rules, tables and links, and its routes but for the kernel's own."""
    routes = [
        line
        for family in ("-4", "-6")
        for line in host.ip("-N", "-d", family, "route", "show", "table", "all").splitlines()
        if " proto 2 " not in line
    ]
    links = sorted(each["ifname"] for each in host.ip_json("link", "show"))
    marked = [e for e in host.ip_json("neigh", "show", "nud", "all") if e.get("protocol")]
    kept = sorted(f"{each['dst']} {each['protocol']}" for each in marked)
    return [*routes, host.run("nft", "list", "ruleset").stdout, *links, *kept]


def test_everything_with_our_mark_goes_and_nothing_else(host, paths, tmp_path):
    """Each thing is said; what others have made, also beside ours and like ours, is as before."""
    before = everything(host)
    host.run("sh", "-ec", MARKED)
    done = clean(host, *paths)
    assert everything(host) == before
    said = done.stdout.splitlines()
    assert said[-1] == "19 removed"
    assert sum(line.startswith("removes: ip -4 route delete") for line in said) == 6
    assert f"removes: rm {tmp_path}/net.d/10-hostgw.conflist" in said
    assert [each.name for each in tmp_path.rglob("*") if each.is_file()] == ["20-other.conflist"]
    assert clean(host, *paths).stdout == "nothing to remove\n"


def test_a_dry_run_removes_nothing_and_says_the_same(host, paths, tmp_path):
    """Its words are those of the real run."""
    host.run("sh", "-ec", MARKED)
    before = everything(host)
    would = clean(host, "--dry-run", *paths).stdout
    assert everything(host) == before
    assert (tmp_path / "flannel/subnet.env").exists()
    does = clean(host, *paths).stdout
    assert would.replace("would remove: ", "removes: ") + "19 removed\n" == does


def test_only_one_kind_of_things_goes_where_one_is_named(host, paths):
    """After the way back to flannel, its routes and its subnet.env must stay."""
    host.run("sh", "-ec", MARKED)
    assert "hostgw: " in host.run("iptables-nft", "-S").stdout
    done = clean(host, "--only=rules", "--only=tables", *paths)
    assert done.stdout.splitlines()[-1] == "4 removed"
    assert len(host.ip_json("-4", "route", "show", "table", "all", "proto", "104")) == 6
    assert "hostgw: " not in host.run("iptables-nft", "-S").stdout


def test_beside_a_daemon_nothing_is_removed_unless_forced(host, paths):
    """Whoever holds the daemon's lock is named; --force goes on, and says what will come of it."""
    host.run("sh", "-ec", MARKED)
    with host.enter():
        held = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with held:
        held.bind("\0hostgwd-proto-104")
        held.listen(8)
        before = everything(host)
        done = clean(host, *paths, check=False)
        assert done.returncode == 1
        assert "would put everything back: stop it first" in done.stderr
        assert everything(host) == before
        assert clean(host, "--dry-run", *paths).stdout.count("would remove") == 19
        forced = clean(host, "--force", *paths)
        assert "puts back what is removed" in forced.stderr
        assert "19 removed" in forced.stdout


def test_ten_thousand_routes_go_in_one_run(host, paths):
    """Each family is one run of `ip`, not one a route."""
    lines = (
        f"route add 10.{100 + n // 250}.{n % 250}.0/24 via 10.9.0.2 proto 104" for n in range(10000)
    )
    host.run("ip", "-batch", "-", input="\n".join(lines))
    done = clean(host, "--only=routes", *paths)
    assert done.stdout.splitlines()[-1] == "10000 removed"
    assert host.ip_json("route", "show", "proto", "104") == []


def test_what_cannot_be_removed_is_said_and_is_the_exit_status(host, paths):
    """A table that a living process owns stays: said with nft's sentence and what is left."""
    host.run("sh", "-ec", MARKED)
    with host.popen(["nft", "-i"], stdin=PIPE, stdout=DEVNULL, stderr=DEVNULL, text=True) as owner:
        try:
            orders = "delete table ip hostgw", "add table ip hostgw { flags owner; }"
            print(*orders, sep="\n", file=owner.stdin, flush=True)
            eventually(lambda: "owner" in host.run("nft", "list", "ruleset").stdout)
            done = clean(host, *paths, check=False)
        finally:
            owner.kill()
    assert done.returncode == 1
    assert "failed: `nft delete table ip hostgw`: " in done.stderr
    assert "1 of 19 still there:" in done.stderr
