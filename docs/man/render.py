"""Print a manual page, hostgwctl.1 or hostgwd.8, from the commands and the settings in the code.

The macros are those of man(7): every roff knows them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import click

from hostgw_cli.__main__ import COMMANDS, SECTIONS, main
from hostgw_cli.connection import PROGRAM as STORE
from hostgw_core import __version__
from hostgw_core.settings.page import heading, meaning
from hostgw_daemon.declarations import PROGRAM as HOSTGWD

STORES = {setting.name.replace("-", "_") for setting in STORE.settings}
DAEMONS = {"run_dir", "at"}
SHAPES = {"output"}

STATUSES = (
    ("0", "Done, or well."),
    ("1", "Refused, with the reason; or not well, where that is what was asked."),
    ("2", "Wrong usage: nothing was done."),
    (
        "3",
        "The daemon of this host or the store could not be reached, or would not: which, is said.",
    ),
)


def escaped(text: str) -> str:
    """Write a text so that roff prints it as it is; a line must not begin with a dot."""
    shown = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{shown}" if shown.startswith((".", "'")) else shown


def title(name: str, section: int, summary: str) -> Iterator[str]:
    """Give the head of a page."""
    yield '.\\" Written by `make docs` from the code; a test compares the two.'
    yield f'.TH {name.upper()} {section} "" "hostgw {__version__}" "hostgw"'
    yield ".SH NAME"
    yield f"{name} \\- {escaped(summary)}"


def paragraphs(text: str, *, first: bool = False) -> Iterator[str]:
    """Give a help text: what click rewraps is a paragraph, what it leaves as it is, is that.

    `first`: it follows a heading, which begins a paragraph of its own.
    """
    for number, block in enumerate(text.replace("\r", "").strip().split("\n\n")):
        lines = block.splitlines()
        verbatim = bool(lines) and lines[0].strip() == "\b"
        if number or not first:
            yield ".PP"
        if verbatim:
            yield ".nf"
        yield from (escaped(line.strip()) for line in lines if line.strip() not in {"\b", ""})
        if verbatim:
            yield ".fi"


def option(each: click.Option) -> Iterator[str]:
    """Give one option."""
    names = ", ".join(f"\\fB{escaped(name)}\\fR" for name in (*each.opts, *each.secondary_opts))
    word = "" if each.is_flag else f" \\fI{escaped(each.make_metavar(click.Context(main)))}\\fR"
    yield ".TP"
    yield f"{names}{word}"
    default = each.default
    shown = (
        f" Default: {default}." if each.show_default and default not in (None, "", False) else ""
    )
    yield escaped(f"{each.help or ''}{shown}")


def command(words: str, found: click.Command) -> Iterator[str]:
    """Give a command, or a group and what is in it."""
    context = click.Context(found, info_name=words)
    usage = " ".join(found.collect_usage_pieces(context))
    yield f'.SS "{escaped(f"{words} {usage}")}"'
    yield from paragraphs(found.help or "", first=True)
    options = [each for each in found.params if isinstance(each, click.Option)]
    shared = STORES | DAEMONS | SHAPES
    for each in options:
        if each.name not in shared:
            yield from option(each)
    names = {each.name for each in options}
    further = [
        words
        for known, words in ((STORES, "the store"), (DAEMONS, "the daemon"), (SHAPES, "the output"))
        if names & known
    ]
    if further:
        yield ".PP"
        yield f"And the options of {' and of '.join(further)}, below."
    if found.epilog:
        yield from paragraphs(found.epilog)
    if isinstance(found, click.Group):
        for name in found.list_commands(context):
            inner = found.get_command(context, name)
            if inner is not None:
                yield from command(f"{words} {name}", inner)


def shared_options() -> Iterator[str]:
    """Give the options that many commands have."""
    show = main.get_command(click.Context(main), "explain")
    assert show is not None
    options = [each for each in show.params if isinstance(each, click.Option)]
    for heading_, names in (
        ("OPTIONS OF THE OUTPUT", SHAPES),
        ("OPTIONS OF THE DAEMON", DAEMONS),
        ("OPTIONS OF THE STORE", STORES),
    ):
        yield f".SH {heading_}"
        for each in options:
            if each.name in names:
                yield from option(each)


def hostgwctl() -> Iterator[str]:
    """Give hostgwctl.1."""
    yield from title("hostgwctl", 1, "operate a cluster of hostgwd")
    yield ".SH SYNOPSIS"
    yield ".B hostgwctl"
    yield "[\\fB\\-\\-version\\fR] [\\fB\\-h\\fR] \\fICOMMAND\\fR [\\fIOPTIONS\\fR]"
    yield ".SH DESCRIPTION"
    yield escaped("What is about this host is asked of its daemon, over its unix socket; what is")
    yield escaped("about the cluster, of the store (etcd). A command that needs one of the two and")
    yield escaped(
        "cannot reach it says which, and ends with status 3; one that can answer from the"
    )
    yield escaped("other does.")
    for name, commands in SECTIONS.items():
        yield f".SH {escaped(name.upper())}"
        for each in commands:
            if each in COMMANDS:
                found = main.get_command(click.Context(main), each)
                assert found is not None
                yield from command(each, found)
    yield from shared_options()
    yield ".SH EXIT STATUS"
    for number, words in STATUSES:
        yield from (".TP", number, escaped(words))
    yield ".SH ENVIRONMENT"
    yield ".TP"
    yield "\\fBHOSTGW_SOCKET\\fR, \\fBHOSTGW_RUN_DIR\\fR"
    yield escaped("For --socket and --run-dir.")
    yield ".TP"
    yield "\\fBHOSTGW_ETCD_...\\fR, \\fBFLANNELD_ETCD_...\\fR"
    yield escaped("For the options of the store, as hostgwd reads them: HOSTGW_ETCD_ENDPOINTS.")
    yield ".SH FILES"
    yield from (".TP", escaped("/run/hostgw/hostgwd.sock"), "The socket of the daemon.")
    yield ".SH SEE ALSO"
    yield ".BR hostgwd (8)"


def hostgwd() -> Iterator[str]:
    """Give hostgwd.8."""
    yield from title("hostgwd", 8, "lease a subnet, and route to those of all other nodes")
    yield ".SH SYNOPSIS"
    yield ".B hostgwd"
    yield "[\\fIFLAGS\\fR]"
    yield ".SH DESCRIPTION"
    yield escaped(HOSTGWD.summary)
    yield ".PP"
    yield escaped("A flag is written --name=value, --name value or with one dash; a boolean --name")
    yield escaped(
        "or --name=false. The same settings are read from HOSTGW_NAME in the environment,"
    )
    yield escaped(
        "then FLANNELD_NAME for those that flannel has, then the file of --config. A flag"
    )
    yield escaped("wins over all.")
    for name, settings in HOSTGWD.groups:
        yield f".SH {escaped(name.upper())}"
        for setting in settings:
            yield from (".TP", f"\\fB{escaped(heading(setting))}\\fR", escaped(meaning(setting)))
    yield ".SH SIGNALS"
    yield from (".TP", "SIGTERM, SIGINT", escaped("End; routes, lease and files stay."))
    yield from (".TP", "SIGHUP", escaped("Look at everything anew."))
    yield ".SH EXIT STATUS"
    yield from (".TP", "0", "Ended by a signal.")
    yield from (".TP", "1", escaped("It could not go on; its log says why."))
    yield from (".TP", "2", escaped("The settings are wrong: nothing was touched."))
    yield from (".TP", "70", escaped("It did not end in time after a signal, and was ended."))
    yield ".SH FILES"
    yield from (
        ".TP",
        escaped("/run/flannel/subnet.env"),
        "The subnet, for what attaches containers.",
    )
    yield from (
        ".TP",
        escaped("/run/hostgw/hostgwd.sock"),
        escaped("Its socket, for hostgwctl(1)."),
    )
    yield from (".TP", escaped("/var/lib/hostgw"), "Its identity, and the last snapshot.")
    yield ".SH SEE ALSO"
    yield ".BR hostgwctl (1)"


PAGES: dict[str, Callable[[], Iterator[str]]] = {"hostgwctl.1": hostgwctl, "hostgwd.8": hostgwd}

if __name__ == "__main__":
    print("\n".join(line for line in PAGES[sys.argv[1]]()))
