"""The command line: ``ganzoo`` and ``python -m ganzoo``. Data on stdout, messages on stderr; torch only when needed."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from ganzoo.cli import context
from ganzoo.cli.check import EXAMPLES as CHECK_EXAMPLES
from ganzoo.cli.check import check_command
from ganzoo.cli.compare import EXAMPLES as COMPARE_EXAMPLES
from ganzoo.cli.compare import compare_command
from ganzoo.cli.data import EXAMPLES as DATA_EXAMPLES
from ganzoo.cli.data import data_command
from ganzoo.cli.doctor import EXAMPLES as DOCTOR_EXAMPLES
from ganzoo.cli.doctor import doctor_command
from ganzoo.cli.dotted_flags import written_out
from ganzoo.cli.evaluate import EXAMPLES as EVALUATE_EXAMPLES
from ganzoo.cli.evaluate import evaluate_command
from ganzoo.cli.failure import guarded
from ganzoo.cli.info import EXAMPLES as INFO_EXAMPLES
from ganzoo.cli.info import info_command
from ganzoo.cli.listing import EXAMPLES as LIST_EXAMPLES
from ganzoo.cli.listing import list_command
from ganzoo.cli.matrix import EXAMPLES as MATRIX_EXAMPLES
from ganzoo.cli.matrix import matrix_command
from ganzoo.cli.new_component import EXAMPLES as NEW_COMPONENT_EXAMPLES
from ganzoo.cli.new_component import new_component_command
from ganzoo.cli.new_plugin import EXAMPLES as NEW_PLUGIN_EXAMPLES
from ganzoo.cli.new_plugin import new_plugin_command
from ganzoo.cli.plot import plot_app
from ganzoo.cli.plugins import EXAMPLES as PLUGINS_EXAMPLES
from ganzoo.cli.plugins import plugins_command
from ganzoo.cli.report import EXAMPLES as REPORT_EXAMPLES
from ganzoo.cli.report import report_command
from ganzoo.cli.resume import EXAMPLES as RESUME_EXAMPLES
from ganzoo.cli.resume import resume_command
from ganzoo.cli.run import EXAMPLES as RUN_EXAMPLES
from ganzoo.cli.run import run_command
from ganzoo.cli.runs import EXAMPLES as RUNS_EXAMPLES
from ganzoo.cli.runs import runs_command
from ganzoo.cli.sample import EXAMPLES as SAMPLE_EXAMPLES
from ganzoo.cli.sample import sample_command
from ganzoo.cli.usage import Command, Group
from ganzoo.cli.walk import EXAMPLES as WALK_EXAMPLES
from ganzoo.cli.walk import walk_command
from ganzoo.screen import say

app = typer.Typer(
    name="ganzoo",
    help="Train GANs: any loss with any discriminator, on the digits that ship with it or on your own pictures.",
    epilog="First steps: ganzoo run --loss hinge --disc patchgan-sn",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    cls=Group,
)

for command, function, examples in (
    ("list", list_command, LIST_EXAMPLES),
    ("info", info_command, INFO_EXAMPLES),
    ("data", data_command, DATA_EXAMPLES),
    ("run", run_command, RUN_EXAMPLES),
    ("resume", resume_command, RESUME_EXAMPLES),
    ("runs", runs_command, RUNS_EXAMPLES),
    ("sample", sample_command, SAMPLE_EXAMPLES),
    ("walk", walk_command, WALK_EXAMPLES),
    ("evaluate", evaluate_command, EVALUATE_EXAMPLES),
    ("compare", compare_command, COMPARE_EXAMPLES),
    ("report", report_command, REPORT_EXAMPLES),
    ("matrix", matrix_command, MATRIX_EXAMPLES),
    ("check", check_command, CHECK_EXAMPLES),
    ("new-plugin", new_plugin_command, NEW_PLUGIN_EXAMPLES),
    ("new-component", new_component_command, NEW_COMPONENT_EXAMPLES),
    ("plugins", plugins_command, PLUGINS_EXAMPLES),
    ("doctor", doctor_command, DOCTOR_EXAMPLES),
):
    app.command(command, epilog=examples, cls=Command)(guarded(function))
app.add_typer(plot_app, name="plot")


def _print_version(wanted: bool) -> None:
    if wanted:
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
