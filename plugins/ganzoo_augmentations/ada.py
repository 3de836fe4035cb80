"""Adaptive discriminator augmentation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar, Literal

import torch
from ganzoo_blocks.image_shape import image_shape
from pydantic import Field, field_validator

from ganzoo.component import Options
from ganzoo.errors import ConfigError
from ganzoo.protocols import Augmentation
from ganzoo_augmentations.adaptive_probability import AdaptiveProbability
from ganzoo_augmentations.affine import quarter_turns, rotation, scaling, translation
from ganzoo_augmentations.color_matrix import gray_transform, recolored
from ganzoo_augmentations.resampling import resampled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from ganzoo.protocols import DataSpec

Group = Literal["blit", "geometric", "color"]
Drawn = dict[str, "Tensor"]

FIRES = (
    "flip_fires",
    "turn_fires",
    "step_fires",
    "scale_fires",
    "rotation_before_fires",
    "stretch_fires",
    "rotation_after_fires",
    "shift_fires",
    "brightness_fires",
    "contrast_fires",
    "luma_flip_fires",
    "hue_fires",
    "saturation_fires",
)
UNIFORM = (
    *FIRES,
    "flip",
    "turn",
    "step_x",
    "step_y",
    "rotation_before",
    "rotation_after",
    "luma_flip",
    "hue",
)
NORMAL = ("scale", "stretch", "shift_x", "shift_y", "brightness", "contrast", "saturation")

STEP_RANGE = 1 / 8
SCALE_STD = 0.2
STRETCH_STD = 0.2
SHIFT_STD = 1 / 8
BRIGHTNESS_STD = 0.2
CONTRAST_STD = 0.5
SATURATION_STD = 1.0


class Ada(Options):
    """Transforms of real and fake images whose probability grows while the discriminator overfits.

    Formula:
        p ← clip(p + sign(mean sign(r) − t)·kN/(1000·speed), 0, 1) after every k updates, p₀ = 0
        blit:      flip; 0–3 turns by 90°; whole-pixel shift, U(−⅛, ⅛) of each side
        geometric: scale 2^N(0, 0.2²); turn U(−π, π) before or after a stretch 2^N(0, 0.2²) against its inverse; shift
                   N(0, ⅛²) of each side
        color:     + N(0, 0.2²); × 2^N(0, ½²); luma flip; hue turn U(−π, π); saturation × 2^N(0, 1)

    r are the discriminator's logits on real images over these k updates, patches included; t is ``target``, k is
    ``interval``, N is the batch size and ``speed`` is the thousands of images over which p could go from 0 to 1. Each
    transform fires independently with probability p for each image; a flip or turn that fires is then drawn uniformly,
    with no flip or no turn among the outcomes. The two rotations fire with probability 1 − √(1 − p) each, so that one
    or both fire with p. All of blit and geometric is one affine map, read once; all of color is one matrix. At p = 0
    images stay as they are, bit by bit. Images are (N, 1 or 3, H, W) in [−1, 1]; nothing is clipped. On gray images
    only brightness, contrast and luma flip (x → −x) have an effect. Gradients flow through to the images, second
    derivatives too. p is a tensor on the device, and nothing waits for it. It is logged as ``augment/p``.

    ``fixed`` may follow a schedule, as p does in R3GAN.

    Where implementations differ: the reference reads the image at twice the resolution through wavelet filters, and
    shows black for what lies more than one image away; ganzoo reads bilinearly, so fractional shifts and rotations blur
    a little and shrinking aliases, and it reflects without end. The reference does not keep p below 1. Its ``bgc`` is
    the default here; the image filters, noise and cutout of longer pipelines are left out. R1 is taken at the
    un-augmented image, through the augmentation, as in the reference.

    Raises:
        ConfigError: if the data are vectors, or if ``groups`` holds color and the images have neither 1 nor 3 channels.

    Source: Karras et al. 2020, arXiv:2006.06676, section 3.1 and appendix B.
    """

    schedulable: ClassVar[frozenset[str]] = frozenset({"fixed"})

    target: float = Field(default=0.6, ge=-1, le=1, description="t, the value at which mean sign(r) is held")
    interval: int = Field(default=4, ge=1, description="k, updates of D between two changes of p")
    speed: float = Field(default=500.0, gt=0, description="thousands of images in which p can go from 0 to 1")
    fixed: float | None = Field(
        default=None, ge=0, le=1, description="a value of p that does not adapt; null: p adapts"
    )
    groups: tuple[Group, ...] = Field(
        default=("blit", "geometric", "color"), min_length=1, description="groups of transforms to use"
    )

    @field_validator("groups")
    @classmethod
    def _once_each(cls, groups: tuple[Group, ...]) -> tuple[Group, ...]:
        if len(set(groups)) < len(groups):
            raise ValueError("each group can be named only once")
        return groups

    def tags(self) -> frozenset[str]:
        """Vectors have neither colors nor positions."""
        return frozenset({"needs_images"})

    def build(self, spec: DataSpec) -> AdaAugmentation:
        """The augmentation with its p. Raises ``ConfigError`` if the data are vectors, or have 2 or over 3 channels."""
        channels, _, _ = image_shape(spec, of="augmentation ada")
        if "color" in self.groups and channels not in (1, 3):
            raise ConfigError(
                "augmentation ada changes the colors of images, but these are neither gray nor RGB",
                given=f"{channels} channels",
                allowed="1 or 3 channels",
                hint="""--set 'augment.ada.groups=["blit","geometric"]'""",
            )
        return AdaAugmentation(self)


class AdaAugmentation(Augmentation):
    """The transforms of :class:`Ada`, and the probability that adapts."""

    def __init__(self, options: Ada) -> None:
        self.groups = options.groups
        self.adapts = options.fixed is None
        self.probability = AdaptiveProbability(
            start=options.fixed or 0.0,
            target=options.target,
            interval=options.interval,
            images=1000 * options.speed,
        )

    def draw(self, n: int, *, random: torch.Generator) -> Tensor:
        """Uniform numbers for the columns :data:`UNIFORM`, normal ones for :data:`NORMAL`."""
        uniform = torch.rand(n, len(UNIFORM), generator=random)
        return torch.cat([uniform, torch.randn(n, len(NORMAL), generator=random)], dim=1)

    def __call__(self, images: Tensor, draws: Tensor) -> Tensor:
        """The images, each transformed by its row of ``draws`` at the current p."""
        drawn = dict(zip((*UNIFORM, *NORMAL), draws.to(images, non_blocking=True).unbind(1), strict=True))
        p = self.probability.value.to(images, non_blocking=True)
        if "blit" in self.groups or "geometric" in self.groups:
            images = resampled(images, self._source(drawn, p, *images.shape[2:]))
        if "color" in self.groups:
            recolor = gray_transform if images.shape[1] == 1 else recolored
            images = recolor(images, fired_colors(drawn, p))
        return images

    def _source(self, drawn: Drawn, p: Tensor, height: int, width: int) -> Tensor:
        """From a pixel of the result to its place in the image: the inverse of each transform, first one leftmost."""
        source = torch.eye(3, dtype=p.dtype, device=p.device)
        if "blit" in self.groups:
            source = source @ blit_source(drawn, p, height, width)
        if "geometric" in self.groups:
            source = source @ geometric_source(drawn, p, height, width)
        return source

    def set_scheduled(self, option: str, value: float) -> None:
        """Take a value of ``fixed``: p itself."""
        self.probability.value = torch.full_like(self.probability.value, value)

    def after_update(self, *, real: Tensor) -> None:
        """Count the signs of the logits on real data; after every ``interval`` updates, move p."""
        if self.adapts:
            self.probability.observe(real)

    def observed(self) -> dict[str, Tensor]:
        """``augment/p``."""
        return {"augment/p": self.probability.value}

    def state_dict(self) -> dict[str, Tensor]:
        """p, and what was counted since its last change; nothing if p is fixed."""
        return self.probability.state_dict() if self.adapts else {}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Restore :meth:`state_dict`."""
        if self.adapts:
            self.probability.load_state_dict(state)


