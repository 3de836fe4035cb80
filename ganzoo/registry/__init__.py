"""Which components are installed, who provides them, and what a name means. Free of torch."""

from ganzoo.registry.entry import Entry
from ganzoo.registry.lookup import Registry, Status, parse_kind
from ganzoo.registry.outcome import Outcome
from ganzoo.registry.problem import Problem

__all__ = ["Entry", "Outcome", "Problem", "Registry", "Status", "parse_kind"]
