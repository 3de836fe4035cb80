"""Commands that people are told to type begin as the program was started."""

import subprocess
import sys

import pytest

from ganzoo import program
from ganzoo.cli import app

LINE = [sys.executable, "-m", "ganzoo"]


def test_every_command_of_the_command_line_is_known():
    names = {one.name for one in (*app.registered_commands, *app.registered_groups)}
    assert set(program.COMMANDS) == names


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ganzoo list losses", "python -m ganzoo list losses"),
        (
            "use: ganzoo run --out DIR; or ganzoo --debug …",
            "use: python -m ganzoo run --out DIR; or python -m ganzoo --debug …",
        ),
        ("ganzoo --no-plugins doctor", "python -m ganzoo --no-plugins doctor"),
        ("python -m ganzoo run", "python -m ganzoo run"),
        ("ganzoo new-plugin ganzoo-list run", "python -m ganzoo new-plugin ganzoo-list run"),
        ("/home/ganzoo run", "/home/ganzoo run"),
        ("which needs a newer ganzoo", "which needs a newer ganzoo"),
        ("pip install ganzoo==1.0", "pip install ganzoo==1.0"),
        ("ganzoo listens, ganzoo finds", "ganzoo listens, ganzoo finds"),
    ],
)
def test_only_commands_are_rewritten(monkeypatch, text, expected):
    monkeypatch.setattr(program, "name", lambda: "python -m ganzoo")
    assert program.as_started(text) == expected


def test_elsewhere_it_is_ganzoo():
    assert program.name() == "ganzoo"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["info", "nope"], "  next:    python -m ganzoo list\n"),
        (["run", "--loss"], "  next:    python -m ganzoo list losses\n"),
        (["run", "--steps", "x"], "  next:    python -m ganzoo run --help\n"),
        (["run", "--help"], "python -m ganzoo run --loss hinge --disc patchgan-sn"),
        (["--help"], "First steps: python -m ganzoo run --loss hinge --disc patchgan-sn"),
    ],
)
def test_started_as_a_module_it_names_itself_so(arguments, expected):
    done = subprocess.run([*LINE, *arguments], capture_output=True, text=True, check=False)
    assert expected in done.stdout + done.stderr
    assert "-m python" not in done.stdout + done.stderr
