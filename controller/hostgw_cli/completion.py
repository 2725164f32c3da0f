"""`hostgwctl completion bash|zsh|fish`: the script by which a shell completes this command.

    hostgwctl completion bash > /usr/share/bash-completion/completions/hostgwctl
    hostgwctl completion zsh > "${fpath[1]}/_hostgwctl"
    hostgwctl completion fish > ~/.config/fish/completions/hostgwctl.fish

The script calls `hostgwctl` for every word, so it need not be made anew for a new version.

Exit status: 0 done, 2 wrong usage.
"""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

NAME = "hostgwctl"
VARIABLE = "_HOSTGWCTL_COMPLETE"
"""What click looks for in the environment of a program of that name."""


@click.command(epilog="Exit status: 0 done, 2 wrong usage.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script by which a shell completes this command.

    For this session: eval "$(hostgwctl completion bash)"; so in zsh; in fish: hostgwctl
    completion fish | source

    For good, it goes to a file: bash /usr/share/bash-completion/completions/hostgwctl, zsh
    _hostgwctl in a folder of $fpath, fish ~/.config/fish/completions/hostgwctl.fish
    """
    found = get_completion_class(shell)
    assert found is not None, "click knows the three"
    command = context.find_root().command
    template = found(command, {}, NAME, VARIABLE)
    # Not `source()`: for bash that runs a bash, to look at its version.
    click.echo(template.source_template % template.source_vars())
