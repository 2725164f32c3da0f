"""Print docs/hostgwctl.md: every command with a real screen, from a lab of four nodes (root).

    .venv/bin/python docs/capture_screens.py >page && mv page docs/hostgwctl.md

Names, addresses and revisions are those of the run.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from hostgw_cli.__main__ import COMMANDS, SECTIONS
from hostgw_cli.lab.build import Lab
from hostgw_cli.lab.topology import LabSpec

PREFACE = """\
# hostgwctl

<!-- Written by docs/capture_screens.py from a run in a lab: every screen is a real one. -->

What is about this host is asked of its daemon over its unix socket; what is about the cluster, of
the store. A command that needs one of the two and cannot reach it says which, and ends with status
3; one that can answer from the other does (`tests/system/test_nobody_there.py` tries each). All
options: `hostgwctl COMMAND --help`, or hostgwctl(1), which the wheel brings to `share/man/man1`.

| exit status | means |
|---|---|
| 0 | done, or well |
| 1 | refused, with the reason; or not well, where that is what was asked |
| 2 | wrong usage: nothing was done |
| 3 | the daemon of this host or the store could not be reached, or would not: which, is said |

`-o json` and `-o yaml` give all that is known, for programs; what does something, or writes a file,
has no such option. Where a daemon or a store hangs, a command says after a second for whom it
waits. Ctrl-C ends what follows (`--follow`, `--watch`, `leases watch`) with status 0.

In a terminal the columns are fitted to its width, and nothing is cut; in a pipe each row is one
line. Colours are left out in a pipe, and where `NO_COLOR` is set. Words are completed, for this
session, after `eval "$(hostgwctl completion bash)"` (or zsh); for good, and for fish:

    hostgwctl completion bash > /usr/share/bash-completion/completions/hostgwctl
    hostgwctl completion zsh > /usr/local/share/zsh/site-functions/_hostgwctl
    hostgwctl completion fish > ~/.config/fish/completions/hostgwctl.fish

