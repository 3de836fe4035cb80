"""A run on disk: its configuration, its numbers, images of its generator."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from ganzoo.config import layers as configuration
from ganzoo.config.layers import ConfigLayer, RunConfig
from ganzoo.did_you_mean import did_you_mean, nearest
from ganzoo.errors import CheckpointError, ConfigError
from ganzoo.evaluation import sampling
from ganzoo.evaluation.truncation import truncated
from ganzoo.health.monitor import verdicts
from ganzoo.health.verdict import Verdict
from ganzoo.planning.goal import scale_of
from ganzoo.planning.options import options_of
from ganzoo.protocols import DataSpec, Generator
from ganzoo.registry import Registry
from ganzoo.regular import regular_text
from ganzoo.runs import manifest, provenance
from ganzoo.runs.directory import RunDirectory, find_run
from ganzoo.runs.listing import last_step, rows_of
from ganzoo.runs.place import RUNS, runs_flag
from ganzoo.seeds import seeded
from ganzoo.training.runtime import pick_device

logger = logging.getLogger("ganzoo")


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
        """The rows of ``metrics.jsonl``; a last one that is being written, or was cut off, is left out.

        So is, with a warning, a line that is no row.
        """
        return rows_of(self.directory.metrics)

    def health(self) -> list[Verdict]:
        """What went wrong in training, in words, in the order in which it began; empty where nothing did.

        Each verdict says since when it holds, from which numbers it follows, what to try, and a command that does so.
        The thresholds are the constants of :mod:`ganzoo.health.signs` and :mod:`ganzoo.health.signs_of_samples`.
        """
        diverged = None
        if self.directory.read_manifest().get("status") == "diverged":
            diverged = f"The run stopped at step {self.directory.read_manifest().get('step')}."
        return verdicts(
            self.metrics() if self.directory.metrics.exists() else [],
            loss=scale_of(Registry.load(), self.config),
            config=self.config,
            again=self.directory.again(),
            diverged=diverged,
        )

    def sample(
        self,
        n: int | None = None,
        labels: Sequence[int] | None = None,
        seed: int = 0,
        ema: bool = True,
        *,
        step: int | None = None,
        classes: str | Sequence[str] | None = None,
        truncation: float | None = None,
    ) -> Tensor:
        """Images of the newest checkpoint that verifies, uint8 (n, C, H, W); of vector data float32 (n, D).

        BatchNorm statistics are re-estimated on a copy.

        Args:
            n: how many, at least 1; may be left out where ``labels`` or ``classes`` has one entry for each image.
            labels: one class number for each image; drawn from the data's frequencies unless given.
            seed: of latents and labels; the first images of ``n`` are those of any larger ``n``.
            ema: take the averaged generator where there is one.
            step: of the checkpoint of this step instead.
            classes: in place of ``labels``, one class name for each image, or a single text for all of them.
            truncation: ψ of :class:`~ganzoo.evaluation.truncation.StyleTowardMean` for a generator with a style, or of
                :class:`~ganzoo.evaluation.truncation.NarrowLatents`.

        Raises:
            CheckpointError: no checkpoint verifies, or that of ``step`` does not.
            ConfigError: labels for an unconditional generator, or outside the classes; a truncation that is out of
                range, or of latents that are not normal; no checkpoint of ``step``; or nothing says how many images.
        """
        chunks = self.samples(n, labels=labels, seed=seed, ema=ema, step=step, classes=classes, truncation=truncation)
        return torch.cat([images for images, _ in chunks])

    def samples(
        self,
        n: int | None = None,
        labels: Sequence[int] | None = None,
        seed: int = 0,
        ema: bool = True,
        *,
        step: int | None = None,
        classes: str | Sequence[str] | None = None,
        truncation: float | None = None,
    ) -> Iterator[tuple[Tensor, Tensor | None]]:
        """The images of :meth:`sample` with their labels, in chunks, for more of them than memory holds."""
        n, labels = self._asked_for(n, labels, classes)
        network, spec = self.network(seed=seed, ema=ema, step=step, truncation=truncation)
        return sampling.chunks(network, spec, n, labels=labels, seed=seed)

    def _asked_for(
        self, n: int | None, labels: Sequence[int] | None, classes: str | Sequence[str] | None
    ) -> tuple[int, Sequence[int] | None]:
        """How many images, and the class number of each."""
        if labels is not None and classes is not None:
            raise ConfigError("labels and classes both say which classes are wanted", hint="leave out one of them")
        listed = labels if isinstance(classes, str) or classes is None else classes
        n = len(listed) if n is None and listed is not None else n
        if n is None or n < 1:
            raise ConfigError("sample needs the number of images", given=n, allowed="at least 1", hint="run.sample(64)")
        if classes is not None:
            names = [classes] * n if isinstance(classes, str) else classes
            labels = [self.class_number(name) for name in names]
        if labels is not None:
            _check_labels(labels, n, self.classes)
        return n, labels

    def class_number(self, name: str) -> int:
        """The number of a class by its name.

        Raises:
            ConfigError: the generator does not know classes, or not this one.
        """
        if not self.classes:
            raise ConfigError(
                f"the generator of {self.path.name} was trained without classes, so it cannot be asked for one",
                given=name,
                allowed="samples without a class",
                hint="leave out the class, or train a generator that knows classes: "
                f"{self.directory.again()} --disc acgan",
            )
        if name not in self.classes:
            raise ConfigError(
                f"there is no class {name!r}{did_you_mean(name, self.classes)}",
                given=name,
                allowed=", ".join(self.classes),
                hint=f"--class {shlex.quote(nearest(name, self.classes) or self.classes[0])}",
            )
        return self.classes.index(name)

    @cached_property
    def generator(self) -> Generator:
        """The generator that samples come from: averaged where there is an average, in eval mode, on the best device.

        BatchNorm statistics are re-estimated as for :meth:`sample`. It is loaded when first asked for, from the newest
        checkpoint that verifies. ``generator.latent(n, generator=torch.Generator())`` draws latents for it.

        Raises:
            CheckpointError: no checkpoint verifies.
        """
        network, _ = self.network()
        return network

    def network(
        self, *, seed: int = 0, ema: bool = True, step: int | None = None, truncation: float | None = None
    ) -> tuple[Generator, DataSpec]:
        """A generator that is ready for evaluation, with truncation if asked for, and what it was built for."""
        network, spec = load_generator(self.directory, self.config, ema=ema, step=step)
        network = sampling.ready(network, spec, uniform=self.config.train.uniform_labels, seed=seed)
        if truncation is not None:
            network, meaning = truncated(network, truncation)
            logger.info("truncation %s: %s", truncation, meaning)
        return network, spec

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
        if directory.manifest.exists() or directory.checkpoint_folders():
            raise ConfigError(
                f"the configuration of run {directory.path.name} is lost: config.yaml is missing",
                given=directory.path,
                allowed="config.yaml as the run wrote it",
                hint="put it back; manifest.json says which components the run has, and its weights can be read with "
                "safetensors from checkpoints/",
            )
        raise ConfigError(
            f"{directory.path} is not a run directory: config.yaml is missing",
            hint=f"start a run with: ganzoo run{runs_flag(directory.path.parent)}",
        )
    try:
        text = regular_text(directory.config)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(
            f"cannot read {directory.config}: {reason}",
            hint="put back what the run wrote there; its manifest.json says which components it had",
        ) from error
    content = configuration.read_yaml(text, str(directory.config))
    return configuration.validate(
        configuration.merge([ConfigLayer(str(directory.config), configuration.flatten(content))])
    )


def load_generator(
    directory: RunDirectory, config: RunConfig, *, ema: bool, step: int | None = None
) -> tuple[Generator, DataSpec]:
    """The trained generator on the best device there is, and what it was built for."""
    spec = manifest.read_spec(directory)
    before = directory.read_manifest()
    registry = provenance.as_it_was(Registry.load(), before, config, section="generator")
    entry = registry.get("generator", config.generator.name)
    with provenance.told_of_other_versions(registry, before):
        options = options_of(entry, config.generator.options(), section="generator")
    with seeded(0, "load"), entry.blamed("cannot be built"):
        network: Generator = options.build(spec)
    if not directory.checkpoint_folders():
        raise _without_checkpoint(directory, config)
    tensors, _ = directory.load_checkpoint(step)
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


def _without_checkpoint(directory: RunDirectory, config: RunConfig) -> CheckpointError:
    """What is said of a run that has none yet, or never had one."""
    name, train = directory.path.name, config.train
    if not directory.is_live():
        directory.demand_checkpoint(every=train.checkpoint_every)
        return CheckpointError(
            f"run {name} stopped before its first checkpoint",
            given=directory.checkpoints,
            hint=f"train it with: ganzoo resume {directory.word}",
        )
    first = min(train.checkpoint_every, train.steps or train.checkpoint_every)
    return CheckpointError(
        f"run {name} is being trained and has no checkpoint yet: the first is written at step {first}",
        given=f"at step {last_step(directory.metrics) or 0} or a little later",
        hint=f"wait for step {first}; until then, look at the grids in {shlex.quote(str(directory.samples))}",
    )


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
