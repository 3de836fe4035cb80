"""How a command ends when something goes wrong."""

import os
import re
import subprocess
import sys
from typing import Annotated

import pytest
import typer
from broken_plugins.install import PluginFolder
from typer.testing import CliRunner

from ganzoo import errors
from ganzoo.cli import context
from ganzoo.cli.failure import guarded, report

PARTS = {"given": "a", "allowed": "b", "hint": "c"}


def ending(command, *arguments):
    app = typer.Typer()
    app.command()(guarded(command))
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "80", "TERM": "dumb"})


def raising(error):
    def command():
        raise error

    return command


CODES = {
    errors.GanzooError: 1,
    errors.ConfigError: 2,
    errors.UnknownNameError: 2,
    errors.DataError: 3,
    errors.PluginError: 4,
    errors.DivergedError: 5,
    errors.ResourceError: 6,
    errors.ProcessLostError: 6,
    errors.CheckpointError: 7,
    errors.LockedError: 8,
}


class TestExitCodes:
    @pytest.mark.parametrize(("kind", "code"), CODES.items(), ids=lambda value: getattr(value, "__name__", None))
    def test_each_error_has_its_own(self, kind, code):
        result = ending(raising(kind("what", **PARTS)))
        assert result.exit_code == code
        assert result.stderr == "error: what\n  given:   a\n  allowed: b\n  next:    c\n"
        assert result.stdout == ""

    def test_no_error_is_left_out(self):
        kinds = {one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.GanzooError)}
        assert kinds - CODES.keys() == {errors.Interrupted}

    @pytest.mark.parametrize(("signal", "code"), [(2, 130), (15, 143)])
    def test_a_signal_after_saving(self, signal, code):
        result = ending(raising(errors.Interrupted("stopped at step 3", signal_number=signal, hint="ganzoo resume")))
        assert result.exit_code == code
        assert result.stderr == "stopped at step 3\n  next:    ganzoo resume\n"

    def test_control_c_before_training(self):
        result = ending(raising(KeyboardInterrupt()))
        assert result.exit_code == 130
        assert result.stderr == "interrupted; nothing was being trained\n"

    def test_whoever_interrupts_twice_is_told_how_to_go_on(self):
        result = ending(raising(KeyboardInterrupt("interrupted at once; go on with: ganzoo resume 7")))
        assert result.exit_code == 130
        assert result.stderr == "interrupted at once; go on with: ganzoo resume 7\n"

    def test_a_name_that_is_too_long_is_no_bug(self, tmp_path):
        result = ending(lambda: (tmp_path / ("o" * 300)).mkdir())
        assert result.exit_code == 2
        assert "names of at most 255 bytes" in result.stderr
        assert "bug" not in result.stderr

    def test_a_bug(self):
        result = ending(raising(ZeroDivisionError("oh [bold]")))
        assert result.exit_code == 1
        assert result.stderr.startswith(
            "bug: ZeroDivisionError: oh [bold]\n  next:    run it again with ganzoo --debug"
        )
        assert "Traceback" not in result.stderr

    def test_typer_ends_as_it_likes(self):
        assert ending(raising(typer.Exit(9))).exit_code == 9

    def test_all_is_well(self):
        result = ending(lambda: print("done"))
        assert (result.exit_code, result.stdout, result.stderr) == (0, "done\n", "")


class TestMessages:
    def test_arguments_pass_through(self):
        def command(name: Annotated[str, typer.Argument()], twice: Annotated[bool, typer.Option("--twice")] = False):
            print(name * (1 + twice))

        assert ending(command, "ab", "--twice").stdout == "abab\n"

    def test_what_looks_like_markup_is_text(self):
        error = errors.ConfigError("[red]:smile:[/red]", given="[0, 1]")
        assert ending(raising(error)).stderr == "error: [red]:smile:[/red]\n  given:   [0, 1]\n"

    def test_long_lines_are_not_broken(self):
        assert ending(raising(errors.ConfigError("word " * 60 + "end"))).stderr == "error: " + "word " * 60 + "end\n"

    @pytest.mark.parametrize("error", [errors.ConfigError("what"), ZeroDivisionError("what")])
    def test_debug_shows_the_traceback(self, error):
        context.configure(debug=True)
        try:
            result = ending(raising(error))
        finally:
            context.configure()
        assert re.search(r"Traceback \(most recent call last\):(.|\n)*in command\n", result.stderr)

    def test_report_returns_the_code(self, capsys):
        assert report(errors.DataError("what")) == 3
        assert capsys.readouterr().err == "error: what\n"


def test_debug_on_the_command_line(ganzoo):
    assert "Traceback" not in ganzoo("run --set a.b=1").err
    outcome = ganzoo("--debug run --set a.b=1")
    assert outcome.code == 2
    assert "Traceback (most recent call last):" in outcome.err


@pytest.mark.parametrize("arguments", [["list"], ["list", "--json"], ["info", "hinge", "--json"]])
def test_a_reader_who_has_gone(arguments):
    """The pipe has no reader from the start, so the write must fail."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "ganzoo", *arguments], stdout=writer, stderr=subprocess.PIPE, text=True, check=False
        )
    finally:
        os.close(writer)
    assert ended.stderr == ""
    assert ended.returncode == 1


RECORD = """
from ganzoo.component import Component
from ganzoo.hookspecs import hookimpl

GANZOO_API = 1

@hookimpl
def ganzoo_components():
    targets = {"number": "numbers_loss:Number", "other": "numbers_other:Other"}
    return [Component(kind="loss", name=name, target=target, summary=name) for name, target in targets.items()]
"""
LOSS = """
from ganzoo.component import Options

class Number(Options):
    "A loss that gives numbers where tensors are wanted."

    def discriminator_loss(self, *, real, fake):
        return (fake.mean() - real.mean()).item()

    def generator_loss(self, *, fake):
        return -fake.mean()
"""


def test_a_bug_in_which_a_plugin_took_part_may_be_the_plugins(tmp_path):
    """In a process of its own, since only there what is loaded is what was asked for."""
    folder = PluginFolder(tmp_path)
    for name, text in (("records", RECORD), ("loss", LOSS), ("other", LOSS.replace("Number", "Other"))):
        (tmp_path / f"numbers_{name}.py").write_text(text)
    folder.announce("numbers", {"main": "numbers_records"})
    line = "run --data synthetic --image-size 8 --batch-size 4 --steps 2 --disc.ndf 2 --gen.ngf 2 --loss number"
    done = subprocess.run(
        [sys.executable, "-m", "ganzoo", *line.split()],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 4
    assert "ganzoo check numbers/number; go on with:" in done.stderr
