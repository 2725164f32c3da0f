"""The settings for people: the text of --help, and docs/settings.md. Both follow the declarations.

Not imported at start: only the one who asks pays for it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from hostgw_core.settings.declare import Program, Setting
from hostgw_core.settings.sources import FLANNEL

_WIDTH = 80

_PREFACE = """\
# Settings

<!-- Written by `make docs` from the declarations in the code; a test compares the two. -->

A setting can be given in five places. The first of these that has it wins:

1. a **flag**, in the syntax of Go's flag package, which flannel's unit files use: `-name=value`,
   `--name=value`, `--name value`; a boolean takes its value only with `=` (`--ip-masq`,
   `--ip-masq=false`);
2. the environment variable **`HOSTGW_NAME`**: the flag's name in upper case, `-` as `_`;
3. the environment variable **`FLANNELD_NAME`**, for the settings that flannel has too;
4. the **file** that `--config` or `HOSTGW_CONFIG` names: TOML, the flags' names as keys on the top
   level, without tables;
5. the **default**.

An empty variable is no variable. An empty text means the default where the default is empty too,
and is an error elsewhere. A setting marked "list" can be given several times as a flag (each adds a
value), and as an array in the file. A duration is written `90s`, `15m`, `1h30m`; a plain number
means seconds.

```toml
# /etc/hostgw/hostgwd.toml
etcd-endpoints = ["https://192.0.2.1:2379", "https://192.0.2.2:2379"]
etcd-cafile = "/etc/hostgw/ca.pem"
iface = ["eth1", "eth0"]
lease-ttl = "48h"
ip-masq = true
```

Whatever is wrong is reported at once: every error names the setting, says where its value came
from, and what would be right. The exit status is then 2, and nothing has been touched. `--check`
stops after that, and shows every value with its origin. A variable `HOSTGW_...` or `FLANNELD_...`
that no setting reads is a warning. Secrets are never shown.
"""


def help_text(program: Program) -> str:
    """Give the answer to --help, at most 80 columns wide."""
    preface = (
        f"A flag is written --name=value, --name value or with one dash; a boolean --name or "
        f"--name=false. The same settings are read from {program.prefix}_NAME in the environment, "
        f"then {FLANNEL}_NAME for those marked (flannel), then the file of --config. "
        "A flag wins over all."
    )
    lines = [program.summary, "", f"Usage: {program.name} [flags]", "", *_wrapped(preface, "")]
    for title, settings in program.groups:
        lines += ["", f"{title}:"]
        for setting in settings:
            lines += [f"  {heading(setting)}", *_wrapped(meaning(setting), " " * 8)]
    return "\n".join(lines) + "\n"


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def heading(setting: Setting) -> str:
    """Give the flag with a word for its value, and whether it may be repeated."""
    word = setting.kind.word
    if setting.separator and not setting.repeatable:
        word = f"{word}{setting.separator}..."
    shown = setting.flag + (f" {word}" if word else "")
    return f"{shown}  (repeatable)" if setting.repeatable else shown


def meaning(setting: Setting) -> str:
    """Give the help, the default and whether flannel has it, as one paragraph."""
    notes: list[str] = []
    if setting.default and not setting.ignored and setting.default != "false":
        notes.append(f"default: {setting.default}")
    if setting.flannel:
        notes.append("flannel")
    return f"{setting.help} ({', '.join(notes)})" if notes else setting.help


def page(programs: Sequence[Program]) -> str:
    """Give docs/settings.md: one section a program, one table a group."""
    parts = [_PREFACE]
    for program in programs:
        parts.append(f"## {program.name}\n\n{program.summary}\n")
        for title, settings in program.groups:
            rows = "\n".join(_row(program, setting) for setting in settings)
            parts.append(
                f"### {title}\n\n"
                "| flag | environment | file key | default | flannel | meaning |\n"
                "|---|---|---|---|---|---|\n"
                f"{rows}\n"
            )
    return "\n".join(parts)


def _row(program: Program, setting: Setting) -> str:
    """Give one row of a table; a pipe would end its cell."""
    variables = [setting.variable(program.prefix), *setting.variables]
    variables += [setting.variable(FLANNEL)] if setting.flannel else []
    key = "" if setting.name == "config" else f"`{setting.name}`"
    cells = [
        f"`{heading(setting).removesuffix('  (repeatable)')}`",
        ", ".join(f"`{variable}`" for variable in variables),
        f"{key} (list)" if setting.many else key,
        f"`{setting.default}`" if setting.default else "",
        "yes" if setting.flannel else "no",
        setting.help,
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
