"""The commands of the command line, each loaded when it is asked for: what one does not use costs no time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand

from ganzoo.cli.failure import guarded
from ganzoo.cli.usage import Command, Group
from ganzoo.program import COMMANDS

MODULES = {"list": "listing"}
"""Command → its module, where that is called otherwise: a submodule ``list`` would hide the built-in in its package."""


class Commands(Mapping[str, Any]):
    """Name → command."""

    def __getitem__(self, name: str) -> Any:
        if name not in COMMANDS:
            raise KeyError(name)
        return _loaded(name)

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class LoadingGroup(Group):
    """All commands. Its help lists them without loading one."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = Commands()  # type: ignore[assignment]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Its help, in which a command is a name and a sentence."""
        self.commands = {name: TyperCommand(name, help=sentence) for name, sentence in COMMANDS.items()}
        try:
            super().format_help(ctx, formatter)
        finally:
            self.commands = Commands()  # type: ignore[assignment]


@cache
def _loaded(name: str) -> Any:
    word = name.replace("-", "_")
    module = import_module(f"ganzoo.cli.{MODULES.get(name, word)}")
    app = getattr(module, f"{word}_app", None)
    if app is None:
        app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        function = getattr(module, f"{word}_command")
        app.command(name, epilog=module.EXAMPLES, cls=Command)(guarded(function))
    command = typer.main.get_command(app)
    command.name = name
    return command
