"""How good is what a run learned, or what a folder holds: metrics with floors and records."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal

from ganzoo.config import layers as configuration
from ganzoo.config.layers import ConfigLayer, merge
from ganzoo.config.schema import DataConfig
from ganzoo.errors import CheckpointError, ConfigError, GanzooError
from ganzoo.evaluation import sampling
from ganzoo.evaluation.folder import open_generated
from ganzoo.evaluation.judging import Judgment, judge
from ganzoo.evaluation.measuring import yardstick
from ganzoo.evaluation.opened import Maker, OpenedData, open_measurable
from ganzoo.evaluation.outlook import watched
from ganzoo.evaluation.pace import Pace
from ganzoo.evaluation.value import Value
from ganzoo.files import expanded, writing
from ganzoo.planning.choice import choose
from ganzoo.registry import Registry
from ganzoo.regular import added_to, regular_text
from ganzoo.runs import provenance, same_data
from ganzoo.runs.checkpoint import step_of
from ganzoo.runs.directory import find_run
from ganzoo.runs.own_data import without_measures
from ganzoo.runs.place import RUNS, runs_flag
from ganzoo.runs.run import Run
from ganzoo.runs.shapes import EVALUATION, fits
from ganzoo.training.lack_of_memory import told_of_memory

logger = logging.getLogger("ganzoo")

FOR_IMAGES = ("frechet-distance", "kernel-distance", "precision-recall", "nearest-neighbor")
FOR_VECTORS = ("mode-coverage",)
Steps = int | Literal["all"] | Sequence[int] | None


FEWER = "fewer samples, which are kept all at a time: -n N"


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What was measured.

    Attributes:
        target: the run's folder, or the pictures.
        judgments: step → what was found; the step of pictures from elsewhere is ``None``.
    """

    target: Path
    judgments: Mapping[int | None, Judgment]

    @property
    def values(self) -> tuple[Value, ...]:
        """The values at the last step."""
        return list(self.judgments.values())[-1].values

    def value(self, key: str) -> Value:
        """The value with this key (``fd``) or label (``fd[efficientnet-lite0]@5000``) at the last step."""
        for value in self.values:
            if key in (value.key, value.label):
                return value
        raise KeyError(f"{key} was not measured; there are {', '.join(value.label for value in self.values)}")

    def best(self, label: str) -> int | None:
        """The step at which a number was best."""
        found = {
            step: (value.value if value.better == "lower" else -value.value)
            for step, judgment in self.judgments.items()
            for value in judgment.values
            if value.label == label and value.better is not None
        }
        return min(found, key=lambda step: found[step], default=None)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Every value as plain data."""
        for step, judgment in self.judgments.items():
            for value in judgment.values:
                yield {"step": step, **value.row()}

    def failed(self) -> dict[str, str]:
        """Metric → why it has no numbers; of several steps, ``METRIC at step N``."""
        several = len(self.judgments) > 1
        return {
            f"{name} at step {step}" if several else name: reason
            for step, judgment in self.judgments.items()
            for name, reason in judgment.failed.items()
        }


@told_of_memory("out of memory while measuring", hint=FEWER)
def evaluate_run(
    registry: Registry,
    run: Run,
    changes: Sequence[ConfigLayer] = (),
    *,
    n: int | None = None,
    step: Steps = None,
    ema: bool = True,
    truncation: float | None = None,
    seed: int = 0,
    pace: Pace | None = None,
) -> Evaluation:
    """Measure the generator of a run, and add what was found to its ``evaluations.jsonl``.

    Args:
        registry: where components come from.
        run: the run.
        changes: what it is measured by, and where its data lie now.
        n: generated samples; as many as each metric asks for if ``None``.
        step: of this checkpoint, of these, of ``all``, or of the newest.
        ema: take the averaged generator where there is one.
        truncation: as for samples.
        seed: of the samples.
        pace: is told what is done.

    Raises:
        ConfigError: a metric does not fit the data.
        CheckpointError: there is no checkpoint, or the data are not those of the run.
        DataError: the data cannot be read.
        ResourceError: there is too little memory.
    """
    subject = _of_run(registry, run, changes)
    steps = steps_of(run, step)
    measured = yardstick(subject, n=n)
    if pace is not None:
        measured = watched(measured, pace, judgments=len(steps), balanced=True)
    judgments: dict[int | None, Judgment] = {}
    for chosen in steps:
        network, spec = run.network(seed=seed, ema=ema, step=chosen, truncation=truncation)
        judgments[chosen] = judge(
            measured,
            partial(_generated, network, spec, seed),
            balanced=partial(_generated, network, spec, seed, balanced=True),
            ema=ema and run.config.train.averages,
            batch_norm="re-estimated",
            truncation=truncation,
        )
    evaluation = Evaluation(target=run.path, judgments=judgments)
    _note(run, evaluation, seed=seed)
    return evaluation


def _generated(network: Any, spec: Any, seed: int, n: int, *, balanced: bool = False) -> Any:
    labels = sampling.balanced_labels(spec, n) if balanced else None
    return sampling.chunks(network, spec, n, labels=labels, seed=seed)


@told_of_memory("out of memory while measuring", hint=FEWER)
def evaluate_folder(
    registry: Registry,
    path: Path,
    layers: Sequence[ConfigLayer],
    *,
    n: int | None = None,
    pace: Pace | None = None,
) -> Evaluation:
    """Measure pictures from any program against the data that ``layers`` choose; ``pace`` is told what is done.

    Raises:
        ConfigError: a metric does not fit the data.
        DataError: pictures or data cannot be read.
        ResourceError: there is too little memory.
    """
    maker = Maker(
        words=f"the folder {path}", hint="sort the pictures into folders that are called as the classes of the data"
    )
    subject = _with_defaults(registry, layers, labeled=False, maker=maker)
    pictures = open_generated(registry, path, subject.spec)
    if pictures.labels is not None:
        subject = _with_defaults(registry, layers, labeled=True, maker=maker)
    measured = yardstick(subject, n=n)
    _tell_of_few(path, len(pictures.dataset), wanted=measured.most, asked=n is not None)
    if pace is not None:
        measured = watched(measured, pace, judgments=1, balanced=False, most=len(pictures.dataset))
    judgment = judge(measured, pictures.chunks)
    return Evaluation(target=path, judgments={None: judgment})


def _tell_of_few(path: Path, count: int, *, wanted: int, asked: bool) -> None:
    """Values of fewer pictures than were meant say so in their labels alone."""
    if count < wanted:
        meant = f"{wanted:,} were asked for" if asked else f"the metrics want up to {wanted:,}"
        logger.warning("%s holds %s pictures, and all of them are used: %s", path, f"{count:,}", meant)


def measured_later(
    registry: Registry, config: Mapping[str, Any], changes: Sequence[ConfigLayer], *, labeled: bool
) -> OpenedData:
    """The data of a run that is yet to be trained, with what it will be measured by.

    Args:
        registry: where components come from.
        config: the configuration of the run.
        changes: what it is measured by, if not by the usual metrics.
        labeled: whether its samples will have labels.

    Raises:
        ConfigError: a metric does not fit the data.
        DataError: the data cannot be read.
    """
    values = without_measures(configuration.flatten(config))
    saved = ConfigLayer("configuration", values, verbatim=True)
    maker = Maker(words=f"generator {config['generator']['name']}", hint="--disc acgan")
    return _with_defaults(registry, [saved, *changes], labeled=labeled, maker=maker)


def _of_run(registry: Registry, run: Run, changes: Sequence[ConfigLayer]) -> OpenedData:
    values = configuration.flatten(run.config.model_dump(mode="json"))
    asked = {path.partition(".")[0] for layer in changes for path in layer.values}
    # Metrics of the training are those of an evaluation too, unless others are asked for; their extractors as well.
    kept = values if run.config.metrics and not asked & {"metrics", "extractors"} else without_measures(values)
    before = run.directory.read_manifest()
    pinned = provenance.as_it_was(registry, before, run.config, section="data")
    saved = ConfigLayer(str(run.directory.config), kept, verbatim=True)
    conditional = bool(run.classes)
    moved = merge([saved, *changes]).tree().get("data", {})
    data = DataConfig.model_construct(**{**run.config.data.model_dump(), **moved})
    with (
        provenance.told_of_other_versions(registry, before),
        same_data.told_where(data, run.directory, command="evaluate"),
    ):
        maker = Maker(
            words=f"generator {run.config.generator.name} of run {run.path.name}",
            hint="train one that sees the classes: ganzoo run --disc acgan",
        )
        subject = _with_defaults(pinned, [saved, *changes], labeled=conditional, maker=maker)
    same_data.check(before.get("data", {}).get("fingerprint"), subject, run.directory, command="evaluate")
    return subject


def _with_defaults(registry: Registry, layers: Sequence[ConfigLayer], *, labeled: bool, maker: Maker) -> OpenedData:
    """The data, measured by what people ask for, or by the usual metrics."""
    choice = choose(registry, layers)
    subject = open_measurable(choice, labeled=labeled, maker=maker)
    if choice.config.metrics:
        return subject
    names = FOR_IMAGES if len(subject.spec.shape) == 3 else FOR_VECTORS
    usual = ConfigLayer("default", {f"metrics.{name}": {} for name in names}, suggestion=True)
    return open_measurable(choose(registry, [usual, *layers]), labeled=labeled, maker=maker)


def demand_steps(run: Run, step: Steps) -> list[int]:
    """The steps that are named, or all that a run has checkpoints of where none is.

    Raises:
        CheckpointError: the run has no checkpoint at all.
        ConfigError: it has none of a step that is meant, or none is.
    """
    found = [step_of(folder) for folder in run.directory.checkpoint_folders()]
    found = [number for number in found if number] if step == "all" else found
    if not found:
        run.directory.demand_checkpoint(every=run.config.train.checkpoint_every)
        raise CheckpointError(
            f"run {run.path.name} has no checkpoint, so there is nothing to evaluate",
            given=run.directory.checkpoints,
            hint=f"train it with: ganzoo resume {run.directory.word}",
        )
    if step == "all" or step is None:
        return found
    chosen = [step] if isinstance(step, int) else sorted(set(step))
    if not chosen:
        raise ConfigError("no step is named", given=[], allowed="a step at least, or all", hint="--step all")
    for one in chosen:
        run.directory.checkpoint_folder(one)
    return chosen


def steps_of(run: Run, step: Steps) -> list[int]:
    """The steps whose generators are meant, in order, so that the last that is measured is the last of the training.

    Raises:
        CheckpointError: the run has no checkpoint, or no intact one where none is named.
        ConfigError: it has none of a step that is meant, or none is.
    """
    found = demand_steps(run, step)
    return [run.directory.newest_intact()] if step is None else sorted(found)


def _note(run: Run, evaluation: Evaluation, *, seed: int) -> None:
    """Add a line for each value to the run's file; a run that cannot be written is measured all the same."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    lines = [json.dumps({"at": now, "seed": seed, **row}) for row in evaluation.rows()]
    path = run.path / "evaluations.jsonl"
    try:
        with writing(path), added_to(path) as file:
            # A line that was torn by a kill must not swallow the next one.
            file.seek(max(0, file.seek(0, os.SEEK_END) - 1))
            torn = file.read(1) not in (b"", b"\n")
            file.write(b"\n" * torn + "".join(f"{line}\n" for line in lines).encode())
    except GanzooError as error:
        logger.warning("what was measured could not be added to the run: %s", error.message)


