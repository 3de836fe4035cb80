"""The places that name every component: its page, the README, the user guide, tests of its own.

One test for each component and place, so that ``-k loss-hinge`` says what a loss lacks, and what to write where.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from pages import ROOT, blocks
from registered import KINDS, REGISTRY, entries_of
from test_docs import GUIDE, code, component_pages, name_of_page, rows, shell_lines

from ganzoo.registry import parse_kind

README = ROOT / "README.md"
PAPERS = ROOT / "examples" / "papers" / "README.md"
ASSERTIONS = {"assert", "raises", "assert_close", "allclose"}
OWN_TESTS = sorted((ROOT / "tests" / "plugins").glob("test_*.py"))
PAGES = component_pages()
BUT_RECIPES = [kind for kind in KINDS if kind != "recipe"]


@entries_of(*KINDS)
def test_it_has_its_page(entry):
    page = PAGES.FOLDER / PAGES.file_name(entry)
    place = page.relative_to(ROOT)
    assert page.is_file(), f"{place} is missing; write it with: make docs"
    wanted = PAGES.page(PAGES.describe(REGISTRY, entry))
    assert page.read_text(encoding="utf-8") == wanted, f"{place} is out of date; write it anew with: make docs"


@entries_of(*KINDS)
def test_the_readme_names_it(entry):
    [(part, number, names)] = [row for row in rows(README, "part") if parse_kind(row[0]).name == entry.kind]
    shown, place = code(names), f"README.md, table “What is in it”, row {part}"
    before = [name for name in shown if name < entry.name]
    neighbor = f"after `{before[-1]}`" if before else "first"
    assert entry.name in shown, f"{place}: write `{entry.name}` {neighbor}, and {len(shown) + 1} for the number"
    assert shown.index(entry.name) == len(before), f"{place}: names are in order, so `{entry.name}` comes {neighbor}"
    assert int(number) == len(shown), f"{place}: the number is to be {len(shown)}"


@entries_of(*BUT_RECIPES)
def test_it_has_its_row_in_the_guide(entry):
    table = rows(GUIDE, entry.kind)
    names = [name_of_page(row[0]) for row in table]
    row = f"| [{entry.name}](components/{entry.kind}-{entry.name}.md) |" + " … |" * (len(table[0]) - 1)
    place = f"docs/user-guide.md, table with the heading “{entry.kind}”"
    assert (entry.name, f"{entry.kind}-{entry.name}") in names, f"{place}: add a row {row}"


@entries_of("recipe")
def test_it_has_its_row_among_the_published_settings(entry):
    link = f"[`{entry.name}`](../../plugins/ganzoo_recipes/{entry.name}.yaml)"
    place = "examples/papers/README.md, table with the heading “recipe”"
    assert link in [row[0] for row in rows(PAPERS, "recipe")], f"{place}: add a row | {link} | … | … |"


def lists_shown(kind: str) -> dict[str, list[str]]:
    """Command of the documentation → the names that its output lists where one of this kind was misspelt."""
    found = {}
    for block in blocks("console"):
        for words, output in shell_lines(block):
            if names := re.search(rf"there is no {kind} called .*?\n  allowed: ([^\n]*)", output, re.DOTALL):
                found[f"{block}: {' '.join(words)}"] = names[1].split(", ")
    return found


LISTED = {kind: shown for kind in KINDS if (shown := lists_shown(kind))}


@entries_of(*LISTED)
def test_it_is_in_lists_that_the_documentation_shows(entry):
    for place, names in LISTED[entry.kind].items():
        assert entry.name in names, f"{place}: the list of what is allowed lacks {entry.name}"


@entries_of(*BUT_RECIPES)
def test_it_has_tests_of_its_own(entry):
    """An import alone tests nothing."""
    module = entry.component.target.partition(":")[0]
    assert any(asserts_about(OwnTests.of(path), module, entry.name) for path in OWN_TESTS), (
        f"no test in tests/plugins that asserts something uses what it imports from {module}: "
        "compare its values with an independent form there"
    )


@dataclass(frozen=True)
class OwnTests:
    """What a file of tests mentions: it is read once for all components."""

    imports: tuple[ast.ImportFrom, ...]
    parts: tuple[tuple[str, frozenset[str]], ...]
    tests: tuple[frozenset[str], ...]

    @classmethod
    def in_text(cls, text: str) -> OwnTests:
        tree = ast.parse(text)
        nodes = list(ast.walk(tree))
        functions = (node for node in nodes if isinstance(node, ast.FunctionDef) and node.name.startswith("test"))
        return cls(
            imports=tuple(node for node in nodes if isinstance(node, ast.ImportFrom)),
            parts=tuple((name, mentions(part)) for part in tree.body for name in names_given(part)),
            tests=tuple(mentions(function) for function in functions),
        )

    @classmethod
    @cache
    def of(cls, path: Path) -> OwnTests:
        return cls.in_text(path.read_text(encoding="utf-8"))


def asserts_about(own: OwnTests, module: str, name: str) -> bool:
    """Whether a test asserts something and uses the component: its module's names, or itself by its own name.

    It may do so through constants, fixtures and other functions of its file.
    """
    reached = {alias.asname or alias.name for node in own.imports if node.module == module for alias in node.names}
    grown = True
    while grown:
        found = {given for given, mentioned in own.parts if mentioned & {*reached, repr(name)}}
        grown = not found <= reached
        reached |= found
    return any(mentioned & {*reached, repr(name)} and ASSERTIONS & mentioned for mentioned in own.tests)


def names_given(part: ast.stmt) -> list[str]:
    """The names that a statement at the top of a file gives to functions, classes and constants."""
    if isinstance(part, ast.FunctionDef | ast.ClassDef):
        return [part.name]
    return [target.id for target in getattr(part, "targets", ()) if isinstance(target, ast.Name)]


def mentions(part: ast.AST) -> frozenset[str]:
    """The names, parameters and texts in a piece of code, texts in quotes, and ``assert`` if it asserts something."""
    found = set()
    for node in ast.walk(part):
        match node:
            case ast.Name(id=name) | ast.arg(arg=name) | ast.Attribute(attr=name):
                found.add(name)
            case ast.Constant(value=str(text)):
                found.add(repr(text))
            case ast.Assert():
                found.add("assert")
    return frozenset(found)


@pytest.mark.parametrize(
    ("text", "enough"),
    [
        ("from m import Mine", False),
        ("from m import Mine\ndef test(): Mine()", False),
        ("from m import Mine\ndef test(): assert True", False),
        ("from m import Mine\nMINE = Mine()\ndef test(): assert True", False),
        ("from m import Mine\ndef test(): assert Mine()", True),
        ("from m import Mine\nMINE = Mine()\ndef test(): assert MINE", True),
        ("from m import Mine\ndef mine(): return Mine()\ndef test(mine): assert mine", True),
        ("from m import Mine\ndef test():\n with pytest.raises(ValueError): Mine()", True),
        ("def test(): assert build('mine')", True),
    ],
)
def test_what_counts_as_a_test_of_its_own(text, enough):
    assert asserts_about(OwnTests.in_text(text), "m", "mine") is enough
