"""What first-party components keep to beyond the conformance kit: they load at once, and state formula and source."""

from __future__ import annotations

import subprocess
import sys
from inspect import getdoc

from registered import ENTRIES, REGISTRY, SCIENTIFIC, entries_of

from ganzoo.config.layers import ConfigLayer, merge, validate


def test_every_plugin_loads():
    assert [str(problem) for problem in REGISTRY.problems if problem.distribution == "ganzoo"] == []


def test_announcing_components_takes_no_torch():
    modules = sorted({entry.component.target.split(":")[0].split(".")[0] for entry in ENTRIES})
    code = f"""
import importlib, sys
for module in {modules!r}:
    assert list(importlib.import_module(module).ganzoo_components()), module
print("torch" in sys.modules)
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (answer.stdout.strip(), answer.stderr) == ("False", "")


@entries_of(*SCIENTIFIC)
def test_documentation_has_formula_and_source(entry):
    text = getdoc(entry.options())
    first, _, rest = text.partition("\n")
    assert first.endswith(".")
    assert "\nFormula:\n    " in rest
    assert "arXiv:" in rest.rpartition("Source: ")[2]
    assert "arXiv:" in entry.component.paper


@entries_of(*SCIENTIFIC)
def test_suggestions_are_valid_configuration(entry):
    suggests = dict(entry.component.suggests)
    config = validate(merge([ConfigLayer(origin=entry.name, values=suggests)]))
    assert set(config.regularizers) == {path.split(".")[1] for path in suggests if path.startswith("regularizers.")}
    for name, options in config.regularizers.items():
        REGISTRY.options("regularizer", name)(**options)
