"""First-party trackers."""

from __future__ import annotations

from ganzoo.component import Component
from ganzoo.hookspecs import hookimpl

GANZOO_API = 1


@hookimpl
def ganzoo_components() -> list[Component]:
    """Announce the trackers."""
    return [
        Component(
            kind="tracker",
            name="tensorboard",
            target="ganzoo_trackers.tensorboard:Tensorboard",
            summary="event files for TensorBoard: curves, sample grids and the configuration",
            aliases=("tb",),
            requires=("tensorboard",),
            install="ganzoo[tensorboard]",
        ),
    ]
