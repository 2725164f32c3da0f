"""What a person sees of the demonstration: colour on a terminal, plain lines in a pipe."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.text import Text


class Screen:
    """Sentences, commands with what they print, and claims that hold or do not."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self._steps = 0
        self.false: list[str] = []

    def step(self, title: str) -> None:
        """Begin a part."""
        self._steps += 1
        self._print()
        self._print(f"{self._steps}. {title}", "bold cyan")

    def say(self, sentence: str) -> None:
        """Say what is done."""
        self._print(f"   {sentence}")

    def show(self, command: str, output: str) -> None:
        """Show a command as one would type it, and what it printed."""
        self._print(f"   $ {command}", "bold")
        for line in output.rstrip().splitlines():
            self._print(f"     {line.rstrip()}", "dim")

    def claim(self, holds: bool, sentence: str) -> None:  # noqa: FBT001 - reads as a sentence
        """Say that something holds, or that it does not; what does not is kept in `false`."""
        if holds:
            self._print(f"   ok: {sentence}", "green")
        else:
            self.false.append(sentence)
            self._print(f"   NOT SO: {sentence}", "bold red")

    @contextmanager
    def busy(self, sentence: str) -> Iterator[None]:
        """Show that something takes its time, on a terminal."""
        with self._console.status(f"   {sentence}"):
            yield

    def _print(self, text: str = "", style: str = "") -> None:
        # A pipe gets whole lines: whoever reads them there folds them as he likes.
        self._console.print(Text(text, style), soft_wrap=True)
