"""A coverage-guided fuzzer for the decoders: inputs that reach a new place are kept and changed on.

`make fuzz` hunts for as long as it is asked to; `make test` replays the corpus and hunts a little.
There is one of our own because the usual one, atheris, has no wheels for Python 3.11 on every
machine, and because it counts steps: a decoder's time is bounded by what it does, not by a clock.
"""
