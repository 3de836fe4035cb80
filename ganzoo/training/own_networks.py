"""Anyone's networks as the step calls them: with labels only where there are some."""

from __future__ import annotations

from dataclasses import dataclass
from inspect import Signature, signature
from traceback import walk_tb
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from ganzoo.errors import ConfigError
from ganzoo.protocols import DiscriminatorOutput
from ganzoo.training.part_critic import PartCritic
from ganzoo.training.runtime import as_dtype
from ganzoo.training.uncompiled import eager
from ganzoo.training.verdicts import verdict

_FORMS: WeakKeyDictionary[Any, _Form | None] = WeakKeyDictionary()
"""The function behind a ``forward`` → what the method takes."""


@dataclass(frozen=True)
class Judged:
    """A module as the step calls it; what it returns is read by :func:`verdict`.

    An object, not a closure, so that a copy or a pickle of whatever holds the step goes on with the copied network.

    Attributes:
        for_penalties: call it without anything that ``torch.compile`` made of it or of what it holds, since that
            cannot be differentiated twice, and in full precision within autocast.
    """

    discriminator: nn.Module
    for_penalties: bool = False

    def __call__(self, images: Tensor, labels: Tensor | None) -> DiscriminatorOutput:
        """Its verdict; logits in the precision of the images, so that losses are computed in it."""
        if not self.for_penalties:
            return _judged(self.discriminator, images, labels)
        with torch.autocast(images.device.type, enabled=False), eager():
            return _judged(self.discriminator, images.to(_precision(self.discriminator, images)), labels)


@dataclass(frozen=True)
class Generated:
    """A generator as the step calls it; images in the precision of ``z``."""

    generator: nn.Module

    def __call__(self, z: Tensor, labels: Tensor | None) -> Tensor:
        """Its images."""
        images: Tensor = _called(self.generator, "generator", z, labels)
        return images.to(z.dtype)


def _precision(network: nn.Module, images: Tensor) -> torch.dtype:
    """That of the weights: within autocast the images may be of less."""
    floating = (parameter.dtype for parameter in network.parameters() if parameter.is_floating_point())
    return next(floating, images.dtype)


def _judged(discriminator: nn.Module, images: Tensor, labels: Tensor | None) -> DiscriminatorOutput:
    output: Any = _called(discriminator, "discriminator", images, labels)
    return as_dtype(verdict(discriminator, output), images.dtype)


def _called(network: nn.Module, role: str, data: Tensor, labels: Tensor | None) -> Any:
    given = (data,) if labels is None else (data, labels)
    form = _form(network)
    if form is not None and len(given) not in form.counts:
        raise _unlike(_unwrapped(network), role, form, labels is not None)
    return network(*given)


def was_called(error: BaseException) -> bool:
    """Whether an error comes from within a network that was called here, and not from a loss or a regularizer."""
    return any(frame.f_code is _called.__code__ for frame, _ in walk_tb(error.__traceback__))


@dataclass(frozen=True)
class _Form:
    """What a ``forward`` takes.

    Attributes:
        signature: as Python reads it.
        counts: how many arguments it can be called with, of 1 and 2.
    """

    signature: Signature
    counts: frozenset[int]


def _form(network: nn.Module) -> _Form | None:
    """What ``forward`` takes, where Python can tell; of a method it is read once, since every call asks."""
    forward = _unwrapped(network).forward
    method = getattr(forward, "__func__", None)
    if method is None:
        return _read(forward)
    if method not in _FORMS:
        _FORMS[method] = _read(forward)
    return _FORMS[method]


def _read(forward: Any) -> _Form | None:
    try:
        form = signature(forward)
    except (TypeError, ValueError):
        return None
    return _Form(form, frozenset(count for count in (1, 2) if _takes(form, count) and not _switches(form, count)))


def _takes(form: Signature, count: int) -> bool:
    try:
        form.bind(*range(count))
    except TypeError:
        return False
    return True


def _switches(form: Signature, count: int) -> bool:
    """Whether labels would land in a switch, such as ``return_features=False``."""
    return count == 2 and any(isinstance(one.default, bool) for one in list(form.parameters.values())[1:2])


def _unwrapped(network: nn.Module) -> nn.Module:
    """The module within the wrappers of torch, which take any arguments themselves, and within a critic of parts."""
    inner = network.critic if isinstance(network, PartCritic) else _compiled_from(network)
    if isinstance(network, nn.DataParallel | nn.parallel.DistributedDataParallel):
        inner = network.module
    return _unwrapped(inner) if isinstance(inner, nn.Module) else network


def _compiled_from(network: nn.Module) -> nn.Module | None:
    # To look for an attribute that is missing takes longer than a small layer, and modules of TorchScript have no get.
    modules = network._modules
    return modules["_orig_mod"] if "_orig_mod" in modules else None  # noqa: SIM401


def alone(network: nn.Module) -> nn.Module:
    """The module without a wrapper that shares gradients with other processes; compiled ones stay compiled."""
    if isinstance(network, nn.DataParallel | nn.parallel.DistributedDataParallel):
        inner: nn.Module = network.module
        return inner
    return network


def _unlike(network: nn.Module, role: str, form: _Form, labelled: bool) -> ConfigError:
    who = f"the {role} {type(network).__name__}"
    if labelled and 1 in form.counts:
        message, hint = (
            f"{who} takes no labels, but was given some",
            "leave real_labels= and fake_labels= out, or give its forward a second argument for labels",
        )
    elif not labelled and 2 in form.counts:
        message, hint = f"{who} needs labels, but was given none", "pass real_labels= and fake_labels= to the step"
    else:
        message, hint = f"{who} cannot be called by the step", "wrap it in a module whose forward takes these alone"
    first = "images" if role == "discriminator" else "z"
    return ConfigError(
        message, given=f"forward{form.signature}", allowed=f"forward({first}), or forward({first}, labels)", hint=hint
    )
