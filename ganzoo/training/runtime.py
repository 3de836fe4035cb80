"""The only room that knows hardware: device, precision, threads, and :func:`differentiate`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ganzoo.data import as_floats
from ganzoo.errors import DivergedError, ResourceError
from ganzoo.protocols import Discriminate, DiscriminatorOutput, Generate, Player
from ganzoo.training import convolutions
from ganzoo.training.game import sum_of, times
from ganzoo.training.team import ALONE, Team

Precision = Literal["fp32", "bf16"]


def pick_device(name: str) -> torch.device:
    """``auto`` takes CUDA, then Apple's MPS, then the CPU. Raises :class:`ResourceError` for a missing device."""
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    allowed = ", ".join(_present())
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ResourceError(f"unknown device {name!r}", given=name, allowed=allowed, hint="--device auto") from None
    missing = (device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count()) or (
        device.type == "mps" and not torch.backends.mps.is_available()
    )
    if missing or device.type not in ("cpu", "cuda", "mps"):
        raise ResourceError(
            f"device {name!r} is not available on this machine",
            given=name,
            allowed=allowed,
            hint="use --device auto or cpu",
        )
    return device


def _present() -> list[str]:
    """What this machine can be asked for."""
    numbered = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    mps = ["mps"] if torch.backends.mps.is_available() else []
    return ["auto", "cpu", *(["cuda"] if numbered else []), *numbered, *mps]


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """Where and how tensors are computed.

    Attributes:
        precision: of the networks' forwards; ``bf16`` is autocast, with fp32 weights and fp32 losses.
        penalty_precision: of the critic inside penalties.
        compile: run the networks through ``torch.compile`` (penalties stay uncompiled).
        deterministic: ask torch for deterministic algorithms.
        threads: CPU threads; 0 leaves torch's choice.
    """

    device: torch.device
    precision: Precision = "fp32"
    penalty_precision: Precision = "fp32"
    compile: bool = False
    deterministic: bool = True
    threads: int = 0

    @contextmanager
    def active(self) -> Iterator[None]:
        """Apply threads and determinism inside the block; torch's own settings come back after it."""
        threads = torch.get_num_threads()
        deterministic = torch.get_deterministic_debug_mode()
        fill = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
        try:
            if self.threads:
                torch.set_num_threads(self.threads)
            if self.deterministic:
                if self.device.type == "cuda":
                    # Read when the first cuBLAS handle is made; without it, matrix products are not deterministic.
                    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
                self._set_deterministic(1)
                torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
            yield
        finally:
            torch.set_num_threads(threads)
            self._set_deterministic(deterministic)
            torch.utils.deterministic.fill_uninitialized_memory = fill  # type: ignore[attr-defined]

    def quick(self) -> AbstractContextManager[None]:
        """For a step: on a CPU, :func:`ganzoo.training.convolutions.quick`, unless networks are compiled."""
        return convolutions.quick() if self.device.type == "cpu" and not self.compile else nullcontext()

    def _set_deterministic(self, mode: int) -> None:
        """0 for not, 1 with a warning, 2 with an error for what cannot be; told to the compiler where it is used.

        ``use_deterministic_algorithms`` always tells it, and imports it for that, as long as that of torch itself.
        """
        if self.compile:
            torch.use_deterministic_algorithms(mode > 0, warn_only=mode == 1)
        else:
            torch.set_deterministic_debug_mode(mode)

    def place(self, module: nn.Module) -> nn.Module:
        """Move a network to the device; channels-last, since convolutions are faster so on CPU and GPU alike."""
        return module.to(device=self.device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    def put(self, tensor: Tensor) -> Tensor:
        """Move data to the device; there pixels (uint8) become float32 in [-1, 1], and images channels-last."""
        if self.device.type == "cuda":
            # Only from pinned memory does a copy run beside the kernels; torch keeps the block until it has ended.
            tensor = tensor.pin_memory()
        tensor = as_floats(tensor.to(self.device, non_blocking=True))
        return tensor.contiguous(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor

    def generate(self, generator: nn.Module) -> Generate:
        """The generator as a callable that keeps the dtype of ``z``."""
        network: Any = torch.compile(generator) if self.compile else generator

        def call(z: Tensor, labels: Tensor | None) -> Tensor:
            with self._autocast(self.precision):
                images: Tensor = network(z, labels)
            return images.to(z.dtype)

        return call

    def discriminate(self, discriminator: nn.Module) -> Discriminate:
        """The discriminator as a callable, in the run's precision; outputs keep the dtype of the images."""
        network: Any = torch.compile(discriminator) if self.compile else discriminator
        return self._judge(network, self.precision)

    def critic(self, discriminator: nn.Module | Discriminate) -> Discriminate:
        """The discriminator for penalties: never compiled, in the penalty precision."""
        return self._judge(discriminator, self.penalty_precision)

    def _judge(self, network: Any, precision: Precision) -> Discriminate:
        def call(images: Tensor, labels: Tensor | None) -> DiscriminatorOutput:
            with self._autocast(precision):
                output: DiscriminatorOutput = network(images, labels)
            return as_dtype(output, images.dtype)

        return call

    def _autocast(self, precision: Precision) -> AbstractContextManager[Any]:
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=precision == "bf16")


def as_dtype(output: DiscriminatorOutput, dtype: torch.dtype) -> DiscriminatorOutput:
    """The verdict with logits in a precision; features stay as they are."""
    judged = output.logits, output.class_logits, *output.extra_logits, output.embedding, output.proxies
    if all(one is None or one.dtype == dtype for one in judged):
        return output
    return DiscriminatorOutput(
        logits=output.logits.to(dtype),
        class_logits=None if output.class_logits is None else output.class_logits.to(dtype),
        features=output.features,
        extra_logits=tuple(logits.to(dtype) for logits in output.extra_logits),
        feature_counts=output.feature_counts,
        embedding=None if output.embedding is None else output.embedding.to(dtype),
        proxies=None if output.proxies is None else output.proxies.to(dtype),
        map_weights=output.map_weights,
    )


def differentiate(
    player: Player,
    step: int,
    optimizer: torch.optim.Optimizer,
    micro_batches: Iterable[tuple[float, dict[str, Tensor]]],
    *,
    clip_grad_norm: float | None = None,
    team: Team = ALONE,
) -> tuple[dict[str, Tensor], Tensor]:
    """Give an optimizer the gradient of the weighted sum of micro-batches; the terms (detached) and its norm.

    Args:
        player: for error messages.
        step: for error messages.
        optimizer: of that player alone; it does not move yet.
        micro_batches: pairs of (share of the batch, its terms), consumed one by one so that only one graph is alive.
        clip_grad_norm: rescale the whole gradient to at most this 2-norm.
        team: the processes whose gradients and terms are added up before anything is looked at.

    Raises:
        DivergedError: a term or gradient is not finite.
    """
    optimizer.zero_grad(set_to_none=True)
    terms: dict[str, Tensor] = {}
    for share, scalars in micro_batches:
        times(share, sum_of(scalars.values())).backward()  # type: ignore[no-untyped-call]
        for name, value in scalars.items():
            part = times(share, value.detach())
            terms[name] = terms[name] + part if name in terms else part
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    team.add([*gradients, *terms.values()])
    grad_norm = torch.nn.utils.get_total_norm(gradients)
    # The one host read of an update: a non-finite number must be seen before the optimizer moves.
    if not torch.isfinite(sum_of(terms.values()) + grad_norm):
        raise _diverged(player, step, terms, grad_norm)
    if clip_grad_norm is not None:
        torch.nn.utils.clip_grads_with_norm_(parameters, clip_grad_norm, grad_norm)
    return terms, grad_norm


def _diverged(player: Player, step: int, terms: dict[str, Tensor], grad_norm: Tensor) -> DivergedError:
    values = {name: float(value) for name, value in terms.items()}
    culprits = [name for name, value in values.items() if not torch.isfinite(torch.tensor(value))]
    what = f"term {', '.join(culprits)}" if culprits else "the gradient"
    shown = ", ".join(f"{name} = {value:.6g}" for name, value in values.items())
    return DivergedError(
        f"{what} of the {player} is not finite at step {step}; its weights were not changed in this update",
        given=f"{shown}; gradient norm = {float(grad_norm):.6g}",
        allowed="finite numbers",
        # Clipping rescales a gradient that is finite; of NaN and infinity it makes NaN.
        hint="lower train.g_lr and train.d_lr, or use --precision fp32 instead of bf16",
    )
