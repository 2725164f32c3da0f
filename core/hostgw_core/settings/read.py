"""From what was written to values: precedence, judgement, and every problem at once.

The strongest source that says anything about a setting wins: flag, HOSTGW_*, FLANNELD_*, file,
default. Only what wins is judged; of a flag that is no list, the last one wins. Whatever is wrong
is collected, so that a person meets all of it in one run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hostgw_core.settings import sources
from hostgw_core.settings.declare import (
    Origin,
    Parsed,
    Problem,
    Program,
    Setting,
    SettingsError,
    Value,
)
from hostgw_core.settings.goflags import Found, cut
from hostgw_core.settings.sources import Given

# User and password inside a URL: nobody should write them there, and somebody will.
_USERINFO = re.compile(r"//[^/\s,]*@")


def asked_for(program: Program, argv: Sequence[str]) -> str:
    """Give "help" or "version" if the command line asks for it, else "".

    Either is answered whatever else is wrong, as flannel and every other program does.
    """
    asking = {"help": "help", "h": "help", "version": "version"}
    names = {setting.name for setting in program.settings} | asking.keys()
    booleans = {setting.name for setting in program.settings if setting.boolean} | asking.keys()
    for piece in cut(argv, flags=names, booleans=booleans):
        wanted = piece.value is None or piece.value in ("1", "t", "T", "true", "TRUE", "True")
        if piece.found is Found.FLAG and piece.name in asking and wanted:
            return asking[piece.name]
    return ""


def read(
    program: Program,
    *,
    argv: Sequence[str],
    environ: Mapping[str, str],
    read_file: Callable[[str], bytes],
) -> Parsed:
    """Give the value of every setting, or raise SettingsError with every problem.

    `argv` is without the program's name. `read_file` gives a file's bytes or raises OSError; it is
    called for the file that `config` names, and for nothing else.
    """
    by_flag, problems = sources.flags(program, argv)
    by_environment, warnings = sources.environment(program, environ)
    by_file: dict[str, Given] = {}
    config = by_flag.get("config") or by_environment.get("config")
    if config is not None and config.texts[-1]:
        by_file, wrong = sources.file(program, config.texts[-1], read_file)
        problems += wrong
    values: dict[str, Value] = {}
    for setting in program.settings:
        name = setting.name
        given = by_flag.get(name) or by_environment.get(name) or by_file.get(name)
        try:
            values[name] = _value(setting, given)
        except ValueError as error:
            problems.append(
                Problem(_title(setting), str(given.origin if given else ""), str(error))
            )
            continue
        value = values[name]
        # A boolean that is false asks for nothing, so that nothing is missing.
        if setting.ignored and value.given and value.value is not False:
            warnings.append(Problem(_title(setting), str(value.origin), setting.ignored))
    for check in program.checks:
        _check(check.names, values, check.judge, warnings if check.warning else problems)
    if problems:
        raise SettingsError(tuple(problems))
    return Parsed(values, tuple(warnings))


def _title(setting: Setting) -> str:
    """Give the name by which a message speaks of a setting: it serves for every source."""
    return setting.name if len(setting.name) > 1 else setting.flag


def _value(setting: Setting, given: Given | None) -> Value:
    """Read what was given, or the default. ValueError says what is wrong, secrets masked."""
    if given is None:
        given = Given((setting.default,), Origin("default"))
    if given.bad:
        raise ValueError(given.bad)
    texts = given.texts
    if setting.separator:
        texts = tuple(item.strip() for text in texts for item in text.split(setting.separator))
    texts = tuple(text for text in texts if text)
    if not texts:
        if setting.default or setting.boolean:
            raise ValueError(
                f"is empty; write {setting.kind.word or 'true or false'} or leave it out"
            )
        return Value(() if setting.many else setting.kind.empty, "", Origin("default"))
    read = tuple(_item(setting, text) for text in texts)
    shown = (setting.separator or " ").join(masked(setting, text) for text in texts)
    return Value(read if setting.many else read[0], shown, given.origin)


def _item(setting: Setting, text: str) -> Any:
    """Read one text. ValueError is the whole sentence."""
    subject = "the value" if setting.secret else f'"{masked(setting, text)}"'
    try:
        value = setting.kind.read(text)
    except ValueError as error:
        raise ValueError(f"{subject} {error}") from None
    if setting.refused is not None and setting.refused[0] == value:
        raise ValueError(setting.refused[1])
    return value


def masked(setting: Setting, text: str) -> str:
    """Give a text as it may be shown."""
    return "***" if setting.secret else _USERINFO.sub("//***@", text)


def _check(
    names: tuple[str, ...],
    values: Mapping[str, Value],
    judge: Callable[..., str],
    found: list[Problem],
) -> None:
    """Apply a rule, if every value that it needs could be read."""
    if all(name in values for name in names):
        sentence = judge(*(values[name] for name in names))
        if sentence:
            found.append(Problem(names[0], str(values[names[0]].origin), sentence))
