"""From configuration and registry to a plan: what will be built, from which origin, and what does not fit."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ganzoo.component import Options
from ganzoo.config.finding import Finding, refusal
from ganzoo.config.layers import Merged, leaves
from ganzoo.config.schema import (
    COLLECTIONS,
    DEFAULT_STEPS,
    SCHEDULES,
    SELECTIONS,
    DataConfig,
    RunConfig,
    ScheduleConfig,
    Selection,
)
from ganzoo.errors import ConfigError, DataError
from ganzoo.planning.choice import Choice, facts, parse_options
from ganzoo.planning.loss_slopes import slopes_of
from ganzoo.planning.opening import code_of, open_data
from ganzoo.planning.rules import judge
from ganzoo.planning.schedules import read_schedules, refused_by_networks
from ganzoo.protocols import Dataset, DataSpec, Discriminator, Generator
from ganzoo.registry import Entry
from ganzoo.seeds import seeded

NETWORKS = ("discriminator", "generator")
LONGEST_NAME = 180
"""Letters of what a run is called: names of files may have 255, and others are made of it."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything a run will consist of.

    Attributes:
        config: resolved: no value is left to be decided.
        origins: path → who said so: a flag such as ``--loss``, ``--set``, ``file …``, ``recipe …``, ``suggested by …``,
            ``size``, ``data`` or ``default``.
        entries: the component of each section; of one that holds several as ``regularizers.NAME``.
        options: the options of each section, likewise.
        spec: what the networks were built for.
        warnings: what is ill-posed, though it runs.
    """

    config: RunConfig
    origins: Mapping[str, str]
    entries: Mapping[str, Entry]
    options: Mapping[str, Options]
    dataset: Dataset
    spec: DataSpec
    discriminator: Discriminator
    generator: Generator
    warnings: tuple[Finding, ...]

    @property
    def name(self) -> str:
        """``hinge-patchgan-sn-digits``: how the run directory is called after its number."""
        data = self.config.data
        path = Path(str(data.options().get("path") or ""))
        source = path.stem if os.path.isfile(path) else path.name
        parts = (self.config.loss.name, self.config.discriminator.name, source or data.name)
        return "-".join(re.sub(r"[^A-Za-z0-9._-]+", "-", part).strip("-.") for part in parts)[:LONGEST_NAME]

    def untrained(self) -> Plan:
        """The same with networks as they were made, whatever has been trained or loaded since."""
        networks: dict[str, Any] = {}
        for section in NETWORKS:
            with seeded(self.config.seed, f"init/{section}"), code_of(self.entries[section], "cannot be built"):
                networks[section] = self.options[section].build(self.spec)
        return replace(self, **networks)

    def part(self, section: str) -> tuple[Entry, Options]:
        """The component of a section and its options."""
        return self.entries[section], self.options[section]

    def tags(self) -> frozenset[str]:
        """The tags of all parts together."""
        return frozenset().union(*(options.tags() for options in self.options.values()))


def make_plan(choice: Choice, *, opened: dict[str, Dataset] | None = None) -> Plan:
    """Read the options, open the data, judge, build.

    Args:
        choice: the components and their configuration.
        opened: datasets that were opened before, for many plans on the same data; what is opened is added.

    Raises:
        ConfigError: values or combinations that do not fit, with every finding at once.
        DataError: the data cannot be read.
        PluginError: a requested component cannot be loaded.
        ResourceError: the networks do not fit into memory.
    """
    options = parse_options(choice)
    opened = {} if opened is None else opened
    wanted = repr((choice.entries["data"].qualified, choice.config.data, options["data"]))
    dataset = opened[wanted] = opened[wanted] if wanted in opened else _open(choice, options)
    conditional = any(chosen.tags() & {"needs_labels", "needs_class_logits"} for chosen in options.values())
    spec = replace(
        dataset.spec,
        conditional=conditional and len(dataset.spec.classes) > 1,
        marginal=_marginal(dataset.spec, choice.config.data.sampling),
    )
    resolved, misfits = _resolve(choice, options, spec)
    findings = _judge(choice, resolved, spec)
    networks = _build(choice, resolved, spec, misfits)
    schedules, unfit = read_schedules(choice.config, choice.merged, resolved)
    findings += unfit or refused_by_networks(networks, schedules)
    refused = [finding for finding in findings if finding.status == "refused"]
    known = {finding.section for finding in refused}
    refused += [misfit for section, misfit in misfits.items() if section not in known]
    if refused:
        raise refusal(refused)
    config = _resolved_config(choice.config, resolved, dataset, schedules)
    return Plan(
        config=config,
        origins=_origins(config, choice.merged, options),
        entries=choice.entries,
        options=resolved,
        dataset=dataset,
        spec=spec,
        discriminator=networks["discriminator"],
        generator=networks["generator"],
        warnings=tuple(findings),
    )


def _marginal(spec: DataSpec, sampling: str) -> tuple[float, ...]:
    """How often each class is seen, which is how often it is asked for. A class may be missing from a split."""
    if sampling != "balanced":
        return spec.marginal
    occurring = sum(share > 0 for share in spec.marginal)
    return tuple((share > 0) / occurring for share in spec.marginal)


def _open(choice: Choice, options: Mapping[str, Options]) -> Dataset:
    try:
        return open_data(choice, options["data"])
    except DataError as error:
        others = [one for one in judge(facts(choice.entries, options)) if one.status == "refused"]
        if not others:
            raise
        raise refusal([_misfit(error, "data"), *others]) from error


def _judge(choice: Choice, options: Mapping[str, Options], spec: DataSpec) -> list[Finding]:
    train = choice.config.train
    return judge(
        facts(
            choice.entries,
            options,
            classes=len(spec.classes),
            rank=spec.rank,
            passes=train.passes,
            spectral_norm=train.spectral_norm,
            unroll_steps=train.unroll_steps,
            fakes=train.fakes,
            updates=train.updates,
            n_critic=train.n_critic,
            loss_slopes=_loss_slopes(options, spec) if train.updates == "simultaneous" else "",
            accumulate=train.accumulate,
            batch_size=train.batch_size,
            sampling=choice.config.data.sampling,
        )
    )


def _loss_slopes(options: Mapping[str, Options], spec: DataSpec) -> str:
    """Of a loss that can be tried without real data that belong to the fakes."""
    loss = options["loss"]
    return "" if loss.tags() & {"generator_needs_real", "batch_nonlinear"} else slopes_of(loss.build(spec))


def _resolve(
    choice: Choice, options: Mapping[str, Options], spec: DataSpec
) -> tuple[dict[str, Options], dict[str, Finding]]:
    """The options with all that the data decide; a section that does not fit the data stays as it is."""
    resolved, misfits = dict(options), {}
    for section, chosen in options.items():
        try:
            with code_of(choice.entries[section], "cannot be adapted to the data"):
                resolved[section] = chosen.resolve(spec)
        except ConfigError as error:
            misfits[section] = _misfit(error, section)
    return resolved, misfits


def _build(
    choice: Choice, options: Mapping[str, Options], spec: DataSpec, misfits: dict[str, Finding]
) -> dict[str, Any]:
    """Both networks with seeded weights; one that cannot be built for this data becomes a misfit."""
    networks: dict[str, Any] = {}
    for section in NETWORKS:
        if section in misfits:
            continue
        try:
            with seeded(choice.config.seed, f"init/{section}"), code_of(choice.entries[section], "cannot be built"):
                networks[section] = options[section].build(spec)
        except ConfigError as error:
            misfits[section] = _misfit(error, section)
    return networks


def _misfit(error: ConfigError | DataError, section: str) -> Finding:
    """An error as one finding among others."""
    lines, _, _ = str(error).partition("\n  next:")
    return Finding("refused", lines, error.hint or "", section=section)


def _resolved_config(
    config: RunConfig, options: Mapping[str, Options], dataset: Dataset, schedules: Mapping[str, ScheduleConfig]
) -> RunConfig:
    """The configuration with every value that data and components decided."""
    chosen: dict[str, Any] = {
        SCHEDULES: {path: one.model_dump(mode="json", exclude_none=True) for path, one in schedules.items()}
    }
    for section in SELECTIONS:
        selection: Selection = getattr(config, section)
        resolved = options[section].model_dump(mode="json")
        if section == "data":
            shape = dataset.spec.shape
            image = {"image_size": shape[-1], "channels": shape[0]} if len(shape) == 3 else {}
            shared = {key: getattr(config.data, key) for key in DataConfig.model_fields}
            chosen[section] = DataConfig.model_construct(**{**shared, **image, **resolved})
        else:
            chosen[section] = Selection(name=selection.name, **resolved)
    for section in COLLECTIONS:
        chosen[section] = {
            name: options[f"{section}.{name}"].model_dump(mode="json") for name in getattr(config, section)
        }
    train = config.train.model_copy(update={"steps": _steps(config, len(dataset)), "epochs": None})
    return config.model_copy(update={**chosen, "train": train})


def _steps(config: RunConfig, images: int) -> int | None:
    """Generator steps; ``None`` if time alone ends the run."""
    train = config.train
    if train.epochs is not None:
        return max(1, round(train.epochs * images / (train.batch_size * train.n_critic)))
    return train.steps or (DEFAULT_STEPS if train.minutes is None else None)


def _origins(final: RunConfig, merged: Merged, options: Mapping[str, Options]) -> dict[str, str]:
    """Who decided each value: the layer that gave it, the data, the image size, or the default.

    A default option of a regularizer, or of its like, that was asked for by name alone comes from who asked.
    """
    undecided = {f"{section}.{key}" for section, chosen in options.items() for key, value in chosen if value is None}
    said = dict(merged.origins)
    for section, chosen in options.items():
        for old, new in type(chosen).renamed_options.items():
            if f"{section}.{old}" in said:
                said[f"{section}.{new}"] = said[f"{section}.{old}"]
    said |= {path: said[f"{SCHEDULES}.{path}"] for path in final.schedules}
    origins: dict[str, str] = {}
    for path, value in leaves(final.model_dump(mode="json")).items():
        left_open = path in merged.values and merged.values[path] is None and value is not None
        if path in said and not left_open:
            origins[path] = said[path]
        elif path == "train.steps" and merged.values.get("train.epochs") is not None:
            origins[path] = f"{said['train.epochs']} (train.epochs)"
        elif path in ("data.image_size", "data.channels") and value is not None:
            origins[path] = "data"
        elif path in undecided and value is not None:
            origins[path] = "size"
        else:
            section, name, *_ = [*path.split("."), ""]
            asked = said.get(f"{section}.{name}") if section in COLLECTIONS else None
            origins[path] = "default" if asked is None else f"{asked} (default)"
    return origins
