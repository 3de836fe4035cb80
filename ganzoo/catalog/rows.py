"""The rows of ``ganzoo list --json``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ganzoo.registry import Entry, Registry


def row(registry: Registry, entry: Entry) -> dict[str, object]:
    """What is told of a component in one row; needs no more than the record."""
    return {
        "kind": entry.kind,
        "name": entry.name,
        "qualified": entry.qualified,
        "aliases": registry.aliases(entry),
        "summary": entry.component.summary,
        "tags": sorted(entry.component.tags),
        "distribution": entry.distribution,
        "version": entry.version,
        "status": registry.status(entry),
    }
