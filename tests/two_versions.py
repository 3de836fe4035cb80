"""A small plugin in two versions, and how the second takes the place of the first in one process."""

from __future__ import annotations

import importlib
import shutil
import sys
from pathlib import Path

from broken_plugins.install import PluginFolder

DISTRIBUTION = "ganzoo-two"
PLUGIN = '''
from pydantic import Field
from ganzoo.component import Component, Options, RegularizerOptions
from ganzoo.hookspecs import hookimpl

GANZOO_API = 1


@hookimpl
def ganzoo_components():
    return [
        Component(
            kind="loss",
            name={loss!r},
            target="ganzoo_two:Loss",
            summary="a loss",
            aliases={loss_aliases!r},
        ),
        Component(
            kind="regularizer",
            name={term!r},
            target="ganzoo_two:Drift",
            summary="a term",
            aliases={term_aliases!r},
        ),
    ]


class Loss(Options):
    """Least squares."""

    {options}

    def discriminator_loss(self, *, real, fake):
        """D's objective."""
        return (real - {target}).square().mean() + fake.square().mean()

    def generator_loss(self, *, fake):
        """G's objective."""
        return (fake - {target}).square().mean()


class Drift(RegularizerOptions):
    """Noise on the logits: draws, and has state."""

    def build(self, spec):
        """The term."""
        from ganzoo_two_parts import Term

        return Term()
'''
PARTS = """
import torch
from ganzoo.protocols import Regularizer


class Term(Regularizer):
    def __init__(self):
        self.mean = torch.zeros(())

    def discriminator_terms(self, view):
        noise = torch.rand((), generator=view.random)
        logits = view.real_output.logits
        return {"drift": (logits.mean() * noise).square() + 0 * self.mean}

    def after_step(self, player, network):
        self.mean = self.mean + 1

    def state_dict(self):
        return {"mean": self.mean}

    def load_state_dict(self, state):
        self.mean = state["mean"]
"""
FIRST = {
    "loss": "squares",
    "loss_aliases": (),
    "term": "drift",
    "term_aliases": (),
    "options": 'target: float = Field(default=1.0, description="what real logits are drawn to")',
    "target": "self.target",
}


class TwoVersions:
    """A folder on the path in which a version of the plugin is installed, or none."""

    def __init__(self, path: Path) -> None:
        self.folder = PluginFolder(path)

    def install(self, version: str, **changes: object) -> None:
        """Put ``version`` in the place of what is there: :data:`FIRST` with some of its texts changed."""
        self.remove()
        (self.folder.path / "ganzoo_two.py").write_text(PLUGIN.format(**{**FIRST, **changes}), encoding="utf-8")
        (self.folder.path / "ganzoo_two_parts.py").write_text(PARTS, encoding="utf-8")
        self.folder.announce(DISTRIBUTION, {"main": "ganzoo_two"}, version=version)
        importlib.invalidate_caches()

    def remove(self) -> None:
        """Leave no version."""
        for path in self.folder.path.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        for module in ("ganzoo_two", "ganzoo_two_parts"):
            sys.modules.pop(module, None)
        importlib.invalidate_caches()
