"""systemd-networkd's own configuration: does it take routes that it did not make? Pure.

networkd.conf(5): the file in the first of the folders that has it, then the drop-ins of all of them
in the order of their names; of two with one name the one in the first folder counts, and an empty
one (a link to /dev/null) hides the other. Later words overrule earlier ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

FOLDERS = ("etc/systemd", "run/systemd", "usr/local/lib/systemd", "usr/lib/systemd")
"""Where networkd.conf and networkd.conf.d may be, the one that counts most first."""
_FALSE = frozenset({"no", "n", "false", "f", "off", "0"})
_TRUE = frozenset({"yes", "y", "true", "t", "on", "1"})


def in_order(main: Iterable[str], drop_ins: Iterable[Mapping[str, str]]) -> tuple[str, ...]:
    """Give the texts that count, in the order in which they are read.

    `main` are the texts of networkd.conf, and `drop_ins` those of networkd.conf.d by name; of both
    one a folder, in the order of FOLDERS.
    """
    by_name: dict[str, str] = {}
    for folder in drop_ins:
        for name, text in folder.items():
            by_name.setdefault(name, text)
    return (*list(main)[:1], *(by_name[name] for name in sorted(by_name)))


def takes_foreign_routes(texts: Iterable[str]) -> bool:
    """Tell what ManageForeignRoutes= says in the end; it is true where nothing is said."""
    takes = True
    for text in texts:
        section = ""
        for line in map(str.strip, text.splitlines()):
            if line.startswith("["):
                section = line
            key, equals, value = (part.strip() for part in line.partition("="))
            if section != "[Network]" or not equals or key != "ManageForeignRoutes":
                continue
            word = value.lower()
            if word in _FALSE | _TRUE:  # anything else is ignored there, too
                takes = word in _TRUE
    return takes


def looks_after(state: str) -> bool:
    """Tell from the state of a link (/run/systemd/netif/links/N) whether networkd configures it.

    The file is networkd's own; what of it is read is what `networkctl` shows as well.
    """
    lines = dict(line.partition("=")[::2] for line in state.splitlines())
    return lines.get("ADMIN_STATE", "unmanaged") not in {"unmanaged", "linger"}
