"""The help of a command as typer draws it, with no more of Rich than that takes.

typer's own drawing loads Rich's Markdown, its colors for source code and its tracebacks with it, which takes as long as
all else that ``ganzoo --help`` needs. Every word here is ganzoo's own, so markup in it is meant.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterable, Iterator
from typing import Any

from rich.align import Align
from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.highlighter import RegexHighlighter
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.theme import Theme

from ganzoo.screen import Screen, Text

STYLES = {
    "option": "bold cyan",
    "switch": "bold green",
    "negative_option": "bold magenta",
    "negative_switch": "bold red",
    "types": "bold yellow",
    "types_sep": "dim",
    "usage": "yellow",
}
ARGUMENTS, OPTIONS, COMMANDS = "Arguments", "Options", "Commands"


class _Highlighter(RegexHighlighter):
    """Names of options, types in angle brackets, and the word that begins a usage."""

    highlights = (
        r"(?<![\w-])(?P<option>--\w[\w-]*)",
        r"(?<![\w-])(?P<switch>-\w+)(?![\w-])",
        r"(?P<types><[^<>]+>)",
        r"(?P<usage>Usage: )",
    )


class _NegativeHighlighter(RegexHighlighter):
    """Names that switch something off."""

    highlights = (r"(?P<negative_option>--\w[\w-]*)", r"(?<![\w-])(?P<negative_switch>-\w+)")


class _TypesHighlighter(RegexHighlighter):
    """What encloses and separates the choices of a type."""

    highlights = (r"(?P<types_sep>^[<\[]|\||[>\]](?=(\.{3})?$))",)


_highlighted, _negative, _types = _Highlighter(), _NegativeHighlighter(), _TypesHighlighter()


def print_help(command: Any, ctx: Any) -> None:
    """Print usage, description, a panel of each group of parameters and of the subcommands, and the examples."""
    console = _console()
    console.print(Padding(_highlighted(command.get_usage(ctx)), 1), style="bold")
    if command.help:
        console.print(Padding(Align(Group(*_description(command.help)), pad=False), (0, 1, 1, 1)))
    for title, params in _panels(command.get_params(ctx)).items():
        _print_panel(console, title, _parameters(params))
    if commands := list(getattr(command, "commands", {}).values()):
        _print_panel(console, COMMANDS, _commands(commands))
    if command.epilog:
        console.print(Padding(Align(_text(command.epilog), pad=False), 1))


def _console() -> Screen:
    """Standard output, with the variables that typer asks for: ``TERMINAL_WIDTH``, and those that force colors."""
    forced: bool | None = any(os.getenv(name) for name in ("GITHUB_ACTIONS", "FORCE_COLOR", "PY_COLORS")) or None
    if os.getenv("_TYPER_FORCE_DISABLE_TERMINAL"):
        forced = False
    width = os.getenv("TERMINAL_WIDTH")
    return Screen(theme=Theme(STYLES), force_terminal=forced, width=int(width) if width else None, anyhow=True)


def _text(said: str, style: str = "") -> RenderableType:
    return _highlighted(Text.from_markup(inspect.cleandoc(said), style=style))


def _description(said: str) -> Iterator[RenderableType]:
    """Its first paragraph, and the others dim."""
    first, _, others = said.partition("\n\n")
    yield _text(first.strip())
    if others:
        yield Text("")
        yield _text(others, style="dim")


def _panels(params: Iterable[Any]) -> dict[str, list[Any]]:
    """Title → its parameters; arguments come first, then the options that no panel is named for."""
    panels: dict[str, list[Any]] = {ARGUMENTS: [], OPTIONS: []}
    for param in params:
        if not param.hidden:
            usual = ARGUMENTS if param.param_type_name == "argument" else OPTIONS
            panels.setdefault(param.rich_help_panel or usual, []).append(param)
    return {title: members for title, members in panels.items() if members}


def _print_panel(console: Screen, title: str, table: Table) -> None:
    console.print(Panel(table, border_style="dim", title=title, title_align="left"))


def _table() -> Table:
    return Table(box=None, show_header=False, expand=True, padding=(0, 1), pad_edge=False)


def _parameters(params: list[Any]) -> Table:
    table = _table()
    some_required = any(param.required for param in params)
    for param in params:
        star = [Text("*", style="red") if param.required else ""] if some_required else []
        table.add_row(*star, *_names(param), _types(_type(param)), _about(param))
    return table


def _names(param: Any) -> tuple[RenderableType, ...]:
    """Its long names, its short ones, and the long ones that say no; an argument has its one among the short ones."""
    if param.param_type_name == "argument":
        return "", _highlighted(param.metavar), "", ""
    long = ",".join(name for name in param.opts if name.startswith("--"))
    short = ",".join(name for name in param.opts if not name.startswith("--"))
    return _highlighted(long), _highlighted(short), _negative(",".join(param.secondary_opts)), ""


def _type(param: Any) -> Text:
    shown = "" if param.param_type_name == "argument" else param.metavar or ""
    return Text(shown, style="bold yellow", overflow="fold")


def _about(param: Any) -> Columns:
    """What it is for, its default, and whether it must be given."""
    said = [_text(param.help)] if param.help else []
    if default := _default(param):
        said.append(Text(f"[default: {default}]", style="dim"))
    if param.required:
        said.append(Text("[required]", style="dim red"))
    return Columns(said)


def _default(param: Any) -> str:
    """In words; of a switch without an opposite, nothing."""
    if param.default is None or not param.show_default:
        return ""
    if param.secondary_opts:
        return str((param.opts if param.default else param.secondary_opts)[0]).lstrip("-")
    return "" if getattr(param, "is_flag", False) else str(param.default)


def _commands(commands: list[Any]) -> Table:
    """Their names, and of each the first paragraph of its help."""
    table = _table()
    table.add_column(style="bold cyan", no_wrap=True, width=max(len(command.name) for command in commands))
    table.add_column(ratio=10)
    for command in commands:
        table.add_row(Text(command.name), _text(inspect.cleandoc(command.help or "").partition("\n\n")[0].strip()))
    return table
