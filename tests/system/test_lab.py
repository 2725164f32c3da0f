import json
import random
import signal
import subprocess
import sys
from ipaddress import IPv4Address, IPv4Interface

import pytest

from hostgw_cli.lab import processes
from hostgw_cli.lab.build import Lab, take_down
from hostgw_cli.lab.conflist import of_subnet_env
from hostgw_cli.lab.echo import ping
from hostgw_cli.lab.ledger import HOME
from hostgw_cli.lab.netns import DIRECTORY, Namespace
from hostgw_cli.lab.pairs import ping_all
from hostgw_cli.lab.topology import LabError, LabSpec
from support.lab_fixtures import lab_name, left_behind
from support.waiting import eventually

pytestmark = pytest.mark.root

CTL = [sys.executable, "-P", "-m", "hostgw_cli"]


def ctl(*arguments, check=True):
    """Run `hostgwctl lab` in a process of its own."""
    return subprocess.run(
        [*CTL, "lab", *arguments], capture_output=True, text=True, timeout=120, check=check
    )


def root_namespace():
    """Read the machine's own namespace, without the clocks in it."""
    seen = {}
    for what in (["link"], ["address"], ["route"], ["-6", "route"], ["rule"], ["-6", "rule"]):
        said = subprocess.run(["ip", "-json", *what], capture_output=True, text=True, check=True)
        objects = json.loads(said.stdout or "[]")
        for each in objects:
            each.pop("expires", None)
            for address in each.get("addr_info", []):
                address.pop("valid_life_time", None)
                address.pop("preferred_life_time", None)
        seen[" ".join(what)] = objects
    return seen


def bridged(gateway):
    """Give a CNI list for containers behind a bridge with that address."""
    return of_subnet_env(IPv4Interface(gateway), mtu=1500)


def join(lab):
    """Do by hand what the daemons would do: a subnet for each host, a route for each other."""
    subnets = {host.name: f"10.244.{n}" for n, host in enumerate(lab.hosts, start=1)}
    for host in lab.hosts:
        host.attach_containers(bridged(f"{subnets[host.name]}.1/24"))
        for other in lab.hosts:
            if other is not host:
                gateway = str(other.plan.address.ip)
                host.ip("route", "add", f"{subnets[other.name]}.0/24", "via", gateway)


def test_containers_of_different_hosts_reach_each_other_by_routes_alone(make_lab):
    """With a route for each subnet every container answers every other, and without it none."""
    lab = make_lab(nodes=3, containers=2, daemons=False)
    join(lab)
    pairs = ping_all(lab.containers, count=1)
    assert len(pairs) == 30
    assert [str(each) for each in pairs if not each.echo] == []
    assert sum(each.crosses for each in pairs) == 24
    lab.hosts[0].ip("route", "delete", "10.244.2.0/24")
    assert not lab.hosts[0].container(0).ping(lab.hosts[1].container(0), within=0.3)
    assert lab.hosts[0].container(0).ping(lab.hosts[2].container(1))


def test_a_host_whose_power_was_cut_comes_back_with_its_disk_alone(make_lab):
    """Power off ends every process and container of one host; power on makes an empty machine."""
    lab = make_lab(nodes=2, daemons=False)
    join(lab)
    host, other = lab.hosts
    assert ping(other.namespace, host.plan.address.ip)
    guest = host.namespace.popen(["sleep", "1000"])
    eventually(lambda: guest.pid in host.namespace.pids())
    disk = host.folder / "state"
    disk.mkdir(parents=True)
    host.power_off()
    assert guest.wait(5) == -signal.SIGKILL
    assert not host.namespace.exists
    assert not ping(other.namespace, host.plan.address.ip, within=0.2)
    host.power_on()
    assert disk.exists()
    assert host.ip_json("route", "show", "10.244.0.0/16") == []
    assert ping(other.namespace, host.plan.address.ip)
    host.attach_containers(bridged("10.244.1.1/24"))
    assert host.container(0).ping(IPv4Address("10.244.1.1"))


