"""Compare losses, critics and anything else on the same data: ``ganzoo compare`` as a function."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ganzoo.config.layers import canonical_path, flatten
from ganzoo.errors import ConfigError
from ganzoo.registry import Registry
from ganzoo.runs.interruption import stoppable
from ganzoo.studies.axes import REGULARIZERS
from ganzoo.studies.comparison import COMPARISONS, Budget, Comparison, Definition, as_folder, find_same
from ganzoo.studies.driving import Job, Tell, drive
from ganzoo.studies.engine_choice import check_engine, check_installed, choose_engine, write_choice
from ganzoo.studies.following import follow
from ganzoo.studies.grid import Planned, budget_in_words, plan_cells
from ganzoo.studies.leaderboard_files import write_leaderboard
from ganzoo.studies.local_processes import LocalProcesses

NAMED = 4
"""So many choices the name of a folder has."""

Names = str | Sequence[str]

logger = logging.getLogger("ganzoo")


@dataclass(frozen=True)
class Compared:
    """What a comparison found.

    Attributes:
        path: its folder.
        leaderboard: the content of ``leaderboard.json``.
    """

    path: Path
    leaderboard: Mapping[str, Any]

    @property
    def verdict(self) -> str:
        """What it shows, in words that claim no more than it does."""
        return str(self.leaderboard["verdict"])


def compare(
    target: Path | str | None = None,
    /,
    *,
    loss: Names | None = None,
    discriminator: Names | None = None,
    generator: Names | None = None,
    regularizers: Sequence[Names] | None = None,
    vary: Mapping[str, Sequence[Any]] | None = None,
    settings: Mapping[str, Any] | None = None,
    data: str | Path | Mapping[str, Any] | None = None,
    seeds: int = 3,
    steps: int | None = None,
    d_updates: int | None = None,
    images: int | None = None,
    minutes: float | None = None,
    metrics: Names = (),
    extractors: Names = (),
    n: int | None = None,
    processes: int = 1,
    jobs: int = 1,
    engine: str | None = None,
    address: str | None = None,
    out: Path | str = COMPARISONS,
    registry: Registry | None = None,
) -> Compared:
    """Train every combination with several seeds, measure them alike, and say what is better and what is chance.

    What is done is not done again: the same call goes on where it was stopped. The logger ``ganzoo`` tells at level
    INFO which run begins and what became of it.

    Args:
        target: the folder of a comparison to go on with; nothing else is asked then.
        loss: names of losses.
        discriminator: names of discriminators.
        generator: names of generators.
        regularizers: each choice is ``none``, a name, or several names.
        vary: path of the configuration → values, as in ``{"train.d_lr": [1e-3, 2e-3]}``.
        settings: configuration that all share, nested or by paths.
        data: name, path or section of a configuration.
        seeds: of each combination: 0, 1, …
        steps: generator steps of each run; one budget at most.
        d_updates: discriminator updates of each run.
        images: real images that each discriminator sees.
        minutes: training time of each run.
        metrics: names; the usual ones for the data unless given. The first ranks.
        extractors: names; those that the metrics suggest unless given.
        n: generated samples; as many as each metric asks for unless given.
        processes: so many train each run together, as with ``torchrun``; on a Ray cluster they may be on several
            machines.
        jobs: runs at once on each machine, each in a process of its own, or in ``processes``.
        engine: where the runs are computed: ``local``, or ``ray`` for a Ray cluster; the one that the comparison was
            begun with unless given, and ``local`` for a new one.
        address: ``HOST:PORT`` of the Ray cluster; the one that this machine belongs to unless given.
        out: the folder of comparisons.
        registry: where components are looked up; the runs themselves find what is installed.

    Raises:
        GanzooError: of the kind that the exit code of ``ganzoo compare`` would name.
    """
    check_engine(engine, address)
    check_installed(engine)
    if target is not None:
        comparison = Comparison.read(Path(target))
    else:
        budget = chosen_budget(steps=steps, d_updates=d_updates, images=images, minutes=minutes)
        axes: dict[str, tuple[Any, ...]] = {
            name: tuple(_listed(names))
            for name, names in (("loss", loss), ("discriminator", discriminator), ("generator", generator))
            if names is not None
        }
        if regularizers is not None:
            axes[REGULARIZERS] = tuple(one if isinstance(one, str) else "+".join(one) for one in regularizers)
        axes |= {canonical_path(path): tuple(values) for path, values in (vary or {}).items()}
        shared = _shared(settings or {}, data)
        definition = Definition(
            axes=axes,
            settings=shared,
            budget=budget,
            seeds=seeds,
            metrics=tuple(_listed(metrics)),
            extractors=tuple(_listed(extractors)),
            n=n,
            processes=processes,
        )
        definition = completed(definition)
        comparison = find_or_create(plan_cells(registry or Registry.load(), definition), definition, Path(out))
    logger.info("%s: %s", comparison.path, comparison.words)
    return go_on(comparison, jobs=jobs, engine=engine, address=address, tell=_log)


def completed(definition: Definition) -> Definition:
    """A definition that names loss and discriminator: what nobody varies has the one choice that a run has."""
    usual = {"loss": "hinge", "discriminator": "patchgan-sn"}
    chosen = {name: (definition.settings.get(f"{name}.name", one),) for name, one in usual.items()}
    missing = {} if definition.axes else chosen
    return Definition(**{**vars(definition), "axes": {**missing, **definition.axes}})


def find_or_create(planned: Sequence[Planned], definition: Definition, out: Path) -> Comparison:
    """The comparison that asks this, gone on with; or a new one, planned whole before anything starts."""
    same = find_same(out, definition.plain(), [one.cell for one in planned])
    return same or create(planned, definition, out)


def create(planned: Sequence[Planned], definition: Definition, out: Path) -> Comparison:
    """A new comparison of what was planned."""
    cells = tuple(one.cell for one in planned)
    words = budget_in_words(cells, definition)
    return Comparison.create(out, _name(definition, planned), definition.plain(), words, cells)


def go_on(
    comparison: Comparison,
    *,
    jobs: int = 1,
    engine: str | None = None,
    address: str | None = None,
    tell: Tell = lambda job, status, done, total: None,
) -> Compared:
    """Do what is left to do of a comparison, and write its leaderboard after each run.

    Raises:
        ConfigError: no such engine; what it needs is not installed; or runs were left to another one.
        ResourceError: the cluster cannot be reached, or cannot compute it.
        Interrupted: Ctrl-C or SIGTERM.
        LockedError: another process goes on with it.
    """
    if jobs < 1:
        raise ConfigError("--jobs needs at least one run at a time", given=jobs, hint="--jobs 1")
    with comparison.locked():
        choice, after = choose_engine(comparison, engine, address), partial(write_leaderboard, comparison)
        try:
            if choice.engine == "ray":
                follow(comparison, choice, jobs=jobs, tell=tell, after=after)
            else:
                write_choice(comparison, choice)
                with stoppable() as stop:
                    drive(comparison, engine=LocalProcesses(comparison, jobs), tell=tell, after=after, stop=stop)
        finally:
            content = write_leaderboard(comparison)
    return Compared(comparison.path, content)


def chosen_budget(
    *, steps: int | None = None, d_updates: int | None = None, images: int | None = None, minutes: float | None = None
) -> Budget:
    """The one budget that is given.

    Raises:
        ConfigError: several are given, or one that is not above zero or not finite.
    """
    amounts = {"steps": steps, "d-updates": d_updates, "images": images, "minutes": minutes}
    given = {kind: amount for kind, amount in amounts.items() if amount is not None}
    words = " ".join(f"--{kind} {amount:g}" for kind, amount in given.items())
    if len(given) > 1:
        raise ConfigError(
            "a comparison has one budget", given=words, allowed="one of these", hint=words.split(" --")[0]
        )
    for kind, amount in given.items():
        if not 0 < amount < math.inf:
            raise ConfigError(f"--{kind} must be a number above 0", given=amount, hint=f"--{kind} 10")
        return Budget(kind=kind, amount=amount)
    return Budget()


def _log(job: Job, status: str, done: int, total: int) -> None:
    logger.info("%d of %d done; %s: %s", done, total, job, status)


def _listed(names: Names) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _shared(settings: Mapping[str, Any], data: str | Path | Mapping[str, Any] | None) -> dict[str, Any]:
    """Nested settings and such by paths, as paths, in plain values."""
    found: dict[str, Any] = {}
    for path, value in settings.items():
        found |= {canonical_path(path): value} if "." in path else flatten({path: value})
    if data is not None:
        found |= flatten({"data": str(data) if isinstance(data, Path) else data})
    plain: dict[str, Any] = json.loads(json.dumps(found))
    return plain


def _name(definition: Definition, planned: Sequence[Planned]) -> str:
    """``hinge-bce-digits``: the choices of the first axis that varies, and the data."""
    axis = next((choices for choices in definition.axes.values() if len(choices) > 1), None)
    words = [planned[0].cell.name] if axis is None else list(map(str, axis[:NAMED]))
    plan = next(one.plan for one in planned if one.plan is not None)
    data = plan.config.data
    source = Path(str(data.options().get("path") or "")).stem or data.name
    return as_folder("-".join([*words, source]))
