"""Writes the package of a new plugin from templates: plain text that its author owns from then on. Free of torch."""

from ganzoo.scaffold.existing import ExistingPackage, add, existing_package
from ganzoo.scaffold.package import NewPlugin, Part
from ganzoo.scaffold.planning import DEFAULT_KINDS, kind_with_template, namesakes, part_of, planned
from ganzoo.scaffold.writing import written

__all__ = [
    "DEFAULT_KINDS",
    "ExistingPackage",
    "NewPlugin",
    "Part",
    "add",
    "existing_package",
    "kind_with_template",
    "namesakes",
    "part_of",
    "planned",
    "written",
]
