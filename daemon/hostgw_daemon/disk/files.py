"""A file is old or new, never torn: whoever reads it, and whenever the power fails.

The new content goes to a temporary file in the same folder, which is synced, given its mode
whatever the umask says, and renamed over the old one; then the folder is synced, for a rename is no
more durable than the folder it happened in (rename(2), fsync(2)). The temporary name is fixed for
each file, so that a daemon killed in between leaves one leftover, which the next write removes, and
no litter; two writers of one file are excluded by the daemon's lock.

All calls block, and raise OSError with the path in it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def atomic_write(path: Path, data: bytes, *, mode: int = 0o644) -> bool:
    """Make `path` hold exactly `data` with `mode`; give whether anything had to be written.

    Folders that are missing are made, with 0755. Raise OSError; the old file is then untouched.
    """
    if _holds(path, data, mode=mode):
        return False
    atomic_stream(path, (data,), mode=mode)
    return True


def atomic_stream(path: Path, pieces: Iterable[bytes], *, mode: int = 0o644) -> None:
    """Make `path` hold these pieces one after the other, whatever it held. As `atomic_write`."""
    make_folder(path.parent)
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    try:
        _write_synced(new, pieces, mode=mode)
        new.rename(path)
    except OSError:
        with suppress(OSError):
            new.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def read_if_there(path: Path, *, most: int = -1) -> bytes | None:
    """Give the content, or None when there is no such file. Raise OSError for anything else.

    Of a file that is larger than `most` bytes only so much is read; -1: all of it.
    """
    try:
        with path.open("rb") as file:
            return file.read(most)
    except FileNotFoundError:
        return None


def remove_if_there(path: Path) -> bool:
    """Remove a file, durably; give whether there was one. Raise OSError."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    _sync_folder(path.parent)
    return True


def set_aside(path: Path) -> Path:
    """Rename a file that cannot be used to `<name>.bad`, over an older one; give the new path."""
    aside = path.with_name(f"{path.name}.bad")
    path.rename(aside)
    _sync_folder(path.parent)
    return aside


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, each with 0755 whatever the umask says. Raise OSError."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    with suppress(FileExistsError):
        folder.mkdir()
        folder.chmod(0o755)


def _holds(path: Path, data: bytes, *, mode: int) -> bool:
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if status.st_size != len(data) or status.st_mode & 0o7777 != mode:
                return False
            return file.read() == data
    except OSError:
        # Whatever stands in the way shows again, with its reason, when the file is written.
        return False


def _write_synced(path: Path, pieces: Iterable[bytes], *, mode: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        os.fchmod(file.fileno(), mode)
        file.writelines(pieces)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
