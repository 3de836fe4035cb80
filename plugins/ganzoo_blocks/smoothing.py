"""The low-pass filter of StyleGAN2, as plain convolutions."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

TAPS = (1.0, 3.0, 3.0, 1.0)


class Smoothing(nn.Module):
    """The filter [1, 3, 3, 1] ⊗ [1, 3, 3, 1]/64 times ``gain``, channel by channel; outside the map everything is 0.

    With ``stride`` 1 and ``padding`` 1 a map of side H has side H − 1 after it: what doubled it by a transposed
    convolution of stride 2 and kernel 3 gave one row and one column too many. A ``gain`` of 4 compensates for the zeros
    that the stride puts between the pixels. With ``stride`` 2 and ``padding`` 1 it halves an even side. With
    ``padding`` 2 the side is H + 1, from which a 3×3 convolution of stride 2 without padding makes H/2.

    Source: Karras et al. 2020, arXiv:1912.04958, the authors' code; Zhang 2019, arXiv:1904.11486.
    """

    kernel: Tensor

    def __init__(self, *, gain: float = 1.0, stride: int = 1, padding: int = 1) -> None:
        super().__init__()
        self.stride = stride
        self.padding = padding
        self.register_buffer("kernel", _kernel() * gain, persistent=False)

    def forward(self, maps: Tensor) -> Tensor:
        """(N, C, H, W) → (N, C, H − 1, W − 1), or what stride and padding make of it."""
        channels = maps.shape[1]
        kernel = self.kernel.to(maps.dtype).expand(channels, 1, 4, 4)
        return F.conv2d(maps, kernel, stride=self.stride, padding=self.padding, groups=channels)


class SmoothDoubling(nn.Module):
    """Doubles images: zeros between the pixels, then the same filter. Inside, this is bilinear interpolation.

    Outside the image everything is 0, so the outermost pixels are darker than those of a bilinear interpolation
    that repeats the border.
    """

    kernel: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("kernel", _kernel() * 4, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """(N, C, H, W) → (N, C, 2H, 2W)."""
        channels = images.shape[1]
        kernel = self.kernel.to(images.dtype).expand(channels, 1, 4, 4)
        return F.conv_transpose2d(images, kernel, stride=2, padding=1, groups=channels)


def _kernel() -> Tensor:
    taps = torch.tensor(TAPS) / sum(TAPS)
    return torch.outer(taps, taps)[None, None]
