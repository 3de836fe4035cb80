"""Write the pages of ``docs/reference``: what each public module has, in plain Markdown. Called by ``make docs``.

In a checkout a page is a table of names with links to the source. The site adds the whole docstrings below it, where
the comment ``<!-- docstrings: NAME -->`` stands: see ``site_hooks.py``. ``python docs/reference_pages.py --check`` only
says which pages are out of date.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from page_parts import table, text

FOLDER = Path(__file__).parent / "reference"
ROOT = Path(__file__).parents[1]
MADE = "<!-- Made by `make docs` from the docstrings: change them, not this page. -->"
ROLE = re.compile(r":\w+:`~?([^`]+)`")
SPECIAL = ("__call__", "__len__", "__iter__")
WIDE = 52
OF_GANZOO = "These names are all that most programs need. `import ganzoo` does not load torch; using one of them does."


@dataclass(frozen=True)
class Shown:
    """A module of the reference.

    Attributes:
        module: its full name.
        names: what it offers, with the module that defines each, if these are many files; empty for one file.
        intro: what to say at the top, instead of the module's docstring.
    """

    module: str
    names: tuple[str, ...] = ()
    intro: str = ""


@dataclass(frozen=True)
class Definition:
    """A class, a function or a value with a docstring: its name, how it is called, and what it says of itself."""

    name: str
    call: str
    said: str
    file: Path
    body: Sequence[ast.stmt] = ()


SHOWN = {
    "ganzoo.md": Shown(
        "ganzoo",
        (
            "ganzoo.runs.session.run",
            "ganzoo.runs.run.load_run",
            "ganzoo.runs.run.Run",
            "ganzoo.runs.evaluating.evaluate",
            "ganzoo.evaluation.alone.measure",
            "ganzoo.runs.evaluating.Evaluation",
            "ganzoo.studies.comparing.compare",
            "ganzoo.studies.comparing.Compared",
            "ganzoo.planning.building.build",
            "ganzoo.planning.own_critics.Adversary",
            "ganzoo.training.drop_in.Critics",
            "ganzoo.planning.presets.adversary",
            "ganzoo.training.slice_critic.SliceCritic",
            "ganzoo.training.crop_critic.CropCritic",
            "ganzoo.training.part_critic.PartCritic",
            "ganzoo.training.patch_nce.PatchNCE",
            "ganzoo.training.adversarial_terms.AdversarialTerms",
            "ganzoo.training.critic_logs.CriticLogs",
            "ganzoo.planning.own_step.adversarial_step",
            "ganzoo.training.adversarial_step.AdversarialStep",
            "ganzoo.training.game.Terms",
        ),
        OF_GANZOO,
    ),
    "component.md": Shown("ganzoo.component"),
    "data.md": Shown("ganzoo.data"),
    "errors.md": Shown("ganzoo.errors"),
    "hookspecs.md": Shown("ganzoo.hookspecs"),
    "options.md": Shown("ganzoo.options"),
    "protocols.md": Shown("ganzoo.protocols"),
    "seeds.md": Shown("ganzoo.seeds"),
    "testing.md": Shown("ganzoo.testing"),
    "strategies.md": Shown("ganzoo.testing.strategies"),
}


def pages() -> dict[str, str]:
    """File name → text of every page."""
    return {name: page(shown) for name, shown in SHOWN.items()}


def page(shown: Shown) -> str:
    """The page of one module."""
    module = import_module(shown.module)
    parts = [MADE, f"# {shown.module}", shown.intro or first_paragraph(inspect.getdoc(module) or "")]
    if shown.names or hasattr(module, "__all__"):
        defined = [defined_as(name, module.__name__) for name in shown.names or module.__all__]
        parts += ["In a checkout, each name links to its source.", table(["name", "what it is"], linked_rows(defined))]
    else:
        file = Path(inspect.getfile(module))
        defined = [one for one in definitions(file) if not one.name.startswith("_")]
        parts += [
            f"Source: {link(file)}.",
            table(["name", "what it is"], [row for one in defined for row in rows(one)]),
        ]
    return "\n\n".join([*parts, *(f"<!-- docstrings: {name} -->" for name in in_full(shown))]) + "\n"


def in_full(shown: Shown) -> Iterator[str]:
    """What the site is to show with its whole docstring: the module, or name by name."""
    if not shown.names:
        yield shown.module
    public = getattr(import_module(shown.module), "__all__", ())
    for name in shown.names:
        short = name.rpartition(".")[2]
        yield f"{shown.module}.{short}" if short in public else name


def defined_as(name: str, module: str) -> Definition:
    """The definition of a name, found where it was written."""
    home, _, short = name.rpartition(".")
    value = getattr(import_module(home or module), short)
    return next(one for one in definitions(Path(inspect.getfile(inspect.unwrap(value)))) if one.name == short)


def definitions(file: Path) -> Iterator[Definition]:
    """What a file defines and documents, in order."""
    return documented(ast.parse(file.read_text(encoding="utf-8")).body, file)


def documented(body: Sequence[ast.stmt], file: Path) -> Iterator[Definition]:
    """The same of the body of a file or of a class. A value's docstring is the statement after it."""
    for node, after in zip(body, [*body[1:], ast.Pass()], strict=False):
        match node, after:
            case ast.ClassDef() | ast.FunctionDef(), _:
                if said := ast.get_docstring(node):
                    yield Definition(
                        node.name, called(node), said, file, node.body if isinstance(node, ast.ClassDef) else ()
                    )
            case (
                ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]),
                ast.Expr(value=ast.Constant(value=str(said))),
            ):
                yield Definition(name, name, inspect.cleandoc(said), file)


