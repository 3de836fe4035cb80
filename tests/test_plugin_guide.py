"""What the plugin guide says of second derivatives, of several maps and of when state changes."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from ganzoo_discriminators.multiscale_patchgan import MultiscalePatchgan
from ganzoo_discriminators.patchgan import Patchgan
from ganzoo_discriminators.unet import Unet
from pages import ROOT
from test_docs import rows
from torch import Tensor, nn
from toys import Constant, Hinge, make_setup

from ganzoo.protocols import Augmentation, DataSpec
from ganzoo.training.game import WeightedRegularizer
from ganzoo.training.loop import train

GUIDE = ROOT / "docs" / "plugin-guide.md"


# --- second derivatives


def differentiated_twice(operation: Callable[[Tensor], Tensor], *shape: int) -> bool:
    """As a penalty does it: the gradient, then the gradient of its square."""
    x = torch.randn(*shape, generator=torch.Generator().manual_seed(0)).requires_grad_()
    seen = operation(x)
    weights = torch.linspace(1, 2, seen.numel()).view_as(seen)
    (slope,) = torch.autograd.grad((seen * weights).sum(), x, create_graph=True)
    try:
        (bend,) = torch.autograd.grad(slope.square().sum(), x)
    except (RuntimeError, NotImplementedError) as error:
        if not re.search("derivative for .* is not implemented", str(error)):
            raise
        return False
    return bool(bend.isfinite().all())


def attention(**options) -> Callable[[Tensor], Tensor]:
    return lambda x: F.scaled_dot_product_attention(x, x, x, **options)


def heads(**options) -> Callable[[Tensor], Tensor]:
    layer = nn.MultiheadAttention(4, 2, batch_first=True)
    return lambda x: layer(x, x, x, **options)[0]


def encoder(*, training: bool, **options) -> nn.Module:
    return nn.TransformerEncoderLayer(4, 2, 8, batch_first=True, **options).train(training)


def distances(**options) -> Callable[[Tensor], Tensor]:
    return lambda x: torch.cdist(x, x.flip(0) + 1, **options)


SEQUENCES, ROWS = (2, 5, 4), (4, 6)
TRIED = {
    "`F.scaled_dot_product_attention` on (N, heads, length, width)": [
        (attention(), (2, 2, 5, 4), False),
        (attention(dropout_p=0.1), (2, 2, 5, 4), True),
    ],
    "`F.scaled_dot_product_attention` on (N, length, width)": [(attention(), SEQUENCES, True)],
    "`nn.MultiheadAttention`": [(heads(), SEQUENCES, True), (heads(need_weights=False), SEQUENCES, False)],
    "`nn.TransformerEncoderLayer` in training": [
        (encoder(training=True), SEQUENCES, True),
        (encoder(training=True, dropout=0.0), SEQUENCES, False),
    ],
    "`nn.TransformerEncoderLayer` in evaluation": [(encoder(training=False), SEQUENCES, False)],
    "`F.hardsigmoid`": [(F.hardsigmoid, ROWS, False)],
    "`F.hardswish`": [(F.hardswish, ROWS, True)],
    "`torch.cdist` on up to 25 rows": [(distances(), (25, 6), False)],
    "`torch.cdist` on more than 25 rows": [(distances(), (26, 6), True)],
    "`torch.cdist` with another `p` than 2": [(distances(p=p), (26, 6), False) for p in (1.0, 3.0)],
    "`F.pdist`": [(F.pdist, ROWS, False), (F.pdist, (26, 6), False)],
}
"""Operation, as the guide calls it → functions, shapes, and whether they can be differentiated twice."""


def test_the_table_of_second_derivatives_has_what_is_tried_here():
    assert [row[0] for row in rows(GUIDE, "operation")] == list(TRIED)


@pytest.mark.parametrize("operation", TRIED)
def test_what_the_guide_says_of_second_derivatives_is_so(operation):
    [said] = [row[1] for row in rows(GUIDE, "operation") if row[0] == operation]
    for function, shape, works in TRIED[operation]:
        assert differentiated_twice(function, *shape) is works
    assert said.startswith("yes" if TRIED[operation][0][2] else "no")


def test_what_the_guide_recommends_instead_is_equal_and_can_be_differentiated_twice():
    text = GUIDE.read_text(encoding="utf-8")
    x, shifted = torch.randn(4, 6), torch.randn(4, 6)
    qkv = torch.randn(3, 2, 2, 5, 4)
    cases = [
        ("torch.softmax(q @ k.mT / width**0.5, -1) @ v", dict(zip("qkv", qkv, strict=True)) | {"width": 4},
         F.scaled_dot_product_attention(*qkv), "q"),
        ("F.relu6(x + 3) / 6", {"x": x}, F.hardsigmoid(x), "x"),
        ("(x[:, None] - y[None]).square().sum(-1).add(1e-12).sqrt()", {"x": x, "y": shifted},
         torch.cdist(x, shifted), "x"),
        ("(x[:, None] - y[None]).abs().sum(-1)", {"x": x, "y": shifted}, torch.cdist(x, shifted, p=1.0), "x"),
    ]  # fmt: skip
    for code, given, expected, name in cases:
        assert f"`{code}`" in text
        names = {"torch": torch, "F": F}
        torch.testing.assert_close(eval(code, names, given), expected)
        assert differentiated_twice(lambda at: eval(code, names, given | {name: at}), *given[name].shape)  # noqa: B023
    upper = torch.triu_indices(4, 4, 1)
    torch.testing.assert_close(torch.cdist(x, x)[upper[0], upper[1]], F.pdist(x))


USUAL = [
    nn.Conv2d(3, 2, 3),
    nn.BatchNorm2d(3),
    nn.InstanceNorm2d(3),
    nn.GroupNorm(3, 3),
    nn.LayerNorm(6),
    nn.AvgPool2d(2),
    nn.MaxPool2d(2),
    nn.Upsample(scale_factor=2, mode="bilinear"),
    nn.SiLU(),
    nn.GELU(),
    nn.Softplus(),
]


@pytest.mark.parametrize(
    "operation",
    USUAL,
    ids=lambda operation: type(operation).__name__,
)
def test_usual_operations_have_a_second_derivative(operation):
    assert differentiated_twice(lambda x: operation(x).square(), 2, 3, 6, 6)


@pytest.mark.parametrize("layer", [nn.LSTM(6, 4), nn.GRU(6, 4)], ids=lambda layer: type(layer).__name__)
def test_recurrent_layers_have_a_second_derivative(layer):
    assert differentiated_twice(lambda x: layer(x)[0], 2, 5, 6)


# --- several maps


def test_receptive_field_is_that_of_the_first_head():
    spec = DataSpec(shape=(1, 64, 64))
    coarse = MultiscalePatchgan(ndf=2, n_scales=2, n_layers=2)
    several, alone = coarse.build(spec), Patchgan(ndf=2, n_layers=2).build(spec)
    assert several.receptive_field() == alone.receptive_field() == 34
    shapes = [tuple(logits.shape) for logits in several(torch.zeros(2, 1, 64, 64)).maps()]
    assert shapes == [(2, 1, 14, 14), (2, 1, 6, 6)]
    judge = Unet(ndf=2).build(spec)
    assert judge.receptive_field() is None
    assert [tuple(logits.shape) for logits in judge(torch.zeros(2, 1, 64, 64)).maps()] == [(2,), (2, 1, 64, 64)]


# --- when state changes


class Told(Hinge):
    """A loss that writes down what it is told."""

    def __init__(self, events: list) -> None:
        self.events = events

    def after_update(self, *, real, fake):
        assert not real.requires_grad
        self.events.append(("loss", len(real), len(fake)))

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        pass


class Unchanged(Augmentation):
    """Changes no image, and writes down what it is told."""

    def __init__(self, events: list) -> None:
        self.events = events

    def draw(self, n, *, random):
        return torch.zeros(n, 0)

    def __call__(self, images, draws):
        return images

    def after_update(self, *, real):
        self.events.append(("augmentation", len(real)))


class Called(Constant):
    """A regularizer that writes down its calls."""

    def __init__(self, events: list) -> None:
        super().__init__()
        self.events = events

    def _terms(self, view):
        self.events.append(("terms", view.player, len(view.real)))
        return super()._terms(view)

    def after_step(self, player, network):
        self.events.append(("after_step", player))


def test_state_changes_when_the_guide_says():
    """Two updates of D and one of G in each of two steps, in two micro-batches of 3; terms at every second update."""
    events: list[tuple] = []
    part = WeightedRegularizer(name="called", regularizer=Called(events), weight=1.0, every=2)
    setup = make_setup(
        regularizers=[part], loss=Told(events), augment=Unchanged(events), steps=2, n_critic=2, accumulate=2
    )
    for _ in train(setup):
        pass
    d = [("after_step", "discriminator"), ("loss", 6, 6), ("augmentation", 6)]
    d_with_terms = [("terms", "discriminator", 3)] * 2 + d
    g = [("after_step", "generator")]
    g_with_terms = [("terms", "generator", 3)] * 2 + g
    assert events == [*d, *d_with_terms, *g, *d, *d_with_terms, *g_with_terms]
