"""The command line: ``ganzoo`` and ``python -m ganzoo``. Data on stdout, messages on stderr; torch only when needed."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ganzoo.cli import context
from ganzoo.cli.commands import LoadingGroup
from ganzoo.cli.dotted_flags import written_out
from ganzoo.lines import say

app = typer.Typer(
    name="ganzoo",
    help="Train GANs: any loss with any discriminator, on the digits that ship with it or on your own pictures.",
    epilog="First steps: ganzoo run --loss hinge --disc patchgan-sn",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    cls=LoadingGroup,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # takes longer than all else that is needed here

        say(f"ganzoo {version('ganzoo')}")
        raise typer.Exit


@app.callback()
def _before(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
    no_plugins: Annotated[bool, typer.Option("--no-plugins", help="Load ganzoo's own components only.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first broken plugin.")] = False,
) -> None:
    context.configure(plugins=not no_plugins, strict=strict, debug=debug)


def main() -> None:
    """Entry point of the command ``ganzoo``."""
    app(args=written_out(sys.argv[1:]))
