"""How far one logit of a PatchGAN sees, and how many logits there are.

The stack has ``n_layers`` 4×4 convolutions of stride 2, then two of stride 1; padding is 1 throughout. A pyramid of
images halves by 3×3 average pooling of stride 2 and padding 1.
"""

from __future__ import annotations

KERNEL, PADDING = 4, 1
POOL_KERNEL, POOL_STRIDE, POOL_PADDING = 3, 2, 1


def strides(n_layers: int) -> list[int]:
    """The stride of each convolution, from the image to the logits."""
    return [2] * n_layers + [1, 1]


def receptive_field(n_layers: int) -> int:
    """Side, in pixels, of the patch behind one logit: 16, 34, 70, 142, 286, … It may exceed the image."""
    field = 1
    for stride in reversed(strides(n_layers)):
        field = (field - 1) * stride + KERNEL
    return field


def map_side(side: int, n_layers: int) -> int:
    """Logits along a side of ``side`` pixels; below 1 where the stack does not fit."""
    for stride in strides(n_layers):
        side = (side + 2 * PADDING - KERNEL) // stride + 1
    return side


def largest_n_layers(side: int) -> int:
    """The most stride-2 convolutions that leave a logit; 0 if not even one does (below 6 px)."""
    n_layers = 0
    while map_side(side, n_layers + 1) >= 1:
        n_layers += 1
    return n_layers


def pyramid_side(side: int, scale: int) -> int:
    """Pixels along a side of the image of a scale; scale 0 is the image itself, the next half of it, rounded up."""
    for _ in range(scale):
        side = (side + 2 * POOL_PADDING - POOL_KERNEL) // POOL_STRIDE + 1
    return side


def largest_n_scales(side: int, n_layers: int) -> int:
    """The most scales on each of which the stack leaves a logit; 0 if not even the image has room for it."""
    n_scales = 0
    while map_side(pyramid_side(side, n_scales), n_layers) >= 1:
        n_scales += 1
    return n_scales
