"""Settings of a comparison that only some of its choices can have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ganzoo.errors import PluginError
from ganzoo.registry import Registry
from ganzoo.studies.axes import COMPONENTS, REGULARIZERS, Axis


def of_cell(
    registry: Registry, settings: Mapping[str, Any], axes: Sequence[Axis], parts: Mapping[str, Any]
) -> dict[str, Any]:
    """The settings of one combination: what other choices have and its own lacks is left out.

    What no choice has stays, so that every combination is refused for it.
    """
    left_out = {
        path for path, (axis, having) in of_some(registry, settings, axes).items() if parts[axis.name] not in having
    }
    return {path: value for path, value in settings.items() if path not in left_out}


def of_some(registry: Registry, settings: Mapping[str, Any], axes: Sequence[Axis]) -> dict[str, tuple[Axis, list[Any]]]:
    """Setting → its axis, and the choices that have it, where others of that axis do not."""
    sections = {axis.name: axis for axis in axes if axis.name in (*COMPONENTS, REGULARIZERS)}
    of_axes = {
        path: sections[path.split(".")[0]] for path in settings if "." in path and path.split(".")[0] in sections
    }
    found = {path: (axis, _those_with(registry, axis, path)) for path, axis in of_axes.items()}
    return {path: one for path, one in found.items() if 0 < len(one[1]) < len(one[0].choices)}


def _those_with(registry: Registry, axis: Axis, path: str) -> list[Any]:
    """The choices that have the option in ``path``; a choice that cannot be asked is one of them."""
    key = path.split(".")[1]
    if axis.name == REGULARIZERS:
        name = key.replace("_", "-")
        return [choice for choice in axis.choices if name in str(choice).replace("_", "-").split("+")]
    return [choice for choice in axis.choices if _has(registry, axis.name, choice, key)]


def _has(registry: Registry, kind: str, name: str, key: str) -> bool:
    try:
        return key == "name" or key in registry.options(kind, name).model_fields
    except PluginError:  # its own cell says so
        return True
