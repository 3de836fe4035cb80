"""Convolutions that torch is slow at on a CPU are computed otherwise there; the numbers are the same up to rounding.

oneDNN is fast where both sides have many channels and a map has many pixels. Some layers have not:

- stride 1 and few output channels, such as logits of patches: one product with all taps of the kernel, which are then
  moved to their places and added up
- transposed, of one pixel, such as latents: a linear layer
- transposed, with a stride and few output channels, such as pictures: :mod:`ganzoo.training.woven`
- few input channels and a stride: its transpose leads back to pictures, in G's step and in penalties
- stride 1 and an output of few pixels, in bf16, where the gradient of the weight is no faster than in fp32: the sum
  over samples and pixels is itself a convolution, whose channels are the samples and whose kernel is the output

Layers keep their class, names and weights. Those whose class computes something of its own are left alone, and so are
groups, dilation, and padding that is not of zeros. All can be differentiated again and forward, and vectorized.
``docs/performance.md`` says what it gains, and what was tried and gains nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo.training.woven import Pair, led_back, transposed

FEW = 4
"""Output channels at most; vector units take eight or sixteen at a time."""
MANY = 16
"""Channels of other sides, and samples that play channels, at least."""
SMALL = 49
"""Pixels of an output at most."""
WOVEN = 16_384
"""Pixels of a batch at least, or weaving takes longer than what it saves."""
TYPES = (torch.bfloat16, torch.float32, torch.float64)
"""Those that CPUs train in."""
Way = Callable[[Any, Tensor], Tensor | None]
"""Of a layer and what it is given: what it makes, or None where torch's way is as good."""


def quicken(network: nn.Module) -> None:
    """Let the convolutions of a network be computed so. Twice is as once."""
    for layer in network.modules():
        way = _way(layer)
        if way is not None:
            layer.forward = partial(_forward, layer, way)


def as_torch(network: nn.Module) -> None:
    """Undo :func:`quicken`."""
    for layer in network.modules():
        own = vars(layer).get("forward")
        if isinstance(own, partial) and own.func is _forward:
            del layer.forward


def _way(layer: Any) -> Way | None:
    """That of its kind. Layers with parametrized weights have a class of their own, which computes as torch's does."""
    kind = next((kind for kind in (nn.Conv2d, nn.ConvTranspose2d) if isinstance(layer, kind)), None)
    if kind is None or type(layer).forward is not kind.forward or "forward" in vars(layer):
        return None
    if isinstance(layer.padding, str) or (layer.groups, layer.dilation, layer.padding_mode) != (1, (1, 1), "zeros"):
        return None
    phases = all(step > 1 and not length % step for length, step in zip(layer.kernel_size, layer.stride, strict=True))
    if kind is nn.ConvTranspose2d:
        if phases and layer.out_channels <= FEW:
            return _woven
        return _of_one_pixel if layer.padding == layer.output_padding == (0, 0) else None
    if phases and layer.in_channels <= FEW:
        return _from_few
    reaches = all(pad < length for pad, length in zip(layer.padding, layer.kernel_size, strict=True))
    if layer.stride != (1, 1) or layer.kernel_size == (1, 1) or layer.in_channels < MANY or not reaches:
        return None
    if layer.out_channels <= FEW:
        return _to_few
    return _to_few_pixels if layer.out_channels >= MANY else None


def _forward(layer: Any, way: Way, x: Tensor, *more: Any, **named: Any) -> Tensor:
    """In place of the layer's own, which is torch's."""
    made = way(layer, x) if _is_usual(x) and not (more or named) else None
    return type(layer).forward(layer, x, *more, **named) if made is None else made


def _is_usual(x: Tensor) -> bool:
    return x.device.type == "cpu" and x.ndim == 4 and _type(x) in TYPES


def _to_few(layer: nn.Conv2d, x: Tensor) -> Tensor:
    """Taps are added up in fp32 at least, as oneDNN does."""
    x, weight, bias = _of_one_type(x, layer)
    (length, width), (top, left) = layer.kernel_size, _padding(layer)
    pixels = x.flatten(2).transpose(1, 2)  # in memory, channels-last images lie so, and their gradient will
    taps = F.linear(pixels, weight.flip(2, 3).permute(0, 2, 3, 1).flatten(0, 2)).transpose(1, 2)
    full = taps.float() if taps.dtype == torch.bfloat16 else taps
    return _plus(
        F.fold(full, _size(layer, x), layer.kernel_size, padding=(length - 1 - top, width - 1 - left)).to(taps.dtype),
        bias,
    )


