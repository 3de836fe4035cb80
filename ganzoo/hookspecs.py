"""Everything a plugin can implement: one hook that returns records."""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from ganzoo.component import Component

GROUP = "ganzoo"

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@hookspec
def ganzoo_components() -> Iterable[Component]:  # type: ignore[empty-body]
    """Return the components this plugin provides. Called once; must not import torch."""
