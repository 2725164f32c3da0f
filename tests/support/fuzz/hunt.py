"""A hunt: inputs of one decoder are changed, and what reaches a new place joins the corpus."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final

from support.fuzz.decoders import Decoder
from support.fuzz.mutations import changed
from support.fuzz.steps import Place, follow

CORPUS: Final = Path(__file__).parents[2] / "fuzz" / "corpus"


def corpus(decoder: Decoder) -> dict[str, bytes]:
    """Give the inputs that are kept, by name."""
    folder = CORPUS / decoder.name
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def keep(decoder: Decoder, data: bytes) -> Path:
    """Write an input to the corpus under a name made of it."""
    path = CORPUS / decoder.name / sha256(data).hexdigest()[:12]
    path.write_bytes(data)
    return path


def tried(decoder: Decoder, data: bytes) -> set[Place]:
    """Read one input; give the places it reached. Whatever is raised is a finding."""

    def act() -> object:
        return decoder.read(data)

    given, places, steps = follow(act)
    assert isinstance(given, list | tuple)
    decoder.check(given)
    assert steps <= decoder.bound(data), f"{steps} steps for {len(data)} bytes"
    return places


@dataclass
class Hunt:
    """One decoder's: the inputs worth changing, and the places that were reached."""

    decoder: Decoder
    inputs: list[bytes] = field(default_factory=list)
    reached: set[Place] = field(default_factory=set)

    def begin(self, inputs: Iterable[bytes]) -> None:
        """Try inputs, the shortest first, and keep those that reach what the others do not."""
        for data in sorted(inputs, key=lambda data: (len(data), data)):
            self.take(data)

    def take(self, data: bytes) -> bool:
        """Try one input; give whether it reached a new place."""
        places = tried(self.decoder, data)
        if places <= self.reached:
            return False
        self.reached |= places
        self.inputs.append(data)
        return True

    def run(self, chance: random.Random, count: int) -> Iterator[bytes]:
        """Try so many changed inputs; give those that reached a new place.

        What is raised has the input as a note.
        """
        for _ in range(count):
            one, other = chance.choice(self.inputs), chance.choice(self.inputs)
            data = changed(chance, one, self.decoder.words, other)
            try:
                new = self.take(data)
            except BaseException as error:
                error.add_note(f"{self.decoder.name}: {data[:400]!r}")
                if not isinstance(error, KeyboardInterrupt):
                    keep(self.decoder, data)
                raise
            if new:
                yield data
