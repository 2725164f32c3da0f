"""Echo requests between namespaces, and what `ping` says became of them.

The packet at the other end is the witness that a route works: nothing here asks the daemon.
"""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from hostgw_cli.lab.netns import Namespace
from hostgw_cli.lab.topology import LabError
from hostgw_core.model import IPAddress

_ANSWER = re.compile(r"bytes from .* icmp_seq=(\d+) .*time=([\d.]+) ms(?P<again> \(DUP!\))?")
COUNTS = re.compile(r"(\d+) packets transmitted, (\d+) received")


@dataclass(frozen=True, slots=True)
class Echo:
    """How many requests went out and came back; `rtt` is the median round trip in milliseconds."""

    sent: int
    received: int
    rtt: float = 0.0
    said: str = ""

    @property
    def lost(self) -> int:
        """How many did not come back."""
        return self.sent - self.received

    def __bool__(self) -> bool:
        return self.sent > 0 and self.lost == 0


def understand(said: str, *, cut_short: bool = False) -> Echo:
    """Read what ping (iputils) wrote. Raise LabError when it is no report.

    With `cut_short` the very last request does not count if it alone is unanswered: ping was
    stopped between sending it and its answer.
    """
    if (counts := COUNTS.search(said)) is None:
        raise LabError(f"ping gave no report: {said.strip() or 'it said nothing'}")
    sent = int(counts[1])
    answers = {int(each[1]): float(each[2]) for each in _ANSWER.finditer(said)}
    if cut_short and sent not in answers:
        sent -= 1
    times = sorted(answers.values())
    return Echo(sent, len(answers), times[len(times) // 2] if times else 0.0, said)


def ping(source: Namespace, target: IPAddress, *, count: int = 1, within: float = 1.0) -> Echo:
    """Send `count` requests, each with `within` seconds for its answer."""
    done = source.run(
        *["ping", "-n", "-i", "0.02", "-c", str(count), "-W", f"{within:g}", str(target)],
        check=False,
        timeout=count * (within + 0.1) + 10,
    )
    return understand(done.stdout + done.stderr)


class SteadyPing:
    """A ping that goes on while its block lasts; `result` afterwards.

    Its first answer is waited for before the block begins: neither ARP nor ND, nor the start of
    the program, is part of the loss.
    """

    def __init__(self, source: Namespace, target: IPAddress, *, interval: float = 0.02) -> None:
        self._source = source
        self._target = target
        self._argv = ["ping", "-n", "-i", f"{interval:g}", str(target)]
        self._process: subprocess.Popen[bytes] | None = None
        self._said = b""
        self.result = Echo(0, 0)

    def __enter__(self) -> Self:
        if not ping(self._source, self._target, count=1, within=3.0):
            raise LabError(f"{self._target} does not answer: nothing to watch")
        self._process = self._source.popen(
            self._argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            self._said = _first_answer(self._process, within=3.0)
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with process:
            process.send_signal(signal.SIGINT)
            try:
                rest, _ = process.communicate(timeout=5.0)
            except BaseException:
                process.kill()
                raise
        if error is None:
            self.result = understand((self._said + rest).decode(), cut_short=True)


def _first_answer(process: subprocess.Popen[bytes], *, within: float) -> bytes:
    """Read what ping writes up to its first answer. Raise LabError if none comes in time."""
    assert process.stdout is not None
    said, until = b"", time.monotonic() + within
    while _ANSWER.search(said.decode(errors="replace")) is None:
        left = until - time.monotonic()
        ready = left > 0 and select.select([process.stdout], [], [], left)[0]
        if not ready or not (chunk := os.read(process.stdout.fileno(), 65536)):
            raise LabError(f"ping had no answer: {said.decode(errors='replace').strip()}")
        said += chunk
    return said
