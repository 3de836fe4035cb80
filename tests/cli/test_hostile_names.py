"""Every command, with names from strangers that would command a terminal or a browser, were they obeyed."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import numpy as np
import pytest
from broken_plugins.install import PluginFolder
from PIL import Image

import ganzoo as library
from ganzoo.cli.log_console import log_console
from ganzoo.errors import ConfigError
from ganzoo.foreign import visible
from ganzoo.screen import Screen, Text, say_path

RED, BELL, BOLD, LINK, SCRIPT = "\x1b[31mred", "bell\x07", "[bold]b[", "[link=file:]l", "<script>alert(1)<b>"
NAMES = (RED, BELL, BOLD, LINK, SCRIPT, "\u202etxt.exe", "$\\foo$ {x} :smile: 100%s")
OBEYED = ("\x1b", "\x07", "\x9b", "\u202e", "\r", "\udcff")
SMALL = "--image-size 8 --batch-size 4 --disc acgan --disc.ndf 2 --gen.ngf 2 --gen.latent 3 --device cpu"
PLUGIN = f'''
from ganzoo.component import Component, Options
from ganzoo.hookspecs import hookimpl

GANZOO_API = 1
BAD = {"".join(NAMES[:4])!r}


@hookimpl
def ganzoo_components():
    return [Component(kind="loss", name="hostile", target=f"{{__name__}}:Hostile", summary=BAD)]


class Hostile(Options):
    """A loss whose docstring is hostile, too."""

    margin: float = 1.0

    def build(self, spec):
        raise ValueError(BAD)


Hostile.__doc__ = f"A loss. {{BAD}}\\n\\n{{BAD}}"
'''


def harmless(outcome, *, code=0, bug=False):
    """The outcome, none of whose words would be obeyed, or taken for an error of ganzoo's own."""
    assert outcome.code == code, outcome.err
    for words in (outcome.out, outcome.err):
        assert not [sign for sign in OBEYED if sign in words], ascii(words)
        assert bug or "bug:" not in words
    return outcome


@pytest.fixture
def pictures(tmp_path):
    for number, name in enumerate(NAMES):
        folder = tmp_path / "strange" / name
        folder.mkdir(parents=True)
        for each in range(2):
            noise = np.random.default_rng((number, each)).integers(0, 256, (8, 8), dtype=np.uint8)
            Image.fromarray(noise).save(folder / f"{each}{RED}.png")
    (tmp_path / "strange" / RED / f"broken{BELL}.png").write_bytes(b"no picture")
    return tmp_path / "strange"


def test_whoever_trains_on_a_strangers_folder(ganzoo, pictures, tmp_path):
    shown = harmless(ganzoo("data strange --data.on_error skip"))
    assert "\\x1b[31mred" in shown.out
    assert BOLD in shown.out
    harmless(ganzoo("data strange --json --data.on_error skip"))
    harmless(ganzoo("data strange"), code=3)
    train = f"run --data strange --data.on_error skip {SMALL}"
    harmless(ganzoo(f"{train} --dry-run --full"))
    place = "runs/a[/b]"
    assert harmless(ganzoo(f"{train} --steps 1 --out '{place}'")).out.startswith(f"{place}/0001-")
    run = next((tmp_path / place).glob("0001-*"))
    harmless(ganzoo(f"resume --steps 2 --runs '{place}'"))
    assert not [sign for sign in OBEYED if sign in (run / "log.txt").read_text(encoding="utf-8")]
    harmless(ganzoo(f"runs --runs '{place}'"))
    harmless(ganzoo("sample", str(run), "-n", "2", "--grid", "grid.png"))
    harmless(ganzoo("sample", str(run), "-n", "2", "--class", RED, "--out", "sampled"))
    harmless(ganzoo("sample", str(run), "-n", "2", "--class", "\x1b[2J", "--out", "other"), code=2)
    harmless(ganzoo("walk", str(run), "-n", "1", "--frames", "8", "--out", "walk.gif"))
    harmless(ganzoo("evaluate", str(run), "-n", "4", "--metric", "sliced-wasserstein"))
    harmless(ganzoo("plot", "run", str(run), "--out", "curves.png"))
    renamed = run.rename(run.with_name("0001-$\\foo$ \x1b[31m<b>"))
    harmless(ganzoo("plot", "run", str(renamed), "--out", "renamed.png"))
    harmless(ganzoo("report", str(renamed), "--out", "page.html"))
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert not [sign for sign in OBEYED if sign in page]
    assert "<script>alert" not in page
    assert "\\x1b[31m&lt;b&gt;" in page
    harmless(ganzoo(f"runs --runs '{place}'"))


