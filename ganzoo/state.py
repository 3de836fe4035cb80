"""Everything that changes while a run trains, and its way to and from plain tensors and numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ganzoo.errors import CheckpointError
from ganzoo.protocols import Generator, Regularizer

TensorFile = dict[str, Tensor]


@dataclass(kw_only=True)
class TrainState:
    """Networks, optimizers, averages, counters.

    Attributes:
        ema: averages of the generator's parameters; buffers are copied, never averaged.
        step: generator steps done.
        d_step: discriminator steps done.
        images: real images the discriminator has seen.
    """

    generator: Generator
    discriminator: nn.Module
    ema: AveragedModel | None
    g_optimizer: torch.optim.Optimizer
    d_optimizer: torch.optim.Optimizer
    regularizers: Mapping[str, Regularizer] = field(default_factory=dict)
    step: int = 0
    d_step: int = 0
    images: int = 0

    def tensors(self) -> dict[str, TensorFile]:
        """File name → tensors, without shared memory and contiguous, as safetensors wants them."""
        files: dict[str, Mapping[str, Tensor]] = {
            "generator": self.generator.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "optimizers": {
                **_optimizer_tensors("g", self.g_optimizer),
                **_optimizer_tensors("d", self.d_optimizer),
            },
            "regularizers": {
                f"{name}/{key}": value
                for name, regularizer in self.regularizers.items()
                for key, value in regularizer.state_dict().items()
            },
        }
        if self.ema is not None:
            files["ema"] = self.ema.state_dict()
        return {name: {key: _plain(value) for key, value in part.items()} for name, part in files.items()}

    def numbers(self) -> dict[str, Any]:
        """The counters."""
        return {"step": self.step, "d_step": self.d_step, "images": self.images}

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
        except (KeyError, RuntimeError) as error:
            raise CheckpointError(
                "the checkpoint does not fit the networks of this configuration",
                given=str(error).splitlines()[0],
                hint="resume with the plugin versions named in manifest.json",
            ) from error
        _restore_optimizer("g", self.g_optimizer, files["optimizers"])
        _restore_optimizer("d", self.d_optimizer, files["optimizers"])
        for name, regularizer in self.regularizers.items():
            prefix = f"{name}/"
            kept = {
                key.removeprefix(prefix): value
                for key, value in files["regularizers"].items()
                if key.startswith(prefix)
            }
            regularizer.load_state_dict(kept)
        self.step, self.d_step, self.images = (int(numbers[key]) for key in ("step", "d_step", "images"))


def averaged_copy(generator: Generator, decay: float) -> AveragedModel:
    """The running average of a generator: θ̄ ← d·θ̄ + (1−d)·θ with d = min(decay, (1+t)/(10+t)) at update t.

    The ramp makes the average follow about the last tenth of a short run, where the plain decay would still hold on to
    the first steps. Buffers are copied, never averaged.
    """

    def update(averaged: Any, current: Any, count: Any) -> None:
        t = float(count)
        get_ema_multi_avg_fn(min(decay, (1 + t) / (10 + t)))(averaged, current, count)  # type: ignore[no-untyped-call]

    return AveragedModel(generator, multi_avg_fn=update)


def _plain(tensor: Tensor) -> Tensor:
    return tensor.detach().to("cpu", copy=True).contiguous()


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
    parameters = _parameters(optimizer)
    for name, value in saved.items():
        owner, number, key = name.split("/", 2)
        if owner != player:
            continue
        parameter = parameters[int(number)]
        if value.shape == parameter.shape and value.ndim > 0:
            value = torch.empty_like(parameter, dtype=value.dtype).copy_(value)
        elif optimizer.defaults.get("fused") or optimizer.defaults.get("capturable"):
            value = value.to(parameter.device)
        optimizer.state[parameter][key] = value


def _parameters(optimizer: torch.optim.Optimizer) -> list[nn.Parameter]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]
