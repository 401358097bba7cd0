"""`leveret completion`: what a shell needs to complete commands and verbs."""

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print a script for a shell: eval "$(leveret completion bash)"."""
    from leveret.cli import main

    found = get_completion_class(shell)
    assert found is not None
    script = found(main, {}, "leveret", "_LEVERET_COMPLETE")
    # Not `source()`, which for bash runs bash to see whether it is new enough.
    click.echo(script.source_template % script.source_vars())
