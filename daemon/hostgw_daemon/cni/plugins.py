"""Whether the plugins that a conflist names are on this host. They are programs of other people.

A runtime looks for them by name in folders of its own (CNI_PATH); we look where they usually lie,
or where a person says. Nothing is run: a plugin that is missing is a sentence, and no route waits
for it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path


def missing(plugins: Iterable[str], folders: Sequence[str]) -> tuple[str, ...]:
    """Give the plugins that are in none of the folders, or not executable there. Never raises."""
    return tuple(plugin for plugin in plugins if not _there(plugin, folders))


def sentence(plugins: Sequence[str], folders: Sequence[str]) -> str:
    """Say which plugins are missing, where they were looked for, and the cure; "": none is."""
    if not plugins:
        return ""
    return (
        f"there is no {' and no '.join(plugins)} in {' or '.join(folders)}: install"
        " containernetworking-plugins, or say where they are with --cni-bin-dir"
    )


def _there(plugin: str, folders: Sequence[str]) -> bool:
    paths = (Path(folder) / plugin for folder in folders)
    return any(path.is_file() and os.access(path, os.X_OK) for path in paths)
