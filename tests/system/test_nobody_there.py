"""Every command with the store down, with the daemon down, and with both down.

No traceback anywhere; what can be answered from the other one is; and the rest ends with status 3
and says which of the two it could not reach.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hostgw_cli.__main__ import main
from hostgw_cli.cluster.snapshot_file import encode, snapshot_of
from hostgw_core.keys import Keys
from support.daemon import Daemon
from support.daemon_fixtures import Cluster
from support.etcd_server import EtcdCtl, EtcdServer, free_port
from support.hostgwctl import Ctl, commands
from support.lease_entries import listing
from support.waiting import eventually

pytestmark = pytest.mark.root

DAEMON, STORE = "the daemon", "the store"
BOTH, EITHER, NEITHER = "both", "either", "neither"


@dataclass(frozen=True)
class Try:
    """The arguments of a command, and whom it cannot do without.

    `endless`: it goes on while whom it needs is there, and is not tried with that one.
    """

    needs: str
    arguments: tuple[str, ...] = ()
    endless: bool = False


TRIES = {
    "bundle": Try(NEITHER, ("-",)),
    "check": Try(NEITHER),
    "cleanup": Try(NEITHER, ("--dry-run",)),
    "completion": Try(NEITHER, ("bash",)),
    "config get": Try(STORE),
    "config set": Try(STORE, ('{"Network":"10.5.0.0/16","Backend":{"Type":"host-gw"}}',)),
    "config validate": Try(NEITHER, ('{"Network":"10.5.0.0/16","Backend":{"Type":"host-gw"}}',)),
    "docker-options": Try(NEITHER, ("--print",)),
    "drain": Try(DAEMON, ("--within=1s",)),
    "events": Try(DAEMON),
    "explain": Try(EITHER, ("10.77.9.1",)),
    "graph": Try(EITHER),
    "hold accept": Try(DAEMON, ("--all",)),
    "hold extend": Try(DAEMON, ("--all", "--for=1h")),
    "hold list": Try(DAEMON),
    "leases list": Try(STORE),
    "leases release": Try(STORE, ("10.77.9.0/24",)),
    "leases show": Try(STORE, ("n1",)),
    "leases watch": Try(STORE, endless=True),
    "log-level": Try(DAEMON, ("info",)),
    "metrics": Try(DAEMON),
    "nodes": Try(STORE),
    "pause": Try(DAEMON, ("--for=1s",)),
    "peers": Try(DAEMON),
    "peers --probe": Try(DAEMON),
    "plan": Try(DAEMON),
    "resume": Try(DAEMON),
    "resync": Try(DAEMON),
    "routes": Try(DAEMON),
    "snapshot restore": Try(STORE, ("FILE",)),
    "snapshot save": Try(STORE, ("NEW",)),
    "snapshot show": Try(NEITHER, ("FILE",)),
    "status": Try(DAEMON),
    "trace": Try(EITHER, ("10.77.9.1", "10.77.8.1")),
    "version": Try(BOTH),
}
AFTER = {"drain": "resume"}
"""What is said after a command that leaves little to try behind it."""

ALSO = {"peers --probe"}
"""What is another question by an option."""

NAMES = sorted(name for name in {*commands(), *ALSO} if not name.startswith("lab "))


@pytest.fixture
def words(tmp_path: Path) -> dict[str, str]:
    """Give the files that commands are given."""
    file = tmp_path / "cluster.json"
    file.write_bytes(encode(snapshot_of(Keys("/hgt"), listing(), taken=5.0)))
    return {"FILE": str(file), "NEW": str(tmp_path / "new.json")}


@pytest.fixture(scope="module")
def living(shared: Cluster) -> Iterator[Daemon]:
    """Run a daemon; its store is beyond the reach of who asks it from here."""
    with ExitStack() as ends:
        daemon = shared.daemon()
        ends.callback(daemon.kill)
        yield daemon.start()


def run(name: str, words: dict[str, str], *, store: str, run_dir: str) -> Result:
    """Run a command of the table where a store and a daemon are, or are not."""
    tried = TRIES[name]
    environ = {
        **dict.fromkeys((each for each in os.environ if "ETCD" in each), None),
        "HOSTGW_ETCD_ENDPOINTS": store,
        "HOSTGW_ETCD_PREFIX": "/hgt",
        "HOSTGW_ETCD_REQUEST_TIMEOUT": "1s",
        "HOSTGW_RUN_DIR": run_dir,
    }
    argv = [*name.split(), *(words.get(each, each) for each in tried.arguments)]
    return CliRunner().invoke(main, argv, env=environ)


def judge(name: str, done: Result, *, away: set[str]) -> None:
    """Say whether a command ended as it must, when these are away."""
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
    said = done.stdout_bytes.decode(errors="replace") + done.stderr
    assert "Traceback" not in said
    needs = TRIES[name].needs
    lacks = {
        NEITHER: False,
        DAEMON: DAEMON in away,
        STORE: STORE in away,
        BOTH: bool(away),
        EITHER: away == {DAEMON, STORE},
    }[needs]
    if not lacks:
        assert done.exit_code in {0, 1}, (done.exit_code, said)
        return
    assert done.exit_code == 3, (done.exit_code, said)
    named = {who for who in (DAEMON, STORE) if f"{who} at " in said}
    expected = away & ({needs} if needs in {DAEMON, STORE} else {DAEMON, STORE})
    assert named == expected, said


def nowhere() -> str:
    """Give an address of a store at which nobody listens."""
    return f"http://127.0.0.1:{free_port()}"


def test_every_command_is_tried() -> None:
    """One that is new is added to the table."""
    assert [name for name in NAMES if name not in TRIES] == []


@pytest.mark.parametrize("name", NAMES)
def test_with_neither(name: str, words: dict[str, str]) -> None:
    """Both are named by who can do with either of them."""
    done = run(name, words, store=nowhere(), run_dir="/nowhere")
    judge(name, done, away={DAEMON, STORE})


@pytest.mark.parametrize("name", NAMES)
def test_with_the_daemon_alone(name: str, words: dict[str, str], living: Daemon) -> None:
    """What is about this host is answered as ever."""
    done = run(name, words, store=nowhere(), run_dir=str(living.run_dir))
    judge(name, done, away={STORE})
    if name in AFTER:
        run(AFTER[name], words, store=nowhere(), run_dir=str(living.run_dir))
        eventually(lambda: living.ready)


@pytest.mark.parametrize("name", [name for name in NAMES if not TRIES[name].endless])
def test_with_the_store_alone(
    name: str, words: dict[str, str], etcd_server: EtcdServer, etcdctl: EtcdCtl
) -> None:
    """What is about the cluster is answered as ever."""
    done = run(name, words, store=etcd_server.url, run_dir="/nowhere")
    etcdctl.run("del", "--prefix", "/hgt/")
    judge(name, done, away={DAEMON})


def test_a_process_ends_so_too() -> None:
    """As a shell sees it: a sentence, status 3, and nothing of Python."""
    done: subprocess.CompletedProcess[str] = Ctl(nowhere(), "/hgt")("peers")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("Error: the daemon at /nowhere/hostgwd.sock: it is not there")
