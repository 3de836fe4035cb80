"""A run on disk: its configuration, its numbers, images of its generator."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganzoo.config import layers as configuration
from ganzoo.config.layers import ConfigLayer, RunConfig
from ganzoo.errors import CheckpointError, ConfigError
from ganzoo.evaluation import sampling
from ganzoo.planning.options import options_of
from ganzoo.protocols import Generator
from ganzoo.registry import Registry
from ganzoo.runs import manifest
from ganzoo.runs.directory import RunDirectory, find_run
from ganzoo.runs.place import RUNS, runs_flag
from ganzoo.seeds import seeded
from ganzoo.training.runtime import pick_device


@dataclass(frozen=True)
class Run:
    """A run on disk."""

    path: Path

    @property
    def directory(self) -> RunDirectory:
        """Its layout."""
        return RunDirectory(self.path)

    @cached_property
    def config(self) -> RunConfig:
        """The resolved configuration."""
        return read_config(self.directory)

    def metrics(self) -> list[dict[str, float]]:
        """The rows of ``metrics.jsonl``."""
        return [json.loads(line) for line in self.directory.metrics.read_text(encoding="utf-8").splitlines()]

    def sample(
        self, n: int, labels: Sequence[int] | None = None, seed: int = 0, ema: bool = True, step: int | None = None
    ) -> Tensor:
        """Images of the newest checkpoint that verifies, uint8 (n, C, H, W); of vector data float32 (n, D).

        BatchNorm statistics are re-estimated on a copy.

        Args:
            n: how many, at least 1.
            labels: one class number for each image; drawn from the data's frequencies unless given.
            seed: of latents and labels; the first images of ``n`` are those of any larger ``n``.
            ema: take the averaged generator where there is one.
            step: of the checkpoint of this step instead.

        Raises:
            CheckpointError: no checkpoint verifies, or that of ``step`` does not.
            ConfigError: labels for an unconditional generator, or outside the classes; no checkpoint of ``step``.
        """
        parts = [images for images, _ in self.samples(n, labels=labels, seed=seed, ema=ema, step=step)]
        return torch.cat(parts)

    def samples(
        self, n: int, labels: Sequence[int] | None = None, seed: int = 0, ema: bool = True, step: int | None = None
    ) -> Iterator[tuple[Tensor, Tensor | None]]:
        """The images of :meth:`sample` with their labels, in chunks, for more of them than memory holds."""
        network, spec = load_generator(self.directory, self.config, ema=ema, step=step)
        if labels is not None:
            _check_labels(labels, n, spec.classes if spec.conditional else ())
        network = sampling.ready(network, spec, uniform=self.config.train.uniform_labels, seed=seed)
        return sampling.chunks(network, spec, n, labels=labels, seed=seed)

    @property
    def of_vectors(self) -> bool:
        """Whether the run was trained on vectors, not on images."""
        return len(manifest.read_spec(self.directory).shape) == 1

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes the generator is conditioned on; empty if it is unconditional."""
        spec = manifest.read_spec(self.directory)
        return spec.classes if spec.conditional else ()


def load_run(path: Path | str, /) -> Run:
    """A run by its path. Raises :class:`ConfigError` if there is none."""
    return Run(find_run(RUNS, str(path)).path)


def read_config(directory: RunDirectory) -> RunConfig:
    """The configuration a run was started with, or last continued with."""
    if not directory.config.exists():
        raise ConfigError(
            f"{directory.path} is not a run directory: config.yaml is missing",
            hint=f"start a run with: ganzoo run{runs_flag(directory.path.parent)}",
        )
    content = configuration.read_yaml(directory.config.read_text(encoding="utf-8"), str(directory.config))
    return configuration.validate(
        configuration.merge([ConfigLayer(str(directory.config), configuration.flatten(content))])
    )


def load_generator(
    directory: RunDirectory, config: RunConfig, *, ema: bool, step: int | None = None
) -> tuple[Generator, Any]:
    """The trained generator on the best device there is, and what it was built for."""
    spec = manifest.read_spec(directory)
    registry = Registry.load()
    entry = registry.get("generator", config.generator.name)
    options = options_of(entry, config.generator.options(), section="generator")
    with seeded(0, "load"), entry.blamed("cannot be built"):
        network: Generator = options.build(spec)
    if not directory.checkpoint_folders():
        raise _without_checkpoint(directory, config)
    tensors, _ = directory.load_checkpoint(step)
    weights = tensors["ema"] if ema and "ema" in tensors else tensors["generator"]
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise CheckpointError(
            f"the checkpoint of {directory.path.name} does not match generator {config.generator.name}",
            given=str(error).splitlines()[0],
            hint="install the plugin versions named in its manifest.json",
        ) from error
    return network.to(pick_device("auto")), spec


def _without_checkpoint(directory: RunDirectory, config: RunConfig) -> CheckpointError:
    """What is said of a run that has none yet, or never had one."""
    name, train = directory.path.name, config.train
    if not directory.is_live():
        return CheckpointError(
            f"run {name} stopped before its first checkpoint",
            given=directory.checkpoints,
            hint=f"train it with: ganzoo resume {directory.word}",
        )
    first = min(train.checkpoint_every, train.steps or train.checkpoint_every)
    return CheckpointError(
        f"run {name} is being trained and has no checkpoint yet: the first is written at step {first}",
        given=f"at step {_last_step(directory)} or a little later",
        hint=f"wait for step {first}; until then, look at the grids in {shlex.quote(str(directory.samples))}",
    )


def _last_step(directory: RunDirectory) -> int:
    """The step of the last whole row of a run that is being trained."""
    rows = directory.metrics.read_bytes().splitlines(keepends=True) if directory.metrics.exists() else []
    whole = [row for row in rows if row.endswith(b"\n")]
    return int(json.loads(whole[-1])["step"]) if whole else 0


def _check_labels(labels: Sequence[int], n: int, classes: Sequence[str]) -> None:
    if not classes:
        raise ConfigError("the generator of this run is unconditional and takes no labels", hint="leave out the labels")
    wrong = [label for label in labels if not 0 <= label < len(classes)]
    if wrong or len(labels) != n:
        raise ConfigError(
            f"{n} images need {n} labels below {len(classes)}",
            given=f"{len(labels)} labels" + (f", among them {wrong[0]}" if wrong else ""),
            allowed=", ".join(f"{number} {name}" for number, name in enumerate(classes)),
        )
