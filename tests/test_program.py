"""Commands that people are told to type begin as the program was started."""

import subprocess
import sys

import pytest
import typer

from ganzoo import program
from ganzoo.cli import app

LINE = [sys.executable, "-m", "ganzoo"]


def test_the_table_of_commands_says_what_their_help_says():
    """It is written twice, so that the help of all loads none of them."""
    for name, command in typer.main.get_command(app).commands.items():
        assert command.name == name
        assert command.help.split("\n\n")[0] == program.COMMANDS[name]


@pytest.mark.parametrize("line", ["--version", "--help"])
def test_what_needs_no_component_loads_no_machinery(line):
    """In a process of its own, since here all of it is loaded."""
    code = (
        "import sys; from ganzoo.cli import main\n"
        f"sys.argv[1:] = [{line!r}]\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'pydantic', 'yaml', 'pluggy', 'numpy', 'ganzoo.registry', 'ganzoo.config.schema'}\n"
        "sys.exit(', '.join(heavy & sys.modules.keys()) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


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


@pytest.mark.parametrize(
    ("local", "world", "launcher", "started"),
    [
        ("2", "2", "none", "torchrun --nproc-per-node 2 -m ganzoo"),
        ("1", "1", "none", "ganzoo"),
        ("2", "4", "none", "ganzoo"),  # several machines: nobody knows here how theirs were started
        ("2", "2", None, "ganzoo"),
    ],
)
def test_torchrun_trains_on_with_as_many_processes(monkeypatch, local, world, launcher, started):
    monkeypatch.setattr(program, "name", lambda: "ganzoo")
    for name, value in {"LOCAL_WORLD_SIZE": local, "WORLD_SIZE": world, "TORCHELASTIC_RUN_ID": launcher}.items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    assert program.as_started("next: ganzoo resume 7; ganzoo run") == f"next: {started} resume 7; ganzoo run"
    for text in ("ganzoo runs, ganzoo list", "for ganzoo run and ganzoo resume", "ganzoo resume --help"):
        assert program.as_started(text) == text


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
