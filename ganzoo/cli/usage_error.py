"""A usage error in ganzoo's words: what was given, what is allowed, what to type next."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator
from typing import Any

from ganzoo.cli import context
from ganzoo.cli.dotted_flags import is_dotted
from ganzoo.cli.given import LISTED, needs_a_value, values_given
from ganzoo.cli.other_names import options_in, said_here
from ganzoo.config.schema import resumable
from ganzoo.did_you_mean import nearest
from ganzoo.errors import ConfigError, GanzooError

COMPARED = ("--loss", "--disc", "--gen")
"""Options of which ganzoo compare takes several values."""


def explained(error: Any, ctx: Any, given: list[str]) -> ConfigError:
    """The error for what Typer found wrong with the command line ``given``."""
    command, parameter = ctx.command_path, getattr(error, "param", None)
    hint = f"{command} --help"
    if hasattr(error, "possibilities"):
        return _unknown_option(error.option_name, ctx)
    if option := getattr(error, "option_name", None):
        return _value_or_none(option, "requires" in error.message, ctx)
    if parameter is not None:
        name = parameter.opts[0] if parameter.param_type_name == "option" else parameter.metavar
        if type(error).__name__ == "MissingParameter":
            return ConfigError(f"{command} needs {name}", allowed=_usage(ctx), hint=hint)
        values = [value for param, _, value in values_given(ctx.command.get_params(ctx), given) if param is parameter]
        value, (_, found, words) = values[-1] if values else None, error.message.partition(" is not one of ")
        if found:
            allowed = re.findall("'([^']+)'", words)
            return ConfigError(
                f"{name} has no such value", given=value, allowed=", ".join(allowed), hint=f"{name} {allowed[0]}"
            )
        return ConfigError(f"{name} {_reason(error.message)}", given=value, hint=hint)
    if "extra argument" in error.message:
        return _extra_argument(error.message.rpartition("(")[2].rstrip(")"), ctx, given)
    if error.message.startswith("Missing command"):
        return ConfigError(f"{command} needs a command", allowed=", ".join(ctx.command.commands), hint=hint)
    return ConfigError(error.format_message(), hint=hint)


def _usage(ctx: Any) -> str:
    """``ganzoo sample [OPTIONS] RUN``."""
    return " ".join([ctx.command_path, *ctx.command.collect_usage_pieces(ctx)])


def _reason(message: str) -> str:
    """``Input should be a valid integer, unable to parse …`` in shorter words."""
    if "valid integer" in message:
        return "must be a whole number"
    if "valid number" in message:
        return "must be a number"
    return message.replace("Input should be", "must be", 1)


def _value_or_none(option: str, needed: bool, ctx: Any) -> ConfigError:
    """An option without its value, or a switch with one."""
    if not needed:
        return ConfigError(
            f"{option} is a switch and takes no value", allowed=option, hint=f"{ctx.command_path} --help"
        )
    return needs_a_value(option, ctx)


def _unknown_option(option: str, ctx: Any) -> ConfigError:
    """The nearest option, or what goes by this name here."""
    command, names = ctx.command_path, list(_names_of(ctx.command, ctx))
    if is_dotted(option, ctx.info_name):
        hint = f"{command} {option} VALUE"
        return ConfigError(f"{option} needs a value", allowed=f"{option} VALUE, or {option}=VALUE", hint=hint)
    of_run = _option_of_run(option, ctx)
    said = of_run or said_here(option)
    if said and all(_taken(part, names, ctx.info_name) for part in options_in(said)):
        return ConfigError(f"{command} has no option {option}", given=option, hint=f"{command} {said}")
    if said and ctx.info_name == "resume":
        return ConfigError(
            f"{command} has no option {option}: a run keeps what it was started with",
            given=option,
            hint=f"start a new run with: ganzoo run --config RUN/config.yaml {said}",
        )
    words = {name.lstrip("-"): name for name in names}
    close = nearest(option.lstrip("-"), words)  # without dashes, in which all are alike
    guess = f"; did you mean {words[close]!r}?" if close and not of_run and len(option.lstrip("-")) > 2 else ""
    return ConfigError(f"{command} has no option {option}{guess}", given=option, hint=f"{command} --help")


def _names_of(command: Any, ctx: Any) -> Iterator[str]:
    for param in command.get_params(ctx):
        if not getattr(param, "hidden", False):
            yield from (name for name in (*param.opts, *param.secondary_opts) if name.startswith("-"))


def _option_of_run(option: str, ctx: Any) -> str | None:
    """The option and its value, if it is one of ``ganzoo run``."""
    run = getattr(ctx.find_root().command, "commands", {}).get("run")
    params = run.get_params(ctx) if run else ()
    return next((f"{option} {param.metavar}".rstrip() for param in params if option in param.opts), None)


def _taken(part: str, names: Iterable[str], command: str) -> bool:
    """Whether a command takes an option, or ``--set`` with a path of the configuration."""
    if part.startswith("--"):
        return part in names
    return "--set" in names and (command != "resume" or resumable(part))


def _extra_argument(extra: str, ctx: Any, given: list[str]) -> ConfigError:
    """A word too many: ``ganzoo run hinge`` means ``--loss hinge``, and ``--loss hinge bce`` a comparison."""
    arguments = [param for param in ctx.command.get_params(ctx) if param.param_type_name == "argument"]
    takes = f"takes {len(arguments)} argument{'s'[: len(arguments) > 1]}" if arguments else "takes no arguments"
    options = [option for option in _options_for(extra) if option in _names_of(ctx.command, ctx)]
    for param, option, value in values_given(ctx.command.get_params(ctx), given):
        known = value != extra and option in _options_for(value)
        if known and option in options and option in COMPARED and not param.multiple:
            all_of_them = f"ganzoo compare {option} {shlex.quote(value)},{extra}"
            return ConfigError(
                f"{option} takes one value here, and several in ganzoo compare",
                given=f"{option} {value} {extra}",
                allowed=f"{option} {value}",
                hint=all_of_them,
            )
    meant = [f"{option} {extra}" for option in options]
    guess = f"; did you mean {' or '.join(meant)}?" if meant else ""
    hint = f"{ctx.command_path} {meant[0]}" if meant else f"{ctx.command_path} --help"
    return ConfigError(f"{ctx.command_path} {takes}{guess}", given=extra, allowed=_usage(ctx), hint=hint)


def _options_for(word: str) -> Iterator[str]:
    """The options that take a word: as the name of a component, or as a file or folder."""
    try:
        known = context.registry()
    except GanzooError:
        return
    for option, kinds in LISTED.items():
        if any(word in (known.shortest(entry), *entry.component.aliases) for entry in known.entries(kinds)):
            yield option
    if os.path.exists(word):
        yield "--config" if word.endswith((".yaml", ".yml")) else "--data"
