"""How a command ends when something goes wrong: a message without traceback, and the exit code of the error."""

from __future__ import annotations

import errno
import functools
import os
import sys
import traceback
from collections.abc import Callable
from typing import ParamSpec

import typer

from ganzoo import launch
from ganzoo.cli import context
from ganzoo.errors import ConfigError, GanzooError, Interrupted
from ganzoo.files import LONGEST_NAME
from ganzoo.lines import say
from ganzoo.program import as_started

P = ParamSpec("P")
TOGETHER = ("run_command", "resume_command")
"""What several processes do together."""


def guarded(command: Callable[P, None]) -> Callable[P, None]:
    """The command, its errors turned into messages on stderr and exit codes."""

    @functools.wraps(command)
    def call(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            _demand_one_process(command.__name__)
            command(*args, **kwargs)
            sys.stdout.flush()
        except GanzooError as error:
            code = report(error)
            launch.leave()
            raise typer.Exit(code) from None
        except KeyboardInterrupt as error:
            _print((as_started(str(error) or "interrupted; nothing was being trained"), "bold yellow"))
            raise typer.Exit(130) from None
        except (typer.Exit, BrokenPipeError):  # Typer ends quietly where the reader of a pipe has gone
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
                raise typer.Exit(report(_too_long(error))) from None
            code = _report_bug(error) if launch.tells_of_error() else 1
            launch.leave()
            raise typer.Exit(code) from None

    return call


def _too_long(error: OSError) -> ConfigError:
    """A path that was given, or a name of ganzoo's own beside one."""
    return ConfigError(
        "a file or folder cannot have so long a name",
        given=f"{os.fsdecode(error.filename)[:60]}…" if isinstance(error.filename, str | bytes) else None,
        allowed=f"names of at most {LONGEST_NAME} bytes, and some less where others are written beside them",
        hint="choose a shorter name",
    )


def _demand_one_process(command: str) -> None:
    """Only what trains is done by several processes together: all others would do the same several times."""
    size = launch.launched()[1]
    if size > 1 and command not in TOGETHER:
        raise ConfigError(
            f"ganzoo {command.removesuffix('_command').replace('_', '-')} is for one process, and {size} were started",
            given=f"WORLD_SIZE={size}",
            allowed="several processes for ganzoo run and ganzoo resume",
            hint="start it without torchrun",
        )


def report(error: GanzooError) -> int:
    """Print the error, unless another process does; returns its exit code."""
    stopped = isinstance(error, Interrupted)
    code = 128 + error.signal_number if isinstance(error, Interrupted) else error.exit_code
    if not launch.tells_of_error():
        return code
    head, _, rest = as_started(str(error)).partition("\n")
    _print(("" if stopped else "error: ", "bold red"), (head, "bold"), f"\n{rest}" if rest else "")
    if context.settings().debug:
        say("".join(traceback.format_exception(error)), err=True)
    return code


def _report_bug(error: Exception) -> int:
    _print(("bug: ", "bold red"), f"{type(error).__name__}: {error}")
    report = "run it again with ganzoo --debug …, and report what it prints"
    if suspects := _third_parties():
        checks = ", ".join(f"ganzoo check {name}" for name in suspects)
        report = f"{checks}, which took part; if nothing is found, {report}"
    _print(as_started(f"  next:    {report}"))
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


def _print(*parts: str | tuple[str, str]) -> None:
    """Words, each with its style if it has one."""
    from ganzoo.screen import Screen, Text  # here, since most commands do not fail

    Screen(stderr=True, soft_wrap=True, anyhow=True).print(Text.assemble(*parts))
