"""Commands whose help and usage errors read like the rest of ganzoo."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import HAS_RICH, TyperCommand, TyperGroup

from ganzoo.cli.conversion import convert_where_needed
from ganzoo.cli.failure import report
from ganzoo.cli.given import refuse_contradictions
from ganzoo.errors import ConfigError
from ganzoo.program import as_started


class Command(TyperCommand):
    """A command in ganzoo's form."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Its parameters, as its help shows them."""
        return _without_types(super().get_params(ctx))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Its help; commands in it begin as the program was started."""
        _tell_as_started(self)
        if HAS_RICH:
            _print_help(self, ctx)
        else:
            super().format_help(ctx, formatter)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line, or say what is wrong with it."""
        given = list(args)
        try:
            if ctx.resilient_parsing is False:
                refuse_contradictions(ctx, given)
            return super().parse_args(ctx, args)
        except Exception as error:
            raise _ended(error, ctx, given) from None


class Group(TyperGroup):
    """A group of commands in ganzoo's form."""

    def get_params(self, ctx: Any) -> list[Any]:
        """As in :class:`Command`."""
        return _without_types(super().get_params(ctx))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """As in :class:`Command`."""
        _tell_as_started(self)
        if HAS_RICH:
            _print_help(self, ctx)
        else:
            super().format_help(ctx, formatter)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As in :class:`Command`."""
        given = list(args)
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            raise _ended(error, ctx, given) from None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is meant, or an error that names the nearest one."""
        if args[0] not in self.commands and not args[0].startswith("-"):
            from ganzoo.did_you_mean import did_you_mean

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
            raise _ended(error, ctx, []) from None


def _tell_as_started(command: TyperCommand | TyperGroup) -> None:
    command.help, command.epilog = _flowing(as_started(command.help or "")), as_started(command.epilog or "")


def _print_help(command: TyperCommand | TyperGroup, ctx: Any) -> None:
    """Draw the help; what draws it is loaded when it is asked for."""
    from ganzoo.cli import help_page

    help_page.print_help(command, ctx)


def _flowing(said: str) -> str:
    """Paragraphs without the line breaks of the source, which typer keeps in all but the first."""
    return "\n\n".join(" ".join(one.split()) for one in said.split("\n\n"))


def _without_types(params: list[Any]) -> list[Any]:
    """Arguments and values by one word in capitals (NAME, RUN, N); a switch has no value, so its help shows none."""
    for param in params:
        if getattr(param, "is_flag", False):
            param.metavar = ""
        if param.param_type_name == "argument":
            param.metavar = (param.metavar or param.name).upper()
            param.display_type_rich = _nothing
        if param.param_type_name == "argument" and param.required:
            param._usage_display_name = param.metavar.__str__
        param._get_number_range_help_str = _nothing  # errors name the range, and help where it matters
        convert_where_needed(param)
    return params


def _nothing(**_: Any) -> str:
    return ""


def _ended(error: Exception, ctx: Any, given: list[str]) -> BaseException:
    """What to raise in place of a usage error; any other error is left alone.

    Typer's classes are private, so they are told by what they have.
    """
    if isinstance(error, ConfigError):
        return _exit(error)
    if not hasattr(error, "format_message") or type(error).__name__ == "NoArgsIsHelpError":
        return error
    from ganzoo.cli.usage_error import explained

    return _exit(explained(error, getattr(error, "ctx", None) or ctx, given))


def _exit(error: ConfigError) -> typer.Exit:
    return typer.Exit(report(error))
