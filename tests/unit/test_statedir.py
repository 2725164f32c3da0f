"""The state directory: kept over a restart, and no failure of it stops the daemon."""

from pathlib import Path

import pytest

from hostgw_core.model import Subnets
from hostgw_daemon.disk.memory import Memory
from hostgw_daemon.disk.recollection import Recollection, encode
from hostgw_daemon.disk.statedir import Kept, StateDir
from support.recollections import NODE_ID, PREFIX, recollection

MACHINE, OTHER = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"


def names(folder: Path) -> list[str]:
    """Give what is in a folder."""
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """Give a host a machine-id."""
    path = tmp_path / "machine-id"
    path.write_text(MACHINE + "\n")
    return path


def test_the_identity_is_kept_over_a_changed_name(tmp_path: Path, machine: Path):
    """The first start writes the id; later ones read it, whatever the node is called."""
    first = StateDir(tmp_path / "s").identity("n1", machine=machine)
    again = StateDir(tmp_path / "s").identity("n2", machine=machine)
    assert (first.value.why, again.value.why) == ("new", "kept")
    assert first.value.identity == again.value.identity
    assert (first.trouble, again.trouble) == ("", "")


def test_a_copied_disk_gets_an_id_of_its_own(tmp_path: Path, machine: Path):
    """Another machine-id beside the same file: another node, and the file says so from then on."""
    first = StateDir(tmp_path).identity("n1", machine=machine)
    machine.write_text(OTHER)
    second = StateDir(tmp_path).identity("n1", machine=machine)
    third = StateDir(tmp_path).identity("n1", machine=machine)
    assert second.value.why == "machine-id changed"
    assert first.value.identity.node_id != second.value.identity.node_id
    assert third.value.identity == second.value.identity


def test_without_a_machine_id_a_random_one_is_kept(tmp_path: Path):
    """No /etc/machine-id: an id that nothing predicts, the same after a restart."""
    ids = [
        StateDir(tmp_path / folder).identity("n1", machine=tmp_path / "none").value.identity
        for folder in ("a", "a", "b")
    ]
    assert ids[0] == ids[1] != ids[2]


def test_a_torn_identity_is_set_aside(tmp_path: Path, machine: Path):
    """A file that holds no id is kept for a person, and the daemon has an id at once."""
    (tmp_path / "node-id").write_bytes(b"\x00\x00")
    kept = StateDir(tmp_path).identity("n1", machine=machine)
    assert kept.value.why == "new"
    assert "node-id.bad" in kept.trouble
    assert (tmp_path / "node-id.bad").read_bytes() == b"\x00\x00"
    assert (tmp_path / "node-id").read_text().startswith(kept.value.identity.node_id)


def test_no_disk_at_all_is_a_trouble_and_an_identity(tmp_path: Path, machine: Path):
    """Where nothing can be written, the id still is a function of machine and name."""
    (tmp_path / "file").write_bytes(b"")
    broken = StateDir(tmp_path / "file" / "state")
    first, second = (broken.identity("n1", machine=machine) for _ in range(2))
    assert first == second
    assert "Not a directory" in first.trouble


def test_memory_is_kept(tmp_path: Path):
    """What is remembered comes back; the same again writes nothing."""
    memory = Memory(key="10.5.3.0-24")
    assert StateDir(tmp_path / "s").remember(memory)
    assert StateDir(tmp_path / "s").recall().value == memory
    assert not StateDir(tmp_path / "s").remember(memory)


def test_nothing_remembered_is_no_trouble(tmp_path: Path):
    """A new node has an empty memory, and nobody is told of it."""
    recalled = StateDir(tmp_path).recall()
    assert (recalled.value, recalled.trouble) == (Memory(), "")


@pytest.mark.parametrize("content", [b"", b'{"version": 1, "memo', b"not ours\n"])
def test_a_memory_that_cannot_be_used_is_set_aside(tmp_path: Path, content: bytes):
    """The daemon starts as if it were new, says so once, and keeps the file for a person."""
    (tmp_path / "state.json").write_bytes(content)
    recalled = StateDir(tmp_path).recall()
    assert recalled.value.subnets == Subnets()
    assert "state.json.bad" in recalled.trouble
    assert names(tmp_path) == ["state.json.bad"]
    assert StateDir(tmp_path).recall().trouble == ""


def test_a_disk_that_fails_is_told_on_recalling_and_raised_on_remembering(tmp_path: Path):
    """At the start the daemon goes on; later its loop reports the condition."""
    (tmp_path / "file").write_bytes(b"")
    broken = StateDir(tmp_path / "file" / "state")
    assert "Not a directory" in broken.recall().trouble
    with pytest.raises(OSError, match="file"):
        broken.remember(Memory())


def recollect(folder: Path, *, node_id: str = NODE_ID) -> Kept[Recollection | None]:
    """Ask a state directory what was understood last."""
    return StateDir(folder).recollect(prefix=PREFIX, node_id=node_id)


def test_what_was_understood_is_kept(tmp_path: Path):
    """It comes back; nobody else may read it."""
    state = StateDir(tmp_path / "s")
    state.keep(recollection())
    found = recollect(tmp_path / "s")
    assert found.value is not None
    assert (found.trouble, found.value.leases) == ("", recollection().leases)
    assert (tmp_path / "s" / "snapshot").stat().st_mode & 0o777 == 0o600


def test_nothing_understood_yet_is_no_trouble(tmp_path: Path):
    """A new node knows nothing, and nobody is told of it."""
    assert recollect(tmp_path) == Kept(None)


@pytest.mark.parametrize(
    ("content", "node_id"),
    [
        (b"", NODE_ID),
        (b"not ours\n", NODE_ID),
        (encode(recollection())[:-1], NODE_ID),
        (encode(recollection()).replace(b"192.0.2.2", b"192.0.2.9"), NODE_ID),
        (encode(recollection()).replace(b"snapshot 1", b"snapshot 2"), NODE_ID),
        (encode(recollection()), "id-9"),
    ],
)
def test_an_understanding_that_cannot_be_used_is_set_aside(
    tmp_path: Path, content: bytes, node_id: str
):
    """The file is kept for a person and named with the reason; the next start knows nothing."""
    (tmp_path / "snapshot").write_bytes(content)
    found = recollect(tmp_path, node_id=node_id)
    assert found.value is None
    assert f"{tmp_path}/snapshot cannot be used" in found.trouble
    assert f"it is kept as {tmp_path}/snapshot.bad" in found.trouble
    assert names(tmp_path) == ["snapshot.bad"]
    assert (tmp_path / "snapshot.bad").read_bytes() == content
    assert recollect(tmp_path, node_id=node_id) == Kept(None)


def test_a_file_that_is_too_large_is_not_read_whole(tmp_path: Path):
    """A file with a hole of a terabyte in it costs neither memory nor time."""
    with (tmp_path / "snapshot").open("wb") as file:
        file.truncate(1 << 40)
    found = recollect(tmp_path)
    assert "it has more than 67108864 bytes" in found.trouble
    assert names(tmp_path) == ["snapshot.bad"]


def test_a_snapshot_that_cannot_be_read_is_a_trouble(tmp_path: Path):
    """A folder in its place, a disk that is gone: the daemon starts without it."""
    (tmp_path / "snapshot").mkdir()
    assert "Is a directory" in recollect(tmp_path).trouble
    with pytest.raises(OSError, match="snapshot"):
        StateDir(tmp_path).keep(recollection())
