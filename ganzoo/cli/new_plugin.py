"""``ganzoo new-plugin``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from ganzoo.cli.context import registry
from ganzoo.program import as_started
from ganzoo.scaffold import DEFAULT_KINDS, NewPlugin, namesakes, planned, written
from ganzoo.screen import say

EXAMPLES = """\
Examples:
  ganzoo new-plugin ganzoo-soft-hinge
  ganzoo new-plugin ganzoo-lab --kind loss --kind disc
  ganzoo new-plugin ganzoo-lab --kind loss:soft-hinge --kind loss:adaptive-hinge
"""


def new_plugin_command(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="Name of the new distribution, e.g. ganzoo-soft-hinge.", show_default=False
        ),
    ],
    kinds: Annotated[
        list[str] | None,
        typer.Option(
            "--kind",
            metavar="KIND[:NAME]",
            help="Kind of a component that it provides, and its name. Can be repeated. \\[default: loss]",
        ),
    ] = None,
    component: Annotated[
        str | None,
        typer.Option(
            "--component",
            metavar="NAME",
            help="Name of a component without one, or how it begins if there are several. "
            "\\[default: NAME without ganzoo-]",
        ),
    ] = None,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Existing folder in which to create it. \\[default: the current folder]",
            show_default=False,
        ),
    ] = Path(),
) -> None:
    """Create a package with components of your own, which installs and passes its tests as it is.

    Kinds: loss, discriminator, generator, regularizer, augmentation, dataset, metric, recipe, tracker,
    extractor, preset.
    """
    known = registry()
    plugin = planned(known, name, kinds=kinds or DEFAULT_KINDS, component=component)
    folder = written(plugin, out)
    for part in plugin.parts:
        for entry in namesakes(known, part.kind, part.name, plugin.distribution):
            say(
                f"warning: {entry.provider} has the {part.kind} {part.name}, too: ask for yours as {part.wanted_as}",
                err=True,
            )
    _print(plugin, folder)


def _print(plugin: NewPlugin, folder: Path) -> None:
    begin_here = {f"{plugin.package}/{part.file}": f"the {part.kind} {part.name}" for part in plugin.parts}
    paths = sorted(plugin.files())
    width = max(map(len, paths))
    say(f"{folder}/")
    for path in paths:
        say(f"  {path.ljust(width)}  {begin_here.get(path, '')}".rstrip())
    say("\nnext:")
    say(f"  python -m pip install --editable {shlex.quote(f'{folder}[test]')}")
    say(f"  python -m pytest {shlex.quote(str(folder))}")
    say(f"  {as_started(plugin.run)}")
