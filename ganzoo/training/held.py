"""The discriminator in the generator's step, frozen while it judges and again while it is differentiated.

For those who ask for the generator's terms and may let go of the discriminator before they differentiate them. A run
keeps it frozen until it has.

A discriminator that checkpoints its activations runs parts of itself a second time, within backward. Were its
parameters trainable again by then, that second run would save other tensors than the first: torch refuses where their
shapes differ, and where they agree the gradients are wrong without a word. Reentrant checkpoints would also leave
gradients in the discriminator.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.errors import ConfigError
from ganzoo.protocols import Discriminate, DiscriminatorOutput
from ganzoo.training.without_trace import frozen


def held(discriminate: Discriminate, network: nn.Module) -> Discriminate:
    """The same verdicts with the same gradient at the images, and none at the parameters of ``network``.

    It is called where the network is frozen already; only backward may come when it no longer is.

    The gradient cannot be differentiated once more: backward with ``create_graph`` is a ConfigError.
    """

    def call(images: Tensor, labels: Tensor | None) -> DiscriminatorOutput:
        if not (images.requires_grad and torch.is_grad_enabled()):
            return discriminate(images, labels)
        outputs: list[DiscriminatorOutput] = []
        tensors = _Held.apply(images, labels, discriminate, network, outputs)  # type: ignore[no-untyped-call]
        return _with_tensors(outputs.pop(), tensors)

    return call


class _Held(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        images: Tensor,
        labels: Tensor | None,
        discriminate: Discriminate,
        network: nn.Module,
        outputs: list[DiscriminatorOutput],
    ) -> tuple[Tensor, ...]:
        inner = images.detach().requires_grad_()
        with torch.enable_grad():
            output = discriminate(inner, labels)
        tensors = _tensors(output)
        # Saved as torch saves activations, so that this graph goes when the outer one does.
        ctx.save_for_backward(*tensors)
        ctx.inner, ctx.network = inner, network
        ctx.set_materialize_grads(False)
        outputs.append(output)
        return tuple(tensor.detach() for tensor in tensors)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():
            raise ConfigError(
                "the discriminator's verdict on fakes in the generator's step cannot be differentiated twice",
                given="create_graph=True",
                allowed="one derivative of it, or any number of what view.critic says of the same fakes",
                hint="judge the fakes with view.critic where a regularizer needs a derivative of a gradient",
            )
        inner: Tensor = ctx.inner
        found = zip(ctx.saved_tensors, gradients, strict=True)
        asked = [(tensor, gradient) for tensor, gradient in found if gradient is not None and tensor.requires_grad]
        if not asked:
            return None, None, None, None, None
        with torch.enable_grad(), frozen(ctx.network):
            tensors, given = zip(*asked, strict=True)
            # Not autograd.grad, which reentrant checkpoints refuse. The graph is kept where the outer one is, and only
            # there, since compiled networks may refuse to be kept.
            torch.autograd.backward(
                Met.apply(given, *tensors),  # type: ignore[no-untyped-call]
                retain_graph=torch._C._autograd._get_current_graph_task_keep_graph(),
            )
        of_images, inner.grad = inner.grad, None
        return of_images, None, None, None, None


class Met(torch.autograd.Function):
    """A scalar, 0, whose gradient at each tensor is the one that is given.

    The same as ``grad_tensors=`` of ``torch.autograd.backward``, for which torch 2.13 imports sympy to compare their
    shapes: 0.7 s of the first step of every run.
    """

    @staticmethod
    def forward(ctx: Any, gradients: tuple[Tensor, ...], *tensors: Tensor) -> Tensor:
        """0."""
        ctx.gradients = gradients
        return tensors[0].new_zeros(())

    @staticmethod
    def backward(ctx: Any, _: Tensor) -> tuple[Tensor | None, ...]:
        """Those that were given, whatever the scalar is multiplied by."""
        return None, *ctx.gradients


SINGLE = ("class_logits", "embedding", "proxies")
"""What there is one of, or none."""


def _tensors(output: DiscriminatorOutput) -> list[Tensor]:
    single = [getattr(output, name) for name in SINGLE]
    return [output.logits, *(one for one in single if one is not None), *output.features, *output.extra_logits]


def _with_tensors(output: DiscriminatorOutput, tensors: tuple[Tensor, ...]) -> DiscriminatorOutput:
    logits, *rest = tensors
    single = {name: None if getattr(output, name) is None else rest.pop(0) for name in SINGLE}
    features = len(output.features)
    return DiscriminatorOutput(
        logits,
        features=tuple(rest[:features]),
        extra_logits=tuple(rest[features:]),
        feature_counts=output.feature_counts,
        map_weights=output.map_weights,
        **single,
    )
