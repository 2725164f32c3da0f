"""`hostgwctl`: the operator's command.

Each command, or group of them, lives in a module of its own, which is loaded only when it is
called: what a person types at three in the morning answers at once.

The help shows them by what they are about, and who is asked: this host's daemon over its socket, or
the store. Every command says which of the two it could not reach, and ends with status 3 if it
needed that one.
"""

from __future__ import annotations

from importlib import import_module

import click

# Name: (module, attribute, one line of help)
COMMANDS = {
    "cleanup": (
        "hostgw_cli.cleanup.command",
        "cleanup",
        "Remove what hostgwd leaves on a host.",
    ),
    "status": ("hostgw_cli.node.status", "status", "How the daemon of this host stands."),
    "events": ("hostgw_cli.node.events", "events", "What changed on this host, why and by whom."),
    "explain": ("hostgw_cli.node.explain", "explain", "Why packets to an address do not arrive."),
    "peers": ("hostgw_cli.node.peers", "peers", "Every other node, its state and the cause."),
    "routes": ("hostgw_cli.node.routes", "routes", "The routes, and how the kernel's differ."),
    "check": ("hostgw_cli.check", "check", "What is wrong on this host, each with its cure."),
    "plan": ("hostgw_cli.node.plan", "plan", "What would change on this host now, and why."),
    "config": ("hostgw_cli.config", "config", "Read, check and write the cluster's network."),
    "docker-options": (
        "hostgw_cli.docker_options",
        "docker_options",
        "What dockerd is to be told of this host's subnet.",
    ),
    "leases": (
        "hostgw_cli.cluster.leases",
        "leases",
        "Who has which subnet: list, show, watch, release.",
    ),
    "trace": ("hostgw_cli.cluster.trace", "trace", "The way between two addresses and back."),
    "graph": ("hostgw_cli.cluster.graph", "graph", "The cluster as a picture."),
    "snapshot": ("hostgw_cli.cluster.snapshot", "snapshot", "Keep the cluster's keys in a file."),
    "bundle": ("hostgw_cli.bundle.command", "bundle", "A support archive, without secrets."),
    "resync": ("hostgw_cli.orders", "resync", "Have the daemon look at everything anew."),
    "pause": ("hostgw_cli.orders", "pause", "Have nothing written to this host for a while."),
    "resume": ("hostgw_cli.orders", "resume", "End a pause, or a drain."),
    "drain": ("hostgw_cli.drain.command", "drain", "Leave the cluster on purpose."),
    "log-level": ("hostgw_cli.orders", "log_level", "Have the daemon log more, or less."),
    "metrics": ("hostgw_cli.metrics", "metrics", "What Prometheus reads of this host's daemon."),
    "version": ("hostgw_cli.version", "version", "Of this command, the daemon and the store."),
    "nodes": ("hostgw_cli.cluster.nodes", "nodes", "Every node, and what is wrong there."),
    "hold": ("hostgw_cli.hold", "hold", "See and decide what is kept though it left the store."),
    "lab": ("hostgw_cli.lab.commands", "lab", "A cluster of network namespaces on this machine."),
    "completion": ("hostgw_cli.completion", "completion", "What a shell needs to complete words."),
}

SECTIONS = {
    "Look at this host": (
        *("status", "check", "peers", "routes", "plan", "explain", "events", "metrics", "bundle"),
        "docker-options",
    ),
    "Act on this host": (*("hold", "pause", "resume", "resync", "log-level", "drain", "cleanup"),),
    "The cluster, by the store": ("nodes", "leases", "trace", "graph", "config", "snapshot"),
    "A cluster to try it on": ("lab",),
    "This command": ("version", "completion"),
}
"""Where the help shows each command, in the order in which somebody new may need them."""

EPILOG = """\b
Begin with `hostgwctl status`, and `hostgwctl explain ADDRESS` where packets do not arrive.
Exit status: 0 done or well, 1 refused or not well, 2 wrong usage,
3 the daemon of this host or the store could not be reached: the message says which."""


class _Lazy(click.Group):
    """A group whose commands are known by name and loaded when called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give the names."""
        return sorted({*COMMANDS, *super().list_commands(ctx)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command."""
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        module, attribute, _ = COMMANDS[cmd_name]
        found: click.Command = getattr(import_module(module), attribute)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show the list without loading what it lists."""
        del ctx
        width = max(map(len, COMMANDS))
        for title, names in SECTIONS.items():
            with formatter.section(title):
                lines = [(f"{n:{width}}", COMMANDS[n][2]) for n in names if n in COMMANDS]
                formatter.write_dl(lines)


@click.command(cls=_Lazy, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="hostgw", prog_name="hostgwctl")
def main() -> None:
    """Operate a cluster of hostgwd."""


if __name__ == "__main__":
    main()