The screens below are those of n1 in a lab of four nodes (`hostgwctl lab up --nodes 4`). Before the
commands marked with * forwarding was switched off on n3. Those marked with ** were typed last of
all, the drain of n1 first. [The last screens](#without-the-daemon-without-the-store) are those of
n1 while its daemon was stopped, and while etcd was.
"""

PICTURE = Path(__file__).with_name("graph.svg")

SCREENS: dict[str, tuple[tuple[str, ...], ...]] = {
    "status": (("status",),),
    "check": (("check",),),
    "peers": (("peers",), ("peers", "--bad", "*"), ("peers", "--probe", "*")),
    "routes": (("routes",), ("routes", "--diff")),
    "plan": (("plan",),),
    "explain": (("explain", "POD3"), ("explain", "POD3", "*")),
    "docker-options": (("docker-options", "--print", "--subnet-file=SUBNETENV"),),
    "events": (("events",),),
    "metrics": (("metrics", "--grep=^hostgw_(ready|routes)"),),
    "bundle": (("bundle", "DIR/support.tar.gz"),),
    "hold": (("hold", "list"),),
    "pause": (("pause", "--for=1m"),),
    "resume": (("resume",),),
    "resync": (("resync",),),
    "log-level": (("log-level", "info"),),
    "drain": (("drain", "**"), ("status", "**"), ("plan", "**")),
    "cleanup": (("cleanup", "--dry-run"), ("cleanup", "--dry-run", "**")),
    "nodes": (("nodes",), ("nodes", "--bad", "**")),
    "leases": (
        ("leases",),
        ("leases", "show", "n2"),
        ("leases", "release", "SUBNET2"),
        ("leases", "release", "SUBNET2", "--force", "--dry-run"),
    ),
    "trace": (("trace", "POD1", "POD2"), ("trace", "POD1", "POD3", "*")),
    "graph": (("graph",), ("graph", "*"), ("graph", "--svg", "DIR/cluster.svg")),
    "config": (("config", "get"),),
    "snapshot": (
        ("snapshot", "save", "DIR/cluster.json"),
        ("snapshot", "show", "DIR/cluster.json"),
        ("snapshot", "restore", "DIR/cluster.json"),
    ),
    "version": (("version",),),
}

AWAY: dict[str, tuple[tuple[str, ...], ...]] = {
    "hostgwd stopped": (("status",), ("peers",), ("explain", "POD2"), ("graph",)),
    "etcd stopped": (("status",), ("leases",), ("explain", "POD2"), ("version",)),
}
"""What is typed while one of the two is away."""

NOTES = {
    "peers": "With `--probe` they are asked now, by every way there is: `host` is a node's own"
    " address, `pod` the way of pods' packets, `forward` shows that it forwards, `big` is as large"
    " as the link takes. More of it in [troubleshooting.md](troubleshooting.md).",
    "leases": "`leases watch` follows what changes, a line each, over an outage of the store too:"
    " `leased`, `gone`, `changed`, `alive`, `silent`, `store_away`, `store_back`. `leases release`"
    " deletes the record only as it was looked at, and only while its node has no presence;"
    " `--reserve` keeps the subnet for that node, `--unreserve` removes its reservation.",
    "trace": "Each direction is decided by the lease of who receives. What this host decides"
    " itself is heard from its daemon and kernel; what the others decide, from the store.",
    "graph": "The SVG has a card for each node, those in trouble first, on the link they share;"
    " each state has a shape and a dash besides its colour:"
    "\n\n![four nodes, one in trouble](graph.svg)",
    "snapshot": "`restore` writes nothing without `--yes`, and then only what is absent, each key"
    " by itself: a key with another value was written by somebody else and stays; a node that lives"
    " writes its own lease. Leases stand for `--ttl` (24 h) unless their nodes take them up. To"
    " daemons that hold routes after a wipe ([reliability.md](reliability.md)) a restored lease is"
    " the return of its node: the hold ends and the route stays as it is"
    " (`tests/system/test_snapshot.py` pings through it).",
    "bundle": "What could not be had is named, here and in `absent.txt` in the archive. Private"
    " keys, passwords, tokens and credentials are taken out by what they look like, and"
    " the password"
    " that this command was given wherever it stands. Node names and addresses stay in it.",
    "hold": "More in [reliability.md](reliability.md#what-to-type).",
    "drain": "The others say in the store that they have let go; who could and does not is named"
    " and waited for, `--wait` long. More in [reliability.md](reliability.md#leaving-on-purpose).",
    "nodes": "What a node says of itself it writes seldom: [store.md](store.md#presence). `--bad`"
    " shows those that are gone or have a trouble, and ends with status 1 if there are any.",
    "lab": "See [lab.md](lab.md).",
    "docker-options": "See [installing.md](installing.md).",
}


class Stage:
    """The lab, and what is typed on its first node."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab = lab
        pods = {f"POD{n}": str(lab.host(f"n{n}").container(0).address) for n in (1, 2, 3)}
        subnet = str(lab.host("n2").subnets()[4])
        self.words = {**pods, "SUBNET2": subnet}
        self.parts = {"DIR": str(folder), "SUBNETENV": str(lab.host("n1").subnet_file)}
        self.folder = folder

    def run(self, *words: str) -> str:
        """Run a command and give its screen."""
        argv = [self.words.get(word, word) for word in words]
        for name, meant in self.parts.items():
            argv = [word.replace(name, meant) for word in argv]
        host = self.lab.host("n1")
        environ = {
            **os.environ,
            "HOSTGW_ETCD_ENDPOINTS": self.lab.topology.endpoints,
            "HOSTGW_SOCKET": str(host.socket),
        }
        with host.namespace.enter():
            done = subprocess.run(
                [sys.executable, "-P", "-m", "hostgw_cli", *argv],
                env=environ,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
        screen = f"$ hostgwctl {shlex.join(argv)}\n{done.stdout.rstrip()}"
        screen += f"\n$ echo $?\n{done.returncode}" if done.returncode else ""
        return self._plain(screen)

    def _plain(self, screen: str) -> str:
        """Leave out where this machine keeps its lab."""
        screen = screen.replace(f"{self.folder}/", "").replace(str(self.lab.host("n1").folder), "")
        lines = [line if len(line) <= 200 else f"{line[:197]}..." for line in screen.splitlines()]
        short = lines if len(lines) <= 32 else [*lines[:30], f"... ({len(lines) - 30} more lines)"]
        return "\n".join(line.rstrip() for line in short)

    def until(self, look: Callable[[], bool]) -> None:
        """Wait for something, half a minute at most."""
        end = time.monotonic() + 30
        while not look() and time.monotonic() < end:
            time.sleep(0.2)

    def trouble(self) -> None:
        """Switch forwarding off on n3, and wait until n1 has seen it."""
        self.lab.host("n3").namespace.run("sysctl", "-qw", "net.ipv4.ip_forward=0")
        self.until(lambda: "not_forwarding" in self.run("peers"))

    def away(self) -> Iterator[tuple[str, list[str]]]:
        """Stop the daemon, then etcd, and give the screens meanwhile; all is put back."""
        host, etcd = self.lab.host("n1"), self.lab.etcd
        for mark, stop, start in (
            ("hostgwd stopped", host.stop_daemon, host.start_daemon),
            ("etcd stopped", etcd.stop, etcd.start),
        ):
            stop()
            if mark == "etcd stopped":
                self.until(lambda: "store_unavailable" in self.run("status"))
            yield mark, [self.run(*words) for words in AWAY[mark]]
            start()
            self.until(lambda: "connected to" in self.run("status"))
        self.until(lambda: "not_forwarding" in self.run("peers"))


MARKS = ("", "*", "**")
"""What stands behind a command that is typed in the quiet, in trouble, and at the end."""


def marked(words: tuple[str, ...]) -> str:
    """Give the mark of a command."""
    return words[-1] if words[-1] in MARKS else ""


def take(stage: Stage, words: tuple[str, ...]) -> str:
    """Run a command and give its screen, with its mark behind what was typed."""
    mark = marked(words)
    screen = stage.run(*(words[:-1] if mark else words))
    return re.sub(r"^(\$ hostgwctl .*)", rf"\1    # {mark}", screen, count=1) if mark else screen


def page(stage: Stage) -> Iterator[str]:
    """Give the page: the quiet screens are taken before the trouble, and put in their place."""
    taken: dict[tuple[str, ...], str] = {}
    away: dict[str, list[str]] = {}
    every = [words for some in SCREENS.values() for words in some if words[0] in COMMANDS]
    for mark in MARKS:
        if mark == "*":
            stage.trouble()
        if mark == "**":
            stage.run("graph", "--svg", str(PICTURE))
        taken |= {words: take(stage, words) for words in every if marked(words) == mark}
        if mark == "*":
            away = dict(stage.away())
    yield PREFACE
    for title, names in SECTIONS.items():
        yield f"## {title}\n"
        for name in names:
            if name not in COMMANDS:
                continue
            yield f"### {name}\n\n{COMMANDS[name][2]}\n"
            if name in NOTES:
                yield f"{NOTES[name]}\n"
            for words in SCREENS.get(name, ()):
                yield f"```console\n{taken[words]}\n```\n"
    yield from last(away)


def last(away: Mapping[str, list[str]]) -> Iterator[str]:
    """Give the end of the page: what is to be had while one of the two is away."""
    yield "## Without the daemon, without the store\n"
    for mark, screens in away.items():
        yield f"With {mark}:\n"
        yield from (f"```console\n{screen}\n```\n" for screen in screens)


def main() -> None:
    """Make the lab, take the screens, print the page."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Lab.up(LabSpec(name="screens", nodes=4, containers=1)) as lab,
    ):
        stage = Stage(lab, Path(folder))
        stage.until(lambda: "unprobed" not in stage.run("graph"))
        print("\n".join(page(stage)).rstrip())


if __name__ == "__main__":
    main()
