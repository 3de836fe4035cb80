"""``ganzoo data``: what would be read, without training."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from ganzoo.cli.context import console, registry
from ganzoo.cli.log_console import log_console
from ganzoo.cli.output import check_output, unused
from ganzoo.config.layers import ConfigLayer, parse_assignments
from ganzoo.errors import ConfigError, GanzooError, ResourceError
from ganzoo.files import expanded
from ganzoo.foreign import on_one_line
from ganzoo.planning.choice import Choice, choose, parse_options
from ganzoo.screen import Text, say
from ganzoo.torch_import import load_torch

if TYPE_CHECKING:
    from ganzoo.planning.overview import Overview
    from ganzoo.protocols import Dataset

logger = logging.getLogger("ganzoo")

LISTED = 20
"""So many classes, and files that are left out, are named."""
EXAMPLES = """\
Examples:
  ganzoo data ~/pictures
  ganzoo data ~/pictures --data.split test --sheet test.png
  ganzoo data digits --json
"""


def data_command(
    place: Annotated[
        str, typer.Argument(metavar="NAME|PATH", help="Dataset, or folder or file of pictures.", show_default=False)
    ],
    image_size: Annotated[
        int | None,
        typer.Option("--image-size", metavar="N", help="Image side in pixels; the data decide if it is not given."),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="PATH=VALUE",
            help="Set any key of the section data, e.g. data.split=test. Can be repeated.",
        ),
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option(
            "--sheet",
            metavar="FILE",
            help="Where to write the contact sheet \\[default: contact-sheet-NAME.png in the current folder]",
        ),
    ] = None,
    no_sheet: Annotated[bool, typer.Option("--no-sheet", help="Write no contact sheet.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")] = False,
) -> None:
    """Show what would be read from a dataset or a folder, without training: classes, splits, sizes, what is left out.

    Also writes a contact sheet, a PNG with some pictures of each class. Existing files are never overwritten.

    Options of the dataset: --data.split test, or --set data.split=test. ganzoo info pictures lists them.
    """
    log_console(quiet=False)
    try:
        if sheet is not None:
            check_output(sheet, option="--sheet", what="a contact sheet is a PNG", formats=(".png",), usual="sheet")
        choice = _chosen(place, image_size, parse_assignments(assignments or ()))
        load_torch()
        from ganzoo.planning.overview import look_at

        dataset, seen = look_at(choice)
        written = None if no_sheet else _write_sheet(choice, dataset, seen, sheet)
    except GanzooError as error:
        if as_json:
            say(json.dumps({"error": str(error)}, indent=2))
        raise
    if as_json:
        say(json.dumps(seen.as_json(), indent=2))
        if written is not None:
            logger.info("contact sheet: %s", written)
    else:
        _print(choice, seen, written)


def _chosen(place: str, image_size: int | None, values: dict[str, Any]) -> Choice:
    for path in values:
        if not path.startswith("data."):
            raise ConfigError(
                f"ganzoo data reads data and trains nothing, so {path} has no effect",
                given=path,
                allowed="keys of the section data",
                hint="leave it out, or see the whole plan with: ganzoo run --dry-run",
            )
    flags = {"data.name": place} | ({} if image_size is None else {"data.image_size": image_size})
    return choose(registry(), [ConfigLayer("--set", values), ConfigLayer("flag", flags)])


def _write_sheet(choice: Choice, dataset: Dataset, seen: Overview, sheet: Path | None) -> Path | None:
    """The file that was written; a current folder that cannot be written to is no reason to fail."""
    from ganzoo.evaluation import pictures
    from ganzoo.evaluation.data_sheet import data_sheet

    place = choice.config.data.options().get("path")
    source = None if place is None else expanded(str(place)).resolve()
    if sheet is not None and source is not None and sheet.resolve().is_relative_to(source):
        raise ConfigError(
            f"{sheet} lies in the data, where it would be read as one more picture",
            given=sheet,
            hint="--sheet with a file elsewhere",
        )
    name = source.stem if source is not None else choice.config.data.name
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "data"
    target = sheet or unused(_folder_beside(source) / f"contact-sheet-{plain}.png")
    try:
        pictures.save(data_sheet(dataset, seen), target, place="--sheet FILE")
    except ResourceError as error:
        if sheet is not None:
            raise
        logger.warning("no contact sheet was written: %s", error.message)
        return None
    return target


def _folder_beside(source: Path | None) -> Path:
    """The current folder, or where that is part of the data, the one that the data lie in."""
    here = Path.cwd()
    return source.parent if source is not None and here.is_relative_to(source) else Path()


def _print(choice: Choice, seen: Overview, written: Path | None) -> None:
    out = console()
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="cyan")
    table.add_column(overflow="fold")
    for key, value in _in_words(choice, seen, written):
        table.add_row(key, Text(value))
    out.print(table)


def _in_words(choice: Choice, seen: Overview, written: Path | None) -> Iterator[tuple[str, str]]:
    data = choice.config.data
    yield "data", str(getattr(parse_options(choice)["data"], "path", None) or data.name)
    yield "layout", seen.layout
    yield "split read", f"{data.split}: {seen.images:,} {'vectors' if seen.channels is None else 'images'}"
    yield "splits", _counts(seen.splits)
    yield "classes", _counts(seen.classes, most=LISTED) or "none"
    yield "groups", "none" if seen.groups is None else f"{seen.groups:,}"
    yield "pictures" if seen.channels else "vectors", seen.read_as
    if seen.range is not None:
        yield "values", f"{seen.range[0]} to {seen.range[1]} of 0 to 255, as they are read"
    yield "left out", "\n".join(_left_out(seen)) or "nothing"
    if written is not None:
        yield "contact sheet", str(written)


def _counts(counts: Mapping[str, int], *, most: int | None = None) -> str:
    named = ", ".join(f"{name} ({count:,})" for name, count in list(counts.items())[:most])
    if most is None or len(counts) <= most:
        return named
    return f"{len(counts):,} of {min(counts.values()):,} to {max(counts.values()):,}: {named}, …"


def _left_out(seen: Overview) -> Iterator[str]:
    if seen.left_out:
        yield f"{len(seen.left_out):,}"
    if len(seen.left_out) <= LISTED:
        yield from (f"{on_one_line(path)}: {reason}" for path, reason in seen.left_out.items())
        return
    alike: dict[tuple[str, str], list[str]] = {}
    for path, reason in seen.left_out.items():
        alike.setdefault((path.rpartition("/")[0], reason), []).append(path)
    largest = sorted(alike.items(), key=lambda one: -len(one[1]))
    for (folder, reason), paths in largest[:LISTED]:
        some = f" and {len(paths) - 1:,} more in {on_one_line(folder) or 'the folder itself'}" if paths[1:] else ""
        yield f"{on_one_line(paths[0])}{some}: {reason}"
    rest = sum(len(paths) for _, paths in largest[LISTED:])
    yield f"and {rest:,} more; --json lists all" if rest else "--json lists all"
