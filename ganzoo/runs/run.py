"""A run on disk: its configuration, its numbers, images of its generator."""

from __future__ import annotations

import json
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
from ganzoo.runs import manifest, provenance
from ganzoo.runs.directory import RunDirectory, find_run
from ganzoo.seeds import seeded
from ganzoo.training.runtime import pick_device

RUNS = Path("runs")


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

    def sample(self, n: int, labels: Sequence[int] | None = None, seed: int = 0, ema: bool = True) -> Tensor:
        """Images of the newest checkpoint that verifies, uint8 (n, C, H, W); of vector data float32 (n, D).

        BatchNorm statistics are re-estimated on a copy.

        Args:
            n: how many, at least 1.
            labels: one class number for each image; drawn from the data's frequencies unless given.
            seed: of latents and labels; the first images of ``n`` are those of any larger ``n``.
            ema: take the averaged generator where there is one.

        Raises:
            CheckpointError: no checkpoint verifies.
            ConfigError: labels for an unconditional generator, or outside the classes.
        """
        parts = [images for images, _ in self.samples(n, labels=labels, seed=seed, ema=ema)]
        return torch.cat(parts)

    def samples(
        self, n: int, labels: Sequence[int] | None = None, seed: int = 0, ema: bool = True
    ) -> Iterator[tuple[Tensor, Tensor | None]]:
        """The images of :meth:`sample` with their labels, in chunks, for more of them than memory holds."""
        network, spec = load_generator(self.directory, self.config, ema=ema)
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
            f"{directory.path} is not a run directory: config.yaml is missing", hint="start a run with: ganzoo run"
        )
    content = configuration.read_yaml(directory.config.read_text(encoding="utf-8"), str(directory.config))
    return configuration.validate(
        configuration.merge([ConfigLayer(str(directory.config), configuration.flatten(content))])
    )


def load_generator(directory: RunDirectory, config: RunConfig, *, ema: bool) -> tuple[Generator, Any]:
    """The trained generator on the best device there is, and what it was built for."""
    spec = manifest.read_spec(directory)
    before = directory.read_manifest()
    registry = provenance.as_it_was(Registry.load(), before, config, section="generator")
    entry = registry.get("generator", config.generator.name)
    with provenance.told_of_other_versions(registry, before):
        options = options_of(entry, config.generator.options(), section="generator")
    with seeded(0, "load"), entry.blamed("cannot be built"):
        network: Generator = options.build(spec)
    tensors, _ = directory.load_checkpoint()
    weights = tensors["ema"] if ema and "ema" in tensors else tensors["generator"]
    with provenance.told_of_other_versions(registry, before):
        try:
            network.load_state_dict(weights)
        except RuntimeError as error:
            raise CheckpointError(
                f"the checkpoint of {directory.path.name} does not match generator {config.generator.name}",
                given=str(error).splitlines()[0],
                hint="install the plugin versions named in its manifest.json",
            ) from error
    return network.to(pick_device("auto")), spec


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
