"""Where values come from: the command line, the environment, a TOML file.

Each function gives the texts that it found, by setting, with their origin. Whether a text is right
is not judged here; that a name is unknown is. An empty variable is no variable, as for flannel
(coreos/pkg, flagutil.SetFlagsFromEnv).
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hostgw_core.settings.declare import Origin, Problem, Program, Setting
from hostgw_core.settings.goflags import Found, Piece, cut

FLANNEL = "FLANNELD"
_LINE = "command line"

# Kubernetes puts variables of these shapes into every container beside a service named hostgw...:
# https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
_SERVICE = re.compile(
    r"\w+_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
_SERVICE_URL = re.compile(r"(tcp|udp|sctp)://")


@dataclass(frozen=True, slots=True)
class Given:
    """What one source says about one setting. `bad` says why it can be no value whatever it is."""

    texts: tuple[str, ...]
    origin: Origin
    bad: str = ""


def flags(program: Program, argv: Sequence[str]) -> tuple[dict[str, Given], list[Problem]]:
    """Read the words after the program's name."""
    declared = {setting.name: setting for setting in program.settings}
    booleans = {name for name, setting in declared.items() if setting.boolean}
    given: dict[str, Given] = {}
    problems: list[Problem] = []
    for piece in cut(
        argv, flags=declared.keys() | {"help", "h"}, booleans=booleans | {"help", "h"}
    ):
        if piece.found is not Found.FLAG:
            problems.append(_misfit(piece, declared))
        elif piece.name in declared:
            setting = declared[piece.name]
            text = "true" if piece.value is None else piece.value
            before = given[piece.name].texts if setting.repeatable and piece.name in given else ()
            given[piece.name] = Given((*before, text), Origin("flag", setting.flag))
    return given, problems


def _misfit(piece: Piece, declared: Mapping[str, Setting]) -> Problem:
    """Say what is wrong with a piece of the command line that is no flag."""
    if piece.found is Found.UNKNOWN:
        name = _without_secret(piece.name, declared.values())
        return Problem(f"--{name}", _LINE, f"there is no such flag{nearest(name, declared, '--')}")
    if piece.found is Found.VALUELESS:
        setting = declared[piece.name]
        return Problem(
            setting.flag, _LINE, f"needs a value; write {setting.flag}={setting.kind.word}"
        )
    if piece.found is Found.MALFORMED:
        return Problem("flags", _LINE, "a flag without a name; write --name or --name=value")
    before = declared.get(piece.after)
    if before is not None and before.boolean:
        cure = f"a boolean takes its value with =: {before.flag}=true or {before.flag}=false"
        return Problem(before.flag, _LINE, f"is followed by a stray word; {cure}")
    after = f" after {before.flag}" if before else ""
    return Problem(
        "flags", _LINE, f'the word "{piece.name}"{after} belongs to no flag; leave it out'
    )


def environment(
    program: Program, environ: Mapping[str, str]
) -> tuple[dict[str, Given], list[Problem]]:
    """Read the environment; what looks like ours and is unknown is a warning."""
    given: dict[str, Given] = {}
    known: list[str] = []
    ours = {name: text for name, text in environ.items() if not _of_kubernetes(name, text)}
    for setting in program.settings:
        names = [setting.variable(program.prefix), *setting.variables]
        names += [setting.variable(FLANNEL)] if setting.flannel else []
        known += names
        for name in names:
            if ours.get(name) and setting.name not in given:
                given[setting.name] = Given((ours[name],), Origin("environment", name))
    warnings = [
        Problem(
            name, "environment", f"no setting reads this variable{_meant(program, name, known)}"
        )
        for name in sorted(ours)
        if name.startswith((f"{program.prefix}_", f"{FLANNEL}_")) and name not in known
    ]
    return given, warnings


def _meant(program: Program, name: str, known: Iterable[str]) -> str:
    """Look for a variable that is alike beside the prefix, first among those with the same one."""
    prefix, _, rest = name.partition("_")
    known = tuple(known)
    for before in (f"{prefix}_", f"{program.prefix}_"):
        alike = [each.removeprefix(before) for each in known if each.startswith(before)]
        if found := nearest(rest, alike, before):
            return found
    return ""


def _of_kubernetes(name: str, text: str) -> bool:
    """Tell whether Kubernetes put the variable there to point at a service."""
    return bool(_SERVICE.fullmatch(name) or (name.endswith("_PORT") and _SERVICE_URL.match(text)))


def file(
    program: Program, path: str, read_file: Callable[[str], bytes]
) -> tuple[dict[str, Given], list[Problem]]:
    """Read a TOML file whose keys are the names of the flags, without dashes before them."""
    try:
        table = tomllib.loads(read_file(path).decode())
    except OSError as error:
        return {}, [Problem("config", path, f"cannot be read: {error.strerror or error}")]
    except ValueError as error:  # TOML's own error, and UTF-8's
        return {}, [Problem("config", path, f"is not TOML: {error}")]
    names = {setting.name.replace("_", "-"): setting for setting in program.settings}
    given: dict[str, Given] = {}
    problems: list[Problem] = []
    for key, found in table.items():
        setting = names.get(key.replace("_", "-"))
        if setting is None or setting.name == "config":
            wrong = f"there is no such key{nearest(key, names)}"
            if setting is not None:
                wrong = "a file cannot name another"
            problems.append(Problem(key, f"file {path}", wrong))
            continue
        given[setting.name] = _from_toml(setting, found, Origin("file", f"{path}: {key}"))
    return given, problems


def _from_toml(setting: Setting, found: Any, origin: Origin) -> Given:
    """Turn a TOML value into texts, if it has a type that the setting can have."""
    items = found if isinstance(found, list) and setting.many else [found]
    texts: list[str] = []
    for item in items:
        # A TOML boolean is a Python bool, which is an int: the types are compared, not matched.
        if type(item) is bool and setting.kind.toml is bool:
            texts.append("true" if item else "false")
        elif isinstance(item, str) or (type(item) is int and setting.kind.toml is int):
            texts.append(str(item))
        else:
            return Given((), origin, f"is {_a_type(item)}; write {_right_type(setting)}")
    return Given(tuple(texts), origin)


def _a_type(item: Any) -> str:
    names = {bool: "a boolean", int: "a number", float: "a number", list: "a list", dict: "a table"}
    return names.get(type(item), "a date or time")


def _right_type(setting: Setting) -> str:
    if setting.kind.toml is bool:
        return "true or false"
    one = "a whole number or text in quotes" if setting.kind.toml is int else "text in quotes"
    return f"{one}, or a list of them" if setting.many else one


def nearest(name: str, known: Iterable[str], before: str = "") -> str:
    """Give "; did you mean ...?" for the known name that is most like this one, or nothing."""
    known = tuple(known)
    for spelling in (name.replace("_", "-"), name):
        if alike := difflib.get_close_matches(spelling, known, n=1):
            return f"; did you mean {before}{alike[0]}?"
    return ""


def _without_secret(name: str, settings: Iterable[Setting]) -> str:
    """Cut what may be a secret off a flag: `--etcd-passwordxyz` lacks only its equals sign."""
    for setting in settings:
        if setting.secret and name.startswith(setting.name) and name not in _names(settings):
            return f"{setting.name}..."
    return name


def _names(settings: Iterable[Setting]) -> set[str]:
    return {setting.name for setting in settings}
