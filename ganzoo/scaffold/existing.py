"""A package that is there already: what it is called, where it announces components, and how one more gets in."""

from __future__ import annotations

import ast
import contextlib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganzoo.errors import ConfigError
from ganzoo.files import write_text, writing
from ganzoo.hookspecs import ganzoo_components
from ganzoo.registry import normalized
from ganzoo.scaffold.package import NewPlugin, Part

HOOK = ganzoo_components.__name__
TABLE = "| kind | name | file |\n|---|---|---|\n"
"""How the table of components begins in the README of a package that ganzoo wrote."""
LEVEL = "    "
"""By which records of the templates stand deeper than the list around them."""
NEW_PLUGIN = "to begin a package: ganzoo new-plugin NAME; to name the folder of an existing one: --in DIR"


@dataclass(frozen=True, kw_only=True)
class ExistingPackage:
    """The package of a plugin on disk.

    Attributes:
        root: the folder of its ``pyproject.toml``.
        distribution: its name, normalized.
        name: the name by which Python imports it.
        sources: the folder in which the package lies.
        records: the file that announces its components.
    """

    root: Path
    distribution: str
    name: str
    sources: Path
    records: Path

    def with_part(self, part: Part) -> dict[Path, str]:
        """File → text of what a new component adds: itself, its test, and the records with its own among them.

        Raises:
            ConfigError: one of the files is there, or its record is, or there is no place for the record.
        """
        plugin = NewPlugin(distribution=self.distribution, parts=(part,), imported_as=self.name)
        texts = {
            (self.sources if path.startswith(f"{self.name}/") else self.root) / path: text
            for path, text in plugin.files_of(part)
        }
        for path in texts:
            if path.exists() or path.is_symlink():
                raise ConfigError(
                    f"{path} already exists, and ganzoo does not overwrite it",
                    given=part.name,
                    hint=f"{part.said_by}my-{part.name}",
                )
        texts[self.records] = with_record(self.records, part, plugin.record(part))
        if (said := with_row(self.readme, plugin.row(part))) is not None:
            texts[self.readme] = said
        return texts

    @property
    def readme(self) -> Path:
        """The file whose table lists the components, where it is as ganzoo wrote it."""
        return self.root / "README.md"


def existing_package(folder: Path) -> ExistingPackage:
    """The package whose ``pyproject.toml`` lies in ``folder``.

    Raises:
        ConfigError: there is none, it announces nothing to ganzoo, or its modules are not found.
    """
    project = _project(folder)
    entry_points: Mapping[str, str] = project.get("entry-points", {}).get("ganzoo", {})
    if not entry_points or "name" not in project:
        raise ConfigError(
            f"{folder / 'pyproject.toml'} does not announce a plugin of ganzoo",
            allowed="a [project] with a name and a table [project.entry-points.ganzoo]",
            hint=NEW_PLUGIN,
        )
    module = next(iter(entry_points.values())).partition(":")[0].strip()
    for sources in (folder, folder / "src"):
        path = sources.joinpath(*module.split("."))
        for records, package in ((path / "__init__.py", module), (path.with_suffix(".py"), module.rpartition(".")[0])):
            if records.is_file() and package and (sources / package.partition(".")[0]).is_dir():
                return ExistingPackage(
                    root=folder,
                    distribution=normalized(project["name"]),
                    name=package,
                    sources=sources,
                    records=records,
                )
    raise ConfigError(
        f"the entry point of {project['name']} leads to {module}, and there is no package of that name in {folder}",
        allowed=f"{module.replace('.', '/')}/__init__.py, there or below src/",
        hint=NEW_PLUGIN,
    )


def _project(folder: Path) -> dict[str, Any]:
    path = folder / "pyproject.toml"
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise ConfigError(f"there is no {path}", hint=NEW_PLUGIN) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read", given=str(error), hint="correct the file first") from None
    found = content.get("project", {})
    return found if isinstance(found, dict) else {}


