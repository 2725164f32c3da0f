"""Files: old or new, never torn."""

import os
import resource
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from hostgw_daemon.disk.files import atomic_write, read_if_there, set_aside


@pytest.fixture
def umask() -> Iterator[None]:
    """Set the umask that hardened services have."""
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.fixture
def no_room() -> Iterator[None]:
    """Let the kernel refuse files above 64 KiB: a full disk that needs no mount."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def names(folder: Path) -> list[str]:
    """Give what is in a folder."""
    return sorted(path.name for path in folder.iterdir())


def mode(path: Path) -> int:
    """Give the permissions."""
    return stat.S_IMODE(path.stat().st_mode)


def test_content_and_mode_despite_the_umask(tmp_path: Path, umask: None):
    """Others may read the file and enter its new folders, whatever the umask says."""
    path = tmp_path / "run" / "flannel" / "subnet.env"
    assert atomic_write(path, b"x\n")
    assert path.read_bytes() == b"x\n"
    assert mode(path) == 0o644
    assert mode(path.parent) == mode(path.parent.parent) == 0o755


def test_same_content_is_not_written(tmp_path: Path):
    """A file that is right keeps its inode, so that nobody who watches it is woken."""
    path = tmp_path / "f"
    atomic_write(path, b"x")
    inode = path.stat().st_ino
    assert not atomic_write(path, b"x")
    assert path.stat().st_ino == inode


def test_a_wrong_mode_is_put_right(tmp_path: Path):
    """The same content that others cannot read is not the same file."""
    path = tmp_path / "f"
    atomic_write(path, b"x", mode=0o600)
    assert atomic_write(path, b"x")
    assert mode(path) == 0o644


def test_new_content_replaces_the_whole_file(tmp_path: Path):
    """Somebody who has the old file open goes on reading the old content."""
    path = tmp_path / "f"
    atomic_write(path, b"a long old content")
    with path.open("rb") as reader:
        assert atomic_write(path, b"new")
        assert reader.read() == b"a long old content"
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["f"]


def test_a_leftover_of_a_killed_daemon_is_no_obstacle(tmp_path: Path):
    """A temporary file from a former life, or a link planted in its place, is not followed."""
    path, precious = tmp_path / "f", tmp_path / "precious"
    precious.write_bytes(b"keep me")
    (tmp_path / ".f.new").symlink_to(precious)
    atomic_write(path, b"new")
    assert (path.read_bytes(), precious.read_bytes()) == (b"new", b"keep me")
    assert names(tmp_path) == ["f", "precious"]


def test_killed_before_the_rename_the_old_file_is_whole(tmp_path: Path):
    """A process that dies with the new content written and not renamed changes nothing."""
    path = tmp_path / "f"
    atomic_write(path, b"old")
    child = os.fork()
    if child == 0:
        Path.rename = lambda *_: os.kill(os.getpid(), 9)  # type: ignore[method-assign,assignment,return-value]  # the fault
        atomic_write(path, b"new")
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -9
    assert path.read_bytes() == b"old"
    assert (tmp_path / ".f.new").read_bytes() == b"new"
    atomic_write(path, b"newer")
    assert names(tmp_path) == ["f"]
    assert path.read_bytes() == b"newer"


def test_a_write_cut_short_leaves_the_old_file_and_no_litter(tmp_path: Path, no_room: None):
    """When the kernel takes no more bytes, the old content stays and the half-written file goes."""
    path = tmp_path / "f"
    atomic_write(path, b"old")
    with pytest.raises(OSError, match="File too large"):
        atomic_write(path, b"x" * 1_000_000)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["f"]


def test_a_folder_that_is_a_file_is_an_oserror_that_names_it(tmp_path: Path):
    """The reason can be shown to a person as it is."""
    (tmp_path / "f").write_bytes(b"")
    with pytest.raises(OSError, match=r"Not a directory: .*f/"):
        atomic_write(tmp_path / "f" / "g", b"x")


def test_a_target_that_is_a_folder_fails_and_leaves_no_litter(tmp_path: Path):
    """The rename is refused by the kernel, and the temporary file goes."""
    (tmp_path / "f").mkdir()
    with pytest.raises(OSError, match="directory"):
        atomic_write(tmp_path / "f", b"x")
    assert names(tmp_path) == ["f"]


def test_reading_tells_absence_from_failure(tmp_path: Path):
    """No file is None; a folder in its place is an error."""
    assert read_if_there(tmp_path / "none") is None
    with pytest.raises(IsADirectoryError):
        read_if_there(tmp_path)


def test_setting_aside_keeps_the_content(tmp_path: Path):
    """The bad file is renamed over an older bad one."""
    path = tmp_path / "state.json"
    for content in (b"1", b"2"):
        path.write_bytes(content)
        aside = set_aside(path)
    assert aside.name == "state.json.bad"
    assert aside.read_bytes() == b"2"
    assert not path.exists()
