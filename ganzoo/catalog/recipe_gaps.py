"""What a recipe leaves to its users: options without a default, of the components that it names."""

from __future__ import annotations

from collections.abc import Iterator

from ganzoo.config.layers import flatten, read_yaml
from ganzoo.config.schema import COLLECTIONS, SELECTIONS
from ganzoo.errors import GanzooError
from ganzoo.registry import Entry, Registry


def left_to_users(registry: Registry, recipe: Entry) -> Iterator[str]:
    """Configuration paths, such as ``data.path``. Components that cannot be loaded are left out."""
    given = flatten(read_yaml(recipe.file_text(), f"recipe {recipe.name}"))
    for path, value in given.items():
        section, _, rest = path.partition(".")
        if section in SELECTIONS and rest == "name":
            yield from _lacking(registry, SELECTIONS[section], str(value), section, given)
        elif section in COLLECTIONS and rest and "." not in rest:
            yield from _lacking(registry, COLLECTIONS[section], rest, path, given)


def _lacking(registry: Registry, kind: str, name: str, section: str, given: dict[str, object]) -> Iterator[str]:
    try:
        fields = registry.get(kind, name).options().model_fields
    except GanzooError:
        return
    for option, info in fields.items():
        if info.is_required() and f"{section}.{option}" not in given:
            yield f"{section}.{option}"