def read_evaluations(run: Path) -> list[dict[str, Any]]:
    """The rows of ``evaluations.jsonl``, oldest first; a torn last line, and what no evaluation writes, is left out."""
    path = run / "evaluations.jsonl"
    rows = []
    try:
        lines = regular_text(path, errors="replace").splitlines() if path.exists() else []
    except OSError as error:
        logger.warning("%s cannot be read, and what it said is lost: %s", path, error.strerror)
        return []
    for line in lines:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if fits(row, EVALUATION) and {"label", "value", "record"} <= row.keys():
            rows.append(row)
    return rows


def evaluate(
    target: Run | Path | str,
    /,
    *,
    data: str | Path | Mapping[str, Any] | None = None,
    metrics: str | Sequence[str] | Mapping[str, Any] | None = None,
    extractors: str | Sequence[str] | Mapping[str, Any] | None = None,
    n: int | None = None,
    step: Steps = None,
    ema: bool = True,
    truncation: float | None = None,
    seed: int = 0,
    registry: Registry | None = None,
) -> Evaluation:
    """Measure a run's generator, or pictures that any program wrote.

    Args:
        target: a run, its path, folder name or number; or a folder or file of generated pictures.
        data: real data: name, path or section of a configuration. A run knows its own; pictures need them named.
        metrics: names, or a mapping of names → options; the usual ones unless given.
        extractors: likewise; those that the metrics suggest unless given.
        n: generated samples; as many as each metric asks for unless given.
        step: checkpoint to measure, several of them, or ``all``; the newest unless given.
        ema: take the averaged generator where there is one.
        truncation: as for :meth:`Run.sample`.
        seed: of the samples.
        registry: where components come from, if not from what is installed.

    Raises:
        GanzooError: of the kind that the exit code of ``ganzoo evaluate`` would name.
    """
    registry = registry or Registry.load()
    sections = {"data": data, "metrics": metrics, "extractors": extractors}
    named = {
        name: str(content) if isinstance(content, Path) else content
        for name, content in sections.items()
        if content is not None
    }
    layers = [ConfigLayer("evaluate", configuration.flatten(named))]
    found = target if isinstance(target, Run) else run_or_folder(RUNS, str(target))
    if isinstance(found, Run):
        return evaluate_run(registry, found, layers, n=n, step=step, ema=ema, truncation=truncation, seed=seed)
    demand_real_data(
        found,
        layers,
        allowed="data=NAME or data=PATH",
        hint=f'ganzoo.evaluate("{found}", data="PATH"), of the real ones',
    )
    return evaluate_folder(registry, found, layers, n=n)


def demand_real_data(path: Path, layers: Sequence[ConfigLayer], *, allowed: str, hint: str) -> None:
    """Refuse generated pictures with nothing to compare them with: the usual data would be anything but theirs.

    Raises:
        ConfigError: no layer names real data.
    """
    if not any(key in ("data.name", "data.path") for layer in layers for key in layer.values):
        raise ConfigError(
            f"{path} holds generated pictures, and the real ones to compare them with are not named",
            given=path,
            allowed=allowed,
            hint=hint,
        )


def run_or_folder(runs: Path, word: str) -> Run | Path:
    """What a user means: a run by its path, folder name or number, or else generated pictures.

    Raises:
        ConfigError: there is neither.
    """
    path = expanded(word)
    if not word.isdecimal() and not (path / "config.yaml").exists() and path.exists():
        return path
    try:
        return Run(find_run(runs, word).path)
    except ConfigError as error:
        raise ConfigError(
            f"{word!r} is neither a run in {runs}/ nor a folder of pictures",
            given=word,
            allowed=f"a run: {error.allowed}; or a folder or file of generated pictures",
            hint=f"list the runs with: ganzoo runs{runs_flag(runs)}",
        ) from error