def test_words_on_the_command_line_and_in_files(ganzoo, tmp_path):
    bad = "".join(NAMES[:4])
    for line in (["info"], ["list"], ["check"], ["resume"], ["report"], ["run", "--config"], ["run", "--data"]):
        harmless(ganzoo(line[0], *line[1:], bad), code=2)
    harmless(ganzoo("run", "--set", f"loss.{bad}=1"), code=2)
    harmless(ganzoo("run", "--loss", bad), code=2)
    harmless(ganzoo(bad), code=2)
    harmless(ganzoo("run", f"--{RED}"), code=2)
    harmless(ganzoo("new-plugin", bad), code=2)
    harmless(ganzoo("compare", "--loss", bad), code=2)
    harmless(ganzoo("matrix", "--loss", bad), code=2)
    (tmp_path / "bad.yaml").write_text('loss: {name: hinge, "\\e[31mkey[/b]": 1}\n"[/b]": 2\n', encoding="utf-8")
    harmless(ganzoo("run --config bad.yaml"), code=2)
    (tmp_path / "table.csv").write_text(f"image,label\n{RED}.png,{BELL}\n[/b].png,x\n", encoding="utf-8")
    harmless(ganzoo("data table.csv"), code=3)


def test_what_plugins_say(ganzoo, tmp_path, monkeypatch):
    folder = PluginFolder(tmp_path / "site-packages")
    (folder.path / "hostile.py").write_text(PLUGIN, encoding="utf-8")
    folder.announce("hostile", {"main": "hostile"})
    (folder.path / "raising.py").write_text(f"raise ImportError({''.join(NAMES)!r})", encoding="utf-8")
    folder.announce("raising", {"main": "raising"})
    monkeypatch.syspath_prepend(folder.path)
    try:
        for line in ("list losses", "list losses --json", "info hostile", "plugins", "--debug plugins"):
            harmless(ganzoo(line))
        harmless(ganzoo("matrix --loss hostile --disc mlp"))
        harmless(ganzoo("matrix --loss hostile --disc mlp --html"))
        harmless(ganzoo(f"run --loss hostile --data synthetic {SMALL}"), code=1, bug=True)
    finally:
        for name in ("hostile", "raising"):
            sys.modules.pop(name, None)


def test_an_error_shows_what_it_quotes():
    error = ConfigError(f"there is no {RED}", given=BELL, allowed="a\nb", hint="\x9b2J")
    assert str(error) == "there is no \\x1b[31mred\n  given:   bell\\x07\n  allowed: a\nb\n  next:    \\x9b2J"


def test_visible_text_stays_and_is_never_written_out_twice():
    assert visible("Ünïcode 👩‍👩‍👧 λ\tα\n") == "Ünïcode 👩‍👩‍👧 λ\tα\n"
    for name in (*NAMES, "\udcff.png", "\x85\x7f\u2028"):
        assert visible(visible(name)) == visible(name)
        assert not [sign for sign in visible(name) if sign not in "\n\t" and not sign.isprintable()]


def test_a_screen_shows_strings_texts_and_paths_alike(capsys):
    screen = Screen()
    for shown in (RED, Text(RED), Text.assemble((RED, "bold"), "[/b]"), Path(RED)):
        screen.print(shown, soft_wrap=True)
    assert capsys.readouterr().out == "\\x1b[31mred\n" * 2 + "\\x1b[31mred[/b]\n" + "\\x1b[31mred\n"
    log_console(quiet=False)
    library.runs.session.logger.info("[/b] %s", RED)
    assert "[/b] \\x1b[31mred" in " ".join(capsys.readouterr().err.split())


def test_a_path_is_shown_on_a_terminal_and_handed_to_a_script_as_it_is(capfdbinary, monkeypatch):
    path = f"{RED}\udcff"
    say_path(path)
    assert capfdbinary.readouterr().out == b"\x1b[31mred\xff\n"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    say_path(path)
    assert capfdbinary.readouterr().out == b"\\x1b[31mred\\xff\n"


def test_there_is_no_other_way_to_a_terminal():
    """What prints past ``ganzoo.screen`` and ``ganzoo.lines`` would obey.

    Children of the doctor and of bench write JSON to their parents.
    """
    package = Path(library.__file__).parent
    found = []
    for path in sorted(package.rglob("*.py")):
        if path.relative_to(package).as_posix() in (
            "screen.py",
            "lines.py",
            "doctor/child.py",
            "benchmarking/fresh.py",
        ):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            calls = isinstance(node, ast.Call) and ast.unparse(node.func) in ("print", "typer.echo", "typer.secho")
            imports = isinstance(node, ast.ImportFrom) and node.module in ("rich.console", "rich.text", "rich")
            names = {alias.name for alias in node.names} if imports else set()
            if calls or names & {"Console", "Text", "print"}:
                found.append(f"{path.relative_to(package)}:{node.lineno}")
    assert not found


def test_a_name_of_several_lines_stays_on_its_own(ganzoo, tmp_path):
    """What its second line says would stand there as if ganzoo had said it."""
    for number in range(3):
        Image.new("L", (16, 16), number).save(tmp_path / f"{number}.png")
    (tmp_path / "x\nerror: all is lost.png").write_bytes(b"broken")
    shown = ganzoo(f"data {tmp_path} --set data.on_error=skip")
    assert r"x\nerror: all is lost.png: not a picture" in shown.out
    assert not any(line.strip().startswith("error: all") for line in (shown.out + shown.err).splitlines())
