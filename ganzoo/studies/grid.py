"""From a definition to the cells of a comparison, planned as ``ganzoo run`` would, with one budget."""

from __future__ import annotations

import json
import logging
import math
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ganzoo.config.layers import ConfigLayer
from ganzoo.config.schema import MOST_SAMPLES, PLACES, TrainConfig
from ganzoo.errors import ConfigError
from ganzoo.evaluation.measuring import check_metrics
from ganzoo.files import expanded
from ganzoo.planning.choice import choose
from ganzoo.planning.plan import Plan, make_plan
from ganzoo.protocols import Dataset
from ganzoo.registry import Registry
from ganzoo.runs.together import demand_fit
from ganzoo.studies.applying import of_cell, of_some
from ganzoo.studies.axes import COMPONENTS, Axis, in_words, products
from ganzoo.studies.comparison import MEASURING, MOST_SEEDS, Budget, Cell, Definition, as_folder, measured_by
from ganzoo.training.team import Team

CHECKPOINTS = 5
"""So many a run keeps and is measured at, if nothing else is asked."""
LENGTHS = ("train.steps", "train.epochs", "train.minutes")
"""What says how long a run is."""

logger = logging.getLogger("ganzoo")


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A cell, and the plan of its first seed if it can be computed."""

    cell: Cell
    plan: Plan | None


def plan_cells(registry: Registry, definition: Definition) -> list[Planned]:
    """Every combination, planned; what cannot be computed says why.

    Raises:
        ConfigError: what is wrong whatever the combination; a name that nobody provides; nothing can be computed; or
            the budgets are not equal.
        DataError: the data cannot be read.
    """
    axes = [Axis(name=name, choices=choices) for name, choices in definition.axes.items()]
    _check(registry, definition, axes)
    for path, (axis, having) in of_some(registry, definition.settings, axes).items():
        logger.info("--set %s holds for %s alone", path, " and ".join(map(axis.word, having)))
    opened: dict[str, Dataset] = {}
    planned: list[Planned] = []
    names: Counter[str] = Counter()
    for parts in products(axes):
        name = in_words(parts, axes)
        folder = as_folder(name)
        names[folder] += 1
        folder = folder if names[folder] == 1 else f"{folder}-{names[folder]}"
        planned.append(_planned(registry, definition, axes, parts, name, folder, opened))
    if all(one.plan is None for one in planned):
        first = planned[0].cell
        raise ConfigError(f"no combination of {len(planned)} can be computed; {first.name}: {first.reason}")
    return planned


def _check(registry: Registry, definition: Definition, axes: Sequence[Axis]) -> None:
    if definition.seeds < 1:
        raise ConfigError("--seeds needs at least one", given=definition.seeds, hint="--seeds 3")
    if definition.processes < 1:
        raise ConfigError("--processes needs at least one", given=definition.processes, hint="--processes 2")
    if definition.n is not None and not 2 <= definition.n <= MOST_SAMPLES:
        allowed = f"a whole number from 2 to {MOST_SAMPLES:,}"
        raise ConfigError("-n is no number of samples", given=definition.n, allowed=allowed, hint="-n 1000")
    if definition.seeds > MOST_SEEDS:
        allowed = f"at most {MOST_SEEDS:,}"
        raise ConfigError(
            "--seeds asks for more runs than can be made", given=definition.seeds, allowed=allowed, hint="--seeds 3"
        )
    if "seed" in definition.settings or any(axis.name == "seed" for axis in axes):
        raise ConfigError("a comparison counts its seeds itself", given="--set seed=…", hint="--seeds 3")
    for axis in axes:
        if len(set(map(json.dumps, axis.choices))) < len(axis.choices):
            raise ConfigError(
                f"a choice of {axis.name} is there twice",
                given=", ".join(map(axis.word, axis.choices)),
                allowed="each choice once; --seeds N makes several runs of it",
                hint="--seeds 3",
            )
        if axis.name in COMPONENTS:
            for choice in axis.choices:
                registry.get(axis.name, choice)
    _demand_one_budget(definition)
    _demand_one_yardstick(axes)
    _demand_one_say(definition, axes)
    # What belongs to a component that is chosen is judged with each choice, not with the one that a run has by default.
    varied = {axis.name for axis in axes}
    shared = {path: value for path, value in definition.settings.items() if path.partition(".")[0] not in varied}
    choose(registry, [ConfigLayer("--set", shared), *measured_by(definition.plain())])


def _demand_one_budget(definition: Definition) -> None:
    """Refuse a length that is set beside the budget: one of the two would be trained, and the other be told."""
    budget = definition.budget
    # Steps may bound the time: a learning rate that falls until the end needs them.
    others = {"own": (), "minutes": ("train.minutes",)}.get(budget.kind, LENGTHS)
    for path in others:
        if path in definition.settings or path in definition.axes:
            raise ConfigError(
                f"{path} is another budget than --{budget.kind} {budget.amount:g}",
                given=f"--set {path}",
                allowed=f"one of the two: leave out --set {path}, or --{budget.kind}",
                hint="leave --set out",
            )


def _demand_one_yardstick(axes: Sequence[Axis]) -> None:
    """Refuse to vary what measures: values that were not measured alike are not compared."""
    for axis in axes:
        if axis.name.partition(".")[0] in MEASURING or axis.name == "eval.n":
            raise ConfigError(
                "a comparison measures all runs alike",
                given=f"--set {axis.name} with {len(axis.choices)} choices",
                allowed="one choice for all",
                hint="leave --set out",
            )


def _demand_one_say(definition: Definition, axes: Sequence[Axis]) -> None:
    """Refuse a path that is set for all and varied, or varied twice: one of them would win without a word."""
    said: set[str] = set()
    for axis in axes:
        path = f"{axis.name}.name" if axis.name in COMPONENTS else axis.name
        shared = definition.settings.get(path)
        if path in said or (path in definition.settings and axis.choices != (shared,)):
            other = "another list of choices" if path in said else json.dumps(shared)
            raise ConfigError(
                f"{path} is chosen twice",
                given=f"{', '.join(map(axis.word, axis.choices))}; and {other}",
                allowed="one of the two",
                hint="leave --set out",
            )
        said.add(path)


def _planned(
    registry: Registry,
    definition: Definition,
    axes: Sequence[Axis],
    parts: Mapping[str, Any],
    name: str,
    folder: str,
    opened: dict[str, Dataset],
) -> Planned:
    layers = [ConfigLayer("--set", of_cell(registry, definition.settings, axes, parts))]
    layers += [ConfigLayer(f"--{axis.name}", axis.values(parts[axis.name])) for axis in axes]
    layers += [_budget_layer(definition.budget), *measured_by(definition.plain())]
    cell = Cell(name=name, folder=folder, parts=dict(parts))
    try:
        plan = make_plan(choose(registry, layers), opened=opened)
        check_metrics(plan, n=definition.n)
        demand_fit(plan, Team(size=definition.processes))
        config = _config(plan, definition)
    except ConfigError as error:
        next_step = f" (next: {error.hint})" if error.hint else ""
        return Planned(cell=replace(cell, reason=f"{error.message}{next_step}"), plan=None)
    return Planned(cell=replace(cell, config=config, data=plan.dataset.fingerprint), plan=plan)


def _budget_layer(budget: Budget) -> ConfigLayer:
    path = {"steps": "train.steps", "minutes": "train.minutes"}.get(budget.kind)
    amount = int(budget.amount) if budget.kind == "steps" and budget.amount is not None else budget.amount
    return ConfigLayer(f"--{budget.kind}", {} if path is None else {path: amount})


def _config(plan: Plan, definition: Definition) -> dict[str, Any]:
    """The configuration of the cell's runs: trained alone, since what they are measured by is measured afterwards.

    Raises:
        ConfigError: a checkpoint is to stay that only metrics know.
    """
    train = plan.config.train
    steps = _steps(train, definition.budget)
    asked = {*definition.settings, *definition.axes}
    changes: dict[str, Any] = {"steps": steps}
    if not asked & {"train.keep", "train.checkpoint_every"}:  # suggestions are for a run that nobody measures
        changes |= {"keep": "all"} | ({} if steps is None else {"checkpoint_every": math.ceil(steps / CHECKPOINTS)})
    if {**train.model_dump(), **changes}["keep"] == "best":
        raise ConfigError(
            "runs of a comparison are measured once they are trained, so none of their checkpoints is known as the "
            "best before",
            given="train.keep: best",
            allowed="all, last N, every N",
            hint="--set train.keep=all",
        )
    content = plan.config.model_copy(update={"train": train.model_copy(update=changes)}).model_dump(mode="json")
    for section in MEASURING:
        content[section] = {}
    for place in PLACES:  # the comparison may be gone on with from another folder
        section, key = place.split(".")
        value = content[section].get(key)
        if isinstance(value, str) and os.path.exists(expanded(value)):
            content[section][key] = str(expanded(value).absolute())
    del content["seed"]
    return content


def _steps(train: TrainConfig, budget: Budget) -> int | None:
    if budget.kind not in ("d-updates", "images") or budget.amount is None:
        return train.steps
    per_step = train.n_critic * (train.batch_size if budget.kind == "images" else 1)
    return max(1, round(budget.amount / per_step))


def budget_in_words(cells: Sequence[Cell], definition: Definition) -> str:
    """What every run gets, and what it amounts to where that differs.

    Raises:
        ConfigError: cells would train for different numbers of steps, and nobody asked for that.
    """
    together = "" if definition.processes == 1 else f"; {definition.processes} processes train each run together"
    return _amount_in_words(cells, definition) + together


def _amount_in_words(cells: Sequence[Cell], definition: Definition) -> str:
    budget, possible = definition.budget, [cell for cell in cells if cell.reason is None]
    trains = [cell.config["train"] for cell in possible]
    if any(train["minutes"] is not None for train in trains):
        return _time_in_words(trains)
    if budget.kind == "own" and not any(axis.startswith("train.") for axis in definition.axes):
        _check_equal(possible)
    steps = _range(train["steps"] for train in trains)
    updates = _range(train["steps"] * train["n_critic"] for train in trains)
    images = _range(train["steps"] * train["n_critic"] * train["batch_size"] for train in trains)
    batches = _range(train["batch_size"] for train in trains)
    told = {"generator steps": steps, "discriminator updates": updates, "images": images}
    first = {"d-updates": "discriminator updates", "images": "images"}.get(budget.kind, "generator steps")
    rest = ", ".join(f"{amount} {unit}" for unit, amount in told.items() if unit != first)
    return f"{told[first]} {first} for each run, batch {batches}: {rest}"


def _time_in_words(trains: Sequence[Mapping[str, Any]]) -> str:
    """Time that every run gets, and steps at which it ends before."""
    minutes = sorted({train["minutes"] for train in trains if train["minutes"] is not None})
    time = f"{minutes[0]:g}" if len(minutes) == 1 else f"{minutes[0]:g} to {minutes[-1]:g}"
    bounds = [train["steps"] for train in trains if train["steps"] is not None]
    first = f", or {_range(bounds)} generator steps if they come first" if bounds else ""
    return (
        f"{time} minutes of training time for each run, without metrics and checkpoints{first}; "
        "steps differ between runs"
    )


def _range(amounts: Any) -> str:
    amounts = sorted(set(amounts))
    return f"{amounts[0]:,}" if len(amounts) == 1 else f"{amounts[0]:,} to {amounts[-1]:,}"


def _check_equal(cells: Sequence[Cell]) -> None:
    steps = {cell.name: cell.config["train"]["steps"] for cell in cells}
    if len(set(steps.values())) > 1:
        raise ConfigError(
            "the combinations suggest different numbers of steps, and a comparison needs equal budgets",
            given=", ".join(f"{name}: {number:,}" for name, number in steps.items()),
            allowed="--steps N, --d-updates N, --images N or --minutes N",
            hint=f"--steps {max(steps.values())}",
        )
