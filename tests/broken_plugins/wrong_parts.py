"""Losses, a regularizer and networks that train wrongly without raising anything, or fail far from their fault."""

from typing import Literal

import torch
from torch import nn

from ganzoo.component import Component, Options, RegularizerOptions
from ganzoo.hookspecs import hookimpl
from ganzoo.protocols import Discriminator, DiscriminatorOutput, Regularizer

GANZOO_API = 1


@hookimpl
def ganzoo_components():
    names = {"wrong-loss": "loss", "wrong-penalty": "regularizer", "wrong-critic": "discriminator"}
    return [
        Component(
            kind=kind,
            name=name,
            target=f"{__name__}:{name.title().replace('-', '')}",
            summary="has the fault of its option",
            paper=None,
        )
        for name, kind in names.items()
    ]


class WrongLoss(Options):
    """Hinge with a fault after ``begins`` calls of the discriminator's side."""

    fault: Literal["vector", "in-place", "none"] = "none"
    begins: int = 0

    def build(self, spec):
        return Faulty(self.fault, self.begins)


class Faulty:
    def __init__(self, fault, begins):
        self.fault, self.begins, self.calls = fault, begins, 0

    def discriminator_loss(self, *, real, fake):
        self.calls += 1
        if self.calls > self.begins and self.fault == "vector":
            return (1 - real).relu() + (1 + fake).relu()
        if self.calls > self.begins and self.fault == "in-place":
            return real.neg_().add_(1).relu().mean() + (1 + fake).relu().mean()
        return (1 - real).relu().mean() + (1 + fake).relu().mean()

    def generator_loss(self, *, fake):
        return -fake.mean()


class WrongPenalty(RegularizerOptions):
    """A penalty on the logits with a fault."""

    fault: Literal["vector", "in-place"] = "vector"

    def build(self, spec):
        return Penalty(self.fault)


class Penalty(Regularizer):
    def __init__(self, fault):
        self.fault = fault

    def discriminator_terms(self, view):
        if self.fault == "in-place":
            view.real.mul_(0.5)
            return {"wrong_penalty": view.real_output.logits.square().mean()}
        return {"wrong_penalty": view.real_output.logits.square().flatten()}


class WrongCritic(Options):
    """A critic with a fault."""

    fault: Literal["log", "weights", "slope", "hardsigmoid", "attention"] = "log"

    def build(self, spec):
        return Critic(spec.shape[0], self.fault)


class Log(nn.Module):
    def forward(self, x):
        return x.log()


class Slope(nn.Module):
    """Finite, with a slope that is infinite at 0, where all that the layer before gives lies."""

    def forward(self, x):
        return (x * 0).sqrt()


class Attention(nn.Module):
    def forward(self, x):
        rows = x.flatten(2).transpose(1, 2)[:, None]
        return nn.functional.scaled_dot_product_attention(rows, rows, rows).squeeze(1).transpose(1, 2)[..., None]


class Critic(Discriminator):
    def __init__(self, channels, fault):
        super().__init__()
        middle = {"log": Log, "hardsigmoid": nn.Hardsigmoid, "attention": Attention, "slope": Slope}
        self.body = nn.Sequential(
            nn.Conv2d(channels, 4, 4, 4), middle.get(fault, nn.Tanh)(), nn.Conv2d(4, 4, 1), nn.Tanh()
        )
        self.head = nn.Linear(4, 1)
        if fault == "weights":
            with torch.no_grad():
                self.body[2].weight.fill_(float("nan"))

    def forward(self, images, labels=None):
        return DiscriminatorOutput(self.head(self.body(images).mean((2, 3)))[:, 0])