def blit_source(drawn: Drawn, p: Tensor, height: int, width: int) -> Tensor:
    """The inverse of flip, then turns by 90°, then a shift by whole pixels."""
    flip = fired(drawn, "flip", p, (2 * drawn["flip"]).floor(), 0.0)
    turn = fired(drawn, "turn", p, (4 * drawn["turn"]).floor(), 0.0)
    step_x, step_y = (
        fired(drawn, "step", p, ((2 * drawn[name] - 1) * STEP_RANGE * side).round(), 0.0)
        for name, side in (("step_x", width), ("step_y", height))
    )
    one = torch.ones_like(flip)
    return scaling(1 - 2 * flip, one) @ quarter_turns(turn) @ translation(-step_x, -step_y)


def geometric_source(drawn: Drawn, p: Tensor, height: int, width: int) -> Tensor:
    """The inverse of scale, rotation, stretch, rotation and shift, in this order."""
    scale = fired(drawn, "scale", p, torch.exp2(SCALE_STD * drawn["scale"]), 1.0)
    stretch = fired(drawn, "stretch", p, torch.exp2(STRETCH_STD * drawn["stretch"]), 1.0)
    one_of_two = 1 - (1 - p).sqrt()
    before, after = (
        fired(drawn, name, one_of_two, math.pi * (2 * drawn[name] - 1), 0.0)
        for name in ("rotation_before", "rotation_after")
    )
    shift_x, shift_y = (
        fired(drawn, "shift", p, SHIFT_STD * drawn[name] * side, 0.0)
        for name, side in (("shift_x", width), ("shift_y", height))
    )
    return (
        scaling(1 / scale, 1 / scale)
        @ rotation(-before)
        @ scaling(1 / stretch, stretch)
        @ rotation(-after)
        @ translation(-shift_x, -shift_y)
    )


def fired_colors(drawn: Drawn, p: Tensor) -> Drawn:
    """The color change of each image by name; a transform that has not fired has the value that changes nothing."""
    return {
        "brightness": fired(drawn, "brightness", p, BRIGHTNESS_STD * drawn["brightness"], 0.0),
        "contrast": fired(drawn, "contrast", p, torch.exp2(CONTRAST_STD * drawn["contrast"]), 1.0),
        "luma_flip": fired(drawn, "luma_flip", p, (2 * drawn["luma_flip"]).floor(), 0.0),
        "hue": fired(drawn, "hue", p, math.pi * (2 * drawn["hue"] - 1), 0.0),
        "saturation": fired(drawn, "saturation", p, torch.exp2(SATURATION_STD * drawn["saturation"]), 1.0),
    }


def fired(drawn: Drawn, name: str, p: Tensor, value: Tensor, otherwise: float) -> Tensor:
    """``value`` for the images in which the transform fires, with probability ``p``; ``otherwise`` for the others."""
    return torch.where(drawn[f"{name}_fires"] < p, value, otherwise)
