"""How a command ends when something goes wrong: a message without traceback, and the exit code of the error."""

from __future__ import annotations

import functools
import sys
import traceback
from collections.abc import Callable
from typing import ParamSpec

import typer

from ganzoo.cli import context
from ganzoo.errors import GanzooError, Interrupted
from ganzoo.program import as_started
from ganzoo.screen import Screen, Text, say

P = ParamSpec("P")


def guarded(command: Callable[P, None]) -> Callable[P, None]:
    """The command, its errors turned into messages on stderr and exit codes."""

    @functools.wraps(command)
    def call(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
            sys.stdout.flush()
        except GanzooError as error:
            raise typer.Exit(report(error)) from None
        except KeyboardInterrupt:
            _print(Text("interrupted; nothing was being trained", style="bold yellow"))
            raise typer.Exit(130) from None
        except (typer.Exit, BrokenPipeError):  # Typer ends quietly where the reader of a pipe has gone
            raise
        except Exception as error:
            raise typer.Exit(_report_bug(error)) from None

    return call


def report(error: GanzooError) -> int:
    """Print the error; returns its exit code."""
    stopped = isinstance(error, Interrupted)
    head, _, rest = as_started(str(error)).partition("\n")
    _print(Text.assemble(("" if stopped else "error: ", "bold red"), (head, "bold"), f"\n{rest}" if rest else ""))
    if context.settings().debug:
        say("".join(traceback.format_exception(error)), err=True)
    return 128 + error.signal_number if isinstance(error, Interrupted) else error.exit_code


def _report_bug(error: Exception) -> int:
    _print(Text.assemble(("bug: ", "bold red"), f"{type(error).__name__}: {error}"))
    report = "run it again with ganzoo --debug …, and report what it prints"
    if suspects := _third_parties():
        checks = ", ".join(f"ganzoo check {name}" for name in suspects)
        report = f"{checks}, which took part; if nothing is found, {report}"
    _print(Text(as_started(f"  next:    {report}")))
    if context.settings().debug:
        say("".join(traceback.format_exception(error)), err=True)
    return 1


def _third_parties() -> list[str]:
    """Components of plugins whose own module was loaded, which happens when they are asked for."""
    from ganzoo.component import FILES

    try:
        known = context.registry()
    except GanzooError:
        return []
    always = {loaded.source.entry_point.module for loaded in known.entry_points}
    asked = sys.modules.keys() - always
    others = [entry for entry in known.entries() if not entry.first_party and entry.kind not in FILES]
    return [entry.qualified for entry in others if entry.component.target.partition(":")[0] in asked]


def _print(text: Text) -> None:
    Screen(stderr=True, soft_wrap=True).print(text)
