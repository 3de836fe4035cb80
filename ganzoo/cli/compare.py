"""``ganzoo compare``."""

from __future__ import annotations

import gc
import json
import shlex
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from ganzoo.cli.context import console, registry
from ganzoo.cli.durations import duration
from ganzoo.cli.given import CHOICES
from ganzoo.cli.log_console import log_console
from ganzoo.cli.ready import get_ready
from ganzoo.cli.run import COMPONENTS, TRAINING, Json, Quiet, component, number, printing_to_stderr
from ganzoo.errors import ConfigError, ResourceError
from ganzoo.screen import Screen, Text, say, say_path
from ganzoo.torch_import import load_torch

if TYPE_CHECKING:
    from ganzoo.studies.comparison import Comparison, Definition
    from ganzoo.studies.driving import Job
    from ganzoo.studies.grid import Planned

BUDGET = "Budget of each run (one of these)"
EXAMPLES = """\
Examples:
  ganzoo compare --loss hinge,bce,wgan-gp --disc dcgan,patchgan-sn --seeds 3 --steps 1500 --dry-run
  ganzoo compare --data ring --loss hinge,bce --disc mlp --steps 500 --jobs 2
  ganzoo compare --data ~/pictures --set train.d_lr=1e-3,2e-3 --minutes 10
  ganzoo compare comparisons/0001-hinge-bce-ring
"""


def several(flag: str, text: str) -> Any:
    """A flag with choices, separated by commas."""
    return typer.Option(flag, metavar=CHOICES, help=text, rich_help_panel=COMPONENTS)


def budget(flag: str, text: str) -> Any:
    """A flag with an amount."""
    return typer.Option(flag, metavar="N", help=text, rich_help_panel=BUDGET, show_default=False)


