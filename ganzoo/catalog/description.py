"""What can be said of a component: ``ganzoo info`` and the generated pages.

Importing this module leaves torch alone; :func:`describe` imports the component.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from pydantic_core import to_jsonable_python

from ganzoo.catalog.recipe_gaps import left_to_users
from ganzoo.catalog.rows import row
from ganzoo.catalog.type_names import type_name
from ganzoo.component import FILES, DatasetOptions, Options
from ganzoo.config.schema import COLLECTIONS
from ganzoo.errors import GanzooError
from ganzoo.registry import Entry, Registry, parse_kind

FROM_DATA = "from the data"
REQUIRED = "required"


@dataclass(frozen=True, kw_only=True)
class Option:
    """One option of a component, in words: ``default`` may read ``"required"`` or ``"from the data"``."""

    name: str
    type: str
    default: str
    help: str


@dataclass(frozen=True, kw_only=True)
class Description:
    """Everything ``ganzoo info`` says of a component.

    Attributes:
        row: its row in ``ganzoo list --json``.
        formula: the block under ``Formula:`` in the docstring of its options class, if there is one.
        aliases: other names that mean it.
        required: of a recipe: the paths that it leaves to the user, who must give them.
        prose: what else that docstring says, a paragraph each, in which code stands in double backticks.
        options: its options in words; empty for a recipe.
        schema: the JSON Schema of its options; ``None`` for a recipe.
        suggests: configuration path → value.
        layouts: of a dataset: layout → how its files lie, where it knows several.
        yaml: a piece of configuration that selects it, ready to be pasted; ``None`` where no section does.
    """

    entry: Entry
    row: Mapping[str, object]
    aliases: tuple[str, ...]
    required: tuple[str, ...]
    formula: str | None
    prose: tuple[str, ...]
    options: tuple[Option, ...]
    schema: Mapping[str, object] | None
    suggests: Mapping[str, object]
    layouts: Mapping[str, str]
    yaml: str | None

    def as_json(self) -> dict[str, object]:
        """The row of ``ganzoo info --json``."""
        return {
            **self.row,
            "options": self.schema,
            "formula": self.formula,
            "paper": self.entry.component.paper,
            "suggests": self.suggests,
            "layouts": self.layouts,
            "required": list(self.required),
            "yaml": self.yaml,
        }


def describe(registry: Registry, entry: Entry) -> Description:
    """Look at a component, importing it.

    Raises:
        PluginError: it cannot be imported, or its options cannot be described.
    """
    model = None if entry.kind in FILES else entry.options()
    with entry.blamed("has options that cannot be described"):
        return Description(
            entry=entry,
            row=row(registry, entry),
            aliases=tuple(registry.aliases(entry)),
            required=tuple(left_to_users(registry, entry)) if entry.kind == "recipe" else (),
            formula=formula(model) if model else None,
            prose=tuple(prose(model)) if model else (),
            options=tuple(_options(model)) if model else (),
            schema=model.model_json_schema() if model else None,
            suggests=to_jsonable_python(dict(entry.component.suggests), fallback=str),
            layouts=dict(model.layouts()) if model and issubclass(model, DatasetOptions) else {},
            yaml=_yaml(registry, entry, model) if model else entry.file_text(),
        )


def formula(model: type[Options]) -> str | None:
    """The indented block under the line ``Formula:`` in the docstring of an options class."""
    lines = iter(inspect.cleandoc(model.__doc__ or "").splitlines())
    if not any(line.strip() == "Formula:" for line in lines):
        return None
    block: list[str] = []
    for line in lines:
        if line and not line.startswith(" "):
            break
        block.append(line)
    return textwrap.dedent("\n".join(block)).strip("\n") or None


def prose(model: type[Options]) -> Iterator[str]:
    """The docstring of the options class, paragraph by paragraph, without its formula."""
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(model.__doc__ or "")):
        head, _, rest = paragraph.partition("\n")
        if head == "Formula:" or paragraph.startswith(" "):
            continue
        yield " ".join(f"Raises {rest}".split() if head == "Raises:" else paragraph.split())


def _options(model: type[Options]) -> Iterator[Option]:
    schema = model.model_json_schema()
    from_data = resolved_by_data(model)
    for name, field in model.model_fields.items():
        if field.deprecated:
            continue
        default = field.get_default(call_default_factory=True)
        if field.is_required():
            shown = REQUIRED
        elif default is None:
            shown = FROM_DATA if name in from_data else "none"
        else:
            shown = _flow(to_jsonable_python(default, fallback=str))
        yield Option(
            name=name,
            type=type_name(schema["properties"][field.alias or name], schema.get("$defs", {})),
            default=shown,
            help=" ".join((field.description or "").split()),
        )


def resolved_by_data(model: type[Options]) -> frozenset[str]:
    """The options that are ``None`` by default and that ``resolve`` fills for some data."""
    if model.resolve is Options.resolve or any(field.is_required() for field in model.model_fields.values()):
        return frozenset()
    from ganzoo.protocols import DataSpec  # here, because it imports torch

    default = model()
    filled: set[str] = set()
    for shape, conditional in (((3, 64, 64), False), ((3, 64, 64), True), ((2,), False)):
        spec = DataSpec(shape=shape, classes=("a", "b"), marginal=(0.5, 0.5), conditional=conditional)
        try:
            resolved = default.resolve(spec)
        except GanzooError:  # not made for such data
            continue
        filled |= {
            name
            for name, field in model.model_fields.items()
            if not field.deprecated and getattr(default, name) is None and getattr(resolved, name) is not None
        }
    return frozenset(filled)


def _yaml(registry: Registry, entry: Entry, model: type[Options]) -> str | None:
    section = parse_kind(entry.kind).section
    if section is None:
        return None
    lines = [_yaml_line(option, model) for option in _options(model)]
    name = registry.shortest(entry)
    if section in COLLECTIONS:
        options = "\n" + textwrap.indent("\n".join(lines), "    ") if lines else " {}"
        return f"{section}:\n  {name}:{options}\n"
    return f"{section}:\n" + textwrap.indent("\n".join([f"name: {name}", *lines]), "  ") + "\n"


def _yaml_line(option: Option, model: type[Options]) -> str:
    """``key: value``, with a comment where the value is not the whole story."""
    if option.default == REQUIRED:
        return f"{option.name}: {option.name.upper()}  # required"
    default = model.model_fields[option.name].get_default(call_default_factory=True)
    comment = f"  # {FROM_DATA}" if option.default == FROM_DATA else ""
    return f"{option.name}: {_flow(to_jsonable_python(default, fallback=str))}{comment}"


def _flow(value: Any) -> str:
    """A value as YAML writes it in one line."""
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6)
    return text.removesuffix("...\n").strip()
