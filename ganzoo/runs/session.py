"""Whole runs: start and resume. What the command line does, as functions."""

from __future__ import annotations

import logging
import os
import shlex
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from ganzoo import cores, files, launch
from ganzoo.config import layers as configuration
from ganzoo.config.layers import ConfigLayer, RunConfig
from ganzoo.errors import (
    CheckpointError,
    ConfigError,
    DivergedError,
    GanzooError,
    Interrupted,
    PluginError,
    ResourceError,
)
from ganzoo.evaluation.likeness import Likeness
from ganzoo.evaluation.measuring import Measures, check_metrics, real_part
from ganzoo.planning import overview
from ganzoo.planning.choice import choose, file_layer
from ganzoo.planning.early_log import EarlyLog, early_log
from ganzoo.planning.goal import scale_of_loss
from ganzoo.planning.plan import Plan, make_plan
from ganzoo.planning.remarks import remarks
from ganzoo.program import as_started
from ganzoo.protocols import TrackedRun, Watcher
from ganzoo.registry import Registry
from ganzoo.runs import ancestry, manifest, provenance, same_data, tracking
from ganzoo.runs.ancestry import Ancestor
from ganzoo.runs.assembly import assemble
from ganzoo.runs.blame import blamed
from ganzoo.runs.directory import OVER, RunDirectory
from ganzoo.runs.grid_samples import POINTS
from ganzoo.runs.health_watch import HealthWatch
from ganzoo.runs.interruption import Stop, stoppable
from ganzoo.runs.place import RUNS
from ganzoo.runs.progress import progress
from ganzoo.runs.rollback import gentler, with_rollbacks
from ganzoo.runs.run import Run, read_config
from ganzoo.runs.together import demand_fit
from ganzoo.runs.tracking import ChosenTracker, Trackers
from ganzoo.runs.watch import Checkpoints, MetricsLog, SampleGrids, film, is_measured
from ganzoo.screen import Screen, Text, VisibleFormatter
from ganzoo.training.lack_of_memory import told_of_memory
from ganzoo.training.loop import train
from ganzoo.training.setup import ENDLESS, Setup
from ganzoo.training.team import join

logger = logging.getLogger("ganzoo")

RAISED = {"raised": True}
"""Marks the record of an error that is raised as well: log.txt keeps it, and a command that prints errors does not."""
LESS_MEMORY = "use a smaller --batch-size, or --set train.accumulate=2 to split each batch in two"


def run(
    config: Mapping[str, Any] | Path | str,
    /,
    *,
    out: Path | str | None = None,
    init: Path | str | Run | None = None,
    init_what: ancestry.What = "all",
    trackers: tracking.Request = (),
    registry: Registry | None = None,
) -> Run:
    """Train from a configuration: a mapping with the keys of the file, or the path of a file.

    Args:
        config: what to train.
        out: the folder of runs.
        init: start from the weights of this run: the run itself, or its path, folder name or number, also as
            ``RUN:STEP``.
        init_what: which networks take them: ``all``, ``generator`` or ``discriminator``.
        trackers: names, or a mapping of names → options.
        registry: where components come from, if not from what is installed.

    Raises:
        GanzooError: of the kind that the exit code of ``ganzoo run`` would name.
    """
    registry = registry or Registry.load()
    folder, silent = Path(out) if out is not None else RUNS, Screen(quiet=True)
    with early_log() as early:
        layer = (
            ConfigLayer("the mapping", configuration.flatten(config))
            if isinstance(config, Mapping)
            else file_layer(str(config), registry)
        )
        followed_by = tracking.chosen(tracking.wanted(registry, trackers))
        choice = choose(registry, [layer])
        join(choice.config.runtime.device)  # before what may fail in one process alone
        word = init.path if isinstance(init, Run) else init
        found = None if word is None else ancestry.find_ancestor(registry, folder, word, what=init_what)
        plan = make_plan(choice)
        return start(plan, out=folder, console=silent, init=found, trackers=followed_by, early=early)


