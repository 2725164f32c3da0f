"""Whether the CNI plugins are there, by files as they may lie in folders."""

from pathlib import Path

from hostgw_daemon.cni.plugins import missing, sentence


def test_a_plugin_in_any_of_the_folders_is_there(tmp_path: Path):
    """The first folder need not exist, and need not have all of them."""
    for folder, name in (("b", "bridge"), ("c", "host-local")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).touch(mode=0o755)
    folders = [str(tmp_path / name) for name in ("a", "b", "c")]
    assert missing(("bridge", "host-local"), folders) == ()
    assert missing(("bridge", "portmap"), folders) == ("portmap",)


def test_what_cannot_be_run_is_not_there(tmp_path: Path):
    """A file without the right to execute it, a folder of that name, a link to nothing."""
    (tmp_path / "bridge").touch(mode=0o644)
    (tmp_path / "ptp").mkdir()
    (tmp_path / "macvlan").symlink_to("nothing")
    names = ("bridge", "ptp", "macvlan")
    assert missing(names, [str(tmp_path)]) == names


def test_the_sentence_names_plugin_folders_and_cure():
    """A person who reads it knows what to install, or which setting to correct."""
    assert sentence((), ["/opt/cni/bin"]) == ""
    assert sentence(("ptp", "portmap"), ["/opt/cni/bin", "/usr/lib/cni"]) == (
        "there is no ptp and no portmap in /opt/cni/bin or /usr/lib/cni: install"
        " containernetworking-plugins, or say where they are with --cni-bin-dir"
    )
