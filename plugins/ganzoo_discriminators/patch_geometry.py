"""How far one logit of a PatchGAN sees, and how many logits there are.

The stack has ``n_layers`` convolutions of kernel 4 and, unless said otherwise, stride 2, then two of stride 1; padding
is 1 throughout. A pyramid halves by average pooling of kernel 3, stride 2 and padding 1. All of it is about one axis of
the data: axes do not know of each other.
"""

from __future__ import annotations

KERNEL, PADDING = 4, 1
POOL_KERNEL, POOL_STRIDE, POOL_PADDING = 3, 2, 1


def strides(n_layers: int, stride: int = 2) -> list[int]:
    """The stride of each convolution, from the data to the logits."""
    return [stride] * n_layers + [1, 1]


def receptive_field(n_layers: int, stride: int = 2) -> int:
    """Side of the patch behind one logit: 16, 34, 70, 142, 286, … with stride 2. It may exceed the image."""
    field = 1
    for one in reversed(strides(n_layers, stride)):
        field = (field - 1) * one + KERNEL
    return field


def map_side(side: int, n_layers: int, stride: int = 2) -> int:
    """Logits along a side of ``side`` pixels; below 1 where the stack does not fit."""
    for one in strides(n_layers, stride):
        side = (side + 2 * PADDING - KERNEL) // one + 1
    return side


def largest_n_layers(side: int, stride: int = 2) -> int:
    """The most convolutions of this stride that leave a logit; 0 if not even one does (below 6 px with stride 2)."""
    n_layers = 0
    while map_side(side, n_layers + 1, stride) >= 1:
        n_layers += 1
    return n_layers


def smallest_side(stride: int = 2) -> int:
    """The shortest side for which one convolution of this stride leaves a logit: 6 with stride 2."""
    side = 1
    while largest_n_layers(side, stride) == 0:
        side += 1
    return side


def pyramid_side(side: int, scale: int) -> int:
    """Pixels along a side of the image of a scale; scale 0 is the image itself, the next half of it, rounded up."""
    for _ in range(scale):
        side = (side + 2 * POOL_PADDING - POOL_KERNEL) // POOL_STRIDE + 1
    return side


def largest_n_scales(side: int, n_layers: int, stride: int = 2) -> int:
    """The most scales on each of which the stack leaves a logit; 0 if not even the image has room for it."""
    n_scales = 0
    while map_side(pyramid_side(side, n_scales), n_layers, stride) >= 1:
        n_scales += 1
    return n_scales
