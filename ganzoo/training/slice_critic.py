"""A critic of slices: pictures of a volume, frames of a video, rows of a picture."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganzoo.errors import ConfigError
from ganzoo.protocols import DiscriminatorOutput
from ganzoo.training.part_critic import PartCritic, demanded


class SliceCritic(PartCritic):
    """Judges slices of the data by a critic for one axis less: ``ganzoo.SliceCritic(critic, axis=2, k=4)``.

    Formula:
        x (N, C, D, H, W), axis 2  →  k slices x[:, :, d₁], …, x[:, :, d_k], d₁ < … < d_k  →  critic of (N·k, C, H, W)
        logits (N·k, 1, h, w)  →  (N, 1, k, h, w)          features (N·k, F, h, w)  →  (N, F, k, h, w)

    and likewise for any axis of (N, C, T), (N, C, H, W) or (N, C, D, H, W): slices go into the axis of the batch, and
    come back at the place of ``axis``. A critic that gives one logit a sample, (N·k,), gives (N, 1, k) here; class
    logits are averaged over the slices. The axis of a video's frames or a volume's thin sections is 2.

    The k positions are drawn without replacement, anew after each update of the critic, and are the same for all
    samples of a batch, real and fake; see :class:`~ganzoo.training.part_critic.PartCritic`. With ``k=None``, or where
    there are just k slices, all are judged and nothing is drawn. BatchNorm in the critic normalizes over the slices of
    all samples.

    A penalty on the slope sees all k slices as one sample, whose logit is the mean of theirs: R1 is 1/k of its mean
    over the slices one by one. So multiply its weight by k where it was chosen for single slices.

    Where implementations differ: DVD-GAN adds the scores of a video's 8 frames and takes the loss of the sum; here, as
    in MoCoGAN, the loss is taken of each. TATS draws one frame for each sample, and for real data and fakes apart.

    Args:
        critic: ganzoo's, or any module that :class:`ganzoo.Adversary` takes.
        axis: of the batch (N, C, …), from 2, or from the end, from −1.
        k: slices of each sample; all of them unless given.
        seed: of the draws.

    Raises:
        ConfigError: an argument is out of range, the data have no such axis, or fewer than ``k`` slices.

    Source: the image discriminator of Tulyakov et al. 2018 (MoCoGAN), arXiv:1707.04993; k frames as in the spatial
    discriminator of Clark et al. 2019 (DVD-GAN), arXiv:1907.06571.
    """

    def __init__(self, critic: nn.Module, *, axis: int, k: int | None = None, seed: int = 0) -> None:
        super().__init__(critic, seed=seed)
        self.axis = demanded("axis", axis, lowest=None)
        self.k = None if k is None else demanded("k", k)
        if self.axis in (0, 1):
            raise ConfigError(
                f"axis {self.axis} of a batch (N, C, …) is that of its {('samples', 'channels')[self.axis]}, which "
                "cannot be cut into slices",
                given=f"axis={self.axis}",
                allowed="2 for the first axis behind the channels, and so on, or -1 for the last",
            )

    def forward(self, images: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """The verdict on slices of ``images`` (N, C, …); ``labels`` (N,) go with each slice."""
        axis = self._place(images)
        if self.k is not None and self.k < images.shape[axis]:
            chosen = self._chosen(images.shape[axis]).to(images.device, non_blocking=True)
            images = images.index_select(axis, chosen)
        return self._judged(images.movedim(axis, 1), labels, axis)

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def _chosen(self, count: int) -> Tensor:
        """Positions on the CPU; not compiled, or each update would be compiled anew."""
        assert self.k is not None
        return torch.randperm(count, generator=self._random("slices"))[: self.k].sort().values

    def _place(self, images: Tensor) -> int:
        axis = self.axis if self.axis >= 0 else images.ndim + self.axis
        if not 2 <= axis < images.ndim:
            raise ConfigError(
                "the data have no such axis to cut along",
                given=f"axis={self.axis} for data of shape {tuple(images.shape)}",
                allowed=f"2 to {images.ndim - 1}" if images.ndim > 2 else "data (N, C, T), (N, C, H, W), …",
                hint="ganzoo.SliceCritic(critic, axis=2) cuts along the first axis behind the channels",
            )
        if self.k is not None and self.k > images.shape[axis]:
            raise ConfigError(
                f"there are fewer than {self.k} slices",
                given=f"k={self.k} for data of shape {tuple(images.shape)} and axis={self.axis}",
                allowed=f"k up to {images.shape[axis]}",
                hint="k=None judges all slices, however many there are",
            )
        return axis

    def _together(self, values: Tensor, axis: int) -> Tensor:
        return values.movedim(1, min(axis, values.ndim - 1))
