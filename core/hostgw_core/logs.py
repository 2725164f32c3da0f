"""Logs: one chain from an event to a line on standard error.

An event is a sentence; what it is about stands in keys: `log.info("Took a subnet", subnet=...)`.
A line is key=value (logfmt) or JSON, always one line, with control characters escaped: names from
the store reach it, and must not paint an operator's terminal. Where standard error is the journal
(JOURNAL_STREAM, systemd.exec(5)) the line carries a priority (<6>, sd-daemon(3)) and no time of its
own, for the journal has both. What libraries log with Python's `logging` takes the same way, from
warning on.

Logging never stops the program. A reader that does not read (a paused terminal, a journal that
hangs) fills the pipe; then lines are dropped, and the next one that gets through says how many in
`lines_lost`. Nothing that is named like a secret, and no password inside a URL, is written.

Import this module before structlog. structlog imports rich wherever it finds it, for tracebacks in
colour that a daemon does not print: 33 ms of its 44.
"""

from __future__ import annotations

import json
import logging
import os
import re
import select
import sys
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

_RICH_IS_HIDDEN = "structlog" not in sys.modules and "rich" not in sys.modules
if _RICH_IS_HIDDEN:
    sys.modules["rich"] = None  # type: ignore[assignment]  # how the import system spells "absent"
try:
    import structlog
finally:
    if _RICH_IS_HIDDEN:
        del sys.modules["rich"]

Level: TypeAlias = Literal["debug", "info", "warning", "error"]
Style: TypeAlias = Literal["key=value", "json"]
Logger: TypeAlias = "structlog.typing.FilteringBoundLogger"

# Python's number and syslog's priority of each level.
_LEVELS = {"debug": (10, 7), "info": (20, 6), "warning": (30, 4), "error": (40, 3)}
_PRIORITIES = {name: priority for name, (_, priority) in _LEVELS.items()} | {"critical": 2}
_RANKS = {name: rank for name, (rank, _) in _LEVELS.items()} | {"critical": 50}

_SECRET_NAME = re.compile(r"passw|secret|token|credential|authorization", re.IGNORECASE)
_USERINFO = re.compile(r"//[^/\s,@]*@")
_BARE = re.compile(r"""[^\s"'=\\]+""")

_ATOMIC = 4096  # PIPE_BUF: a pipe that is ready for writing takes this much without blocking


class Lines:
    """Standard error, or another file descriptor, written to without ever waiting."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._ready = select.poll()
        self._ready.register(descriptor, select.POLLOUT)
        self._broken_off = False
        self.lost = 0

    def msg(self, line: str) -> None:
        """Write a line, or count it as lost. One that broke off is ended by the next."""
        data = ("\n" * self._broken_off + line + "\n").encode(errors="backslashreplace")
        written = self._write(data)
        if written:
            self._broken_off = written < len(data)
        self.lost = 0 if written == len(data) else self.lost + 1

    debug = info = warning = error = critical = log = msg

    def _write(self, data: bytes) -> int:
        """Write as much as goes without waiting, and give how much that was."""
        written = 0
        try:
            while written < len(data) and self._ready.poll(0):
                written += os.write(self._descriptor, data[written : written + _ATOMIC])
        except OSError:  # nobody reads any more, or the disk is full: not the program's business
            return written
        return written


class Control:
    """The running log: its level can be changed at any time, for every logger there is."""

    def __init__(self, level: Level) -> None:
        self._level: Level = level
        self._threshold = _RANKS[level]

    @property
    def level(self) -> Level:
        """The least severe level that is written."""
        return self._level

    def set_level(self, level: str) -> None:
        """Change the level. Raise ValueError for a word that is none, and change nothing."""
        if level not in _LEVELS:
            raise ValueError(f'"{level}" is no level; write {", ".join(_LEVELS)}')
        self._level, self._threshold = level, _RANKS[level]  # type: ignore[assignment]  # just seen

    def passes(self, _: Any, method: str, event: Any) -> Any:
        """Drop what is below the level: the first processor."""
        if _RANKS.get(method, _RANKS["error"]) < self._threshold:
            raise structlog.DropEvent
        return event


def start(
    *, level: Level, style: Style, descriptor: int = 2, environ: Mapping[str, str] | None = None
) -> Control:
    """Set up the logs of this process; called once, by the wiring.

    `environ` says whether the descriptor is the journal; by default the process's own.
    """
    lines, control = Lines(descriptor), Control(level)
    journal = is_journal(descriptor, os.environ if environ is None else environ)
    chain: list[Any] = [
        control.passes,
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        _Finished(lines, style=style),
        _Rendered(style=style, journal=journal),
    ]
    if not journal:
        chain.insert(3, structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"))
    structlog.configure(
        processors=chain,
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        logger_factory=lambda *_: lines,
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [_Libraries()]
    root.setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    return control


def get(**values: Any) -> Logger:
    """Give a logger that adds these values to each of its events. Before start(): structlog's."""
    logger: Logger = structlog.get_logger(**values)
    return logger


def is_journal(descriptor: int, environ: Mapping[str, str]) -> bool:
    """Tell whether the descriptor is the socket of the journal that systemd connected us to."""
    device, _, inode = environ.get("JOURNAL_STREAM", "").partition(":")
    try:
        status = os.fstat(descriptor)
    except OSError:
        return False
    return (device, inode) == (str(status.st_dev), str(status.st_ino))


class _Finished:
    """The processor that orders an event's keys, masks secrets and makes every value plain."""

    def __init__(self, lines: Lines, *, style: Style) -> None:
        self._lines = lines
        self._style = style

    def __call__(self, _: Any, __: str, event: Any) -> dict[str, Any]:
        first = {key: event.pop(key) for key in ("time", "level", "event") if key in event}
        if self._lines.lost:
            event["lines_lost"] = self._lines.lost
        return {key: self._plain(key, value) for key, value in (first | event).items()}

    def _plain(self, key: str, value: Any) -> Any:
        """Give what JSON can write; texts without their secrets."""
        if _SECRET_NAME.search(key):
            return "***"
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, list | tuple | set | frozenset):
            items = [self._plain(key, item) for item in value]
            return items if self._style == "json" else ",".join(map(str, items))
        return _USERINFO.sub("//***@", str(value))


class _Rendered:
    """The last processor: the line."""

    def __init__(self, *, style: Style, journal: bool) -> None:
        self._style = style
        self._journal = journal

    def __call__(self, _: Any, __: str, event: Any) -> str:
        line = json.dumps(event) if self._style == "json" else logfmt(event)
        return f"<{_PRIORITIES.get(event['level'], 3)}>{line}" if self._journal else line


def logfmt(event: Mapping[str, Any]) -> str:
    """Write an event as key=value, quoted as in JSON where a text is more than one bare word."""
    return " ".join(f"{key}={_quoted(value)}" for key, value in event.items())


def _quoted(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    text = str(value)
    if _BARE.fullmatch(text) and text.isprintable():
        return text
    return json.dumps(text, ensure_ascii=not text.isprintable())


class _Libraries(logging.Handler):
    """Where Python's own logging ends: in the same chain, with the library's name."""

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a record on. A record that cannot be formatted is no reason to fail."""
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            message = str(record.msg)
        logger: Logger = structlog.get_logger(library=record.name)
        known = [rank for rank in _RANKS.values() if rank <= record.levelno]
        logger.log(max(known, default=logging.DEBUG), message.strip(), exc_info=record.exc_info)