def linked_rows(defined: Sequence[Definition]) -> Iterator[list[str]]:
    """Rows of names from several files, each name a link to its own; not those of its methods."""
    for one in defined:
        (name, said), *inner = rows(one)
        yield [link(one.file, name), said]
        yield from inner


def rows(one: Definition) -> Iterator[list[str]]:
    """A row for the name, and one for each of its methods and values."""
    yield [f"`{short(one.call)}`", first_paragraph(one.said)]
    for inner in documented(one.body, one.file):
        if inner.name in SPECIAL or not inner.name.startswith("_"):
            yield [f"`{short(f'{one.name}.{inner.call}')}`", first_paragraph(inner.said)]


def short(call: str) -> str:
    """Without its arguments, if a column would become too wide."""
    return call if len(call) <= WIDE else f"{call.partition('(')[0]}(…)"


def called(node: ast.ClassDef | ast.FunctionDef) -> str:
    """A function with the names of its arguments; a class or a property by its name alone."""
    if isinstance(node, ast.ClassDef) or "property" in map(ast.unparse, node.decorator_list):
        return node.name
    takes = node.args
    before = [one.arg for one in (*takes.posonlyargs, *takes.args) if one.arg not in ("self", "cls", "draw")]
    star = [f"*{takes.vararg.arg}"] if takes.vararg else ["*"] if takes.kwonlyargs else []
    rest = [f"**{takes.kwarg.arg}"] if takes.kwarg else []
    return f"{node.name}({', '.join([*before, *star, *(one.arg for one in takes.kwonlyargs), *rest])})"


def first_paragraph(said: str) -> str:
    """What a docstring says first, in one line."""
    return text(ROLE.sub(r"`\1`", " ".join(said.partition("\n\n")[0].split())))


def link(file: Path, words: str = "") -> str:
    """To a source file, as seen from the folder of the pages; without words its own path is shown."""
    return f"[{words or file.relative_to(ROOT).as_posix()}]({Path(os.path.relpath(file, FOLDER)).as_posix()})"


def main() -> None:
    """Write the pages, or with ``--check`` only compare."""
    parser = argparse.ArgumentParser(description="Write docs/reference from the docstrings.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a page is out of date")
    changed = {name: wanted for name, wanted in pages().items() if (FOLDER / name).read_text("utf-8") != wanted}
    if parser.parse_args().check:
        sys.exit(f"out of date: {', '.join(changed)}; mend it with: make docs" if changed else 0)
    for name, wanted in changed.items():
        (FOLDER / name).write_text(wanted, encoding="utf-8")


if __name__ == "__main__":
    main()
