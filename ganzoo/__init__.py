"""ganzoo: the open zoo of GAN objectives and critics.

Importing this package is light; torch is loaded when something that needs it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ganzoo.evaluation.alone import measure as measure
    from ganzoo.planning.building import build as build
    from ganzoo.planning.own_critics import Adversary as Adversary
    from ganzoo.planning.own_step import adversarial_step as adversarial_step
    from ganzoo.planning.presets import adversary as adversary
    from ganzoo.runs.evaluating import evaluate as evaluate
    from ganzoo.runs.run import Run as Run
    from ganzoo.runs.run import load_run as load_run
    from ganzoo.runs.session import run as run
    from ganzoo.studies.comparing import compare as compare
    from ganzoo.training.crop_critic import CropCritic as CropCritic
    from ganzoo.training.patch_nce import PatchNCE as PatchNCE
    from ganzoo.training.slice_critic import SliceCritic as SliceCritic

_HOMES = {
    "Adversary": "ganzoo.planning.own_critics",
    "adversary": "ganzoo.planning.presets",
    "adversarial_step": "ganzoo.planning.own_step",
    "build": "ganzoo.planning.building",
    "compare": "ganzoo.studies.comparing",
    "evaluate": "ganzoo.runs.evaluating",
    "CropCritic": "ganzoo.training.crop_critic",
    "PatchNCE": "ganzoo.training.patch_nce",
    "Run": "ganzoo.runs.run",
    "SliceCritic": "ganzoo.training.slice_critic",
    "load_run": "ganzoo.runs.run",
    "measure": "ganzoo.evaluation.alone",
    "run": "ganzoo.runs.session",
}

__all__ = [
    "Adversary",
    "CropCritic",
    "PatchNCE",
    "Run",
    "SliceCritic",
    "adversarial_step",
    "adversary",
    "build",
    "compare",
    "evaluate",
    "load_run",
    "measure",
    "run",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name == "protocols":  # hints name ganzoo.protocols.DataSpec
        return import_module("ganzoo.protocols")
    raise AttributeError(f"module 'ganzoo' has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