def start(
    plan: Plan,
    *,
    out: Path,
    console: Screen,
    init: Ancestor | None = None,
    trackers: Sequence[ChosenTracker] = (),
    early: EarlyLog | None = None,
) -> Run:
    """Train a plan in a new run directory below ``out``; nothing of it is left if a tracker cannot be started.

    ``init`` is the run whose weights are the first ones. ``early`` holds what was said while the plan was made, which
    belongs into the run's log and manifest.
    """
    team = join(plan.config.runtime.device)
    check_metrics(plan)  # what does not fit is to be told before anything is written
    demand_fit(plan, team)
    with told_of_memory("out of memory", hint=LESS_MEMORY):
        setup = assemble(plan, team)
        ancestors = ancestry.start_from(init, plan, setup.state) if init else []
    if not team.leads:
        return _follow(plan, setup)
    directory = RunDirectory.create(out, plan.name)
    with directory.locked(), nullcontext(early) if early else early_log() as said:
        try:
            if ancestors:  # before all else: without it, resuming would begin with other weights
                numbers = {**setup.state.numbers(), "metrics_offset": 0, **manifest.fixed(plan)}
                directory.save_checkpoint(setup.state.step, setup.state.tensors(), numbers)
            followers = _start_trackers(trackers, plan, setup, directory)
        except BaseException:
            _remove(directory.path)
            raise
        console.print(Text(str(directory.path), style="bold"), soft_wrap=True)
        _announce(plan, setup)
        if ancestors:
            logger.info("weights: %s", ancestry.in_words(ancestors))
        for remark in remarks(plan):
            logger.info("remark: %s", remark)
        record = manifest.describe(plan, setup, warnings=said.warnings, ancestry=ancestors)
        try:
            setup = _train(plan, setup, directory, console, record=record, offset=0, trackers=followers, early=said)
        except ResourceError:
            directory.remove_if_not_begun()
            raise
    _say_what_next(directory, setup, console)
    return Run(directory.path)


def resume(
    registry: Registry,
    directory: RunDirectory,
    *,
    changes: Sequence[ConfigLayer] = (),
    console: Screen,
    trackers: Sequence[ChosenTracker] = (),
    restart: bool = False,
) -> Run | None:
    """Continue a run in its own directory from its newest checkpoint; ``None`` if it has nothing left to do.

    With ``restart`` it begins again at step 0, and whatever it wrote is replaced.

    Raises:
        ConfigError: ``changes`` touch more than places of the data, steps, intervals and runtime; or a run that started
            from the weights of another is to begin again.
        DataError: the data are gone, or cannot be read.
        CheckpointError: no checkpoint verifies, they are gone, or data or configuration are not what they were.
        LockedError: another process trains it.
    """
    for path in (path for layer in changes for path in layer.values):
        if not configuration.resumable(path):
            raise ConfigError(
                f"resume cannot change {path}",
                given=path,
                allowed=", ".join(f"{name}*" if name.endswith(".") else name for name in configuration.RESUMABLE),
                hint=f"start a new run from these weights with: {directory.again()} --init {directory.word} "
                f"--set {path}=…",
            )
    started = read_config(directory)
    directory.demand_own()
    team = join(started.runtime.device)
    values = configuration.flatten(started.model_dump(mode="json"))
    # A run keeps the names that it has: parts of its checkpoints, random draws and metrics are called by them.
    saved = ConfigLayer(str(directory.config), values, verbatim=True)
    lock = directory.locked() if team.leads else nullcontext()
    with _staying(directory), lock, early_log() as early:
        if team.leads:
            directory.sweep()
        before = directory.read_manifest()
        if restart and not before and directory.started_elsewhere():
            raise CheckpointError(
                f"run {directory.path.name} started from the weights of another, and its manifest is lost",
                given="--restart",
                hint="put manifest.json back, or go on from the newest checkpoint without --restart",
            )
        if restart and before.get("ancestry"):
            raise ConfigError(
                f"run {directory.path.name} started from the weights of another, and cannot begin again without them",
                given="--restart",
                hint=f"start a new run with: {directory.again()} --init {shlex.quote(before['ancestry'][0]['path'])}",
            )
        registry = provenance.as_it_was(registry, before, started)
        with provenance.told_of_other_versions(registry, before):
            choice = choose(registry, [saved, *changes])
            with same_data.told_where(choice.config.data, directory):
                plan = make_plan(choice)
        same_data.check(before.get("data", {}).get("fingerprint"), plan, directory)
        manifest.check_config(before, plan, directory)
        _warn_of_moved_schedule(started, plan)
        demand_fit(plan, team)
        if before.get("processes", 1) != team.size:
            logger.warning(
                "trained by %d processes before, now by %d: numbers are added up in another order, so that the run is "
                "another one by rounding",
                before.get("processes", 1),
                team.size,
            )
        with told_of_memory("out of memory", hint=LESS_MEMORY):
            setup = assemble(plan, team)
        state: dict[str, Any] = {}
        if not restart and not before.get("ancestry"):
            directory.demand_checkpoint(every=started.train.checkpoint_every)
        if not restart and (directory.checkpoint_folders() or before.get("ancestry")):
            tensors, state = team.first(directory.load_checkpoint)
            manifest.check_checkpoint(state, before, plan, directory)
            same_data.check(state.get("data_fingerprint"), plan, directory)
            with provenance.told_of_other_versions(registry, before):
                setup.state.restore(tensors, state)
        if setup.state.step > setup.schedule.steps:
            further = max(read_config(directory).train.steps or 0, setup.state.step + 1)
            raise ConfigError(
                f"run {directory.path.name} is already at step {setup.state.step}; train.steps is the total",
                given=f"train.steps = {setup.schedule.steps}",
                allowed=f"more than {setup.state.step}",
                hint=f"ganzoo resume {directory.word} --steps {further}",
            )
        if setup.schedule.over(setup.state):
            if (
                team.leads and before.get("status") not in OVER
            ):  # it was killed after its last checkpoint, or its manifest was lost
                directory.thin_checkpoints(plan.config.train.keep)
                film(directory, vectors=len(plan.spec.shape) == 1)
                record = manifest.continued(before, plan, setup, warnings=early.warnings)
                directory.write_manifest(manifest.ended(record, "finished", setup.state.step))
            return None
        if not team.leads:
            return _follow(plan, setup)
        followers = _start_trackers(trackers, plan, setup, directory)
        head = Text.assemble((str(directory.path), "bold"), f": from step {setup.state.step}")
        console.print(head, soft_wrap=True)
        _announce(plan, setup)
        record = manifest.continued(before, plan, setup, warnings=early.warnings)
        offset = int(state.get("metrics_offset", 0))
        setup = _train(plan, setup, directory, console, record=record, offset=offset, trackers=followers, early=early)
    _say_what_next(directory, setup, console)
    return Run(directory.path)


