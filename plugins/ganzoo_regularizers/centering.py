"""A pull of logits to zero, for losses that only see differences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from pydantic import Field

from ganzoo.component import RegularizerOptions
from ganzoo.errors import ConfigError
from ganzoo.protocols import Regularizer

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import StepView


class Centering(RegularizerOptions, Regularizer):
    """Pulls logits to zero, where the loss says nothing of their level, in the discriminator's step.

    Formula:
        D: c·E(rᵢ + fᵢ)², or c·E r² with ``of=real``

    r and f are the logits of real and fake samples, of any shape, and c is ``weight``; E is the mean over batch and
    patches. Of several maps each has its own mean, and these are summed. Relativistic losses and ``wgan`` depend on
    r − f alone, so a number added to all logits changes nothing, and logits drift until rounding tells. With ``pairs``
    the logits of a real sample and of the fake in its place are pulled to be opposite numbers: the term is 0 at r = −f.
    With ``real`` it is progressive growing's drift penalty, which needs no pairs.

    Where implementations differ: AFM has pairs with c 0.01, its continuous form c 0.001. Progressive growing has real
    samples with c 0.001.

    Raises:
        ConfigError: if there are no logits on real data, or, with ``pairs``, other numbers of real samples and fakes.

    Source: Lin et al. 2025, arXiv:2511.22475, in the authors' code; ``real``: Karras et al. 2018, arXiv:1710.10196,
    appendix A.1.
    """

    weight: float = Field(default=0.01, ge=0, description="c, the factor of the term")
    of: Literal["pairs", "real"] = Field(
        default="pairs", description="what is pulled to zero: r + f of each pair, or r alone"
    )

    def discriminator_terms(self, view: StepView) -> dict[str, Tensor]:
        """The raw term ``centering``."""
        if view.real_output is None:
            raise ConfigError(
                "regularizer centering looks at logits on real data, and there are none",
                allowed="the discriminator's step",
                hint="report this to the author of the training loop that calls centering",
            )
        real, fake = view.real_output.maps(), view.fake_output.maps()
        if self.of == "real":
            return {"centering": torch.stack([r.square().mean() for r in real]).sum()}
        if any(r.shape != f.shape for r, f in zip(real, fake, strict=True)):
            raise ConfigError(
                "regularizer centering adds the logits of each real sample and of the fake in its place, but their "
                "numbers differ",
                given=f"logits of real {tuple(real[0].shape)}, of fake {tuple(fake[0].shape)}",
                allowed="as many fakes as real samples, or of: real",
                hint="of: real",
            )
        return {"centering": torch.stack([(r + f).square().mean() for r, f in zip(real, fake, strict=True)]).sum()}