def _of_one_pixel(layer: nn.ConvTranspose2d, x: Tensor) -> Tensor | None:
    """(N, C, 1, 1) and a weight (C, D, K, L): (N, D, K, L), channels-last."""
    if x.shape[2:] != (1, 1):
        return None
    x, weight, bias = _of_one_type(x, layer)
    last = weight.permute(0, 2, 3, 1)  # the order in which a channels-last weight lies in memory
    made = F.linear(x.flatten(1), last.flatten(1).t()).view(len(x), *last.shape[1:])
    return _plus(made.permute(0, 3, 1, 2), bias)


def _woven(layer: nn.ConvTranspose2d, x: Tensor) -> Tensor | None:
    if not _weaving_pays(x, x.shape[2] * x.shape[3]):
        return None
    sides = zip(x.shape[2:], layer.stride, _padding(layer), layer.kernel_size, layer.output_padding, strict=True)
    height, width = ((side - 1) * step - 2 * pad + length + more for side, step, pad, length, more in sides)
    made = transposed(x, layer.weight, cast("Pair", layer.stride), _padding(layer), (height, width))
    return _plus(made, layer.bias)


def _from_few(layer: nn.Conv2d, x: Tensor) -> Tensor | None:
    height, width = _size(layer, x)
    if not (x.requires_grad and torch.is_grad_enabled() and _weaving_pays(x, height * width)):
        return None
    return led_back(x, layer.weight, layer.bias, cast("Pair", layer.stride), _padding(layer))


def _weaving_pays(x: Tensor, pixels: int) -> bool:
    """Not in bf16, where parts would be rounded before they are added."""
    return len(x) * pixels >= WOVEN and _type(x) != torch.bfloat16


def _to_few_pixels(layer: nn.Conv2d, x: Tensor) -> Tensor | None:
    height, width = _size(layer, x)
    if _type(x) != torch.bfloat16 or height * width > SMALL or len(x) < MANY or not torch.is_grad_enabled():
        return None
    made: Tensor = _ToFewPixels.apply(*_of_one_type(x, layer), _padding(layer))  # type: ignore[no-untyped-call]
    return made


class _ToFewPixels(torch.autograd.Function):
    """torch's convolution with stride 1; what is computed otherwise is the gradient of its weight."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, weight: Tensor, bias: Tensor | None, padding: Pair) -> Tensor:
        return F.conv2d(x, weight, bias, padding=padding)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, weight, _, ctx.padding = inputs
        ctx.save_for_backward(x, weight)
        ctx.save_for_forward(x, weight)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        to_x, to_weight, to_bias, _ = ctx.needs_input_grad
        of_weight = None
        of_x = F.conv_transpose2d(gradient, weight, padding=ctx.padding) if to_x else None
        if to_weight:
            of_weight = F.conv2d(x.transpose(0, 1), gradient.transpose(0, 1), padding=ctx.padding).transpose(0, 1)
            of_weight = of_weight.contiguous(memory_format=torch.channels_last)  # as weights lie that are trained
        return of_x, of_weight, gradient.sum((0, 2, 3)) if to_bias else None, None

    @staticmethod
    def jvp(ctx: Any, dx: Tensor | None, dweight: Tensor | None, dbias: Tensor | None, _: None) -> Tensor:
        x, weight = ctx.saved_tensors
        along_x = F.conv2d(torch.zeros_like(x) if dx is None else dx, weight, dbias, padding=ctx.padding)
        return along_x if dweight is None else along_x + F.conv2d(x, dweight, padding=ctx.padding)


def _size(layer: nn.Conv2d, x: Tensor) -> Pair:
    """Of the output."""
    sides = zip(x.shape[2:], layer.stride, _padding(layer), layer.kernel_size, strict=True)
    height, width = ((side + 2 * pad - length) // step + 1 for side, step, pad, length in sides)
    return height, width


def _padding(layer: nn.Conv2d | nn.ConvTranspose2d) -> Pair:
    return cast("Pair", layer.padding)


def _type(x: Tensor) -> torch.dtype:
    """In which a convolution of it is computed."""
    cast = torch.is_autocast_enabled("cpu") and x.dtype == torch.float32
    return torch.get_autocast_dtype("cpu") if cast else x.dtype


def _of_one_type(x: Tensor, layer: Any) -> tuple[Tensor, Tensor, Tensor | None]:
    """What is given, the weight and the bias, as autocast would have them."""
    weight, bias = layer.weight, layer.bias
    if not torch.is_autocast_enabled("cpu"):
        return x, weight, bias
    kind = _type(x)
    return x.to(kind), weight.to(kind), None if bias is None else bias.to(kind)


def _plus(made: Tensor, bias: Tensor | None) -> Tensor:
    return made if bias is None else made + bias.view(-1, 1, 1)
