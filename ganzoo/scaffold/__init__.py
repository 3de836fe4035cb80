"""Writes the package of a new plugin from templates: plain text that its author owns from then on. Free of torch."""

from ganzoo.scaffold.package import NewPlugin, Part
from ganzoo.scaffold.planning import planned
from ganzoo.scaffold.writing import written

__all__ = ["NewPlugin", "Part", "planned", "written"]
