"""The script that makes a machine ready, run with stand-ins for apt-get, dpkg-query and Python.

The real installation is what a fresh machine does with `make test`; here it is asked what it does
when something is missing, fails, or is there already.
"""

import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from support.waiting import eventually

ROOT = Path(__file__).parents[2]
SCRIPTS = [".ci/setup", ".ci/run"]
TOOLS = [
    *["cat", "chmod", "cp", "cut", "date", "dirname", "env", "find", "flock", "grep", "head"],
    *["mkdir", "mv", "pwd", "rm", "sed", "sh", "sha256sum", "sleep", "sort", "tail", "touch"],
    *["uname", "xargs"],
]

APT = """\
echo "apt-get $*" >>"$LOG"
case "$*" in *install*) ;; *) exit 0 ;; esac
"$POLICY_RC_D" etcd start; echo "policy says $?" >>"$LOG"
[ ! -e "$HOLD" ] || { touch "$HOLD.reached"; exec sleep 60; }
[ ! -e "$FAIL" ] || { echo "E: Unable to fetch some archives"; exit 100; }
sed -n 's/^[a-z]*  *\\([a-z0-9-]*\\) .*/installed \\1/p' .ci/packages >"$INSTALLED"
"""
PYTHON = f"""\
case "$*" in
*"-m venv"*) mkdir -p "$VENV/bin"; cp "$0" "$VENV/bin/python"; touch "$VENV/bin/pip" ;;
*"-m pip"*) echo "pip $*" >>"$LOG"; [ ! -e "$FAIL.pip" ] ;;
*) exec {sys.executable} "$@" ;;
esac
"""


