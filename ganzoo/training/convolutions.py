"""Convolutions that torch is slow at on a CPU are computed otherwise there, with the same numbers up to rounding.

oneDNN is fast where both sides have many channels and a map has many pixels, but computes every product. So:

- stride 1 and few output channels, such as logits of patches: one product with all taps of the kernel, which are then
  moved to their places and added up; in fp32 and fp64, since in bf16 taps would be rounded before they are added
- transposed, of one pixel, such as latents: a linear layer
- transposed, with a stride and few output channels, such as pictures: :mod:`ganzoo.training.woven`, not in bf16 either
- with a stride, few input channels and frozen, such as a critic's first layer while G learns: the gradient likewise
- stride 1 and many channels on both sides: :mod:`ganzoo.training.winograd`, not in bf16, which would round too early
- stride 1 and an output of few pixels, in bf16, where the gradient of the weight is no faster than in fp32: the sum
  over samples and pixels is itself a convolution, whose channels are the samples and whose kernel is the output

Within :func:`quick`, all layers of torch's classes compute so, whosever network they are in. Those that compute
something of their own are left alone, and all is left to torch under ``torch.func``, forward differentiation, tracing
and compilation. ``docs/performance.md`` says what is gained.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import forward_ad

from ganzoo.training import winograd, woven

FEW = 4
"""Output channels at most; vector units take eight or sixteen at a time."""
PER_TAP = 3
"""Input channels for each tap of each output channel, at least: writing and moving the taps costs, too."""
SHRINKING = 16
"""Pixels of the input for each of the output, at most: every one is multiplied by every tap."""
PER_OUTPUT = 10
"""Input channels for each output channel of woven pictures, at least; output channels for each of a woven gradient."""
WOVEN, WOVEN_BACK = 16_384, 8_192
"""Pixels of a batch of maps at least, for pictures and their gradient, or weaving takes longer than what it saves."""
SMALL, TAPS, SAMPLES, WIDE = 49, 16, 16, 64
"""For the weight's gradient: pixels of an output and taps of a kernel at most; samples and channels at least."""
ITS_OWN = ("_conv_forward", "_output_padding", "forward")
"""What a layer may do its own way."""

Way = Callable[[Any, Tensor, Tensor], Tensor | None]
"""A layer, its input and its weight → what it makes; ``None`` if the layer is not for this way."""

_lock, _users = Lock(), 0
_torch: dict[type[nn.Module], Any] = {kind: kind.forward for kind in (nn.Conv2d, nn.ConvTranspose2d)}
_methods = {(kind, name): getattr(kind, name, None) for kind in _torch for name in ITS_OWN}


@contextmanager
def quick() -> Iterator[None]:
    """Compute convolutions so in this block, in all threads."""
    _count(1)
    try:
        yield
    finally:
        _count(-1)


def _count(change: int) -> None:
    global _users
    with _lock:
        if not _users:
            _torch.update({kind: kind.forward for kind in _torch})  # which others may have replaced
        _users += change
        _put({nn.Conv2d: _convolution, nn.ConvTranspose2d: _transposed} if _users else _torch)


def _put(forwards: dict[type[nn.Module], Any]) -> None:
    for kind, forward in forwards.items():
        kind.forward = forward


def _convolution(layer: nn.Conv2d, input: Tensor) -> Tensor:  # noqa: A002  # torch's name
    """In place of ``Conv2d.forward``."""
    ways = _ways(layer)
    if not ways or not _is_usual(layer, nn.Conv2d, input):
        return _torch[nn.Conv2d](layer, input)  # type: ignore[no-any-return]
    weight = layer.weight  # once, as one that is parametrized may move whenever it is read
    for way in ways:
        if (made := way(layer, input, weight)) is not None:
            return made
    left: Tensor = layer._conv_forward(input, weight, layer.bias)
    return left


def _ways(layer: nn.Conv2d) -> tuple[Way, ...]:
    """That may be for it."""
    if layer.stride != (1, 1):
        return (_from_few,) if layer.in_channels <= FEW else ()
    if layer.kernel_size == (1, 1):
        return ()
    return (_to_few,) if layer.out_channels <= FEW else (_to_few_pixels, _by_fewer_products)


