"""Warnings that are given once, whatever happens in each step."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

_logger = logging.getLogger("ganzoo")


@dataclass
class SaidOnce:
    """Says each text once.

    Attributes:
        who: warns.
    """

    who: str
    said: set[str] = field(default_factory=set)

    def __call__(self, text: str) -> None:
        """Warn, unless this was said before."""
        if text not in self.said:
            self.said.add(text)
            _logger.warning("%s: %s", self.who, text)