@contextmanager
def _staying(directory: RunDirectory) -> Iterator[None]:
    """Where nothing more can be written, another folder of runs is no way out for a run that is in this one."""
    try:
        yield
    except ResourceError as error:
        if "--runs DIR" in (error.hint or ""):
            error.hint = (
                f"free some space, or make it possible to write into {directory.word}; "
                "or move it elsewhere, and go on there with: ganzoo resume PATH"
            )
        raise


def _remove(path: Path) -> None:
    """Remove a folder if it can be: a tracker that did not start may still write there from a thread."""
    try:
        shutil.rmtree(path)
    except OSError as error:
        logger.warning("%s does not contain a run, but could not be removed: %s", path, error.strerror or error)


def _say_what_next(directory: RunDirectory, setup: Setup, console: Screen) -> None:
    grid = directory.samples / f"step-{setup.state.step:07d}.png"
    console.print(f"look at {grid}", soft_wrap=True)
    further = as_started(f"next: ganzoo sample {directory.word} --out DIR")
    console.print(further, soft_wrap=True)


def _warn_of_moved_schedule(before: RunConfig, plan: Plan) -> None:
    now = plan.config.train
    if now.lr_schedule != "constant" and now.steps != before.train.steps:
        logger.warning(
            "train.lr_schedule %s now spans %s steps, so the learning rates jump instead of going on from where "
            "they were",
            now.lr_schedule,
            now.steps,
        )


def _start_trackers(trackers: Sequence[ChosenTracker], plan: Plan, setup: Setup, directory: RunDirectory) -> Trackers:
    def tracked() -> TrackedRun:
        config = plan.config.model_dump(mode="json")
        return TrackedRun(path=directory.path, name=directory.path.name, config=config, step=setup.state.step)

    return tracking.started(trackers, tracked)