def with_row(path: Path, row: str) -> str | None:
    """The text of a README with one more row in its table of components; ``None`` where there is no such table."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    before, head, after = text.partition(TABLE)
    if not head:
        return None
    lines = after.splitlines(keepends=True)
    end = next((number for number, line in enumerate(lines) if not line.startswith("|")), len(lines))
    return before + head + "".join([*lines[:end], row, *lines[end:]])


def with_record(path: Path, part: Part, record: str) -> str:
    """The text of a module with one more record at the end of the list that its hook returns.

    Raises:
        ConfigError: the component is announced there already, or there is no such list.
    """
    text = path.read_text(encoding="utf-8")
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        raise ConfigError(f"{path}, line {error.lineno}: {error.msg}", hint="correct the file first") from None
    if any(_announces(node, part) for node in ast.walk(tree)):
        raise ConfigError(
            f"{path} already announces the {part.kind} {part.name}",
            given=part.name,
            hint=f"{part.said_by}my-{part.name}",
        )
    found = next(_lists(tree), None)
    if found is None or not _binds(tree, "Component"):
        raise ConfigError(
            f"{path} has no list of Component records that {HOOK}() returns, so nothing was written",
            allowed=f"return [Component(…), …], to which this is added:\n{record}",
            hint="write the list that way",
        )
    return _inserted(text, found, record)


def _announces(node: ast.AST, part: Part) -> bool:
    if not isinstance(node, ast.Call):
        return False
    said = {word.arg: word.value.value for word in node.keywords if isinstance(word.value, ast.Constant)}
    return (said.get("kind"), said.get("name")) == (part.kind, part.name)


def _lists(tree: ast.Module) -> Iterator[ast.List]:
    """The list that the hook returns, written there or as a constant of the module."""
    constants = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef) and function.name == HOOK:
            for node in ast.walk(function):
                if isinstance(node, ast.Return):
                    value = constants.get(node.value.id) if isinstance(node.value, ast.Name) else node.value
                    if isinstance(value, ast.List):
                        yield value


def _binds(tree: ast.Module, name: str) -> bool:
    imported = (alias for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names)
    return any((alias.asname or alias.name) == name for alias in imported)


def _inserted(text: str, found: ast.List, record: str) -> str:
    """Before the closing bracket, one level deeper than that; comments stay where they are."""
    close = _offset(text, found.end_lineno, found.end_col_offset) - 1
    last = found.elts[-1] if found.elts else None
    end = (
        _offset(text, last.end_lineno, last.end_col_offset)
        if last
        else _offset(text, found.lineno, found.col_offset) + 1
    )
    between = text[end:close]
    comma = "," if last and not between.lstrip().startswith(",") else ""
    line = between.rpartition("\n")[2] if "\n" in between else text.splitlines()[found.lineno - 1]
    indent = line[: len(line) - len(line.lstrip())]
    shifted = "".join(f"{indent}{one.removeprefix(LEVEL)}" for one in record.splitlines(keepends=True))
    return f"{text[:end]}{comma}{between.rstrip()}\n{shifted}{indent}{text[close:]}"


def _offset(text: str, line: int | None, column: int | None) -> int:
    """Where a node of the syntax tree begins or ends, in characters; its columns count bytes."""
    assert line is not None  # both are set for whatever was parsed
    assert column is not None
    lines = text.splitlines(keepends=True)
    return sum(map(len, lines[: line - 1])) + len(lines[line - 1].encode()[:column].decode())


def add(texts: Mapping[Path, str]) -> None:
    """Write the files; those that are new are taken away again if one cannot be written.

    Raises:
        ResourceError: one cannot be written.
    """
    made: list[Path] = []
    try:
        for path, text in texts.items():
            new = not path.exists()
            with writing(path, place="--in DIR"):
                write_text(path, text)
            if new:
                made.append(path)
    except BaseException:
        for path in made:
            with contextlib.suppress(OSError):
                path.unlink()
        raise
