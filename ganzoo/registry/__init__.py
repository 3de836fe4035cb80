"""Which components are installed, who provides them, and what a name means. Free of torch."""

from ganzoo.registry.discovery import FIRST_PARTY, Source, installed, normalized, own_upgrade
from ganzoo.registry.entry import Entry
from ganzoo.registry.loaded import LoadedEntryPoint
from ganzoo.registry.lookup import Registry, Status, parse_kind
from ganzoo.registry.origin import origin_of
from ganzoo.registry.problem import Problem, full_traceback, one_line
from ganzoo.registry.records import is_name, spelled
from ganzoo.registry.selection import ALLOW, DENY, select

__all__ = [
    "ALLOW",
    "DENY",
    "FIRST_PARTY",
    "Entry",
    "LoadedEntryPoint",
    "Problem",
    "Registry",
    "Source",
    "Status",
    "full_traceback",
    "installed",
    "is_name",
    "normalized",
    "one_line",
    "origin_of",
    "own_upgrade",
    "parse_kind",
    "select",
    "spelled",
]
