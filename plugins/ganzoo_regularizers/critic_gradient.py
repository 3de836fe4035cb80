"""The gradient of a critic at its input, sample by sample: what every gradient penalty is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import Discriminate, DiscriminatorOutput

NORM_EPSILON = 1e-12
"""Inside the root, where it keeps the derivative at a zero gradient finite."""


def mean_logits(output: DiscriminatorOutput) -> Tensor:
    """D̄, each sample's mean logit, (N,): over the patches of each map, then over the maps.

    A mean and not a sum, so that the weight of a penalty does not depend on the patch count; each map of
    ``extra_logits`` counts as much as ``logits``, whatever its size. Class logits are not used.
    """
    return torch.stack([logits.reshape(len(logits), -1).mean(1) for logits in output.maps()]).mean(0)


def squared_gradient_norms(critic: Discriminate, images: Tensor, labels: Tensor | None) -> Tensor:
    """‖∇D̄(xᵢ)‖² of each sample, (N,), over all of its pixels and channels; differentiable in the critic's parameters.

    One backward pass gives all gradients, because the sum over samples separates. It does so only for a critic that
    judges each sample by itself: with BatchNorm in training mode the result is not these norms.
    """
    images = images.detach().requires_grad_(True)
    total = mean_logits(critic(images, labels)).sum()
    (gradient,) = torch.autograd.grad(total, images, create_graph=True)
    return gradient.reshape(len(gradient), -1).square().sum(1)


def gradient_norms(critic: Discriminate, images: Tensor, labels: Tensor | None) -> Tensor:
    """√(‖∇D̄(xᵢ)‖² + 1e-12) of each sample, (N,)."""
    return (squared_gradient_norms(critic, images, labels) + NORM_EPSILON).sqrt()
