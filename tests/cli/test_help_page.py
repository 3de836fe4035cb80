"""The help is what typer draws: its own drawing is the oracle, for every command, at several widths, with colors."""

from importlib.metadata import version

import pytest
import typer
from rich.text import Text

from ganzoo.cli import app
from ganzoo.cli.help_page import print_help
from ganzoo.program import COMMANDS

PLOTS = ["plot losses", "plot run"]

pytestmark = pytest.mark.skipif(not version("typer").startswith("0.29."), reason="other versions may look otherwise")


def command_of(words):
    """A command and its context, with the texts that its help shows."""
    command = typer.main.get_command(app)
    context = command.make_context("ganzoo", [], resilient_parsing=True)
    for word in words.split():
        command = command.commands[word]
        context = command.make_context(word, [], parent=context, resilient_parsing=True)
    return command, context


def seen(printed):
    """Each character with its style, however many escapes that took."""
    text = Text.from_ansi(printed)
    styles = [text.style] * len(text)
    for span in text.spans:
        styles[span.start : span.end] = [span.style] * (span.end - span.start)
    return list(zip(text.plain, map(str, styles), strict=True))


@pytest.mark.parametrize("command", ["", *COMMANDS, *PLOTS])
@pytest.mark.parametrize("colors", [True, False])
def test_it_is_what_typer_draws(command, colors, capsys, monkeypatch):
    from typer import rich_utils

    monkeypatch.setattr(rich_utils, "FORCE_TERMINAL", colors or None)
    monkeypatch.setenv("FORCE_COLOR", "1") if colors else monkeypatch.delenv("FORCE_COLOR", raising=False)
    for name in ("GITHUB_ACTIONS", "PY_COLORS", "TERMINAL_WIDTH", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for width in (30, 100):
        monkeypatch.setenv("COLUMNS", str(width))
        shown, context = command_of(command)
        print_help(shown, context)
        ours = capsys.readouterr().out
        rich_utils.rich_format_help(obj=shown, ctx=context, markup_mode="rich")
        assert seen(ours) == seen(capsys.readouterr().out)
        assert ("\x1b[" in ours) == colors


def test_the_variables_of_typer_are_obeyed(ganzoo, monkeypatch):
    monkeypatch.setenv("TERMINAL_WIDTH", "60")
    assert {len(line) for line in ganzoo("list --help").out.splitlines() if line.startswith("╭")} == {60}
