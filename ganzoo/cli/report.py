"""``ganzoo report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ganzoo import files
from ganzoo.cli.context import registry
from ganzoo.cli.log_console import log_console
from ganzoo.cli.output import check_output, unused
from ganzoo.cli.ready import get_ready
from ganzoo.cli.run import Runs, printing_to_stderr, runs_folder
from ganzoo.screen import say_path
from ganzoo.torch_import import load_torch

EXAMPLES = """\
Examples:
  ganzoo report 7
  ganzoo report 7 --out digits.html
  ganzoo report comparisons/losses
"""
FORMATS = (".html", ".htm")


def report_command(
    target: Annotated[
        str,
        typer.Argument(
            metavar="RUN|COMPARISON",
            help="Path, folder name or number of a run; or path or name of a comparison.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="New file to write: .html. \\[default: the name of the run or comparison, in the current folder]",
            show_default=False,
        ),
    ] = None,
    runs: Runs = None,
) -> None:
    """Write a page about a run or a comparison: one HTML file that needs nothing else.

    Of a run: a verdict in words, samples over time beside real pictures, the training pictures nearest to samples,
    metrics, curves, configuration, warnings. Of a comparison: leaderboard, intervals, gallery, quality against time.

    An existing file is never replaced: without --out, a number is added to the name.
    """
    get_ready()
    if out is not None:
        check_output(out, option="--out", what="a report is an HTML page", formats=FORMATS, usual="report")
    log_console(quiet=False)
    load_torch()
    from ganzoo.report.target import page_of

    with printing_to_stderr():
        name, page = page_of(registry(), runs_folder(runs, None), target)
    written = out or unused(Path(f"{name}.html"))
    with files.whole_file(written, place="--out FILE") as beside:
        beside.write_text(page, encoding="utf-8")
    say_path(written)
