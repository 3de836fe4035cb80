"""A new run that starts from the weights of another one: which run and step, what is taken, what does not fit.

Only weights and buffers of the networks are taken. Optimizers, counters and whatever adapts begin anew, and the average
of the generator begins as its copy. Nothing of it belongs to the configuration: the manifest records where the weights
came from, and the new run has a checkpoint before its first step, so that it never needs the other run again.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from torch import Tensor, nn

from ganzoo.component import Options
from ganzoo.errors import CheckpointError, ConfigError, DivergedError, GanzooError
from ganzoo.planning.options import options_of
from ganzoo.planning.plan import NETWORKS, Plan
from ganzoo.protocols import DataSpec
from ganzoo.registry import Registry
from ganzoo.runs import manifest
from ganzoo.runs.directory import RunDirectory, find_run
from ganzoo.runs.run import read_config
from ganzoo.seeds import seeded
from ganzoo.training.state import TrainState

What = Literal["all", "generator", "discriminator"]
MOST_NAMED = 8
"""So many parameters of a network that do not fit are named."""


@dataclass(frozen=True, kw_only=True)
class Ancestor:
    """The run whose weights are the first ones of another.

    Attributes:
        directory: its folder.
        step: the step of the checkpoint.
        what: which networks are taken.
        weights: network → name → tensor.
        config_hash: of the configuration that the checkpoint was made with.
        registry: where the components of that run come from.
    """

    directory: RunDirectory
    step: int
    what: What
    weights: Mapping[str, Mapping[str, Tensor]]
    config_hash: str | None
    registry: Registry

    @property
    def word(self) -> str:
        """How it is named on the command line."""
        return shlex.quote(f"{self.directory.path}:{self.step}")


@dataclass(frozen=True, kw_only=True)
class Fit:
    """How the weights of one network fit another.

    Attributes:
        taken: name → tensor.
        left: tensors of the new network that follow the classes, and are left as they were initialized.
        misfits: what does not fit, each in words.
    """

    taken: Mapping[str, Tensor]
    left: tuple[str, ...] = ()
    misfits: tuple[str, ...] = ()


def find_ancestor(registry: Registry, runs: Path, word: Path | str, *, what: str = "all") -> Ancestor:
    """The run ``RUN`` or ``RUN:STEP``, and its weights at that step, or at the newest one that verifies.

    Args:
        registry: where components come from.
        runs: the folder of runs.
        word: the run by its path, folder name or number.
        what: ``all``, ``generator`` or ``discriminator``.

    Raises:
        ConfigError: there is no such run, or ``what`` is none of the three.
        CheckpointError: it has no such checkpoint, or none that verifies.
    """
    if what not in get_args(What):
        raise ConfigError(
            f"a run cannot start from {what!r} of another",
            given=what,
            allowed=", ".join(get_args(What)),
            hint="--init-what generator",
        )
    named, step = _parsed(str(word))
    directory = find_run(runs, named)
    try:
        tensors, state = directory.load_checkpoint(step)
    except (ConfigError, CheckpointError) as error:
        error.hint = (
            "train that run first, or name another one from: ganzoo runs"
            if step is None
            else f"--init {shlex.quote(named)}, which takes the newest intact one, or one of the steps above"
        )
        raise
    _demand_finite(directory, int(state["step"]), tensors)
    return Ancestor(
        directory=directory,
        step=int(state["step"]),
        what=what,  # type: ignore[arg-type]  # it is one of the three
        weights={network: tensors[network] for network in reversed(NETWORKS) if what in ("all", network)},
        config_hash=state.get("config_hash"),
        registry=registry,
    )


def _demand_finite(directory: RunDirectory, step: int, tensors: Mapping[str, dict[str, Tensor]]) -> None:
    try:
        directory.demand_finite(tensors, step)
    except DivergedError as error:
        raise CheckpointError(
            f"the weights of run {directory.path.name} at step {step} are not finite",
            given=error.message,
            allowed="a checkpoint of finite weights",
            hint=f"--init {shlex.quote(f'{directory.word}:STEP')} with an earlier step",
        ) from error


def start_from(ancestor: Ancestor, plan: Plan, state: TrainState) -> list[dict[str, Any]]:
    """Put the weights of a run into the networks of a new one; what the manifest is to say of it, nearest run first.

    Raises:
        ConfigError: parameters do not fit, with their names and both shapes; nothing is taken then.
    """
    networks = {"generator": state.generator, "discriminator": state.discriminator}
    fits = {section: _fit(ancestor, plan, section, networks[section]) for section in ancestor.weights}
    misfits = [f"{section} {misfit}" for section, fit in fits.items() for misfit in _named(fit.misfits)]
    if misfits:
        raise _unfit(ancestor, plan, misfits)
    for section, fit in fits.items():
        networks[section].load_state_dict({**networks[section].state_dict(), **fit.taken})
    if state.ema is not None:
        state.ema.load_state_dict(state.generator.state_dict())
    record = {
        "run": ancestor.directory.path.name,
        "path": str(ancestor.directory.path.resolve()),
        "step": ancestor.step,
        "config_hash": ancestor.config_hash,
        "taken": list(fits),
        "left_as_initialized": [f"{section}.{name}" for section, fit in fits.items() for name in fit.left],
    }
    return [record, *ancestor.directory.read_manifest().get("ancestry", [])]


def in_words(ancestry: list[dict[str, Any]]) -> str:
    """``generator and discriminator of run 0001-hinge-… at step 500``, and what was left out."""
    nearest = ancestry[0]
    left = nearest["left_as_initialized"]
    said = f"; left as initialized, since the classes differ: {', '.join(left)}" if left else ""
    return f"{' and '.join(nearest['taken'])} of run {nearest['run']} at step {nearest['step']}{said}"


def comment(ancestry: list[dict[str, Any]]) -> str:
    """The head of ``config.yaml``, which does not hold where the weights came from; empty without an ancestor."""
    if not ancestry:
        return ""
    nearest = ancestry[0]
    what = "" if len(nearest["taken"]) > 1 else f" --init-what {nearest['taken'][0]}"
    return f"# Its first weights are those of another run: --init {nearest['run']}:{nearest['step']}{what}\n"


def _parsed(word: str) -> tuple[str, int | None]:
    """A run and a step; a colon may also belong to the path."""
    named, colon, step = word.rpartition(":")
    if named and colon and not step and not Path(word).exists():
        raise ConfigError(
            f"no step follows the colon of {word!r}",
            given=word,
            allowed="RUN, or RUN:STEP",
            hint=f"--init {shlex.quote(named)}",
        )
    return (named, int(step)) if colon and named and step.isdecimal() and len(step) < 19 else (word, None)


def _fit(ancestor: Ancestor, plan: Plan, section: str, network: nn.Module) -> Fit:
    """Everything is taken if it fits; where it does not, what follows the classes may differ, and nothing else."""
    ours, theirs = network.state_dict(), ancestor.weights[section]
    spec = manifest.read_spec(ancestor.directory)
    if _class_names(spec) == _class_names(plan.spec) and _shapes(ours) == _shapes(theirs):
        return Fit(taken=theirs)
    by_class = _following_classes(plan.options[section], plan.spec) | _following_theirs(ancestor, section, spec)
    taken = {name: tensor for name, tensor in theirs.items() if name in ours and name not in by_class}
    misfits = [
        f"{name}: {_shape(theirs.get(name))} there, {_shape(ours.get(name))} here"
        for name in dict.fromkeys([*ours, *theirs])
        if name not in by_class and _shape(ours.get(name)) != _shape(theirs.get(name))
    ]
    return Fit(taken=taken, left=tuple(name for name in ours if name in by_class), misfits=tuple(misfits))


def _class_names(spec: DataSpec) -> tuple[bool, tuple[str, ...]]:
    return spec.conditional, spec.classes


def _following_theirs(ancestor: Ancestor, section: str, spec: DataSpec) -> frozenset[str]:
    chosen = getattr(read_config(ancestor.directory), section)
    try:
        entry = ancestor.registry.get(section, chosen.name)
        return _following_classes(options_of(entry, chosen.options(), section=section), spec)
    except GanzooError:
        return frozenset()  # Without its plugin nobody knows, and then every difference counts.


def _following_classes(options: Options, spec: DataSpec) -> frozenset[str]:
    """Tensors whose shape follows the number of classes: those that differ in a network for one class more.

    A tensor with a parametrization, such as spectral norm, consists of several: all of them, or none.
    """
    if not spec.classes:
        return frozenset()
    more = len(spec.classes) + 1
    larger = replace(spec, classes=tuple(map(str, range(more))), marginal=(1 / more,) * more)
    with seeded(0, "classes"):
        one, other = (_shapes(options.build(given).state_dict()) for given in (spec, larger))
    found = {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}
    whole = {_parametrized(name) for name in found}
    return frozenset(name for name in one if _parametrized(name) in whole)


def _parametrized(name: str) -> str:
    """``head.weight`` for ``head.parametrizations.weight.0._u``, which is part of it."""
    module, inner, rest = name.partition("parametrizations.")
    return f"{module}{rest.partition('.')[0]}" if inner else name


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def _shape(tensor: Tensor | None) -> str:
    return "none" if tensor is None else "×".join(map(str, tensor.shape)) or "a number"


def _unfit(ancestor: Ancestor, plan: Plan, misfits: list[str]) -> ConfigError:
    spec = manifest.read_spec(ancestor.directory)
    sizes, resized = "", ""
    if spec.shape != plan.spec.shape:
        sizes = f": items are {_items(spec)} there, {_items(plan.spec)} here"
        resized = f"--image-size {spec.shape[-1]}, or " if len(spec.shape) == len(plan.spec.shape) == 3 else ""
    return ConfigError(
        f"the weights of run {ancestor.directory.path.name} do not fit the networks of this one{sizes}",
        given="; ".join(misfits),
        allowed=f"the same networks, for items of the same shape (there {_items(spec)}, here {_items(plan.spec)}); "
        "only class heads and class embeddings may differ",
        hint=f"{resized}for its networks: {ancestor.directory.again()} --init {ancestor.word}",
    )


def _items(spec: DataSpec) -> str:
    return f"{'×'.join(map(str, spec.shape))}, {'with' if spec.conditional else 'without'} classes"


def _named(misfits: Sequence[str]) -> Iterator[str]:
    yield from misfits[:MOST_NAMED]
    if len(misfits) > MOST_NAMED:
        yield f"and {len(misfits) - MOST_NAMED} more"