def test_the_root_namespace_is_as_it_was(make_lab):
    """No link, address, route or rule appears outside the lab, while it stands or afterwards."""
    before = root_namespace()
    lab = make_lab(nodes=2, daemons=False)
    join(lab)
    assert root_namespace() == before
    lab.down()
    assert root_namespace() == before


def test_a_lab_that_is_down_has_left_nothing(make_lab):
    """After `down` there is no namespace, no process and no file of it, and none of its guests."""
    lab = make_lab(nodes=2, daemons=False)
    guest = lab.hosts[0].container(0).namespace.popen(["sleep", "1000"])
    eventually(lambda: guest.pid in processes.inhabitants([lab.hosts[0].container(0).namespace]))
    member = lab.etcd.members[0].process
    assert member is not None
    assert member.alive
    assert left_behind(lab.spec.name)
    lab.down()
    assert left_behind(lab.spec.name) == []
    assert not member.alive
    assert guest.wait(5) == -signal.SIGKILL


def test_two_labs_stand_side_by_side(make_lab):
    """The same addresses in two labs do not meet, and the end of one is nothing to the other."""
    one, other = make_lab(nodes=2, daemons=False), make_lab(nodes=2, daemons=False)
    join(one)
    join(other)
    other.etcd.ctl("put", "/who", "other")
    other.hosts[1].unplug()
    assert one.etcd.ctl("get", "/who").stdout == ""
    assert one.containers[0].ping(one.containers[1])
    other.down()
    assert one.containers[0].ping(one.containers[1])
    assert one.etcd.ctl("endpoint", "health").returncode == 0


def test_a_name_that_is_taken_is_refused_and_its_lab_unharmed(make_lab):
    """A second lab of the same name is refused with the cure; the first goes on."""
    lab = make_lab(nodes=1, daemons=False)
    with pytest.raises(LabError, match=f"lab down --name {lab.spec.name}"):
        Lab.build(lab.spec)
    assert lab.etcd.ctl("endpoint", "health").returncode == 0
    assert lab.hosts[0].namespace.exists


def test_a_steady_ping_counts_what_is_lost_on_the_way(make_lab):
    """A ping that goes on loses nothing over a quiet network and something over a pulled cable."""
    lab = make_lab(nodes=2, daemons=False)
    join(lab)
    one, other = lab.containers
    with one.ping_steadily(other, interval=0.01) as quiet:
        assert one.ping(other, count=20)
    assert quiet.result.sent >= 10
    assert quiet.result.lost == 0
    with one.ping_steadily(other, interval=0.01) as broken:
        lab.hosts[1].unplug()
        assert not one.ping(other, count=5, within=0.2)
        lab.hosts[1].plug()
        eventually(lambda: one.ping(other, within=0.2))
    assert broken.result.lost > 0
    assert broken.result.received > 0


def test_three_members_are_one_store_also_when_one_is_frozen(make_lab):
    """A frozen member leaves a quorum; two frozen members do not; resumed, all answer again."""
    lab = make_lab(nodes=1, etcd=3, daemons=False)
    assert len(lab.etcd.ctl_json("member", "list")["members"]) == 3
    lab.etcd.pause([2])

    def put():
        words = ["put", "/a", "1", "--command-timeout=3s"]
        return lab.etcd.ctl(*words, members=[0], check=False).returncode == 0

    eventually(put)
    lab.etcd.pause([1])
    assert not put()
    lab.etcd.resume([1, 2])
    lab.etcd.wait_healthy()
    assert lab.etcd.keys() == ["/a", "/coreos.com/network/config"]


def test_a_wiped_store_is_empty_and_answers(make_lab):
    """After a wipe no key is left and the revision begins again."""
    lab = make_lab(nodes=1, daemons=False)
    assert lab.etcd.keys() == ["/coreos.com/network/config"]
    lab.etcd.wipe()
    assert lab.etcd.keys() == []


