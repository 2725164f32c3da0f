"""NetworkManager's configuration: which links it leaves alone. Pure.

NetworkManager.conf(5): the drop-ins of the packages are read first, then those of this boot, then
NetworkManager.conf, then the administrator's; of two with one name only the later folder's is read.
"Device List Format": words separated by `;` or `,`, each with a kind in front
(`interface-name:cni*`, `type:bridge`) or a bare name; `except:` takes back. What goes by a MAC, a
driver or a PCI path is not judged here, for it names no bridge of containers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

_KEY = re.compile(r"unmanaged-devices\s*([+-]?=)\s*(.*)")
_BRIDGE = "type:bridge"


def left_alone(
    main: str, *, packages: Mapping[str, str], boot: Mapping[str, str], admin: Mapping[str, str]
) -> tuple[str, ...]:
    """Give the words of unmanaged-devices= as they stand in the end.

    `main` is NetworkManager.conf; the others are the drop-ins (text by name) of /usr/lib, /run and
    /etc.
    """
    words: list[str] = []
    for text in (
        *_sorted(packages, hidden_by=boot.keys() | admin.keys()),
        *_sorted(boot, hidden_by=admin.keys()),
        main,
        *_sorted(admin),
    ):
        section = ""
        for line in map(str.strip, text.splitlines()):
            if line.startswith("["):
                section = line
            elif section == "[keyfile]" and (found := _KEY.fullmatch(line)):
                how, value = found.groups()
                said = [word for word in re.split(r"[;,\s]+", value) if word]
                if how == "-=":
                    words = [word for word in words if word not in said]
                else:
                    words = said if how == "=" else [*words, *said]
    return tuple(words)


def spares(bridge: str, words: Iterable[str]) -> bool:
    """Tell whether a bridge with this name is left alone."""
    spared = False
    for word in words:
        if word.startswith("except:"):
            if _names(bridge, word.removeprefix("except:")):
                return False
        else:
            spared |= _names(bridge, word)
    return spared


def _sorted(texts: Mapping[str, str], hidden_by: Iterable[str] = ()) -> list[str]:
    return [texts[name] for name in sorted(texts.keys() - set(hidden_by))]


def _names(bridge: str, word: str) -> bool:
    if word in {"*", _BRIDGE}:
        return True
    kind, _, pattern = word.rpartition(":")
    if kind not in {"", "interface-name"}:
        return False
    if pattern.startswith("="):
        return pattern[1:] == bridge
    return fnmatchcase(bridge, pattern.removeprefix("~"))
