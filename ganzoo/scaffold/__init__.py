"""Writes the package of a new plugin from templates: plain text that its author owns from then on. Free of torch."""

from ganzoo.scaffold.package import NewPlugin, Part
from ganzoo.scaffold.planning import DEFAULT_KINDS, namesakes, planned
from ganzoo.scaffold.writing import written

__all__ = ["DEFAULT_KINDS", "NewPlugin", "Part", "namesakes", "planned", "written"]
