"""``ganzoo matrix``."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import track
from rich.table import Table

from ganzoo.cli.context import console, registry
from ganzoo.cli.log_console import log_console
from ganzoo.cli.ready import get_ready
from ganzoo.cli.run import COMPONENTS, Set, component, given_flags, number, repeated
from ganzoo.config.layers import ConfigLayer, parse_assignments
from ganzoo.errors import ConfigError
from ganzoo.planning.choice import choose
from ganzoo.program import as_started
from ganzoo.screen import Screen, Text, say
from ganzoo.torch_import import load_torch

if TYPE_CHECKING:
    from ganzoo.studies.matrix import PairResult

EXAMPLES = """\
Examples:
  ganzoo matrix --run 2
  ganzoo matrix --loss margin-hinge --run 20 --json
  ganzoo matrix --data ring --html > matrix.html
  ganzoo matrix --loss wgan-gp --set disc.norm=instance --set train.n_critic=1
"""
MARKS = {"ok": ("ok", "green"), "warn": ("w", "yellow"), "refused": ("R", "red"), "failed": ("F", "bold white on red")}
MEANINGS = {
    "ok": "ok",
    "warn": "warn: it runs, but is ill-posed",
    "refused": "refused: it cannot be computed",
    "failed": "failed: it broke in training",
}
COLUMN = 4
INDENT = 2


def matrix_command(
    run: Annotated[
        int,
        typer.Option("--run", metavar="N", min=0, help="Train each pair for N generator steps; 0 only judges them."),
    ] = 0,
    loss: Annotated[list[str] | None, component("--loss", "Show this loss only. Can be repeated.")] = None,
    disc: Annotated[list[str] | None, component("--disc", "Show this discriminator only. Can be repeated.")] = None,
    gen: Annotated[str | None, component("--gen", "Generator. \\[default: dcgan]")] = None,
    reg: Annotated[
        list[str] | None,
        component("--reg", "Regularizer to use instead of the suggested ones, or none. Can be repeated."),
    ] = None,
    augment: Annotated[
        list[str] | None,
        component(
            "--augment", "Augment real and fake images before the discriminator, e.g. ada, or none. Can be repeated."
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            metavar="NAME|PATH",
            help="Dataset, or folder or file of pictures. \\[default: digits]",
            rich_help_panel=COMPONENTS,
        ),
    ] = None,
    image_size: Annotated[
        int | None,
        number("--image-size", "Image side in pixels; the data decide if it is not given.", panel=COMPONENTS),
    ] = None,
    assignments: Set = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the pairs as JSON.")] = False,
    as_html: Annotated[bool, typer.Option("--html", help="Print a self-contained HTML page.")] = False,
) -> None:
    """Show which losses and discriminators go together (ok, warn, refused or, with --run, failed) and why.

    Pairs are planned as in ganzoo run, including what losses suggest, but with narrow networks and batches of 8.

    --set overrides both, and what losses suggest; an option of a loss or a discriminator applies to those that have it.

    The exit code is 1 if a pair failed. A refused pair is not a failure.
    """
    get_ready()
    if as_json and as_html:
        raise ConfigError("--json and --html exclude each other", hint="ganzoo matrix --json")
    known = registry()
    flags = given_flags(
        ("--gen", "generator.name", gen), ("--data", "data.name", data), ("--image-size", "data.image_size", image_size)
    )
    flags += [*repeated("--reg", "regularizers", reg), *repeated("--augment", "augment", augment)]
    layers = [ConfigLayer("--set", parse_assignments(assignments or ())), *flags]
    for kind, names in (("loss", loss), ("discriminator", disc)):
        for name in names or ():
            known.get(kind, name)
    choose(known, layers)  # a wrong name or key is answered at once: what follows imports torch
    log_console(quiet=True)
    load_torch()
    from ganzoo.studies.matrix import matrix, pairs

    chosen: dict[str, Any] = {"losses": loss or (), "discriminators": disc or ()}
    results = list(_watched(matrix(known, layers, steps=run, **chosen), total=len(pairs(known, **chosen))))
    if as_json:
        say(json.dumps([result.row() for result in results], indent=2))
    elif as_html:
        from ganzoo.cli.matrix_page import page

        console()  # sets what stands in for letters that the output cannot encode
        say(page(results, steps=run))
    else:
        show(console(), results)
    if any(result.status == "failed" for result in results):
        raise typer.Exit(1)


def _watched(results: Iterator[PairResult], *, total: int) -> Iterator[PairResult]:
    """The same results, with a bar on stderr while somebody is looking."""
    stderr = Screen(stderr=True)
    return iter(track(results, "pairs", total=total, console=stderr, transient=True, disable=not stderr.is_terminal))


def show(out: Screen, results: Sequence[PairResult]) -> None:
    """A letter for each pair, discriminators below each other, and the reasons under it."""
    from ganzoo.studies.matrix import by_reason

    losses = list(dict.fromkeys(result.loss for result in results))
    names = list(dict.fromkeys(result.discriminator for result in results))
    found = {(result.loss, result.discriminator): result for result in results}
    left = INDENT + max(map(len, names), default=0) + 2
    for part in _fitting(losses, out.width - left):
        for line in headings(part, left):
            out.print(Text(line, style="cyan"), soft_wrap=True)
        for name in names:
            row = Text(" " * INDENT).append(name.ljust(left - INDENT), style="cyan")
            for loss in part:
                mark, style = MARKS[found[loss, name].status]
                row.append(mark, style=style).append(" " * (COLUMN - len(mark)))
            row.rstrip()
            out.print(row, soft_wrap=True)
        out.print()
    _print_legend(out, Counter(result.status for result in results))
    for reason, pairs in by_reason(results).items():
        out.print()
        _print_reason(out, reason, pairs, losses, names)


def headings(losses: Sequence[str], left: int) -> Iterator[str]:
    """Stairs: each name begins above its column and runs to the right, where no other column has begun yet."""
    for column, loss in enumerate(losses):
        yield " " * left + "│".ljust(COLUMN) * column + loss


def _fitting(losses: Sequence[str], width: int) -> Iterator[list[str]]:
    """The losses in parts whose columns and headings fit into the width."""
    part: list[str] = []
    for loss in losses:
        if part and COLUMN * len(part) + max(COLUMN, len(loss)) > width:
            yield part
            part = []
        part.append(loss)
    if part:
        yield part


def _print_legend(out: Screen, counts: Counter[str]) -> None:
    for status, (mark, style) in MARKS.items():
        if counts[status]:
            out.print(Text.assemble((mark.ljust(COLUMN), style), f"{counts[status]:4d}  {MEANINGS[status]}"))


def _print_reason(
    out: Screen, reason: str, pairs: Sequence[PairResult], losses: Sequence[str], names: Sequence[str]
) -> None:
    mark, style = MARKS[pairs[0].status]
    table = Table.grid()
    table.add_column(width=COLUMN, no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row(Text(mark, style=style), Text(who(pairs, losses, names), style="bold"))
    table.add_row("", Text(as_started(reason)))
    out.print(table)


def who(pairs: Sequence[PairResult], losses: Sequence[str], names: Sequence[str]) -> str:
    """``wgan, wgan-gp with dcgan, acgan; every loss with mlp``, whichever way round is shorter."""
    by_loss, by_name = _partners(pairs, flip=False), _partners(pairs, flip=True)
    if len(by_loss) <= len(by_name):
        groups = [(theirs, ours) for ours, theirs in by_loss.items()]
    else:
        groups = list(by_name.items())
    return "; ".join(
        f"{_listed(some, losses, 'loss')} with {_listed(others, names, 'discriminator')}" for some, others in groups
    )


def _partners(pairs: Sequence[PairResult], *, flip: bool) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Partners → those who have exactly these: losses by their discriminators, or the other way round."""
    of_each: dict[str, tuple[str, ...]] = {}
    for pair in pairs:
        one, other = (pair.discriminator, pair.loss) if flip else (pair.loss, pair.discriminator)
        of_each[one] = (*of_each.get(one, ()), other)
    groups: dict[tuple[str, ...], tuple[str, ...]] = {}
    for one, others in of_each.items():
        groups[others] = (*groups.get(others, ()), one)
    return groups


def _listed(some: Sequence[str], everyone: Sequence[str], kind: str) -> str:
    """``every loss but bce`` where that is shorter than the names of those it is about."""
    names, others = ", ".join(some), ", ".join(name for name in everyone if name not in some)
    if not others:
        return f"every {kind}" if len(some) > 1 else names
    return min(names, f"every {kind} but {others}", key=len)