class Machine:
    """A checkout with a PATH of its own: stand-ins first, a few real tools, and nothing else."""

    def __init__(self, folder):
        self.checkout = folder / "checkout"
        shutil.copytree(ROOT / ".ci", self.checkout / ".ci")
        shutil.copy(ROOT / "pyproject.toml", self.checkout)
        self.bin = folder / "bin"
        self.bin.mkdir()
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found, tool
            (self.bin / tool).symlink_to(found)
        self.log, self.fail, self.hold = folder / "log", folder / "fail", folder / "hold"
        self.policy, self.installed = folder / "policy-rc.d", folder / "installed"
        self.log.touch()
        self.installed.write_text("installed coreutils\n")
        self.stand_in("apt-get", APT)
        self.stand_in("dpkg-query", 'cat "$INSTALLED"')
        self.stand_in("python3", PYTHON)
        self.stand_in("unshare", "exit 0")
        self.stand_in("id", "echo 0")
        self.stand_in("dpkg", "exit 0")

    def stand_in(self, name, script):
        """Put a script in place of a tool."""
        path = self.bin / name
        path.unlink(missing_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def setup(self, purpose="test"):
        """Start the script."""
        environment = {
            "PATH": str(self.bin),
            "LOG": str(self.log),
            "FAIL": str(self.fail),
            "HOLD": str(self.hold),
            "INSTALLED": str(self.installed),
            "POLICY_RC_D": str(self.policy),
            "VENV": str(self.checkout / ".venv"),
        }
        return subprocess.Popen(
            [str(self.checkout / ".ci/setup"), purpose],
            env=environment,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def run(self, purpose="test"):
        """Run the script to its end; give its status and what it said."""
        with self.setup(purpose) as process:
            said, complaint = process.communicate(timeout=30)
            return process.returncode, said + complaint


@pytest.fixture
def machine(tmp_path):
    """Give a machine on which nothing is installed yet."""
    return Machine(tmp_path)


def test_the_first_run_installs_and_says_so_and_the_second_does_nothing(machine):
    """What is there is not installed again, and nothing to do is nothing to say."""
    status, said = machine.run()
    assert status == 0, said
    assert "installing Debian packages" in said
    assert "etcd-server" in said
    log = machine.log.read_text()
    assert "apt-get" in log
    assert "pip" in log
    assert machine.run() == (0, "")
    assert machine.log.read_text() == log


def test_the_demo_needs_less_than_the_tests(machine):
    """For the demo neither the tests' Debian packages nor their Python packages are installed."""
    status, said = machine.run("demo")
    assert status == 0, said
    log = machine.log.read_text()
    assert "etcd-server" in log
    assert "buildah" not in log
    assert "--group" not in log
    machine.run("test")
    assert "--group test --group lint" in machine.log.read_text()


def test_a_changed_pyproject_is_installed_again(machine):
    """A dependency that was added since is there after the next run."""
    machine.run()
    before = machine.log.read_text()
    with (machine.checkout / "pyproject.toml").open("a") as file:
        file.write("\n# changed\n")
    status, said = machine.run()
    assert status == 0, said
    assert "pip" in machine.log.read_text().removeprefix(before)


def test_a_failed_pip_is_tried_again(machine):
    """An environment that is half filled is not taken for a whole one."""
    marker = Path(f"{machine.fail}.pip")
    marker.touch()
    status, said = machine.run()
    assert status == 1
    assert "Is there a network, and does pip reach its index" in said
    marker.unlink()
    assert machine.run()[0] == 0


def test_no_service_is_started_and_the_policy_is_gone_afterwards(machine):
    """While packages are installed the policy forbids every start; afterwards there is none."""
    machine.run()
    assert "policy says 101" in machine.log.read_text()
    assert not machine.policy.exists()


def test_a_policy_that_forbids_is_left_alone(machine):
    """What the administrator has put there is neither moved nor rewritten."""
    machine.policy.write_text("#!/bin/sh\nexit 101\n")
    machine.policy.chmod(0o755)
    before = machine.policy.stat()
    machine.run()
    after = machine.policy.stat()
    assert "policy says 101" in machine.log.read_text()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


@pytest.mark.parametrize("end", ["done", "failed", "killed"])
def test_a_policy_that_allows_is_put_aside_and_back(machine, end):
    """However the installation ends, the administrator's policy is the same file again."""
    machine.policy.write_text("#!/bin/sh\nexit 0 # mine\n")
    machine.policy.chmod(0o750)
    before = machine.policy.stat()
    {"done": machine.bin, "failed": machine.fail, "killed": machine.hold}[end].touch()
    with machine.setup() as process:
        if end == "killed":
            eventually(Path(f"{machine.hold}.reached").exists)
            os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=30)
    assert (process.returncode == 0) == (end == "done")
    assert "policy says 101" in machine.log.read_text()
    assert machine.policy.stat().st_ino == before.st_ino
    assert stat.S_IMODE(machine.policy.stat().st_mode) == 0o750
    assert "mine" in machine.policy.read_text()
    assert [each.name for each in machine.policy.parent.glob("policy*")] == ["policy-rc.d"]


def test_a_policy_that_a_killed_run_has_put_aside_is_found_again(machine):
    """The next run puts back what one that could not clean up has moved."""
    Path(f"{machine.policy}.before-hostgw").write_text("#!/bin/sh\nexit 101 # mine\n")
    Path(f"{machine.policy}.before-hostgw").chmod(0o755)
    machine.policy.write_text("#!/bin/sh\nexit 101\n")
    machine.run()
    assert "mine" in machine.policy.read_text()


def test_without_root_it_says_so(machine):
    """Nothing is touched, and the sentence has the command."""
    machine.stand_in("id", "echo 1000")
    status, said = machine.run("demo")
    assert status == 1
    assert "run `sudo make demo`" in said
    assert machine.log.read_text() == ""


def test_on_another_distribution_it_says_so(machine):
    """The sentence says what machine would do."""
    (machine.bin / "apt-get").unlink()
    status, said = machine.run()
    assert status == 1
    assert "Debian and Ubuntu only" in said


def test_without_a_network_it_says_so_and_shows_why(machine):
    """The end of apt's own words is there, and the cure."""
    machine.fail.touch()
    status, said = machine.run()
    assert status == 1
    assert "E: Unable to fetch some archives" in said
    assert "Is there a network, and does apt reach its servers" in said
    assert not machine.policy.exists()


def test_with_an_old_python_it_says_so(machine):
    """The sentence names the version that was found and the packages that cure it."""
    machine.stand_in("python3", 'case "$*" in -V) echo Python 3.9.2 ;; *) exit 1 ;; esac')
    status, said = machine.run()
    assert status == 1
    assert "needs Python 3.11 or newer and found Python 3.9.2" in said


def test_a_newer_python_beside_an_old_one_is_found(machine):
    """`python3` may be something else: python3.11 and newer are looked for by name."""
    machine.stand_in("python3", 'case "$*" in -V) echo Python 3.9.2 ;; *) exit 1 ;; esac')
    machine.stand_in("python3.12", PYTHON)
    status, said = machine.run()
    assert status == 0, said


def test_in_a_container_without_privileges_it_says_so(machine):
    """Where the kernel gives no namespaces there can be no lab: better told at once."""
    machine.stand_in("unshare", "exit 1")
    status, said = machine.run()
    assert status == 1
    assert "--privileged" in said


def test_every_package_has_its_reason():
    """Each line of the list has what needs it, the package, and why."""
    for line in (ROOT / ".ci/packages").read_text().splitlines():
        if line and not line.startswith("#"):
            purpose, package, reason = line.split(maxsplit=2)
            assert purpose in ("demo", "test"), line
            assert package == package.lower()
            assert len(reason.split()) > 1, line


def test_the_scripts_are_clean_for_shellcheck():
    """Shellcheck finds nothing in the scripts."""
    done = subprocess.run(
        ["shellcheck", *SCRIPTS], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout == ""
    assert done.returncode == 0


def test_make_explains_itself():
    """`make` alone does nothing but list its targets, and each of them can be read by make."""
    said = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    targets = [line.split()[1] for line in said.splitlines() if line.startswith("  make ")]
    assert {"help", "setup", "demo", "test", "lint", "clean"} <= set(targets)
    subprocess.run(["make", "-n", *targets], cwd=ROOT, capture_output=True, check=True)
