"""The first-party components, built small, for the tests that every one of them must pass."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, get_args, get_origin

import pytest
import torch
from pydantic import ValidationError

from ganzoo.component import Options
from ganzoo.protocols import DataSpec
from ganzoo.registry import Registry

REGISTRY = Registry.load(plugins=False)
ENTRIES = [entry for entry in REGISTRY.entries() if entry.kind != "recipe"]
SCIENTIFIC = ("loss", "regularizer", "discriminator", "generator", "augmentation")
NARROW = {"ndf": 2, "ngf": 2, "latent": 3, "width": 8}
CLASSES = ("a", "b", "c")
IMAGE_SPECS = [
    DataSpec(shape=(channels, side, side), classes=CLASSES, marginal=(0.2, 0.3, 0.5), conditional=True)
    for channels, side in [(1, 8), (3, 32), (1, 64)]
]


def entries_of(*kinds):
    chosen = [entry for entry in ENTRIES if entry.kind in kinds]
    assert chosen, f"nobody registered a {kinds}"
    return pytest.mark.parametrize("entry", chosen, ids=lambda entry: f"{entry.kind}/{entry.name}")


def narrow(entry):
    """The component's default options, as narrow as its options allow."""
    options = entry.options()
    return options(**{name: value for name, value in NARROW.items() if name in options.model_fields})


def images_of(spec, n, *, seed=0):
    return torch.rand(n, *spec.shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def build(entry, spec, *, seed=0):
    torch.manual_seed(seed)
    return narrow(entry).build(spec)


def variants_of(entry) -> Iterator[Options]:
    """The narrow default options, and each of them with one choice made otherwise."""
    default = narrow(entry)
    yield default
    for name, field in type(default).model_fields.items():
        for value in _choices(field.annotation):
            if value != getattr(default, name):
                try:
                    yield type(default)(**{**default.model_dump(), name: value})
                except ValidationError:
                    continue


def _choices(annotation) -> tuple:
    if annotation is bool:
        return (False, True)
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def variants(*kinds):
    """Every component of these kinds, once for each choice that its options leave."""
    chosen = [(entry, options) for entry in ENTRIES if entry.kind in kinds for options in variants_of(entry)]
    return pytest.mark.parametrize(("entry", "options"), chosen, ids=[_name(*one) for one in chosen])


def _name(entry, options) -> str:
    default = narrow(entry)
    changed = [f"{name}={value}" for name, value in options if value != getattr(default, name)]
    return "-".join([entry.kind, entry.name, *changed])
