"""Unrolled GANs: the generator's step looks through the next k updates of the discriminator.

Source: Metz, Poole, Pfau & Sohl-Dickstein 2017, arXiv:1611.02163, equations 7 to 12.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from inspect import signature
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ganzoo.protocols import Discriminate, DiscriminatorOutput
from ganzoo.training.adversary import adversarial_objective
from ganzoo.training.game import Ahead, Inputs, Objective
from ganzoo.training.team import Team

UNSEEN = 1e-15
"""Added to each gradient: Adam's root has no derivative at a second moment of exactly 0, where this gives it one."""

Judge = Callable[[nn.Module, Mapping[str, Tensor]], Discriminate]


@dataclass(frozen=True, kw_only=True)
class Unroll:
    """The game as it will stand after ``steps`` further updates of the discriminator, all on the present batch.

    θ⁰ = θ_D, θ^{j+1} = θ^j − optimizer step on L_D(θ^j, θ_G). The updates follow the adversarial objective alone:
    neither regularizers nor a limit on the gradient's norm act in them. They start from a copy of the optimizer's
    state, and their graph is kept, so that the generator sees how the discriminator will answer. θ¹ … θ^k are then
    forgotten. With ``steps`` 0 the generator plays against θ_D itself: ``minimax``.

    Attributes:
        judge: network and its parameters → a callable that may be differentiated twice.
        objective: ``minimax``: G minimizes −L_D(θ^k, θ_G), the term on real data included, since it too depends on G
            through θ^k. ``loss``: G minimizes its own side of the loss at θ^k.
    """

    steps: int
    optimizer: torch.optim.Optimizer
    judge: Judge
    objective: Literal["minimax", "loss"] = "minimax"

    def __call__(self, played: Objective, inputs: Inputs, fake: Tensor) -> Ahead:
        """Look ahead from here."""
        network = played.discriminator
        names = [name for name, _ in network.named_parameters()]
        parameters = [parameter.detach().clone().requires_grad_() for parameter in network.parameters()]
        state = _optimizer_state(self.optimizer, list(network.parameters()))
        for _ in range(self.steps):
            playing = replace(played, discriminate=self.judge(network, dict(zip(names, parameters, strict=True))))
            loss = adversarial_objective(playing, inputs, fake)
            here = torch.autograd.grad(loss, parameters, create_graph=True, allow_unused=True)
            gradients = _of_all(here, played.team)
            parameters, state = _moved(self.optimizer, parameters, gradients, state)
        discriminate = self.judge(network, dict(zip(names, parameters, strict=True)))
        if self.objective == "loss":
            return Ahead(discriminate=discriminate)
        objective = -adversarial_objective(replace(played, discriminate=discriminate), inputs, fake)
        return Ahead(discriminate=discriminate, objective=objective)


def _of_all(gradients: tuple[Tensor | None, ...], team: Team) -> tuple[Tensor | None, ...]:
    """Their means over all processes, as functions of those of each."""
    found = [gradient for gradient in gradients if gradient is not None]
    if team.alone or not found:
        return gradients
    flat = team.gathered(torch.cat([gradient.reshape(-1) for gradient in found])[None]).mean(0)
    parts = iter(torch.split(flat, [gradient.numel() for gradient in found]))
    return tuple(None if gradient is None else next(parts).view_as(gradient) for gradient in gradients)


def _moved(
    optimizer: torch.optim.Optimizer,
    parameters: list[Tensor],
    gradients: tuple[Tensor | None, ...],
    state: list[dict[str, Any]],
) -> tuple[list[Tensor], list[dict[str, Any]]]:
    """One step of torch's own optimizer, in its differentiable form, on copies that stay in the graph."""
    moved = [parameter.clone() for parameter in parameters]
    kind: Any = type(optimizer)
    options = {**optimizer.param_groups[0], "differentiable": True, "fused": False, "foreach": False}
    accepted = signature(kind).parameters.keys() - {"params"}
    stepping = kind(moved, **{name: value for name, value in options.items() if name in accepted})
    for parameter, gradient, kept in zip(moved, gradients, state, strict=True):
        parameter.grad = None if gradient is None else gradient + UNSEEN
        if kept:
            stepping.state[parameter] = _copied(kept)
    stepping.step()
    return moved, [dict(stepping.state.get(parameter, {})) for parameter in moved]


def _optimizer_state(optimizer: torch.optim.Optimizer, parameters: list[nn.Parameter]) -> list[dict[str, Any]]:
    states = [_copied(optimizer.state.get(parameter, {})) for parameter in parameters]
    if isinstance(optimizer, torch.optim.SGD) and optimizer.param_groups[0]["momentum"]:
        # torch starts a missing buffer from a detached gradient; from zero it starts with the same number.
        for parameter, state in zip(parameters, states, strict=True):
            if state.get("momentum_buffer") is None:
                state["momentum_buffer"] = torch.zeros_like(parameter)
    return states


def _copied(state: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value.clone() if isinstance(value, Tensor) else value for key, value in state.items()}


def functional(network: nn.Module, parameters: Mapping[str, Tensor]) -> Discriminate:
    """The network as a function of other parameters than its own, which leaves no trace in its buffers."""

    def call(images: Tensor, labels: Tensor | None) -> DiscriminatorOutput:
        buffers = {name: buffer.clone() for name, buffer in network.named_buffers()}
        output: DiscriminatorOutput = torch.func.functional_call(network, {**buffers, **parameters}, (images, labels))
        return output

    return call
