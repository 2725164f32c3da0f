"""What holds for `hostgwctl` as a whole."""

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from hostgw_cli.__main__ import COMMANDS, SECTIONS, main
from support.hostgwctl import commands


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_that_is_listed_can_be_loaded_and_explains_itself(name):
    """The list is written by hand so that showing it loads nothing: hold it to the modules."""
    found = main.get_command(click.Context(main), name)
    assert found is not None
    assert found.name == name
    assert CliRunner().invoke(main, [name, "--help"]).exit_code == 0


def test_every_command_has_its_place_in_the_help():
    """Once, under what it is about."""
    placed = [name for names in SECTIONS.values() for name in names]
    assert len(placed) == len(set(placed))
    assert set(COMMANDS) <= set(placed)


@pytest.mark.parametrize(("words", "command"), sorted(commands().items()))
def test_every_command_documents_how_it_ends_and_what_its_options_mean(
    words: str, command: click.Command
):
    """In its help, where who writes a script looks for it."""
    assert "Exit status: 0" in (command.epilog or ""), words
    options = [each for each in command.params if isinstance(each, click.Option)]
    assert [each.name for each in options if not each.help] == []
    assert command.help


TOLD_OTHERWISE = {
    "bundle": "writes an archive",
    "completion": "prints a script",
    "docker-options": "writes a file for dockerd",
    "metrics": "has the form that Prometheus has given it",
    **dict.fromkeys(("cleanup", "config set", "config validate", "leases release"), "does, or not"),
    **dict.fromkeys(("hold accept", "hold extend", "snapshot restore", "snapshot save"), "does"),
}
"""Commands whose answer is no document, and why."""


def test_whatever_tells_something_tells_it_to_programs_too():
    """By the same option everywhere, with the same three values."""
    for words, command in commands().items():
        if words in TOLD_OTHERWISE or words.startswith("lab "):
            continue
        (shape,) = [each for each in command.params if each.name == "output"] or [None]
        assert isinstance(shape, click.Option), words
        assert "--output" in shape.opts
        assert isinstance(shape.type, click.Choice)
        assert list(shape.type.choices) == ["table", "json", "yaml"], words


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_is_told_how_to_complete(shell: str):
    """The script calls this command with click's own variable."""
    done = CliRunner().invoke(main, ["completion", shell])
    assert done.exit_code == 0
    assert f"_HOSTGWCTL_COMPLETE={shell}_complete" in done.output


def test_bash_completes_commands_options_and_the_commands_of_a_group():
    """As a person hears it who presses the tabulator."""
    script = """
source <("$1" completion bash)
completed() {
    COMPREPLY=() COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _hostgwctl_completion hostgwctl
    echo "${COMPREPLY[@]}"
}
PATH="$(dirname "$1"):$PATH"
completed hostgwctl lea
completed hostgwctl leases rel
completed hostgwctl leases release --res
"""
    program = Path(sys.executable).with_name("hostgwctl")
    done = subprocess.run(
        ["bash", "-c", script, "bash", program], capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == ["leases", "release", "--reserve"], done.stderr


def test_help_and_a_command_that_is_not_there_are_answered():
    """The list of commands has a line each; an unknown one is a usage error."""
    shown = CliRunner().invoke(main, ["--help"]).output
    for name, (_, _, line) in COMMANDS.items():
        assert any(name in row and line in row for row in shown.splitlines()), name
    assert CliRunner().invoke(main, ["nothing"]).exit_code == 2


def test_showing_the_help_loads_none_of_the_slow_libraries():
    """A person who types the command waits for click alone."""
    code = (
        "import sys\nfrom hostgw_cli.__main__ import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "slow = {'grpc', 'google.protobuf', 'rich', 'aiohttp', 'pyroute2', 'asyncio'}\n"
        "print(sorted(slow & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