def test_the_commands_show_the_lab_run_in_it_and_remove_it():
    """`up`, `status`, `exec`, `down` work from one process to the next, as a person calls them."""
    name = lab_name()
    try:
        said = ctl("up", "--no-daemons", "--nodes=2", "--name", name).stdout
        assert f"hostgwctl lab down --name {name}" in said
        status = ctl("status", "--name", name).stdout
        assert [line.split()[:2] for line in status.splitlines()[1:]] == [
            ["etcd1", "198.18.255.1"],
            ["n1", "198.18.0.1"],
            ["n2", "198.18.0.2"],
        ]
        inside = ctl("exec", "--name", name, "n2", "--", "ip", "-4", "-o", "address", "show")
        assert "198.18.0.2/16" in inside.stdout
        asked = ctl("exec", "--name", name, "etcd1", "etcdctl", "get", "--prefix", "/")
        assert json.loads(asked.stdout.splitlines()[1])["Network"] == "10.244.0.0/16"
        failed = ctl("exec", "--name", name, "n1", "--", "sh", "-c", "exit 7", check=False)
        assert failed.returncode == 7
        assert "there are" in ctl("exec", "--name", name, "n9", "true", check=False).stderr
    finally:
        said = ctl("down", "--name", name).stdout
    assert f"lab {name} is gone" in said
    assert left_behind(name) == []
    assert "there was no lab" in ctl("down", "--name", name).stdout


def test_a_lab_without_root_is_refused_in_a_sentence():
    """Without root the command says what is missing, and shows no traceback."""
    # The interpreter may lie where nobody else can read: keep the user, drop what makes root.
    code = (
        "import os; os.geteuid = lambda: 1000\n"
        "from hostgw_cli.__main__ import main; main(['lab', 'up'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "run this as root" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("seed", range(8))
def test_ctrl_c_at_any_moment_leaves_nothing_behind(seed):
    """However far `up` has come, an interrupt removes all that was made."""
    name = lab_name()
    moment = random.Random(seed).uniform(0.05, 1.4)
    up = [*CTL, "lab", "up", "--no-daemons", "--nodes=2", "--name", name]
    with subprocess.Popen(up, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            process.send_signal(random.Random(seed).choice([signal.SIGINT, signal.SIGTERM]))
        said = process.communicate(timeout=30)
    left = left_behind(name)
    take_down(name)
    if process.returncode == 0:
        assert "it stands" in said[0]  # it was quicker, and has said so
    else:
        assert left == [], said


def test_what_a_killed_up_has_left_is_removed_by_down():
    """A lab whose maker was killed half way is removed by its name."""
    name = lab_name()
    up = [*CTL, "lab", "up", "--no-daemons", "--nodes=2", "--name", name]
    with subprocess.Popen(up, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        eventually(lambda: Namespace(LabSpec(name=name).prefix + "n2").exists)
        process.kill()
    try:
        assert left_behind(name)
    finally:
        assert take_down(name)
    assert left_behind(name) == []


def test_a_lab_that_a_reboot_ended_is_removed_from_disk():
    """Where /run survives a reboot, dead names and numbers of dead processes are no obstacle."""
    name = lab_name()
    bystander = subprocess.Popen(["sleep", "1000"])
    stale = DIRECTORY / f"{LabSpec(name=name).prefix}n1"
    try:
        DIRECTORY.mkdir(parents=True, exist_ok=True)
        stale.touch(mode=0o000)
        folder = HOME / name
        folder.mkdir(parents=True)
        process = {
            "name": "n1",
            "pid": bystander.pid,
            "started": processes.start_time(bystander.pid),
            "boot": "00000000-0000-0000-0000-000000000000",
            "log": "",
        }
        record = {"spec": {"name": name}, "processes": {"n1": process}}
        (folder / "lab.json").write_text(json.dumps(record))
        assert take_down(name)
        assert left_behind(name) == []
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()
        stale.unlink(missing_ok=True)
