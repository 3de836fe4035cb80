"""Torch is imported without the collector, which is as before afterwards, and finds what becomes garbage then."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import pytest

import ganzoo.cli
from ganzoo.torch_import import load_torch

CLI = Path(ganzoo.cli.__file__).parent

SAYS = """
import gc, sys
{before}
from ganzoo.torch_import import load_torch
try:
    load_torch()
except ImportError:
    print("missing")
print("torch" in sys.modules, gc.isenabled(), gc.get_freeze_count() > 100_000, gc.get_stats()[2]["collections"] < 3)
"""


def says(before="pass"):
    done = subprocess.run([sys.executable, "-c", SAYS.format(before=before)], capture_output=True, text=True)
    assert done.stderr == ""
    return done.stdout.split()


def test_nothing_is_collected_while_torch_is_imported():
    assert says() == ["True", "True", "True", "True"]


def test_a_collector_that_was_off_stays_off():
    assert says("gc.disable()") == ["True", "False", "True", "True"]


def test_the_collector_is_on_again_where_there_is_no_torch():
    without = "import importlib.abc\nclass No(importlib.abc.MetaPathFinder):\n    def find_spec(self, name, *_):\n"
    without += "        if name == 'torch': raise ImportError(name)\nsys.meta_path.insert(0, No())"
    assert says(without) == ["missing", "False", "True", "False", "True"]


def test_where_torch_is_there_garbage_does_not_become_eternal():
    frozen = gc.get_freeze_count()
    load_torch()
    assert gc.get_freeze_count() == frozen
    assert gc.isenabled()


@pytest.mark.parametrize("path", [path for path in CLI.glob("*.py") if "    get_ready()" in path.read_text("utf-8")])
def test_all_that_get_ready_import_it_so(path):
    text = path.read_text("utf-8")
    assert text.count("    load_torch()\n") == text.count("    get_ready()\n") == 1
    assert text.index("    get_ready()\n") < text.index("    load_torch()\n")


@pytest.mark.parametrize("command", ["run --dry-run --loss hinge", "data digits --no-sheet"])
def test_commands_import_it_so(tmp_path, command):
    code = f"import gc, sys; sys.argv = ['ganzoo', *{command.split()}]\nfrom ganzoo.cli import main\n"
    code += "try:\n    main()\nfinally:\n    print(gc.get_freeze_count() > 100_000, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.stderr.splitlines()[-1] == "True"
