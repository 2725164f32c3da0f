"""Who is behind a port id of netlink, as far as can be told.

The first socket of a process has the process's number for its port id (netlink(7)); a further one
gets a number above all of them. The number is that of the process's own PID namespace, and a
process as short as `ip route del` may be gone, so this is a hint for people: nothing decides by it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

PID_MAX: Final = 1 << 22  # PID_MAX_LIMIT of linux/threads.h


def process_of(port: int) -> str:
    """Give the name of the process with this number (proc(5), at most 15 bytes), "" for none."""
    if not 0 < port <= PID_MAX:
        return ""
    try:
        name = Path(f"/proc/{port}/comm").read_bytes()
    except OSError:
        return ""
    words = name.rstrip(b"\n").decode(errors="backslashreplace")
    return words if words.isprintable() else ascii(words)
