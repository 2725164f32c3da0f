"""A machine with a real systemd in it: a container by systemd-nspawn over the Debian tree.

The tree is the lower half of an overlay in a mount namespace that ends with the container, so
nothing of it is left and the tree stays as it was. The container gets a network namespace that the
test made, and a control group of its own: two of them on one host never meet. It is not registered
anywhere (the host may have no systemd), so commands go in by `nsenter`.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from support.waiting import eventually

# An overlay whose upper half is in memory; then the container takes the shell's place, and its id.
_SCRIPT = """
set -eu
for folder in $CGROUPS; do echo $$ > "$folder/cgroup.procs"; done
mount -t tmpfs -o mode=0755 tmpfs "$WORK"
mkdir "$WORK/upper" "$WORK/work" "$WORK/$MACHINE"
mount -t overlay overlay -o "lowerdir=$TREE,upperdir=$WORK/upper,workdir=$WORK/work" \
    "$WORK/$MACHINE"
exec systemd-nspawn --register=no --keep-unit --quiet --console=pipe --machine="$MACHINE" \
    --directory="$WORK/$MACHINE" "$@"
"""


@dataclass
class Machine:
    """`binds` maps a path in the container to what is to be seen there, read-only."""

    tree: Path
    folder: Path
    binds: Mapping[str, Path] = field(default_factory=dict)
    writable: Mapping[str, Path] = field(default_factory=dict)
    network: Path | None = None
    name: str = field(default_factory=lambda: f"hgt-{secrets.token_hex(4)}")
    process: subprocess.Popen[bytes] | None = None
    leader: int = 0

    def once(self, *argv: str, timeout: float = 120) -> str:
        """Run one command in the tree, without systemd, and give what it prints."""
        done = subprocess.run(
            self._command("--as-pid2", *argv),
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        self._clean()
        assert done.returncode == 0, f"{argv}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done.stdout

    def boot(self) -> Machine:
        """Start systemd and wait until it has reached its default target."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "console").open("wb") as console:
            self.process = subprocess.Popen(
                self._command("--boot", "--kill-signal=SIGRTMIN+3"),
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
            )
        try:
            self.leader = eventually(self._find_leader, within=30, what="systemd in the container")
            eventually(self._is_up, within=60, what="the default target")
        except BaseException:
            self.stop()
            raise
        return self

    def run(self, *argv: str, check: bool = True, timeout: float = 60) -> str:
        """Run a command in all namespaces of the container and give what it prints."""
        done = subprocess.run(
            ["nsenter", "--target", str(self.leader), "--all", "--", *argv],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if check:
            assert done.returncode == 0, f"{argv}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout

    def show(self, unit: str, *properties: str) -> dict[str, str]:
        """Give properties of a unit, as systemd itself sees them."""
        said = self.run("systemctl", "show", unit, f"--property={','.join(properties)}")
        return dict(line.split("=", 1) for line in said.splitlines() if "=" in line)

    def journal(self, unit: str) -> str:
        """Give the end of what a unit has logged."""
        return self.run("journalctl", "--no-pager", "--lines=80", f"--unit={unit}", check=False)

    def write(self, path: str, text: str) -> None:
        """Write a file in the container."""
        place = Path(f"/proc/{self.leader}/root{path}")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def stop(self) -> None:
        """End the container and all that it has left on the host."""
        if self.process is not None:
            if self.process.poll() is None and self.leader:
                os.kill(self.leader, signal.SIGRTMIN + 3)
            try:
                self.process.wait(15 if self.leader else 0)
            except subprocess.TimeoutExpired:
                # The container is a process namespace: it ends with its first process.
                self.process.kill()
                self.process.wait()
            self.process, self.leader = None, 0
        self._clean()

    def _command(self, *arguments: str) -> list[str]:
        options = [f"--bind-ro={source}:{place}" for place, source in self.binds.items()]
        options += [f"--bind={source}:{place}" for place, source in self.writable.items()]
        if self.network is None:
            options.append("--private-network")
        else:
            # Only for a network of its own making does nspawn leave this capability.
            options += [f"--network-namespace-path={self.network}", "--capability=CAP_NET_ADMIN"]
        # It ends with the tests, whatever becomes of them.
        shell = [
            "setpriv",
            "--pdeathsig",
            "KILL",
            "unshare",
            "--mount",
            "--propagation",
            "private",
            "sh",
            "-c",
            _SCRIPT,
            "sh",
        ]
        return [*shell, *options, *arguments]

    def _environment(self) -> dict[str, str]:
        work = self.folder / "overlay"
        work.mkdir(parents=True, exist_ok=True)
        groups = self._groups()
        for group in groups:
            group.mkdir(exist_ok=True)
        return {
            "PATH": os.environ["PATH"],
            # /proc/sys/net is to be written to, as on a machine: its network is its own.
            "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network",
            "CGROUPS": " ".join(str(group) for group in groups),
            "WORK": str(work),
            "TREE": str(self.tree),
            "MACHINE": self.name,
        }

    def _groups(self) -> list[Path]:
        """Our control group in each hierarchy that systemd uses: version 2, or 1, or both."""
        top = Path("/sys/fs/cgroup")
        if (top / "cgroup.controllers").exists():
            return [top / self.name]
        return [top / part / self.name for part in ("systemd", "unified") if (top / part).exists()]

    def _find_leader(self) -> int:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "console").read_text()
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        for child in children.split():
            try:
                status = Path(f"/proc/{child}/status").read_text()
            except FileNotFoundError:
                continue  # one of nspawn's own, which has done its work
            # The first process of a process namespace: 1 in there.
            if re.search(r"^NSpid:\s+\d+\s+1$", status, re.MULTILINE):
                return int(child)
        return 0

    def _is_up(self) -> bool:
        state = self.run("systemctl", "is-system-running", check=False).strip()
        return state in {"running", "degraded"}

    def _clean(self) -> None:
        for group in self._groups():
            eventually(partial(_removed, group), what=f"{group} to be empty")
        shutil.rmtree(Path("/run/systemd/nspawn/propagate") / self.name, ignore_errors=True)


def _removed(group: Path) -> bool:
    """Remove a control group with those below it; tell whether it is gone."""
    try:
        for folder, _, _ in os.walk(group, topdown=False):
            Path(folder).rmdir()
    except OSError:
        return False
    return True


def installed(tree: Path, wheel: Path, wheels: Path, into: Path) -> Sequence[str]:
    """Install the wheel in a clean environment at /opt/hostgw, kept in `into`; offline.

    Give the names of the commands there.
    """
    into.mkdir(parents=True)
    installer = Machine(
        tree,
        into.parent / "installer",
        binds={"/wheels": wheels, f"/wheel/{wheel.name}": wheel},
        writable={"/opt/hostgw": into},
    )
    installer.once(
        "sh",
        "-ec",
        "python3 -m venv /opt/hostgw;"
        f" /opt/hostgw/bin/pip install --quiet --no-index --find-links=/wheels /wheel/{wheel.name}",
    )
    return sorted(path.name for path in (into / "bin").iterdir())