def _train(
    plan: Plan,
    setup: Setup,
    directory: RunDirectory,
    console: Screen,
    *,
    record: Mapping[str, Any],
    offset: int,
    trackers: Trackers,
    early: EarlyLog,
) -> Setup:
    """The loop with all that watches it; manifest and trackers are told how it ended. What was trained in the end."""
    status, fault = "failed", None

    def iterate(now: Setup, kept: int) -> None:
        nonlocal setup
        setup = now
        _iterate(plan, now, directory, console, kept, trackers, stop)

    # A signal is remembered to the very end: once all is trained, it must not cut off what says so.
    with stoppable() as stop, _logged_to(directory.log, early):
        try:
            # The manifest first: it also knows the configuration that the file may still hold if this is cut short.
            directory.write_manifest(record)
            head = ancestry.comment(record.get("ancestry", []))
            files.write_text(directory.config, head + configuration.to_yaml(plan.config), place="--runs DIR")
            _begin_alike(setup, directory.path)
            with told_of_memory("out of memory", hint=LESS_MEMORY), setup.runtime.active():
                with_rollbacks(plan, setup, directory, offset, iterate)
            status = "finished"
        except (DivergedError, Interrupted, KeyboardInterrupt) as error:
            status = "diverged" if isinstance(error, DivergedError) else "interrupted"
            if isinstance(error, KeyboardInterrupt):
                error.args = (
                    f"interrupted at once; go on from the last checkpoint with: ganzoo resume {directory.word}",
                )
            if isinstance(error, DivergedError) and setup.state.step:  # before, no learning rate was at fault
                error.hint = gentler(plan, directory, setup.state)
            fault = error.message if isinstance(error, DivergedError) else None
            raise
        except Exception as error:
            logger.debug("traceback:\n%s", "".join(traceback.format_exception(error)))
            where = f"in step {setup.state.step + 1}"
            if isinstance(error, PluginError):
                error.hint = "; ".join(filter(None, [error.hint, f"go on with: ganzoo resume {directory.word}"]))
            if isinstance(error, GanzooError) or not (named := blamed(error, plan.entries.values(), where=where)):
                logger.error("%s: %s", type(error).__name__, error, extra=RAISED)
                fault = str(error)
                raise
            named.hint = f"{named.hint}; go on with: ganzoo resume {directory.word}"
            logger.error("%s", named, extra=RAISED)
            fault = str(named)
            raise named from error
        finally:
            logger.info("%s at step %d of %s", status, setup.state.step, setup.schedule.in_words)
            # A second Ctrl-C before the first checkpoint leaves nothing to go on from, and no checkpoint that is gone.
            lost = status == "interrupted" and not directory.checkpoint_folders()
            reached = 0 if lost else setup.state.step
            try:
                directory.write_manifest(manifest.ended(directory.read_manifest(), status, reached, fault=fault))
            except ResourceError as error:
                if status == "finished":
                    raise
                logger.warning("%s", error)  # what failed before is what is to be told
            finally:
                trackers.close(status)
    return setup


def _begin_alike(setup: Setup, path: Path) -> Path:
    """All processes take the weights of the first, and hear where the run is."""
    state, team = setup.state, setup.game.team
    team.share(state.generator, state.discriminator, *([] if state.ema is None else [state.ema]))
    return Path(team.first(lambda: str(path)))


def _follow(plan: Plan, setup: Setup) -> Run:
    """Train along with the first process, which does all the rest."""
    with stoppable() as stop, told_of_memory("out of memory", hint=LESS_MEMORY), setup.runtime.active():
        path = _begin_alike(setup, Path())
        measures = Measures(plan, setup.state, setup.game.team) if plan.config.metrics else None
        every = plan.config.eval.every or plan.config.train.sample_every
        try:
            for report in train(setup):
                if measures is not None and is_measured(report, setup.schedule, every):
                    measures.help()
                if not report.last and _stops(setup, stop):
                    raise stop.error("stopped", hint="ganzoo resume")
        except (DivergedError, Interrupted):
            launch.hush()  # so does the first one, and says more
            raise
    return Run(path)


def _stops(setup: Setup, stop: Stop) -> bool:
    """Whether a signal has reached any of the processes: all end after the same step."""
    stopping = setup.game.team.any(stop.signal_number is not None)
    if stopping and stop.signal_number is None:
        stop.signal_number = signal.SIGTERM
    return stopping


def _announce(plan: Plan, setup: Setup) -> None:
    """What is trained, what it is trained on, and what is ill-posed."""
    logger.info("%s", _headline(plan, setup))
    if (seen := cores.chosen()) is not None and seen.busy:
        logger.warning("other programs use the processor: %s", seen)
    logger.info("data: %s", overview.of_plan(plan))
    for finding in plan.warnings:
        logger.warning("%s", finding)