def _transposed(layer: nn.ConvTranspose2d, input: Tensor, output_size: Any = None) -> Tensor:  # noqa: A002
    """In place of ``ConvTranspose2d.forward``."""
    if output_size is not None or not _is_usual(layer, nn.ConvTranspose2d, input):
        return _torch[nn.ConvTranspose2d](layer, input, output_size)  # type: ignore[no-any-return]
    weight = layer.weight
    made = (_of_one_pixel if input.shape[2:] == (1, 1) else _woven)(layer, input, weight)
    if made is not None:
        return made
    return F.conv_transpose2d(input, weight, layer.bias, layer.stride, _padding(layer), layer.output_padding)


def _is_usual(layer: Any, kind: type[nn.Module], x: Tensor) -> bool:
    """Whether it is what the ways below are for; a parametrized layer has a class of its own that computes the same."""
    return (
        _is_eager()  # first: a trace would note the rest
        and x.device.type == "cpu"
        and x.ndim == 4
        and x.shape[1] == layer.in_channels
        and x.is_contiguous(memory_format=torch.channels_last)
        and (layer.groups, layer.dilation, layer.padding_mode) == (1, (1, 1), "zeros")
        and not isinstance(layer.padding, str)
        and min(layer.padding) >= 0  # torch says that it cannot be
        and _torch[kind] is _methods[kind, "forward"]  # whoever replaced it wants something else
        and not any(name in vars(layer) for name in ITS_OWN)
        and all(getattr(type(layer), name, None) is _methods[kind, name] for name in ITS_OWN[:2])
    )


def _is_eager() -> bool:
    """Whether tensors are numbers, and derivatives those of autograd."""
    return (
        not torch.compiler.is_compiling()
        and not torch._C._is_tracing()
        and torch._C._functorch.peek_interpreter_stack() is None
        and forward_ad._current_level < 0
    )


def _to_few(layer: nn.Conv2d, x: Tensor, weight: Tensor) -> Tensor | None:
    length, width = layer.kernel_size
    height, across = _size(layer, x)
    pays = PER_TAP * layer.out_channels * length * width <= layer.in_channels
    if not pays or min(height, across) < 1 or x.shape[2] * x.shape[3] > SHRINKING * height * across:
        return None
    top, left = _padding(layer)
    if not _in_full(x, weight) or top >= length or left >= width:
        return None
    pixels = x.flatten(2).transpose(1, 2)  # so they lie in memory, and so will their gradient
    taps = F.linear(pixels, weight.flip(2, 3).permute(0, 2, 3, 1).flatten(0, 2)).transpose(1, 2)
    beyond = length - 1 - top, width - 1 - left
    made = F.fold(taps, (height, across), (length, width), padding=beyond)
    return _plus(made, layer.bias).contiguous(memory_format=torch.channels_last)


def _of_one_pixel(layer: nn.ConvTranspose2d, x: Tensor, weight: Tensor) -> Tensor | None:
    if (layer.padding, layer.output_padding) != ((0, 0), (0, 0)) or not _lies_so(weight):
        return None
    if not (_in_full(x, weight) or torch.is_autocast_enabled("cpu")):
        return None
    last = weight.permute(0, 2, 3, 1)
    made = F.linear(x.flatten(1), last.flatten(1).t()).view(x.shape[0], *last.shape[1:])
    return _plus(made.permute(0, 3, 1, 2), layer.bias)


def _woven(layer: nn.ConvTranspose2d, x: Tensor, weight: Tensor) -> Tensor | None:
    (length, width), stride = layer.kernel_size, layer.stride
    has_phases = min(stride) > 1 and not length % stride[0] and not width % stride[1]
    pays = layer.out_channels <= FEW and PER_OUTPUT * layer.out_channels <= layer.in_channels
    if not has_phases or not pays or x.shape[0] * x.shape[2] * x.shape[3] < WOVEN:
        return None
    (top, left), (down, right) = _padding(layer), layer.output_padding
    height = (x.shape[2] - 1) * stride[0] - 2 * top + length + down
    across = (x.shape[3] - 1) * stride[1] - 2 * left + width + right
    if not _in_full(x, weight) or not _lies_so(weight) or min(height, across) < 1:
        return None
    made = woven.transposed(x, weight, (stride[0], stride[1]), (top, left), (height, across))
    return _plus(made, layer.bias)


