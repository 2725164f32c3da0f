"""What a program says about its settings, and what it gets back: frozen values, no behaviour.

A setting is declared once. Its flag, its variable in the environment, its key in the file, its line
in the help and its row in docs/settings.md all follow from the declaration. The default is written
as a user would write it, and read by the same kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from hostgw_core.settings.kinds import BOOLEAN, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting.

    `repeatable`: each flag adds a value. `separator`: one text holds several values. Either makes
    the value a tuple. `flannel`: flannel has it too, so that FLANNELD_* counts. `variables`: more
    variables that are read, after HOSTGW_*. `secret`: its text is shown nowhere. `ignored`: why it
    is accepted and means nothing here; said once when it is given. `refused` pairs a value that
    cannot be with the sentence that says why.
    """

    name: str
    kind: Kind[Any]
    help: str
    default: str = ""
    repeatable: bool = False
    separator: str = ""
    flannel: bool = False
    variables: tuple[str, ...] = ()
    secret: bool = False
    ignored: str = ""
    refused: tuple[Any, str] | None = None

    @property
    def flag(self) -> str:
        """The flag as it is written: one letter, one dash."""
        return f"--{self.name}" if len(self.name) > 1 else f"-{self.name}"

    @property
    def many(self) -> bool:
        """Whether the value is a tuple."""
        return self.repeatable or bool(self.separator)

    @property
    def boolean(self) -> bool:
        """Whether the bare flag means true."""
        return self.kind is BOOLEAN

    def variable(self, prefix: str) -> str:
        """Give the name of its environment variable: flannel's rule, with a prefix of anyone."""
        return f"{prefix}_{self.name.upper().replace('-', '_')}"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value comes from; `where` is the flag, the variable, or file and key."""

    source: Literal["flag", "environment", "file", "default"]
    where: str = ""

    def __str__(self) -> str:
        return f"{self.source} {self.where}".rstrip()


@dataclass(frozen=True, slots=True)
class Value:
    """A setting's value, the text it was written as (for people: secrets masked), its origin."""

    value: Any = field(repr=False)
    text: str
    origin: Origin

    @property
    def given(self) -> bool:
        """Whether somebody set it."""
        return self.origin.source != "default"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one setting, where that was written, and what would be right."""

    setting: str
    origin: str
    message: str

    def __str__(self) -> str:
        return f"{self.setting}: {self.message}" + (f" ({self.origin})" if self.origin else "")


class SettingsError(Exception):
    """The settings are wrong; `problems` has every problem there is, and is never empty."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        count = "1 setting is" if len(problems) == 1 else f"{len(problems)} settings are"
        super().__init__("\n".join([f"{count} wrong:", *(f"  {problem}" for problem in problems)]))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Check:
    """A rule over several settings: called with their Values, in the order of `names`.

    It gives a sentence, or "" when all is well. The first name is the one that the sentence is
    about. It is called only if each of the values could be read.
    """

    names: tuple[str, ...]
    judge: Callable[..., str]
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Program:
    """A program and all its settings, in groups that have a title each.

    `prefix` is that of its environment variables.
    """

    name: str
    summary: str
    groups: tuple[tuple[str, tuple[Setting, ...]], ...]
    checks: tuple[Check, ...] = ()
    prefix: str = "HOSTGW"

    @property
    def settings(self) -> tuple[Setting, ...]:
        """All settings, in the order of the groups."""
        return tuple(setting for _, settings in self.groups for setting in settings)


@dataclass(frozen=True, slots=True)
class Parsed:
    """Every declared setting's value, by name, and what a person should be told about them."""

    values: Mapping[str, Value]
    warnings: tuple[Problem, ...] = ()
