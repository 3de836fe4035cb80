"""``ganzoo new-component``."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Annotated

import typer

from ganzoo.cli.context import registry
from ganzoo.program import as_started
from ganzoo.scaffold import NewPlugin, add, existing_package, kind_with_template, namesakes, part_of
from ganzoo.screen import say

EXAMPLES = """\
Examples:
  ganzoo new-component loss adaptive-hinge
  ganzoo new-component disc wide-patches --in ganzoo-lab
"""


def new_component_command(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="Kind of component, e.g. loss.", show_default=False)],
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Name of the component, e.g. adaptive-hinge.", show_default=False)
    ],
    folder: Annotated[
        Path,
        typer.Option(
            "--in",
            metavar="DIR",
            help="Folder of the package, with its pyproject.toml. \\[default: the current folder]",
            show_default=False,
        ),
    ] = Path(),
) -> None:
    """Add a component to an existing package: its file, its record and its test. Nothing is overwritten.

    Kinds: loss, discriminator, generator, regularizer, augmentation, dataset, metric, recipe, tracker.
    """
    known = registry()
    here = "" if folder == Path() else f"--in {shlex.quote(str(folder))} "
    package = existing_package(folder)
    wanted = kind_with_template(kind, command="new-component")
    part = part_of(known, package.distribution, wanted, name, said_by=f"ganzoo new-component {here}{wanted} ")
    texts = package.with_part(part)
    add(texts)
    for entry in namesakes(known, part.kind, part.name, package.distribution):
        say(
            f"warning: {entry.provider} has the {part.kind} {part.name}, too: ask for yours as {part.wanted_as}",
            err=True,
        )
    for path in texts:
        what = {package.records: f"the record in {path}", package.readme: f"its row in {path}"}.get(path, str(path))
        say(f"added {what}")
    plugin = NewPlugin(distribution=package.distribution, parts=(part,), imported_as=package.name)
    test = next(path for path in texts if path.name.startswith("test_"))
    say("\nnext:")
    if not any(one.source.distribution == package.distribution for one in known.entry_points):
        say(f"  python -m pip install --editable {shlex.quote(os.path.join(folder, '.'))}")
    say(f"  python -m pytest {shlex.quote(str(test))}")
    say(f"  {as_started(plugin.run)}")
