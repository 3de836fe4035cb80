"""Commands whose usage errors read like every other error: what was given, what is allowed, what to type next."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import typer
from pydantic import BaseModel
from typer.core import TyperCommand, TyperGroup

from ganzoo.cli.failure import report
from ganzoo.config.schema import RESUMABLE, DataConfig, RuntimeConfig, TrainConfig
from ganzoo.did_you_mean import did_you_mean
from ganzoo.errors import ConfigError

SECTIONS: dict[str, type[BaseModel]] = {"train": TrainConfig, "data": DataConfig, "runtime": RuntimeConfig}
"""Sections of the configuration whose keys people look for among the options."""


class Command(TyperCommand):
    """A command in ganzoo's form."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Its parameters; a switch takes no value, so its help shows none."""
        return _switches_without_type(super().get_params(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line, or say what is wrong with it."""
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            raise _ended(error, ctx) from None


class Group(TyperGroup):
    """A group of commands in ganzoo's form."""

    def get_params(self, ctx: Any) -> list[Any]:
        """As in :class:`Command`."""
        return _switches_without_type(super().get_params(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As in :class:`Command`."""
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            raise _ended(error, ctx) from None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is meant, or an error that names the nearest one."""
        if args[0] not in self.commands and not args[0].startswith("-"):
            raise _exit(
                ConfigError(
                    f"there is no command {args[0]!r}{did_you_mean(args[0], self.commands)}",
                    given=args[0],
                    allowed=", ".join(self.commands),
                    hint=f"{ctx.command_path} --help",
                )
            )
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that is meant."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            raise _ended(error, ctx) from None


def _switches_without_type(params: list[Any]) -> list[Any]:
    for param in params:
        if getattr(param, "is_flag", False):
            param.metavar = ""
    return params


def _ended(error: Exception, ctx: Any) -> BaseException:
    """What to raise in place of a usage error of Typer's; any other error is left alone.

    Its classes are private, so they are told by what they have.
    """
    if not hasattr(error, "format_message") or type(error).__name__ == "NoArgsIsHelpError":
        return error
    return _exit(_explained(error, getattr(error, "ctx", None) or ctx))


def _exit(error: ConfigError) -> typer.Exit:
    return typer.Exit(report(error))


def _explained(error: Any, ctx: Any) -> ConfigError:
    command, parameter = ctx.command_path, getattr(error, "param", None)
    hint = f"{command} --help"
    if hasattr(error, "possibilities"):
        return _unknown_option(error.option_name, ctx)
    if option := getattr(error, "option_name", None):
        needs = "needs a value" if "requires" in error.message else "is a switch and takes no value"
        return ConfigError(f"{option} {needs}", hint=hint)
    if parameter is not None and type(error).__name__ == "MissingParameter":
        name = parameter.opts[0] if parameter.param_type_name == "option" else (parameter.metavar or parameter.name)
        return ConfigError(f"{command} needs {name.upper() if not name.startswith('-') else name}", hint=hint)
    if parameter is not None:
        name = parameter.opts[0] if parameter.param_type_name == "option" else parameter.name.upper()
        return ConfigError(f"{name} {_reason(error.message)}", hint=hint)
    if "extra argument" in error.message:
        extra = error.message.partition("(")[2].partition("(")[2].rstrip(")")
        return ConfigError(f"{command} does not take that many arguments", given=extra, hint=hint)
    if error.message.startswith("Missing command"):
        return ConfigError(f"{command} needs a command", allowed=", ".join(ctx.command.commands), hint=hint)
    return ConfigError(error.format_message(), hint=hint)


def _reason(message: str) -> str:
    """``Input should be a valid integer, unable to parse …`` in shorter words."""
    if "valid integer" in message:
        return "must be a whole number"
    if "valid number" in message:
        return "must be a number"
    return message.replace("Input should be", "must be", 1)


def _unknown_option(option: str, ctx: Any) -> ConfigError:
    """The nearest option, or the key of the configuration that goes by this name."""
    options = [name for param in ctx.command.get_params(ctx) for name in (*param.opts, *param.secondary_opts)]
    names = [name for name in options if name.startswith("-")]
    command, hint = ctx.command_path, f"{ctx.command_path} --help"
    # Two letters are near to anything.
    suggestion = did_you_mean(option, names) if len(option.lstrip("-")) > 2 else ""
    paths = list(_keys_called(option)) if "--set" in names else []
    if ctx.info_name == "resume":
        paths = [path for path in paths if path.startswith(RESUMABLE)]
    if paths:
        suggestion = ""
        hint = f"{command} " + " ".join(f"--set {path}=VALUE" for path in paths)
    return ConfigError(f"{command} has no option {option}{suggestion}", given=option, hint=hint)


def _keys_called(option: str) -> Iterable[str]:
    """``--epochs`` is ``train.epochs``; ``--lr`` is ``train.g_lr`` and ``train.d_lr``."""
    word = option.lstrip("-").partition("=")[0].replace("-", "_")
    word = {"learning_rate": "lr", "workers": "threads", "gpu": "device", "epoch": "epochs"}.get(word, word)
    for section, model in SECTIONS.items():
        for key in model.model_fields:
            if key == word or (key.startswith(("g_", "d_")) and key[2:] == word):
                yield f"{section}.{key}"
