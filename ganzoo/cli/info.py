"""``ganzoo info``."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

import typer
from rich.padding import Padding
from rich.table import Table

from ganzoo.catalog.description import Description, describe
from ganzoo.cli.context import console, registry
from ganzoo.screen import Screen, Text, say

_MARGIN = "  "


EXAMPLES = """\
Examples:
  ganzoo info hinge
  ganzoo info dcgan --kind generator
  ganzoo info patchgan-sn --json
"""


def info_command(
    name: Annotated[
        str, typer.Argument(help="Name or alias of a component, or distribution/name.", show_default=False)
    ],
    kind: Annotated[
        str | None, typer.Option("--kind", metavar="KIND", help="Show this kind only, if several kinds share the name.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the descriptions as JSON.")] = False,
) -> None:
    """Show a component: formula, description, options, tags, paper, provider and YAML."""
    known = registry()
    entries = known.find(name) if kind is None else [known.get(kind, name)]
    descriptions = [describe(known, entry) for entry in entries]
    if as_json:
        say(json.dumps([description.as_json() for description in descriptions], indent=2))
        return
    out = console()
    for number, description in enumerate(descriptions):
        if number:
            out.print()
        _print(out, description)


def _print(out: Screen, description: Description) -> None:
    entry = description.entry
    out.print(Text.assemble((entry.name, "bold cyan"), f"  {entry.kind}"))
    out.print(Padding(Text(entry.component.summary), (0, 0, 0, 2)))
    _print_pairs(out, "", dict(_facts(description)))
    if description.formula:
        _print_verbatim(out, "formula", description.formula)
    if any(paragraph != entry.component.summary for paragraph in description.prose):
        _print_prose(out, description.prose)
    if description.layouts:
        _print_pairs(out, "layouts, asked in this order", description.layouts)
    if description.options:
        _print_options(out, description)
    if description.suggests:
        _print_pairs(out, "suggests, unless you set it", description.suggests)
    if "patch" in entry.component.tags and entry.kind == "discriminator":
        _print_patch_maps(out, description)
    if description.yaml:
        _print_verbatim(out, "yaml", description.yaml)


def _facts(description: Description) -> Iterator[tuple[str, object]]:
    entry = description.entry
    yield "provider", entry.provider
    if aliases := description.aliases:
        yield "aliases", ", ".join(aliases)
    if entry.component.tags:
        yield "tags", ", ".join(sorted(entry.component.tags))
    if entry.component.paper:
        yield "paper", entry.component.paper
    if description.required:
        yield "required", f"{' '.join(f'--set {path}=VALUE' for path in description.required)}, with every run"
    status = description.row["status"]
    if status in ("shadowed", "ambiguous"):
        yield "status", f"{status}: write {entry.qualified}"
    elif status != "ok":
        yield "status", f"{status}: use {entry.component.deprecated_for}"


def _print_heading(out: Screen, title: str) -> None:
    out.print()
    if title:
        out.print(Text(title, style="bold"))


def _print_pairs(out: Screen, title: str, pairs: Mapping[str, object]) -> None:
    _print_heading(out, title)
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="cyan" if title else "dim")
    table.add_column(overflow="fold")
    for key, value in pairs.items():
        table.add_row(key, str(value))
    out.print(Padding(table, (0, 0, 0, 2)))


def _print_verbatim(out: Screen, title: str, text: str) -> None:
    """Lines are not wrapped: a formula or YAML broken in two is neither."""
    _print_heading(out, title)
    out.print(Text(textwrap.indent(text.rstrip("\n"), _MARGIN)), soft_wrap=True)


def _print_prose(out: Screen, paragraphs: Sequence[str]) -> None:
    _print_heading(out, "what it does")
    for number, paragraph in enumerate(paragraphs):
        if number:
            out.print()
        out.print(Padding(Text(paragraph.replace("``", "`")), (0, 0, 0, 2)))


def _print_options(out: Screen, description: Description) -> None:
    _print_heading(out, "options")
    table = _headed_table("option", "type", "default", "help")
    for option in description.options:
        table.add_row(Text(option.name, style="cyan"), option.type, option.default, option.help)
    out.print(Padding(table, (0, 0, 0, 2)))


def _print_patch_maps(out: Screen, description: Description) -> None:
    from ganzoo.catalog.patch_map import ranks_of  # here, because it imports torch

    for rank in ranks_of(description.entry.component.tags):
        _print_patch_maps_of(rank, out, description)


HEADINGS = {1: ("signal", "length of the signal"), 2: ("image", "size of the image, in pixels")}
HEADINGS |= {3: ("volume", "size of the volume, in voxels")}


def _print_patch_maps_of(rank: int, out: Screen, description: Description) -> None:
    from ganzoo.catalog.patch_map import by_axis, field_in_words, patch_maps

    name, size = HEADINGS[rank]
    _print_heading(out, f"patches by {size}")
    table = _headed_table(name, "receptive field", "map", "decided by the size")
    with description.entry.blamed("cannot be built"):
        maps = list(patch_maps(description.entry.options()(), rank=rank))
    for patch in maps:
        field = f"whole {name}" if patch.receptive_field is None else field_in_words(patch)
        decided = ", ".join(f"{option} {value}" for option, value in patch.resolved.items())
        if patch.map_shape is None:
            table.add_row(str(patch.side), "–", "too small", "")
        else:
            table.add_row(str(patch.side), field, by_axis(patch.map_shape), decided)
    out.print(Padding(table, (0, 0, 0, 2)))


def _headed_table(*headers: str) -> Table:
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0), pad_edge=False)
    for header in headers:
        table.add_column(header, overflow="fold")
    return table