def _headline(plan: Plan, setup: Setup) -> str:
    """What is trained, on what, where."""
    config, spec = plan.config, plan.spec
    networks = [f"D {config.discriminator.name}", f"G {config.generator.name}"]
    named = ", ".join([config.loss.name, *networks, *config.regularizers, *config.augment])
    # Without spaces, not even no-break ones: rich wraps at any.
    data = f"{len(plan.dataset):,} items of {'×'.join(map(str, spec.shape))} from {config.data.name}"
    classes = f", {len(spec.classes)} classes" if spec.conditional else ""
    where = f"{setup.runtime.device}, {setup.runtime.precision}"
    return f"{named} on {data}{classes}; {where}; steps {setup.state.step} to {setup.schedule.in_words}"


def _iterate(
    plan: Plan,
    setup: Setup,
    directory: RunDirectory,
    console: Screen,
    offset: int,
    trackers: Trackers,
    stop: Stop,
) -> None:
    options, state = plan.config.train, setup.state
    directory.discard_after(state.step)
    with ExitStack() as stack:
        measures = Measures(plan, state, setup.game.team) if plan.config.metrics else None
        metrics = MetricsLog(
            directory,
            state,
            setup.schedule,
            offset=offset,
            looks_every=options.sample_every,
            looks=lambda step: grids.look(step),
            measures=measures,
            measures_every=plan.config.eval.every,
            tell=trackers.log,
            scheduled=setup.scheduled,
        )
        grids = SampleGrids(
            directory,
            state,
            plan.spec,
            every=options.sample_every,
            seed=plan.config.seed,
            uniform=plan.config.train.uniform_labels,
            real=real_part(plan, POINTS) if len(plan.spec.shape) == 1 else None,
            likeness=Likeness(plan.dataset, conditional=plan.spec.conditional, mirrored=plan.config.data.hflip),
            tell=trackers.picture,
        )
        checkpoints = Checkpoints(
            directory,
            state,
            every=options.checkpoint_every,
            keep=options.keep,
            extra=lambda: {
                "metrics_offset": metrics.offset(),
                "score": measures.score if measures and metrics.measured_step == state.step else None,
                **manifest.fixed(plan),
            },
        )
        health = HealthWatch(
            directory,
            plan.config,
            scale=lambda: scale_of_loss(plan.options["loss"], setup.game.loss, plan.tags()),
            latest=lambda: metrics.latest,
        )
        shown = progress(console, **_goal(setup), latest=lambda: metrics.latest, health=lambda: health.phrase)
        watchers: list[Watcher] = [metrics, grids, health, checkpoints, shown]
        for watcher in watchers:
            stack.push(_closing(watcher))
        if state.step == 0:
            grids.write(0)
        with checkpoints.kept_if_a_part_fails():
            for report in train(setup):
                for watcher in watchers:
                    watcher(report)
                if not report.last and _stops(setup, stop):
                    checkpoints.save()
                    checkpoints.wait()
                    where = f"step {state.step} of {setup.schedule.in_words}"
                    raise stop.error(
                        f"stopped at {where}; everything is saved in {directory.path}",
                        hint=f"ganzoo resume {directory.word}",
                    )


def _closing(watcher: Watcher) -> Callable[..., None]:
    """Close a watcher at the end; if something else has failed before, that is what is to be told."""

    def close(kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        try:
            watcher.close()
        except GanzooError as another:
            if error is None:
                raise
            logger.warning("%s", another)

    return close


def _goal(setup: Setup) -> dict[str, Any]:
    """Where the run stands, and when it will be over."""
    schedule, state = setup.schedule, setup.state
    return {
        "start": state.step,
        "steps": None if schedule.steps == ENDLESS else schedule.steps,
        "left": None if schedule.minutes is None else lambda: max(0.0, schedule.seconds - state.seconds),
    }


@contextmanager
def _logged_to(path: Path, early: EarlyLog) -> Iterator[None]:
    """Everything ganzoo said and says inside the block also goes to ``log.txt``, whatever the console shows of it.

    Tracebacks are said at level DEBUG, which the console shows only if asked to.
    """
    with files.writing(path, place="--runs DIR"):
        handler = _RunLog(path, encoding="utf-8")
    handler.setFormatter(VisibleFormatter("%(asctime)s %(levelname)s %(message)s"))
    early.hand_to(handler)
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)
        handler.close()


class _RunLog(logging.FileHandler):
    """``log.txt``. Where it cannot be written, training goes on: the console says so once, and has all that is said."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # the name is logging's
        """Give up, instead of printing a traceback for each line."""
        broken, self.stream = self.stream, open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # closed with it
        with suppress(OSError):
            broken.close()  # type: ignore[union-attr]  # it is open, or nothing could have failed
        logger.warning("%s cannot be written any more: %s", self.baseFilename, sys.exc_info()[1])
