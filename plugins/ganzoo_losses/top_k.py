"""Top-k training: the generator learns from the fakes that D takes for most real."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import torch
from pydantic import Field

from ganzoo.component import Options
from ganzoo_losses.bce import Bce
from ganzoo_losses.hinge import Hinge
from ganzoo_losses.lsgan import Lsgan
from ganzoo_losses.wgan import Wgan

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DataSpec

BASES: Mapping[str, Any] = {"bce": Bce, "hinge": Hinge, "lsgan": Lsgan, "wgan": Wgan}
"""Name → the loss, with its default options."""
ROUNDING = 1e-9
"""In binary 0.29 · 100 is a little less than 29."""


class TopK(Options):
    """Another loss, whose generator side is taken of the k fakes with the highest logits alone.

    Formula:
        D: as ``base``
        G: as ``base``, of the k = ⌊s·N⌋ fakes, at least one, with the highest mean logit
        s = max(γ^⌊u / every⌋, ν)

    N is the batch (or the part of it that is seen at once), u how many updates D has made, γ ``decay``, ν ``least``.
    So at first G learns from all of its fakes, as with ``base``, and later from a share that shrinks to ν. A sample's
    mean logit is over its patches; further maps of logits choose by themselves. u is part of every checkpoint. Values
    at zero logits are those of ``base``.

    Where implementations differ: the paper shrinks k once per epoch, with γ 0.99 and ν ½ (0.75 on mixtures of
    Gaussians); here it is once in ``every`` updates of D, which with ``train.n_critic`` above 1 are more than G's.
    StudioGAN and others round k down, too.

    Source: Sinha et al. 2020, arXiv:2002.06224, section 3 and algorithm 1.
    """

    base: Literal["bce", "hinge", "lsgan", "wgan"] = Field(default="hinge", description="the loss of both players")
    least: float = Field(default=0.5, gt=0, le=1, description="ν, the share of fakes that G always learns from")
    decay: float = Field(default=0.99, gt=0, le=1, description="γ, the factor by which the share shrinks")
    every: int = Field(default=1000, ge=1, description="updates of D after which it shrinks; an epoch in the paper")

    def tags(self) -> frozenset[str]:
        """Those of the base; the k highest of a part of a batch are others than those of the whole."""
        base: Options = BASES[self.base]()
        return base.tags() | {"batch_nonlinear"}

    def build(self, spec: DataSpec) -> TopKLoss:
        """The loss, before the first update."""
        return TopKLoss(BASES[self.base](), least=self.least, decay=self.decay, every=self.every)


class TopKLoss:
    """The loss of :class:`TopK` at the present share.

    Attributes:
        updates: of D so far.
    """

    def __init__(self, base: Any, *, least: float, decay: float, every: int) -> None:
        self.base, self.least, self.decay, self.every = base, least, decay, every
        self.updates = 0

    @property
    def share(self) -> float:
        """Of the fakes that G learns from."""
        return max(self.decay ** (self.updates // self.every), self.least)

    def discriminator_loss(self, *, real: Tensor, fake: Tensor) -> Tensor:
        """D's objective from logits of any shape."""
        value: Tensor = self.base.discriminator_loss(real=real, fake=fake)
        return value

    def generator_loss(self, *, fake: Tensor) -> Tensor:
        """G's objective from the highest logits."""
        kept = max(1, int(self.share * len(fake) + ROUNDING))
        if kept < len(fake):
            fake = fake[fake.detach().reshape(len(fake), -1).mean(1).topk(kept).indices]
        value: Tensor = self.base.generator_loss(fake=fake)
        return value

    def diagnostics(self, *, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """Those of the base, and the share."""
        of_base = getattr(self.base, "diagnostics", None)
        found: dict[str, Tensor] = {} if of_base is None else of_base(real=real, fake=fake)
        return {**found, "top_k/share": torch.tensor(self.share)}

    def equilibrium(self) -> dict[str, float]:
        """As of the base: at p_g = p_data the best D says the same of all."""
        value: dict[str, float] = self.base.equilibrium()
        return value

    def after_update(self, *, real: Tensor, fake: Tensor) -> None:
        """Count."""
        self.updates += 1

    def state_dict(self) -> dict[str, Tensor]:
        """The updates so far."""
        return {"updates": torch.tensor(self.updates)}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Restore the count."""
        self.updates = int(state["updates"])
