"""Tags have one table; what is not in it is refused, in records, in options and in rules."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from ganzoo.component import KINDS, TAGS, Component, Options, unknown_tags
from ganzoo.errors import PluginError
from ganzoo.planning.facts import Facts
from ganzoo.planning.options import read_options
from ganzoo.registry import Entry, Registry
from ganzoo.registry.problem import Refused
from ganzoo.registry.records import checked

ROOT = Path(__file__).parents[1]
NAMES = {tag.name for tag in TAGS}


def record(*tags: str, kind: str = "loss") -> Component:
    return Component(kind=kind, name="mine", target="mine:Mine", summary="mine", tags=frozenset(tags))


class Misspelt(Options):
    """A loss whose tag is misspelt."""

    def tags(self) -> frozenset[str]:
        return frozenset({"generator_needs_reals"})


def test_a_tag_has_one_row_and_kinds_that_exist():
    assert len(NAMES) == len(TAGS)
    assert {kind for tag in TAGS for kind in tag.kinds} <= {kind.name for kind in KINDS}


def test_records_with_unknown_tags_are_refused():
    assert checked([record("saturating")])[0] == [record("saturating")]
    with pytest.raises(Refused, match="loss components have no tag 'saturatin'; did you mean 'saturating'"):
        checked([record("saturatin")])
    with pytest.raises(Refused, match="loss components have no tag 'limits_slope'"):
        checked([record("limits_slope")])
    with pytest.raises(Refused, match="metric components have no tag 'image'"):
        checked([record("image", kind="metric")])


def test_options_with_unknown_tags_are_refused(monkeypatch):
    entry = Registry.load(plugins=False).get("loss", "hinge")
    monkeypatch.setattr(Entry, "options", lambda self: Misspelt)
    with pytest.raises(PluginError) as caught:
        read_options(entry, {})
    assert "carries the tag 'generator_needs_reals', which a loss cannot have" in caught.value.message
    assert "did you mean 'generator_needs_real'" in caught.value.message


def test_a_rule_that_asks_for_an_unknown_tag_fails_loudly():
    facts = Facts(names={"loss": "hinge"}, tags={"loss": frozenset()})
    for ask in (lambda tag: facts.has("loss", tag), facts.regularizers_with, facts.parts_with):
        assert not ask("saturating")
        with pytest.raises(LookupError, match="did you mean 'saturating'"):
            ask("saturatin")


def spelled_tags(source: str) -> set[str]:
    """Strings that are compared with, or looked up among, somebody's tags."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare) and any("tags" in ast.unparse(one) for one in node.comparators):
            found |= {one.value for one in ast.walk(node.left) if isinstance(one, ast.Constant)}
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd) and "tags" in ast.unparse(node.left):
            found |= {one.value for one in ast.walk(node.right) if isinstance(one, ast.Constant)}
    return {value for value in found if isinstance(value, str)}


def test_the_core_spells_tags_that_exist():
    spelled = {
        str(path.relative_to(ROOT)): spelled_tags(path.read_text(encoding="utf-8"))
        for path in (ROOT / "ganzoo").rglob("*.py")
    }
    assert {"needs_labels", "generator_needs_real", "needs_generator"} <= set().union(*spelled.values())
    assert {path: tags - NAMES for path, tags in spelled.items() if tags - NAMES} == {}
    assert spelled_tags("x = 'needs_label' in plan.tags()") == {"needs_label"}


@pytest.mark.parametrize("entry", Registry.load(plugins=False).entries(), ids=lambda one: f"{one.kind}-{one.name}")
def test_first_party_components_carry_known_tags(entry):
    assert unknown_tags(entry.kind, entry.component.tags) == []


def test_the_table_of_the_guide_is_made_from_it():
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "tags_table.py", "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
