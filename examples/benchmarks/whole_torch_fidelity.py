"""torch-fidelity where torchvision is missing or does not fit torch: it needs no more than names of it."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

STAND_INS = {
    "torchvision": (),
    "torchvision.datasets": ("CIFAR10", "CIFAR100", "STL10"),
    "torchvision.transforms": (),
    "torchvision.transforms.functional": (),
}
"""Modules that it imports at once, and the classes that it derives from."""


def torch_fidelity() -> ModuleType:
    """The package. Raises :class:`ImportError` if it is not installed."""
    if importlib.util.find_spec("torch_fidelity") is None:
        raise ImportError("torch-fidelity is not installed: pip install --no-deps torch-fidelity")
    if _is_there("torchvision"):
        return importlib.import_module("torch_fidelity")
    sys.modules.update(_stand_ins())
    try:
        return importlib.import_module("torch_fidelity")
    finally:  # others, such as torchmetrics, must not take them for torchvision
        for name in STAND_INS:
            del sys.modules[name]


def _stand_ins() -> dict[str, ModuleType]:
    made: dict[str, ModuleType] = {}
    for name, classes in STAND_INS.items():
        made[name] = ModuleType(name)
        made[name].__spec__ = ModuleSpec(name, None)
        made[name].__dict__.update({one: type(one, (), {}) for one in classes})
        parent, _, last = name.rpartition(".")
        if parent:
            setattr(made[parent], last, made[name])
    return made


def _is_there(name: str) -> bool:
    try:
        importlib.import_module(name)
    except (ImportError, RuntimeError):  # one that was built for another torch raises the latter
        return False
    return True