def _from_few(layer: nn.Conv2d, x: Tensor, weight: Tensor) -> Tensor | None:
    (length, width), (down, across), bias = layer.kernel_size, (layer.stride[0], layer.stride[1]), layer.bias
    has_phases = min(down, across) > 1 and not length % down and not width % across
    trained = weight.requires_grad or (bias is not None and bias.requires_grad)
    if not has_phases or PER_OUTPUT * layer.in_channels > layer.out_channels or trained:
        return None
    if not torch.is_grad_enabled() or not x.requires_grad or not _in_full(x, weight) or not _lies_so(weight):
        return None
    if x.shape[0] * x.shape[2] * x.shape[3] < WOVEN_BACK * down * across:
        return None
    return woven.convolution(x, weight, bias, (down, across), _padding(layer))


def _to_few_pixels(layer: nn.Conv2d, x: Tensor, weight: Tensor) -> Tensor | None:
    height, across = _size(layer, x)
    if not torch.is_grad_enabled() or not 1 <= height * across <= SMALL or min(height, across) < 1:
        return None
    (length, width), sides = layer.kernel_size, (layer.in_channels, layer.out_channels)
    in_bf16 = torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16
    if not in_bf16 or length * width > TAPS or min(sides) < WIDE or x.shape[0] < SAMPLES or x.dtype == torch.float64:
        return None
    if not _lies_so(weight):
        return None
    bias = layer.bias
    given = x.bfloat16(), weight.bfloat16(), None if bias is None else bias.bfloat16()
    made: Tensor = _ToFewPixels.apply(*given, layer.padding)  # type: ignore[no-untyped-call]
    return made


class _ToFewPixels(torch.autograd.Function):
    """torch's convolution with stride 1; what is computed otherwise is the gradient of its weight."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, padding: tuple[int, int]) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.padding = padding
        return F.conv2d(x, weight, bias, padding=padding)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        to_x, to_weight, to_bias, _ = ctx.needs_input_grad
        of_weight = None
        of_x = F.conv_transpose2d(gradient, weight, padding=ctx.padding) if to_x else None
        if to_weight:
            of_weight = F.conv2d(x.transpose(0, 1), gradient.transpose(0, 1), padding=ctx.padding)
            of_weight = of_weight.permute(1, 2, 3, 0).contiguous().permute(0, 3, 1, 2)  # as the weight lies
        return of_x, of_weight, gradient.sum((0, 2, 3)) if to_bias else None, None


def _by_fewer_products(layer: nn.Conv2d, x: Tensor, weight: Tensor) -> Tensor | None:
    padding = _padding(layer)
    if not _in_full(x, weight) or not _lies_so(weight) or not winograd.pays(x, weight, padding):
        return None
    return _plus(winograd.convolution(x, weight, padding), layer.bias)


def _in_full(x: Tensor, weight: Tensor) -> bool:
    """In fp32 or fp64, both alike, and no autocast that would change that."""
    return (
        x.dtype == weight.dtype
        and x.dtype in (torch.float32, torch.float64)
        and not (torch.is_autocast_enabled("cpu") and x.dtype == torch.float32)
    )


def _lies_so(weight: Tensor) -> bool:
    """As weights lie in networks that ganzoo trains; what torch makes then is channels-last too."""
    return weight.is_contiguous(memory_format=torch.channels_last)


def _size(layer: nn.Conv2d, x: Tensor) -> tuple[int, int]:
    """Of the output, with stride 1."""
    (length, width), (top, left) = layer.kernel_size, _padding(layer)
    return x.shape[2] + 2 * top - length + 1, x.shape[3] + 2 * left - width + 1


def _padding(layer: Any) -> tuple[int, int]:
    top, left = layer.padding
    return int(top), int(left)


def _plus(made: Tensor, bias: Tensor | None) -> Tensor:
    return made if bias is None else made + bias.to(made.dtype).view(-1, 1, 1)
