"""What holds for `hostgwctl` as a whole."""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from hostgw_cli.__main__ import COMMANDS, main


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_that_is_listed_can_be_loaded_and_explains_itself(name):
    """The list is written by hand so that showing it loads nothing: hold it to the modules."""
    found = main.get_command(click.Context(main), name)
    assert found is not None
    assert found.name == name
    assert CliRunner().invoke(main, [name, "--help"]).exit_code == 0


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
