"""Everything that changes while a run trains, and its way to and from plain tensors and numbers."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.errors import CheckpointError
from ganzoo.protocols import Augmentation, Generator, Regularizer, StatefulLoss
from ganzoo.training.walk import buffers_of, parameters_of

TensorFile = dict[str, Tensor]


@dataclass(kw_only=True)
class TrainState:
    """Networks, optimizers, averages, counters.

    Attributes:
        ema: averages of the generator's parameters; buffers are copied, never averaged.
        adaptive: loss and augmentation, where they have state of their own.
        step: generator steps done.
        d_step: discriminator steps done.
        images: real images the discriminator has seen.
        seconds: training time: of the updates alone, without what watches them.
        rollbacks: how often training went back to a checkpoint; each time halves the learning rates.
        decay: of the average in the next update, where a half-life or a schedule decides it; ``None`` where the
            decay stays. It follows from ``step``, so it is in no checkpoint.
    """

    generator: Generator
    discriminator: nn.Module
    ema: Generator | None
    g_optimizer: torch.optim.Optimizer
    d_optimizer: torch.optim.Optimizer
    regularizers: Mapping[str, Regularizer] = field(default_factory=dict)
    adaptive: Mapping[str, StatefulLoss | Augmentation] = field(default_factory=dict)
    step: int = 0
    d_step: int = 0
    images: int = 0
    seconds: float = 0.0
    rollbacks: int = 0
    decay: float | None = None

    def averaged(self) -> Generator:
        """The generator to look at: the average if there is one."""
        return self.generator if self.ema is None else self.ema

    def tensors(self, into: Mapping[str, TensorFile] | None = None) -> dict[str, TensorFile]:
        """File name → tensors, without shared memory and contiguous, as safetensors wants them.

        Args:
            into: what an earlier call gave and nobody needs any more: its memory is written to anew, since new memory
                takes as long to get as to fill.
        """
        files: dict[str, Mapping[str, Tensor]] = {
            "generator": self.generator.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "optimizers": {
                **_optimizer_tensors("g", self.g_optimizer),
                **_optimizer_tensors("d", self.d_optimizer),
            },
            "regularizers": states(self.regularizers),
        }
        if adaptive := states(self.adaptive):
            files["adaptive"] = adaptive
        if self.ema is not None:
            files["ema"] = self.ema.state_dict()
        old = into or {}
        return {
            name: {key: plain(value, old.get(name, {}).get(key)) for key, value in part.items()}
            for name, part in files.items()
        }

    def numbers(self) -> dict[str, Any]:
        """The counters."""
        numbers = {"step": self.step, "d_step": self.d_step, "images": self.images, "seconds": round(self.seconds, 6)}
        return numbers | ({"rollbacks": self.rollbacks} if self.rollbacks else {})

    def restore(self, files: Mapping[str, TensorFile], numbers: Mapping[str, Any]) -> None:
        """Take over what :meth:`tensors` and :meth:`numbers` gave.

        Raises:
            CheckpointError: names or shapes are not those of these networks.
        """
        try:
            self.generator.load_state_dict(files["generator"])
            self.discriminator.load_state_dict(files["discriminator"])
            if self.ema is not None:
                self.ema.load_state_dict(files["ema"])
            _restore_optimizer("g", self.g_optimizer, files["optimizers"])
            _restore_optimizer("d", self.d_optimizer, files["optimizers"])
            restore_states(self.regularizers, files["regularizers"])
            restore_states(self.adaptive, files.get("adaptive", {}))
            self.step, self.d_step, self.images = (int(numbers[key]) for key in ("step", "d_step", "images"))
        except (KeyError, IndexError, ValueError, RuntimeError) as error:
            raise CheckpointError(
                "the checkpoint does not match the networks of this configuration",
                given=str(error).splitlines()[0],
                hint="resume with the plugin versions named in manifest.json",
            ) from error
        self.seconds = float(numbers.get("seconds", 0.0))  # runs of earlier versions did not count them
        self.rollbacks = int(numbers.get("rollbacks", 0))


def states(parts: Mapping[str, Any]) -> TensorFile:
    """What changes in each part while it trains, as NAME/KEY."""
    return {f"{name}/{key}": value for name, part in parts.items() for key, value in part.state_dict().items()}


def restore_states(parts: Mapping[str, Any], saved: Mapping[str, Tensor]) -> None:
    """Hand what :func:`states` gave back to the parts."""
    for name, part in parts.items():
        prefix = f"{name}/"
        part.load_state_dict({key.removeprefix(prefix): saved[key] for key in saved if key.startswith(prefix)})


def averaged_copy(generator: Generator) -> Generator:
    """Where the running average of a generator is kept; see :func:`update_average`."""
    return copy.deepcopy(generator).requires_grad_(False)


@torch.no_grad()
def update_average(average: Generator, generator: Generator, *, decay: float, updates: int | None = None) -> None:
    """θ̄ ← d·θ̄ + (1−d)·θ with d = min(decay, t/(9+t)) after the t-th update, where the first one copies.

    The ramp makes the average follow about the last tenth of a short run, where the plain decay would still hold on to
    the first steps; without ``updates`` there is none. Buffers are copied, never averaged. torch's ``AveragedModel``
    would do, but for its counter, a tensor that it reads back from the device at every step.
    """
    d = decay
    if updates is not None:
        d = min(decay, updates / (9 + updates)) if updates > 1 else 0.0
    # A parameter that is shared moves once.
    kept, learned = (tuple(dict.fromkeys(parameters_of(one))) for one in (average, generator))
    torch._foreach_lerp_(kept, learned, 1 - d)
    buffers = buffers_of(average)
    if buffers:
        torch._foreach_copy_(buffers, buffers_of(generator))


def half_life_decay(half_life: float, images: int) -> float:
    """The decay d = 2^(−N/h): with N real images for each update, one counts half after h of them; 0 for h = 0."""
    return 0.5 ** (images / half_life) if half_life else 0.0


def plain(tensor: Tensor, into: Tensor | None = None) -> Tensor:
    """A copy without a graph, without shared memory and contiguous, as safetensors wants it; in ``into`` if it fits."""
    if into is None or (into.shape, into.dtype) != (tensor.shape, tensor.dtype):
        into = torch.empty(tensor.shape, dtype=tensor.dtype)
    return into.copy_(tensor.detach())


def _optimizer_tensors(player: str, optimizer: torch.optim.Optimizer) -> TensorFile:
    return {
        f"{player}/{number}/{key}": value if isinstance(value, Tensor) else torch.tensor(value)
        for number, parameter in enumerate(_parameters(optimizer))
        for key, value in optimizer.state.get(parameter, {}).items()
        if value is not None
    }


def _restore_optimizer(player: str, optimizer: torch.optim.Optimizer, saved: TensorFile) -> None:
    """Write state into the memory layout of each parameter: fused kernels assume that the two agree."""
    optimizer.state.clear()
    parameters, kept = _parameters(optimizer), _kept_by(optimizer)
    named: dict[str, set[str]] = {}
    for name in saved:
        owner, number, key = name.split("/", 2)
        if owner == player:
            named.setdefault(number, set()).add(key)
    for number, keys in named.items():
        if lacking := kept - keys:
            raise KeyError(f"{player}/{number}/{min(lacking)}")
    for name, value in saved.items():
        owner, number, key = name.split("/", 2)
        if owner != player:
            continue
        parameter = parameters[int(number)]
        if key != "step":
            value = torch.empty_like(parameter, dtype=value.dtype).copy_(value)
        elif optimizer.defaults.get("fused"):
            value = value.to(parameter.device)
        optimizer.state[parameter][key] = value


def _kept_by(optimizer: torch.optim.Optimizer) -> set[str]:
    """What an optimizer of this kind keeps of each parameter that it has moved, found out with one of its own."""
    parameter = nn.Parameter(torch.zeros(1))
    parameter.grad = torch.ones(1)
    other = copy.copy(optimizer)
    other.state, other.param_groups = defaultdict(dict), [{**optimizer.param_groups[0], "params": [parameter]}]
    other.step()
    return {key for key, value in other.state[parameter].items() if value is not None}


def _parameters(optimizer: torch.optim.Optimizer) -> list[nn.Parameter]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]
