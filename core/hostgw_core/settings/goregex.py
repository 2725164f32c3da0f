r"""A regular expression as Go reads it, written as Python reads it.

`--iface-regex` in a unit file was written for Go's RE2 syntax (https://github.com/google/re2/wiki).
The two languages agree on all that interface names need, with these exceptions, which are
translated here: `[[:alpha:]]` and its like, `[` and doubled operators inside a class (plain
characters in Go), `\z` (Python's `\Z`) and `\Q...\E`. What then does not compile is an error;
`(?i)` anywhere but first is one of the few things that Go takes and Python does not.
"""

from __future__ import annotations

import re

_POSIX = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7F",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1F\x7F",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
}
_QUOTED = re.compile(r"\\Q(.*?)(?:\\E|$)", re.DOTALL)
_NAMED = re.compile(r"\[:(\w+):\]")
_CLASS = re.compile(
    r"""(\\.)                                   # an escaped character, outside a class
      | (\[\^?+)                                # a class opens;
        (\]?+(?:\[:\w+:\]|\\.|[^\]\\])*+)       # a ] that stands first is a plain character
        \]
      | \[                                      # or never closes""",
    re.VERBOSE | re.DOTALL,
)


def translate(pattern: str) -> str:
    """Give a Python pattern that matches what Go's `pattern` matches (with `re.search`).

    Raise ValueError with the end of a sentence whose subject is the pattern.
    """
    quoted = _QUOTED.sub(lambda match: re.escape(match[1]), pattern)
    translated = _CLASS.sub(_piece, quoted)
    try:
        re.compile(translated)
    except (re.error, OverflowError) as error:
        raise ValueError(f"is not a regular expression: {error}") from None
    return translated


def _piece(match: re.Match[str]) -> str:
    """Rewrite one escape, or one class with its brackets."""
    if match[1]:
        return r"\Z" if match[1] == r"\z" else match[1]
    if not match[2]:
        raise ValueError("is not a regular expression: a [ without its ]")
    body: list[str] = []
    position, text = 0, match[3]
    while position < len(text):
        named = _NAMED.match(text, position)
        if named:
            if named[1] not in _POSIX:
                raise ValueError(f"is not a regular expression: Go has no class [:{named[1]}:]")
            body.append(_POSIX[named[1]])
            position = named.end()
        elif text[position] == "\\":
            body.append(text[position : position + 2])
            position += 2
        else:
            body.append(_plain(text, position))
            position += 1
    return f"{match[2]}{''.join(body)}]"


def _plain(text: str, position: int) -> str:
    """Escape a character that means nothing in Go's classes and something in Python's."""
    character = text[position]
    doubled = character in "&|~" and text[position : position + 2] == character * 2
    # Two dashes are a range from or to the dash: the one that is no operator is escaped.
    first = character == "-" and position == 0 and text[1:2] == "-"
    last = character == "-" and position > 1 and text[position - 1] == "-"
    return "\\" + character if doubled or first or last or character == "[" else character
