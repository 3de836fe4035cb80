"""Short-time Fourier transforms of signals, as critics take them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Literal

import torch
from pydantic import AfterValidator, Field

from ganzoo_discriminators.sub_critic import reflected
from ganzoo_discriminators.wide import wide

if TYPE_CHECKING:
    from torch import Tensor

Window = Literal["rectangular", "hann"]
Padding = Literal["frame", "stride", "center", "none"]
"""What is mirrored at the ends: half a window less half a hop; the same, and on the right up to a multiple of the hop;
half a window; nothing."""
Size = Annotated[int, Field(ge=1, le=2**16)]
Resolution = tuple[Size, Size, Size]
"""n_fft, hop, and the length of the window."""


def pads(length: int, n_fft: int, hop: int, padding: Padding) -> tuple[int, int]:
    """How many numbers are mirrored on the left and on the right."""
    side = {"none": 0, "center": n_fft // 2}.get(padding, max(n_fft - hop, 0) // 2)
    return side, side + (-length % hop if padding == "stride" else 0)


def demand_length(length: int, resolutions: Iterable[Resolution], padding: Padding) -> tuple[int, str]:
    """The length from which on all of these resolutions fit, and which asks for it; (1, "") where they fit already.

    Ends can be mirrored where less is added than there is, and one window must fit.
    """
    lengths = []
    for n_fft, hop, _ in resolutions:
        left, right = pads(length, n_fft, hop, padding)
        if right >= length or left + length + right < n_fft:
            most = left + (hop if padding == "stride" else 1)
            lengths.append((max(most, n_fft - 2 * left), f"for n_fft {n_fft}"))
    return max(lengths, default=(1, ""))


def in_order(resolutions: tuple[Resolution, ...]) -> tuple[Resolution, ...]:
    """Resolutions whose windows fit into n_fft and leave no number of the signal out.

    Raises:
        ValueError: there are others among them.
    """
    for n_fft, hop, width in resolutions:
        if not hop <= width <= n_fft:
            raise ValueError(f"{n_fft}, {hop}, {width}: hop must be at most the window, and the window at most n_fft")
    return resolutions


def quartered(n_ffts: Iterable[int]) -> list[Resolution]:
    """Windows of these lengths at every quarter of them."""
    return [(n_fft, n_fft // 4, n_fft) for n_fft in n_ffts]


Resolutions = Annotated[tuple[Resolution, ...], Field(min_length=1, max_length=8), AfterValidator(in_order)]


def spectrum(
    signal: Tensor, resolution: Resolution, *, window: Window, padding: Padding, normalized: bool = False
) -> Tensor:
    """The transform of a signal (N, C, T): (N, C, n_fft/2 + 1, frames), complex, and not below float32.

    Args:
        signal: (N, C, T).
        resolution: n_fft, hop, and the length of the window, which lies in the middle of n_fft numbers.
        window: its form.
        padding: how the ends are mirrored.
        normalized: divide by the root of the sum of the window's squares.
    """
    n_fft, hop, width = resolution
    exact = wide(signal)
    make = torch.hann_window if window == "hann" else torch.ones
    shape = make(width, dtype=exact.dtype, device=exact.device)
    padded = reflected(exact, *pads(exact.shape[-1], n_fft, hop, padding))
    found = torch.stft(padded.flatten(0, 1), n_fft, hop, width, shape, center=False, return_complex=True)
    found = found / shape.square().sum().sqrt() if normalized else found
    return found.reshape(*signal.shape[:2], *found.shape[1:])


def planes(complex_ones: Tensor) -> Tensor:
    """Real and imaginary parts as channels, with time before frequency: (N, C, F, frames) to (N, 2C, frames, F)."""
    return torch.cat([complex_ones.real, complex_ones.imag], dim=1).transpose(-1, -2)
