"""What first-party components keep to beyond the conformance kit: they load at once, and state formula and source."""

from __future__ import annotations

import subprocess
import sys
from inspect import getdoc

from registered import ENTRIES, REGISTRY, SCIENTIFIC, entries_of

from ganzoo.config.layers import ConfigLayer, merge, validate


def test_every_plugin_loads():
    problems = [str(problem) for problem in REGISTRY.problems if problem.distribution == "ganzoo"]
    assert problems == [], "ganzoo's own records break rules, which these messages name"


def test_announcing_components_takes_no_torch():
    modules = sorted({entry.component.target.split(":")[0].split(".")[0] for entry in ENTRIES})
    code = f"""
import importlib, sys
for module in {modules!r}:
    assert list(importlib.import_module(module).ganzoo_components()), module
print("torch" in sys.modules)
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert answer.stderr == "", "the module of a package's records cannot be imported, or announces nothing"
    assert answer.stdout.strip() == "False", "the module of a package's records imports torch; leave that to components"


@entries_of(*SCIENTIFIC)
def test_documentation_has_formula_and_source(entry):
    text = getdoc(entry.options()) or ""
    first, _, rest = text.partition("\n")
    lacking = f"the docstring of {entry.component.target} lacks"
    assert first.endswith("."), f"{lacking} a first line that is a sentence with a full stop"
    assert "\nFormula:\n    " in rest, f"{lacking} a paragraph 'Formula:' with an indented formula under it"
    assert "arXiv:" in rest.rpartition("Source: ")[2], f"{lacking} a line 'Source: authors, year, arXiv:…'"


@entries_of(*SCIENTIFIC)
def test_its_record_cites_the_paper(entry):
    assert "arXiv:" in (entry.component.paper or ""), (
        f'the record of {entry.kind} {entry.name} needs paper="Authors, year, arXiv:…", '
        'or paper="after Authors, year, arXiv:…" where it is derived from what they published'
    )


@entries_of(*SCIENTIFIC)
def test_suggestions_are_valid_configuration(entry):
    suggests = dict(entry.component.suggests)
    config = validate(merge([ConfigLayer(origin=entry.name, values=suggests)]))
    assert set(config.regularizers) == {path.split(".")[1] for path in suggests if path.startswith("regularizers.")}
    for name, options in config.regularizers.items():
        REGISTRY.options("regularizer", name)(**options)
