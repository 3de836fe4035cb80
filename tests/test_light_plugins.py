"""Fifty light plugins: help imports none of them, a list imports all, and nothing imports torch.

One process answers all questions, in this order: what it has imported for one it needed for that one or one before.
"""

import json
import os
import re
import subprocess
import sys

import pytest
import torch
from examples.example_scripts import load

from ganzoo.registry import Registry

HEAVY = ("torch", "numpy", "PIL", "safetensors")
SILENT = ("--version", "--help", "run --help", "list --help", "resume --help")
LISTING = ("list", "list losses --json")

ASK = f"""
import contextlib, io, json, re, shlex, sys
from ganzoo.cli import app
from ganzoo.cli.dotted_flags import written_out

answers = {{}}
for question in {[*SILENT, *LISTING]!r}:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        try:
            app(args=written_out(shlex.split(question)))
            code = 0
        except SystemExit as ending:
            code = ending.code
    light = sorted(name for name in sys.modules if re.match("light_", name))
    answers[question] = {{
        "code": code,
        "printed": printed.getvalue(),
        "light": light,
        "heavy": [name for name in {HEAVY!r} if name in sys.modules],
    }}
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("light")


@pytest.fixture(scope="module")
def names(folder):
    return load("benchmarks/startup.py").install(folder, 50)


@pytest.fixture(scope="module")
def answers(folder, names, tmp_path_factory):
    ended = subprocess.run(
        [sys.executable, "-c", ASK],
        env={name: value for name, value in os.environ.items() if not name.startswith("GANZOO_")}
        | {"PYTHONPATH": str(folder)},
        cwd=tmp_path_factory.mktemp("empty"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stderr == ""
    return json.loads(ended.stdout)


@pytest.mark.parametrize("question", [*SILENT, *LISTING])
def test_every_question_is_answered_without_what_is_heavy(answers, question):
    assert (answers[question]["code"], answers[question]["heavy"]) == (0, [])
    assert answers[question]["printed"]


@pytest.mark.parametrize("question", SILENT)
def test_help_imports_no_plugin(answers, question):
    assert answers[question]["light"] == []


def test_a_list_imports_what_announces_the_plugins_and_no_more(answers, names):
    assert answers[LISTING[0]]["light"] == [name.replace("-", "_") for name in names]
    assert answers[LISTING[-1]]["light"] == answers[LISTING[0]]["light"]


@pytest.mark.parametrize("question", ["list", "list losses", "list --json"])
def test_a_list_for_another_program_loads_neither_pydantic_nor_rich(folder, question):
    """In a process of its own, which has answered nothing else."""
    ask = f"""
import sys
from ganzoo.cli import app
try:
    app(args={question.split()!r})
except SystemExit:
    pass
print([name for name in ("pydantic", "rich", "yaml") if name in sys.modules], file=sys.stderr)
"""
    environ = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "TTY_COMPATIBLE")}
    ended = subprocess.run(
        [sys.executable, "-c", ask],
        env=environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stderr == "[]\n"
    assert "hinge" in ended.stdout


def test_every_plugin_is_in_the_list(answers, names):
    assert len(names) == 50
    assert re.findall(r"^  (light-\d+) +a light loss", answers["list"]["printed"], re.MULTILINE) == names
    rows = {row["name"]: row for row in json.loads(answers["list losses --json"]["printed"])}
    assert {(rows[name]["distribution"], rows[name]["status"]) for name in names} == {(name, "ok") for name in names}
    assert "hinge" in rows


def test_every_plugin_provides_a_loss_that_can_be_computed(folder, names, monkeypatch):
    """So what is measured is plugins that work."""
    monkeypatch.syspath_prepend(folder)
    registry = Registry.load()
    assert [str(problem) for problem in registry.problems] == []
    for name in names:
        loss = registry.options("loss", name)()
        assert loss.discriminator_loss(real=torch.tensor([2.0]), fake=torch.tensor([5.0])).item() == 3.0
        assert loss.generator_loss(fake=torch.tensor([5.0])).item() == -5.0
