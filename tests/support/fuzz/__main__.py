"""`make fuzz`: hunt in every decoder in turn, for so many rounds (0: until Ctrl-C).

What reaches a new place is written to the corpus, to be looked at and committed; what breaks a
decoder is written there too, and ends the hunt.
"""

from __future__ import annotations

import argparse
import itertools
import random
import sys
from contextlib import suppress

from support.fuzz.decoders import DECODERS
from support.fuzz.hunt import Hunt, corpus, keep


def main() -> int:
    """Hunt."""
    words = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    words.add_argument("--rounds", type=int, default=0, help="of 10,000 inputs a decoder")
    words.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    asked = words.parse_args()
    print(f"seed {asked.seed}")
    chance = random.Random(asked.seed)
    hunts = [Hunt(decoder) for decoder in DECODERS]
    for hunt in hunts:
        hunt.begin(corpus(hunt.decoder).values())
    with suppress(KeyboardInterrupt):
        for number in range(asked.rounds) if asked.rounds else itertools.count():
            for hunt in hunts:
                found = [keep(hunt.decoder, data) for data in hunt.run(chance, 10_000)]
                print(
                    f"{number}: {hunt.decoder.name}: {len(found)} new, {len(hunt.reached)} places"
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