def compare_command(
    target: Annotated[
        Path | None,
        typer.Argument(
            metavar="[DIR]",
            help="Comparison to go on with. \\[default: a new one, or the one that asks the same]",
            show_default=False,
        ),
    ] = None,
    loss: Annotated[str | None, several("--loss", "Losses. \\[default: hinge]")] = None,
    disc: Annotated[str | None, several("--disc", "Discriminators. \\[default: patchgan-sn]")] = None,
    gen: Annotated[str | None, several("--gen", "Generators. \\[default: dcgan]")] = None,
    reg: Annotated[
        str | None,
        several("--reg", "Choices of regularizers: a name, several joined by +, or none, as in none,r1,r1+lecam."),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="PATH=A,B",
            help="Any key of the configuration: one value for all, or several to compare. A list is written as JSON: "
            "train.g_betas=\\[0,0.9],\\[0.5,0.9] has two choices. Can be repeated.",
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            metavar="NAME|PATH",
            help="Dataset, or folder of pictures. \\[default: digits]",
            rich_help_panel=COMPONENTS,
        ),
    ] = None,
    image_size: Annotated[
        int | None,
        number("--image-size", "Image side in pixels; the data decide if it is not given.", panel=COMPONENTS),
    ] = None,
    batch_size: Annotated[
        int | None, number("--batch-size", "Images per batch. \\[default: 64, or what components suggest]")
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", metavar="N", help="Runs of each combination.", min=1)] = 3,
    steps: Annotated[int | None, budget("--steps", "Generator steps.")] = None,
    d_updates: Annotated[int | None, budget("--d-updates", "Discriminator updates.")] = None,
    images: Annotated[int | None, budget("--images", "Real images that the discriminator sees.")] = None,
    minutes: Annotated[float | None, budget("--minutes", "Training time, without metrics and checkpoints.")] = None,
    metric: Annotated[
        list[str] | None,
        component("--metric", "Metric to compute; the first one ranks. Can be repeated. \\[default: the usual ones]"),
    ] = None,
    extractor: Annotated[
        list[str] | None,
        component("--extractor", "Extractor to look through. Can be repeated. \\[default: what metrics suggest]"),
    ] = None,
    n: Annotated[
        int | None,
        typer.Option(
            "-n",
            metavar="N",
            min=2,
            help="Generated samples. \\[default: what each metric asks for]",
            show_default=False,
        ),
    ] = None,
    processes: Annotated[
        int | None,
        typer.Option(
            "--processes",
            metavar="N",
            min=1,
            help="So many processes train each run together, as with torchrun. \\[default: 1]",
            show_default=False,
            rich_help_panel=TRAINING,
        ),
    ] = None,
    jobs: Annotated[
        int,
        typer.Option(
            "--jobs",
            metavar="N",
            min=1,
            help="Runs at once on each machine; its threads are divided among them.",
            rich_help_panel=TRAINING,
        ),
    ] = 1,
    engine: Annotated[
        str | None,
        typer.Option(
            "--engine",
            metavar="local|ray",
            help="Where to compute: on this machine, or on a Ray cluster. \\[default: local, or as it was begun]",
            show_default=False,
            rich_help_panel=TRAINING,
        ),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(
            "--address",
            metavar="HOST:PORT",
            help="Ray cluster. \\[default: the one that this machine belongs to]",
            show_default=False,
            rich_help_panel=TRAINING,
        ),
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder that holds the comparisons.")] = Path(
        "comparisons"
    ),
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the combinations, what is refused and how long it takes, and stop.")
    ] = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Train every combination with several seeds, and say which is better and which differences may be chance.

    Each run is an ordinary run, in a process of its own or in several. What is done is not done again: the same
    command, or ganzoo compare DIR, goes on where it was stopped, however it was stopped.

    Values of the last step rank; their 95 % intervals are over seeds.
    """
    get_ready()
    screen = log_console(quiet=quiet)
    load_torch()
    from ganzoo.studies import comparing
    from ganzoo.studies.comparison import Comparison
    from ganzoo.studies.engine_choice import check_engine, check_installed

    check_engine(engine, address)
    if not dry_run:
        check_installed(engine)
    asked = (loss, disc, gen, reg, assignments, data, image_size, batch_size, metric, extractor, n, processes)
    budget_given = comparing.chosen_budget(steps=steps, d_updates=d_updates, images=images, minutes=minutes)
    if target is not None:
        if any(one is not None for one in asked) or budget_given.amount is not None:
            raise ConfigError(
                "a comparison that is gone on with is as it was asked",
                given=target,
                allowed="--jobs N, --engine NAME, --address HOST:PORT",
                hint=f"ganzoo compare {shlex.quote(str(target))}",
            )
        comparison = Comparison.read(target)
        _announce(screen, comparison)
    else:
        definition = _definition(asked, seeds=seeds, budget_given=budget_given)
        if dry_run:
            _show_plan(screen, definition, jobs=jobs, as_json=as_json)
            return
        comparison = _begun(screen, definition, out=out, jobs=jobs, timed=not quiet and engine != "ray")
    compared = comparing.go_on(comparison, jobs=jobs, engine=engine, address=address, tell=_teller(screen))
    if as_json:
        say(json.dumps({"path": str(compared.path), **compared.leaderboard}, indent=2))
    else:
        show(console(), compared.leaderboard)
        say_path(compared.path)
    demand_room(compared.leaderboard, comparison)
    if not any(cell["mean"] for cell in compared.leaderboard["cells"]):
        raise typer.Exit(1)


def _show_plan(screen: Screen, definition: Definition, *, jobs: int, as_json: bool) -> None:
    from ganzoo.cli.compare_plan import measured
    from ganzoo.studies.grid import plan_cells

    with printing_to_stderr():
        planned = plan_cells(registry(), definition)
        plan = measured(registry(), planned, definition, jobs=jobs, tell=partial(_tell, screen, as_json=as_json))
    plan.print(as_json=as_json)


def _begun(screen: Screen, definition: Definition, *, out: Path, jobs: int, timed: bool) -> Comparison:
    """The comparison, and if nothing of it is done yet, how long it takes here."""
    from ganzoo.studies.comparing import find_or_create
    from ganzoo.studies.driving import open_jobs
    from ganzoo.studies.grid import plan_cells

    with printing_to_stderr():
        planned = plan_cells(registry(), definition)
        comparison = find_or_create(planned, definition, out)
        _announce(screen, comparison)
        if timed and len(open_jobs(comparison)) == len(comparison.possible) * len(comparison.seeds):
            _tell_time(screen, planned, definition, jobs=jobs)
    return comparison


def _tell_time(screen: Screen, planned: Sequence[Planned], definition: Definition, *, jobs: int) -> None:
    """Say how long it takes, and leave the runs all the memory."""
    import torch

    from ganzoo.allocator import give_back_above
    from ganzoo.cli.compare_plan import measured
    from ganzoo.registry import one_line

    try:
        plan = measured(registry(), planned, definition, jobs=jobs, tell=partial(screen.print, soft_wrap=True))
        plan.print_time(screen)
    except Exception as error:  # a run that fails in the same way says so on the leaderboard, and others may not
        screen.print(f"its time could not be estimated: {one_line(error)}", soft_wrap=True)
    give_back_above(0)
    gc.collect()
    torch.cuda.empty_cache()


def _definition(asked: tuple[Any, ...], *, seeds: int, budget_given: Any) -> Definition:
    """What the flags ask."""
    from ganzoo.studies.axes import split_assignments, split_choices
    from ganzoo.studies.comparing import completed
    from ganzoo.studies.comparison import Definition

    loss, disc, gen, reg, assignments, data, image_size, batch_size, metric, extractor, n, processes = asked
    named = {"loss": loss, "discriminator": disc, "generator": gen, "regularizers": reg}
    axes = {name: tuple(split_choices(words)) for name, words in named.items() if words is not None}
    settings, others = split_assignments(assignments or ())
    flags = {"data.name": data, "data.image_size": image_size, "train.batch_size": batch_size}
    settings |= {path: value for path, value in flags.items() if value is not None}
    return completed(
        Definition(
            axes={**axes, **{axis.name: axis.choices for axis in others}},
            settings=settings,
            budget=budget_given,
            seeds=seeds,
            metrics=tuple(metric or ()),
            extractors=tuple(extractor or ()),
            n=n,
            processes=1 if processes is None else processes,
        )
    )


def demand_room(content: Mapping[str, Any], comparison: Comparison) -> None:
    """Raise a :class:`ResourceError` where runs lacked something here: memory, space on the disk, a device."""
    seeds = [seed for cell in content["cells"] for seed in cell["seeds"]]
    lacking = [seed["reason"] for seed in seeds if seed["exit_code"] == ResourceError.exit_code]
    if lacking:
        raise ResourceError(
            f"{len(lacking)} of {len(seeds)} runs lacked something on this machine: {lacking[0]}",
            given="the others, and the leaderboard, are kept; worker.log of a run says more",
            hint=f"ganzoo compare {comparison.word}",
        )


def _table(content: Mapping[str, Any], label: str | None) -> Table:
    """The cells by one number, or without any: one for all numbers would be too wide for a terminal."""
    from ganzoo.studies.leaderboard_files import best, mean, seeds

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    table.add_column(Text(label or "combination"), overflow="fold")
    table.add_column("seeds", no_wrap=True)
    if label is not None:
        table.add_column(f"{content['better'][label]} is better", justify="right", no_wrap=True)
        table.add_column("best over steps", justify="right", no_wrap=True)
    for cell in content["cells"]:
        numbers = () if label is None else (mean(cell, label), best(cell, label))
        table.add_row(cell["name"], seeds(cell), *numbers)
    return table


def _announce(screen: Screen, comparison: Comparison) -> None:
    from ganzoo.studies.comparison import LOG

    possible, seeds = len(comparison.possible), len(comparison.seeds)
    size = (
        f"{possible} {'combination' if possible == 1 else 'combinations'}, {seeds} {'seed' if seeds == 1 else 'seeds'}"
    )
    screen.print(Text.assemble((str(comparison.path), "bold"), f": {size} each"), soft_wrap=True)
    screen.print(f"budget: {comparison.words}", soft_wrap=True)
    screen.print(f"steps of each run: {comparison.path / 'cells' / 'COMBINATION' / 'seed-N' / LOG}", soft_wrap=True)
    for cell in comparison.cells:
        if cell.reason is not None:
            screen.print(f"refused: {cell.name}: {cell.reason}", soft_wrap=True)


def _tell(screen: Screen, words: str, *, as_json: bool) -> None:
    if not as_json:
        screen.print(words, soft_wrap=True)


def _teller(screen: Screen) -> Any:
    """Says what happens, and from the first run that ended on, how long the rest takes."""
    begun, before = time.monotonic(), None

    def tell(job: Job, status: str, done: int, total: int) -> None:
        nonlocal before
        before = done if before is None else before
        passed = time.monotonic() - begun
        left = f", about {duration(passed * (total - done) / (done - before))} left" if before < done < total else ""
        screen.print(f"{done} of {total} done{left}; {job}: {status}", soft_wrap=True)

    return tell


def show(screen: Screen, content: Mapping[str, Any]) -> None:
    """The leaderboard as a table of each number, with what to know about it."""
    from ganzoo.studies.leaderboard_files import notes

    for label in content["metrics"] or (None,):
        screen.print(_table(content, label))
        screen.print()
    screen.print(Text(content["verdict"], style="bold"), soft_wrap=True)
    screen.print(f"budget: {content['budget']['words']}", soft_wrap=True)
    for note in notes(content):
        screen.print(f"note: {note}", soft_wrap=True)
